"""Read the body of a form, in either encoding of HTML forms (HTML, section 4.10.21).

RFC 8058, section 3.2 lets a mail provider choose between them for the one-click POST. Starlette and
python-multipart parse it; the bytes, seconds and fields are limited here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from python_multipart.multipart import parse_options_header
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

LARGEST: Final = 32_768
"""The most bytes of a form."""
_LONGEST_TYPE: Final = 500  # characters of a Content-Type; a boundary has 70 at most (RFC 2046)
_SECONDS: Final = 10.0
_MOST_FIELDS: Final = 300
_LARGEST_FIELD: Final = 4_096  # bytes
_MOST_PARAMETERS: Final = 1_000  # of all headers in a body; parsing one takes 2 microseconds
_LONGEST: Final = 2_000  # characters of a value


_CLOSED: Final = {"Connection": "close"}  # the rest of the body is not read


class TooMuch(HTTPException):
    """The body is larger than any of our forms."""

    def __init__(self) -> None:
        super().__init__(413, headers=_CLOSED)


class TooSlow(HTTPException):
    """The form did not arrive in time, or the client has disconnected."""

    def __init__(self) -> None:
        super().__init__(408, headers=_CLOSED)


class Unreadable(HTTPException):
    """The body is not a form, or has too many or too large fields."""

    def __init__(self) -> None:
        super().__init__(400)


class Form:
    """The fields of a form; a name may occur more than once."""

    def __init__(self, pairs: Sequence[tuple[str, str]] = ()) -> None:
        self._fields: Mapping[str, list[str]] = {name: [] for name, _ in pairs}
        for name, value in pairs:
            self._fields[name].append(_clean(value))

    def one(self, name: str) -> str:
        """Return the first value of `name`, without surrounding spaces; "" if there is none."""
        return next(iter(self.all(name)), "").strip()

    def all(self, name: str) -> list[str]:
        """Return every value of `name`."""
        return self._fields.get(name, [])


async def received(request: Request) -> Form:
    """Return the form in the body of `request`; an empty one for a body of another kind.

    Raises TooMuch, TooSlow or Unreadable.
    """
    return await parse(request.headers.get("content-type", ""), await received_bytes(request))


async def received_bytes(request: Request, largest: int = LARGEST) -> bytes:
    """Return the body of `request`. Raises TooMuch or TooSlow."""
    body = bytearray()
    try:
        async with asyncio.timeout(_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > largest:
                    raise TooMuch
    except (TimeoutError, ClientDisconnect):
        raise TooSlow from None
    return bytes(body)


async def parse(content_type: str, body: bytes) -> Form:
    """Return the form in `body`. Raises Unreadable."""
    if len(content_type) > _LONGEST_TYPE or not content_type.isascii():
        raise Unreadable
    kind, options = parse_options_header(content_type)
    if kind == b"multipart/form-data":
        kind, body = _multipart(options.get(b"boundary", b""), body)
    elif body.count(b"&") > _MOST_PARAMETERS:  # empty ones are not fields, but cost as much
        raise Unreadable

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    request = Request({"type": "http", "headers": [(b"content-type", kind)]}, receive)
    try:
        found = await request.form(
            max_files=0, max_fields=_MOST_FIELDS, max_part_size=_LARGEST_FIELD
        )
    except (MultiPartException, HTTPException):
        raise Unreadable from None
    return Form([(name, value) for name, value in found.multi_items() if isinstance(value, str)])


def _multipart(boundary: bytes, body: bytes) -> tuple[bytes, bytes]:
    """Return content type and body of a multipart form, reduced to what is needed to read it.

    Without charset: some Python codecs take very long, or raise errors of their own. Without a
    preamble (RFC 2046, section 5.1.1), which the parser refuses.
    """
    if not boundary or body.count(b";") > _MOST_PARAMETERS:
        raise Unreadable
    quoted = boundary.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    start = max(body.find(b"--" + boundary), 0)
    return b'multipart/form-data; boundary="%s"' % quoted, body[start:]


def _clean(value: str) -> str:
    """Return `value` without what cannot be stored or shown, cut to the longest of ours."""
    return "".join(c for c in value[:_LONGEST] if c.isprintable())
