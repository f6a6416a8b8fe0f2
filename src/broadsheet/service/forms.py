"""Reading what a form sends, in either of the two ways that forms have (HTML, 4.10.21).

RFC 8058, section 3.2 lets a mail provider choose between them for the one-click POST. A limit on
bytes and on time comes first: no form of ours is long, and no browser is slow to send one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from email import message_from_bytes
from email.message import Message
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

LARGEST: Final = 65_536  # bytes
_SECONDS: Final = 10.0
_MOST_FIELDS: Final = 1_000
_LONGEST: Final = 2_000  # characters of one value


class TooMuch(Exception):  # noqa: N818 - it says what the request is
    """More bytes or fields than any form of ours has."""


class TooSlow(Exception):  # noqa: N818 - it says what the request is
    """The form did not arrive in time, or its sender has gone."""


class Form:
    """The fields of a form; a name may stand more than once."""

    def __init__(self, pairs: Sequence[tuple[str, str]] = ()) -> None:
        self._fields: Mapping[str, list[str]] = {name: [] for name, _ in pairs}
        for name, value in pairs:
            self._fields[name].append(_clean(value))

    def one(self, name: str) -> str:
        """The first value of `name`, without spaces around it; "" where there is none."""
        return next(iter(self.all(name)), "").strip()

    def all(self, name: str) -> list[str]:
        """Every value of `name`."""
        return self._fields.get(name, [])


async def received(request: Request) -> Form:
    """The form in the body of `request`; empty for a body of another kind.

    Raises TooMuch or TooSlow.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LARGEST:
                    raise TooMuch
    except (TimeoutError, ClientDisconnect):
        raise TooSlow from None
    return parse(request.headers.get("content-type", ""), bytes(body))


def parse(content_type: str, body: bytes) -> Form:
    """The form in `body`. Raises TooMuch."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return Form(_urlencoded(body))
    return Form(_multipart(content_type, body)) if kind == "multipart/form-data" else Form()


def _urlencoded(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        raise TooMuch from None


def _multipart(content_type: str, body: bytes) -> list[tuple[str, str]]:
    head = "Content-Type: " + " ".join(content_type.split())
    try:
        mail = message_from_bytes(head.encode("ascii", "replace") + b"\r\n\r\n" + body)
    except RecursionError:  # forms within forms within forms
        raise TooMuch from None
    parts = mail.get_payload() if mail.is_multipart() else []
    if len(parts) > _MOST_FIELDS:
        raise TooMuch
    pairs = []
    for part in (each for each in parts if isinstance(each, Message)):
        name = part.get_param("name", header="Content-Disposition")
        value = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(value, bytes):
            pairs.append((name, value.decode("utf-8", "replace").rstrip("\r\n")))
    return pairs


def _clean(value: str) -> str:
    """`value` without what cannot be stored or shown, and no longer than any of ours."""
    return "".join(c for c in value[:_LONGEST] if c.isprintable())
