"""HTTP requests, with the standard library: no redirects, a time limit, and errors as words."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener, urlopen

from broadsheet import __version__

_TIMEOUT_S = 20
_SHOWN = 300  # bytes of an answer
_ERRORS = (OSError, http.client.HTTPException, ValueError)


class Answer(NamedTuple):
    """The result of a request. ok: the server accepted it. words: what it says."""

    ok: bool
    words: str


class _NoRedirects(HTTPRedirectHandler):
    """Follow no redirect: the request would lose its body."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Post `body` to `url`, and return the result."""
    try:
        request = _request(url, body, headers)
        with build_opener(_NoRedirects).open(request, timeout=_TIMEOUT_S) as answer:
            return Answer(True, f"{answer.status} {answer.reason}")
    except HTTPError as error:
        with error:
            said = " ".join(error.read(_SHOWN).decode("utf-8", "replace").split())
        return Answer(False, f"{error.code} {error.reason}" + (f": {said}" if said else ""))
    except _ERRORS as error:
        return Answer(False, _words(error.reason if isinstance(error, URLError) else error))


def digest_at(url: str) -> str:
    """Return the SHA-256 in hexadecimal of what `url` serves; "" if it serves nothing."""
    try:
        request = _request(url, None, {"Cache-Control": "no-cache"})
        with urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - http or https
            return sha256(answer.read()).hexdigest()
    except _ERRORS:
        return ""


def _request(url: str, body: bytes | None, headers: Mapping[str, str]) -> Request:
    named = {"User-Agent": f"Broadsheet/{__version__}", **headers}
    return Request(url, body, named)  # noqa: S310 - the settings allow http and https only


def _words(cause: object) -> str:
    """Return what is wrong with a connection."""
    if isinstance(cause, TimeoutError):
        return f"no answer within {_TIMEOUT_S} seconds"
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {cause.verify_message}"
    if isinstance(cause, OSError) and cause.strerror:
        return f"no connection: {cause.strerror}"
    return "no valid answer"
