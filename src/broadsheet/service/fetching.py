"""Fetch a document over https."""

from __future__ import annotations

import ssl
from http.client import HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

_TIMEOUT_S: Final = 10.0
_LARGEST: Final = 65_536  # bytes


def fetched(url: str) -> bytes:
    """Return what an https URL serves, without redirects. Raises OSError."""
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    context = ssl.create_default_context()
    connection = HTTPSConnection(parts.netloc, timeout=_TIMEOUT_S, context=context)
    try:
        connection.request("GET", target)
        response = connection.getresponse()
        if response.status != 200:
            raise OSError(f"{parts.netloc} answers {response.status}")
        return response.read(_LARGEST)
    except HTTPException as error:
        raise OSError(f"{parts.netloc} gives no valid answer") from error
    finally:
        connection.close()
