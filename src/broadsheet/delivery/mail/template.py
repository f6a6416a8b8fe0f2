"""A mail for many readers: laid out once, with places for each reader's own parts.

A template is made from a whole message (digests.message). What all readers share is encoded once;
only lines with a reader's own link are encoded for each. Encoding whole mails of 67 kB for each
reader would take a third of the time of sending them.
"""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.utils import format_datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from broadsheet.delivery.tokens import Tokens
from broadsheet.digests.message import (
    address_header,
    message_fields,
    not_our_message,
    shared_unsubscribe_urls,
)
from broadsheet.digests.sender import preferences_url, replace_urls

if TYPE_CHECKING:  # brings cryptography
    from broadsheet.delivery.mail.dkim import Signer

_BASE64_LINE: Final = 57  # bytes before encoding
_PERSONAL: Final = frozenset(
    {"date", "to", "message-id", "list-unsubscribe", "list-unsubscribe-post"}
)

Piece = bytes | Callable[[bytes], bytes]
"""Encoded bytes, or a function that returns them for a reader's token."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What makes mails personal. sender: the envelope address, to which bounces go.

    verp: whether each mail has its own. tokens: None without a service; then all readers have the
    same links.
    """

    sender: str
    verp: bool = False
    tokens: Tokens | None = None
    signer: Signer | None = field(default=None, repr=False)


class Recipient(Struct, frozen=True):
    """The reader that a copy is for.

    key: identifies the reader in the Message-ID. page: the reader's own unsubscribe URL, mail: the
    `mailto:` URL; "" for the shared ones.
    """

    address: str
    name: str
    key: str
    page: str = ""
    mail: str = ""


class MailTemplate:
    """A message with places for a reader's own parts."""

    def __init__(self, mail: bytes, date: datetime, page: str, signer: Signer | None) -> None:
        """mail: from digests.message; raises DeliveryError for any other message. page: the start
        of readers' own unsubscribe URLs; "" if they have none."""
        self._fields = message_fields(mail)
        self._date = format_datetime(date).encode()
        self._page = page
        self._signer = signer
        self._shared, self._mailto = shared_unsubscribe_urls(self._fields)
        self._static = [each for each in self._fields if each[0].lower() not in _PERSONAL]
        self._static_head = _head(self._static)
        self._mail = mail

    @cached_property
    def message_id(self) -> str:
        """The Message-ID of the issue, without brackets."""
        found = {name.lower(): value for name, value in self._fields}
        return found["message-id"].decode().strip().strip("<>")

    def fill(self, reader: Recipient) -> bytes:
        """Return the mail for `reader`: ASCII with CRLF, signed if there is a key."""
        token = reader.page.removeprefix(self._page).encode()
        own = [("Date", self._date), *self._personal(reader)]
        pieces = self._personal_body if token else self._shared_body
        body = [each if isinstance(each, bytes) else each(token) for each in pieces]
        signature = b""
        if self._signer:
            signature = self._signer.header([*own, *self._static], b"".join(body))
        return b"".join((signature, _head(own), self._static_head, b"\r\n", *body))

    def _personal(self, reader: Recipient) -> list[tuple[str, bytes]]:
        to = address_header("To", reader.name, reader.address).partition(":")[2].strip()
        headers = [("To", to), ("Message-ID", _own_id(self.message_id, reader.key))]
        page = reader.page or self._shared
        # If the issue has no mailto: link, no one reads replies, so readers have none either.
        mail = (self._mailto and reader.mail) or self._mailto
        if ways := [f"<{way}>" for way in (mail, page) if way]:
            headers.append(("List-Unsubscribe", ",\r\n ".join(ways)))
        if reader.page.startswith("https://"):  # RFC 8058 requires https
            headers.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
        headers.append(("Auto-Submitted", "auto-generated"))
        return [(name, value.encode("ascii")) for name, value in headers]

    @cached_property
    def _shared_body(self) -> tuple[Piece, ...]:
        return _pieces(self._mail, {}, "")

    @cached_property
    def _personal_body(self) -> tuple[Piece, ...]:
        links = {self._shared or self._mailto: self._page}
        if self._shared:  # the page of preferences is beside the one to unsubscribe
            links[preferences_url(self._shared)] = preferences_url(self._page)
        place = hashlib.sha256(self._mail).hexdigest()  # occurs in no mail by chance
        own = {shared: page + place for shared, page in links.items() if shared}
        return _pieces(self._mail, own, place)


def reader_key(message_id: str, subscriber: int) -> str:
    """Return the part of the Message-ID of an issue that identifies a subscriber (id).

    It does not depend on the domain of the sender.
    """
    issue = message_id.rpartition("@")[0]
    return hashlib.sha256(f"{issue} {subscriber}".encode()).hexdigest()[:16]


def own_message_id(message_id: str, subscriber: int) -> str:
    """Return the Message-ID of a subscriber's (id) copy of an issue, in brackets."""
    return _own_id(message_id, reader_key(message_id, subscriber))


def _head(fields: Sequence[tuple[str, bytes]]) -> bytes:
    return b"".join(b"%s: %s\r\n" % (name.encode(), value) for name, value in fields)


def _own_id(message_id: str, key: str) -> str:
    name, _, domain = message_id.rpartition("@")
    return f"<{name}.{key}@{domain}>"


def _pieces(mail: bytes, links: Mapping[str, str], place: str) -> tuple[Piece, ...]:
    """Return the body of `mail` with its `links` replaced; `place` is for the reader's token."""
    parsed = message_from_bytes(mail)
    boundary = parsed.get_boundary() or ""
    pieces: list[Piece] = []
    for part in parsed.walk():
        if part.is_multipart():
            continue
        payload = part.get_payload(decode=True)
        encoding = str(part["Content-Transfer-Encoding"])
        if not isinstance(payload, bytes) or encoding not in _ENCODINGS:
            raise not_our_message()
        text = replace_urls(payload.decode().replace("\r\n", "\n"), links)
        pieces.append(
            f"--{boundary}\r\nContent-Type: {part['Content-Type']}\r\n"
            f"Content-Transfer-Encoding: {encoding}\r\n\r\n".encode()
        )
        pieces += _ENCODINGS[encoding](text.replace("\n", "\r\n").encode(), place.encode())
    pieces.append(f"--{boundary}--\r\n".encode())
    return tuple(_joined(pieces))


def _quoted_printable(data: bytes, place: bytes) -> Iterator[Piece]:
    """Encode each line separately; those with `place`, for each reader."""
    for line in data.split(b"\r\n"):
        if place and place in line:
            yield partial(_quoted_line, line.split(place))
        else:
            yield _quoted_line([line], b"")


def _quoted_line(around: Sequence[bytes], token: bytes) -> bytes:
    # Without the line end, binascii would write soft line breaks without CR.
    return binascii.b2a_qp(token.join(around) + b"\r\n", istext=True)


def _base64(data: bytes, place: bytes) -> Iterator[Piece]:
    """Encode everything from the line with the first `place` on for each reader."""
    first = data.find(place) if place else -1
    start = len(data) if first < 0 else first // _BASE64_LINE * _BASE64_LINE
    yield _base64_lines(data[:start])
    if first >= 0:
        yield _Base64Rest(data[start:].split(place))


class _Base64Rest:
    """Encodes the lines with a token; those after it once for each way that they can be broken."""

    def __init__(self, around: Sequence[bytes]) -> None:
        *self._before, self._after = around
        self._lines_after: dict[int, bytes] = {}

    def __call__(self, token: bytes) -> bytes:
        own = token.join([*self._before, b""])
        missing = -len(own) % _BASE64_LINE  # from its last line
        if missing not in self._lines_after:
            self._lines_after[missing] = _base64_lines(self._after[missing:])
        return _base64_lines(own + self._after[:missing]) + self._lines_after[missing]


def _base64_lines(data: bytes) -> bytes:
    # base64.encodebytes takes four times as long.
    text = binascii.b2a_base64(data, newline=False)
    size = _BASE64_LINE * 4 // 3
    return b"\r\n".join([text[at : at + size] for at in range(0, len(text), size)] + [b""])


_ENCODINGS: Final = {"quoted-printable": _quoted_printable, "base64": _base64}


def _joined(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Yield the same pieces, with adjacent bytes joined."""
    fixed: list[bytes] = []
    for piece in pieces:
        if isinstance(piece, bytes):
            fixed.append(piece)
        else:
            yield b"".join(fixed)
            yield piece
            fixed = []
    yield b"".join(fixed)
