"""The whole MIME message of an issue (RFC 5322, RFC 2045 to 2047): ASCII bytes with CRLF.

The same letter gives the same bytes: nothing in it comes from the clock or from chance. Each
header is folded in the way that its kind allows, which the standard library's policies do not do:
one limit for all either encodes a long List-Unsubscribe, which is then no address, or lets a
Chinese Subject become one encoded-word longer than the 75 characters allowed.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from email.header import Header
from email.utils import format_datetime, quote
from typing import Final

from broadsheet.digests.letter import Letter
from broadsheet.digests.sender import Leaving
from broadsheet.errors import DeliveryError, Problem
from broadsheet.text.characters import printable

_CRLF: Final = "\r\n"
_COLUMNS: Final = 76
_LONGEST_WORD: Final = 60  # columns that an unencoded word of a header may take


def message(letter: Letter, html: str, text: str) -> bytes:
    """message.eml: `letter` as mail with `html` and, for clients without HTML, `text`.

    It is addressed to no one: a delivery puts the reader in, and the reader's own links in place
    of the shared ones (`sender.for_reader`).
    """
    boundary = f"=_{letter.identity}"  # "=_" occurs in no body, quoted-printable or base64
    return whole([*_headers(letter), _content_type(boundary)], boundary, html, text)


def whole(headers: Sequence[str], boundary: str, html: str, text: str) -> bytes:
    """A message with these header fields, which include its Content-Type."""
    parts = (_part("plain", text), _part("html", html))
    body = "".join(f"--{boundary}{_CRLF}{part}{_CRLF}" for part in parts)
    made = _CRLF.join([*headers, "", body]) + f"--{boundary}--{_CRLF}"
    return made.encode("ascii")


def fields(message: bytes) -> list[tuple[str, bytes]]:
    """The header fields of a message that `message` made: names, and raw values with their folds.

    Raises DeliveryError for any other message.
    """
    made = header_fields(message)
    names = {name.lower() for name, _ in made}
    if b"\r\n\r\n" not in message or not {"from", "message-id", "content-type"} <= names:
        raise no_message()
    return made


def header_fields(message: bytes) -> list[tuple[str, bytes]]:
    """The header fields of a message with CRLF line ends: names, and values with their folds."""
    head = message.partition(b"\r\n\r\n")[0]
    split = [field.partition(b":") for field in re.split(rb"\r\n(?![ \t])", head)]
    return [(name.decode("ascii", "replace"), value.lstrip(b" ")) for name, _, value in split]


def shared_ways(headers: Sequence[tuple[str, bytes]]) -> tuple[str, str]:
    """The unsubscribe addresses that all readers share, from List-Unsubscribe: page and mail."""
    values = [value.decode() for name, value in headers if name.lower() == "list-unsubscribe"]
    ways = re.findall(r"<([^>]*)>", " ".join(values))
    pages = [way for way in ways if not way.startswith("mailto:")]
    mailtos = [way for way in ways if way.startswith("mailto:")]
    return next(iter(pages), ""), next(iter(mailtos), "")


def no_message() -> DeliveryError:
    """The error for a message that is not as `message` makes it."""
    return DeliveryError(
        Problem(
            "its message.eml is not in the form that Broadsheet writes",
            "restore it from Git or a backup, and run again",
        )
    )


def _headers(letter: Letter) -> list[str]:
    sender = letter.sender
    digest, _, domain = letter.list_name.partition(".")
    key = re.sub(r"[^0-9A-Za-z-]", "-", letter.key)
    return [
        f"Date: {format_datetime(letter.tick)}",
        address_header("From", sender.name, sender.address),
        address_header("To", letter.digest, sender.address),
        _text("Subject", letter.subject),
        f"Message-ID: <{digest}.{key}.{letter.identity}@{domain}>",
        f"List-ID: <{letter.list_name}>",
        f"List-Archive: <{letter.ways.archive}>",
        *unsubscribe_headers(letter.leaving),
        f"Archived-At: <{letter.ways.web}>",
        f"Content-Language: {letter.language}",
        "MIME-Version: 1.0",
    ]


def unsubscribe_headers(leaving: Leaving) -> list[str]:
    """List-Unsubscribe, where there is a way out (RFC 2369, section 3.2).

    Each address is on a line of its own, and never encoded.
    No List-Unsubscribe-Post (RFC 8058): the page is the same for all readers.
    """
    ways = [f"<{way}>" for way in (leaving.mail, leaving.page) if way]
    return [f"List-Unsubscribe: {f',{_CRLF} '.join(ways)}"] if ways else []


def _content_type(boundary: str) -> str:
    return f'Content-Type: multipart/alternative;{_CRLF} boundary="{boundary}"'


def _part(subtype: str, text: str) -> str:
    """One body, its head included, in the encoding that makes it shorter."""
    data = text.replace("\r\n", "\n").replace("\n", _CRLF).encode()
    quoted = binascii.b2a_qp(data, istext=True).decode("ascii")
    encoded = base64.encodebytes(data).decode("ascii").strip().replace("\n", _CRLF)
    name, body = min(
        (("quoted-printable", quoted), ("base64", encoded)), key=lambda made: len(made[1])
    )
    return _CRLF.join(
        (
            f'Content-Type: text/{subtype}; charset="utf-8"',
            f"Content-Transfer-Encoding: {name}",
            "",
            body,
        )
    )


def _text(name: str, value: str) -> str:
    """A header of free text (RFC 5322, section 2.2.1), encoded where it must be (RFC 2047)."""
    clean = _clean(value)
    charset = "us-ascii" if _needs_no_encoding(clean) else "utf-8"
    return f"{name}: {_encoded(name, clean, charset)}"


def address_header(name: str, phrase: str, address: str) -> str:
    """A header with one address, ASCII, and the name that people see; "" for none."""
    clean = _clean(phrase)
    if not clean:
        return f"{name}: <{address}>"
    if _needs_no_encoding(clean) and len(clean) < _LONGEST_WORD:
        return f'{name}: "{quote(clean)}"{_CRLF} <{address}>'
    return f"{name}: {_encoded(name, clean, 'utf-8')}{_CRLF} <{address}>"


def _encoded(name: str, value: str, charset: str) -> str:
    return Header(value, charset, maxlinelen=_COLUMNS, header_name=name).encode(linesep=_CRLF)


def _needs_no_encoding(text: str) -> bool:
    return (
        text.isascii()
        and "=?" not in text
        and max(map(len, text.split()), default=0) < _LONGEST_WORD
    )


def _clean(text: str) -> str:
    """`text` on one line, so that it can neither end its header nor begin another."""
    return " ".join(printable(text).split())
