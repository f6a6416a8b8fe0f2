"""One mail for many readers: laid out and encoded once, with the places where each one's own goes.

A template is made from a whole message (digests.message). Its bodies keep their encoding: of
base64 only the few lines that a reader's own link touches are encoded anew, and in quoted-printable
the link needs no encoding. So a personal mail is a join of bytes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.utils import format_datetime
from functools import partial
from typing import Final

from broadsheet.delivery.dkim import Signer
from broadsheet.digests.message import (
    address_header,
    message_fields,
    not_our_message,
    shared_unsubscribe_urls,
)
from broadsheet.digests.sender import for_reader, preferences_url

_LINE: Final = 57  # bytes that a line of base64 holds
_SHORTEST_MARK: Final = 16
_OWN: Final = frozenset({"date", "to", "message-id", "list-unsubscribe", "list-unsubscribe-post"})

Piece = bytes | Callable[[bytes], bytes]
"""Bytes as they are, or what makes them of a reader's mark."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who a copy is for. page: the reader's own unsubscribe address, "" for the shared one.

    What tells it from others', at its end, has at least 16 letters, digits, `-`, `_` or `.`.
    key: what the Message-ID names this reader by, the same for every copy of an issue.
    mail: the reader's own `mailto:` address to leave by, "" for the shared one.
    """

    address: str
    name: str
    key: str
    page: str = ""
    mail: str = ""


class Template:
    """A message with places for a reader's own. Making it takes a while; filling it does not."""

    def __init__(self, mail: bytes, date: datetime, page: str, signer: Signer | None) -> None:
        """mail: as digests.message makes it. date: its Date. page: how the readers' own
        unsubscribe addresses begin, "" where there are none.

        Raises DeliveryError when `mail` is no such message.
        """
        self._fields = message_fields(mail)
        self._date = format_datetime(date)
        self._page = page
        self._signer = signer
        self._shared, self._mailto = shared_unsubscribe_urls(self._fields)
        self._mail = mail
        self._bodies: dict[int, tuple[Piece, ...]] = {}
        self._static = [each for each in self._fields if each[0].lower() not in _OWN]

    @property
    def message_id(self) -> str:
        """The Message-ID of the issue, without its brackets."""
        found = {name.lower(): value for name, value in self._fields}
        return found["message-id"].decode().strip().strip("<>")

    def fill(self, reader: Reader) -> bytes:
        """The mail for `reader`, ASCII with CRLF, signed where there is a key."""
        mark = reader.page.removeprefix(self._page).encode()
        headers = [
            ("Date", self._date.encode()),
            *self._own(reader),
            *self._static,
        ]
        head = b"".join(b"%s: %s\r\n" % (name.encode(), value) for name, value in headers)
        body = b"".join(
            piece if isinstance(piece, bytes) else piece(mark) for piece in self._body(len(mark))
        )
        signature = self._signer.header(headers, body) if self._signer else b""
        return signature + head + b"\r\n" + body

    def _own(self, reader: Reader) -> list[tuple[str, bytes]]:
        to = address_header("To", reader.name, reader.address).partition(":")[2].strip()
        headers = [("To", to), ("Message-ID", _own_id(self.message_id, reader.key))]
        page = reader.page or self._shared
        # Where nobody reads the answers, there is no mailto: for anyone.
        mail = (self._mailto and reader.mail) or self._mailto
        if ways := [f"<{way}>" for way in (mail, page) if way]:
            headers.append(("List-Unsubscribe", ",\r\n ".join(ways)))
        if reader.page.startswith("https://"):  # RFC 8058 wants https
            headers.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
        headers.append(("Auto-Submitted", "auto-generated"))
        return [(name, value.encode("ascii")) for name, value in headers]

    def _body(self, length: int) -> tuple[Piece, ...]:
        """The body for readers whose mark has `length` bytes; those of one issue differ little."""
        if length not in self._bodies:
            self._bodies[length] = _pieces(self._mail, self._links if length else {}, length)
        return self._bodies[length]

    @property
    def _links(self) -> dict[str, str]:
        """The addresses that stand in the mail for everyone: how a reader's own begin."""
        links = {self._shared or self._mailto: self._page}
        if self._shared:  # the page of the settings stands beside the one to leave
            links[preferences_url(self._shared)] = preferences_url(self._page)
        return {shared: own for shared, own in links.items() if shared}


def reader_key(message_id: str, subscriber: int) -> str:
    """The part of the Message-ID of an issue that identifies a subscriber (by id).

    It stays the same when the domain of the sender changes.
    """
    issue = message_id.rpartition("@")[0]
    return hashlib.sha256(f"{issue} {subscriber}".encode()).hexdigest()[:16]


def own_message_id(message_id: str, subscriber: int) -> str:
    """The Message-ID of an issue's copy for a subscriber (by id), in brackets."""
    return _own_id(message_id, reader_key(message_id, subscriber))


def _own_id(message_id: str, key: str) -> str:
    name, _, domain = message_id.rpartition("@")
    return f"<{name}.{key}@{domain}>"


def _pieces(mail: bytes, links: Mapping[str, str], length: int) -> tuple[Piece, ...]:
    parsed = message_from_bytes(mail)
    boundary = parsed.get_boundary() or ""
    place = _place(mail, length)
    pieces: list[Piece] = []
    for part in parsed.walk():
        if part.is_multipart():
            continue
        payload = part.get_payload(decode=True)
        encoding = str(part["Content-Transfer-Encoding"])
        if not isinstance(payload, bytes) or encoding not in _ENCODINGS:
            raise not_our_message()
        text = payload.decode().replace("\r\n", "\n")
        for shared, own in links.items():
            text = for_reader(text, shared, own + place)
        data = text.replace("\n", "\r\n").encode()
        head = (
            f"--{boundary}\r\nContent-Type: {part['Content-Type']}\r\n"
            f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
        )
        pieces.append(head.encode())
        pieces.extend(_ENCODINGS[encoding](data, place.encode()))
        pieces.append(b"\r\n")
    pieces.append(f"--{boundary}--\r\n".encode())
    return _joined(pieces)


def _quoted(data: bytes, place: bytes) -> list[Piece]:
    """Quoted-printable, with `place` free for others of its length: letters and digits stay."""
    encoded = binascii.b2a_qp(data, istext=True)
    if not place:
        return [encoded]
    pieces: list[Piece] = []
    end = 0
    for found in re.finditer(rb"(?:=\r\n)?".join(bytes([c]) for c in place), encoded):
        pieces.append(encoded[end : found.start()])
        start = 0
        for run in found[0].split(b"=\r\n"):
            pieces.extend([b"=\r\n"] if start else [])
            pieces.append(partial(_slice, start, start + len(run)))
            start += len(run)
        end = found.end()
    return [*pieces, encoded[end:]]


def _base64(data: bytes, place: bytes) -> list[Piece]:
    """Base64 in lines; those that `place` touches are encoded for each reader."""
    pieces: list[Piece] = []
    end = 0
    starts = [found.start() for found in re.finditer(re.escape(place), data)] if place else []
    while starts:
        first = starts[0] // _LINE * _LINE
        stop = first
        while starts and starts[0] < max(stop, first + _LINE):  # they may share a line
            stop = -(-(starts.pop(0) + len(place)) // _LINE) * _LINE
        pieces.append(_encode(data[end:first]))
        pieces.append(partial(_encode_with, data[first:stop].split(place)))
        end = stop
    encoded = [*pieces, _encode(data[end:])]
    return [*encoded[:-1], *_trimmed(encoded[-1])]


def _trimmed(last: Piece) -> list[Piece]:
    """The end of a body without its line end, which comes with the boundary."""
    return [last.removesuffix(b"\r\n")] if isinstance(last, bytes) else [last]


def _encode(data: bytes) -> bytes:
    return base64.encodebytes(data).replace(b"\n", b"\r\n")


def _encode_with(around: Sequence[bytes], mark: bytes) -> bytes:
    return _encode(mark.join(around))


def _slice(start: int, stop: int, mark: bytes) -> bytes:
    return mark[start:stop]


_ENCODINGS: Final = {"quoted-printable": _quoted, "base64": _base64}


def _joined(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """The same with neighbours that are plain bytes joined."""
    joined: list[Piece] = []
    for piece in pieces:
        if joined and isinstance(piece, bytes) and isinstance(joined[-1], bytes):
            joined[-1] += piece
        else:
            joined.append(piece)
    return tuple(joined)


def _place(mail: bytes, length: int) -> str:
    """A text of `length` letters and digits that stands in no mail by chance."""
    if 0 < length < _SHORTEST_MARK:
        raise ValueError("a mark so short may stand in a mail by chance")
    text = hashlib.sha256(mail).hexdigest()
    return (text * (length // len(text) + 1))[:length]
