"""Reading one mail that came back: which of the known forms it has, and what all have in common."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from email import message_from_string
from email.message import Message
from typing import Final

from broadsheet.bounces import complaints, freeform, older, status
from broadsheet.bounces.parts import (
    LONGEST_FIELD,
    MOST_FIELDS,
    addresses,
    date_of,
    field,
    text_of,
    unfolded,
    walk,
    within,
)
from broadsheet.bounces.report import LARGEST, Report, Unread, Wish
from broadsheet.bounces.wishes import wish

__all__ = ["LARGEST", "read"]

_SENT_TO: Final = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To")
_RETURNED_PARTS: Final = frozenset(
    ["message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"]
)


# The standard library's time grows with the square of the number of parameters.
_LONG_FIELD: Final = re.compile(
    r"^(?:Content|MIME|Auto)-[\w-]{1,40}:.*(?:\n[ \t].*)*", re.MULTILINE | re.IGNORECASE
)
_MOST_PARAMETERS: Final = 20
_CHINESE: Final = re.compile(rb"gb(?:k|2312|18030)", re.IGNORECASE)


def read(mail: bytes) -> Report | Wish:
    """What `mail` says. Raises Unread, and nothing else, when it is nothing that is known here."""
    if len(mail) > LARGEST:
        raise Unread(f"it is larger than {LARGEST // 1_000_000} MB")
    try:
        # As text at once: the parser's way with bytes loses addresses that are not ASCII.
        text = _decoded(_without_mbox_line(mail).replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
        text = _LONG_FIELD.sub(_shortened, text)
        return _read(message_from_string(text), text)
    except Unread:
        raise
    except (Exception, RecursionError) as error:  # the parser was not made for hostile mail
        raise Unread(f"it is malformed ({type(error).__name__})") from error


def _decoded(mail: bytes) -> str:
    """As UTF-8; reports of providers in China quote replies in GBK, declared or not."""
    try:
        return mail.decode()
    except UnicodeDecodeError:
        chinese = _CHINESE.search(mail[:LONGEST_FIELD])
        return mail.decode("gb18030" if chinese else "utf-8", "replace")


def _shortened(field_: re.Match[str]) -> str:
    return ";".join(field_[0][:LONGEST_FIELD].split(";")[:_MOST_PARAMETERS])


def _read(mail: Message, text: str) -> Report | Wish:
    parts = list(walk(mail))
    returned = _returned(mail, parts)
    findings = (
        status.told(parts)
        or complaints.told(parts, returned)
        or older.qmail(parts)
        or older.exim(mail, parts)
        or freeform.embedded(mail, parts)
    )
    id_ = _identity(mail, text)
    if not findings and (found := wish(mail, id_)):
        return found
    sent_to = tuple(dict.fromkeys(_sent_to(mail, parts, returned)))
    ours = addresses([*mail.get_all("To", []), *mail.get_all("Delivered-To", [])])
    if findings := findings or freeform.told(mail, parts, text, ours):
        return Report(id_, date_of(field(mail, "Date")), sent_to, returned, tuple(findings))
    raise Unread("it is not a delivery report, a complaint or an unsubscribe mail")


def _returned(mail: Message, parts: Sequence[Message]) -> tuple[tuple[str, str], ...]:
    """The headers of the mail that came back."""
    for part in parts:
        if part.get_content_type() in _RETURNED_PARTS:
            inner = within(part)
            return _headers(inner[0] if inner else message_from_string(text_of(part)))
    copy = older.copied(parts) or freeform.pasted(mail, parts)
    return _headers(message_from_string(copy)) if copy else ()


def _headers(mail: Message) -> tuple[tuple[str, str], ...]:
    return tuple((name.lower(), unfolded(value)) for name, value in mail.items()[:MOST_FIELDS])


def _sent_to(
    mail: Message, parts: Sequence[Message], returned: Sequence[tuple[str, str]]
) -> Iterator[str]:
    for name in _SENT_TO:
        yield from addresses(mail.get_all(name, []))
    yield from complaints.sent_from(parts)
    yield from addresses(value for name, value in returned if name == "return-path")


def _identity(mail: Message, text: str) -> str:
    found = re.search(r"<[\x21-\x7e]{1,240}>", field(mail, "Message-ID"))
    return found[0] if found else "sha256:" + hashlib.sha256(text.strip().encode()).hexdigest()


def _without_mbox_line(mail: bytes) -> bytes:
    """A pipe from a mail server begins with the line that an mbox has before each mail."""
    return mail.partition(b"\n")[2] if mail.startswith(b"From ") else mail
