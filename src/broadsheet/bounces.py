"""What a delivery report or a complaint says: the bytes of a mail in, values out.

Delivery status notifications (RFC 3464; RFC 6533 for international mail), abuse reports (RFC 5965)
and the two older forms that are still met: qmail's (QSBMF) and Exim's before it spoke MIME. Anyone
may send such a mail, so nothing in it is trusted to be well formed; what is no report raises
`Unread` and nothing else. Who the subscriber is, and what follows, is decided elsewhere.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_string
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from typing import Final, Literal

Kind = Literal["permanent", "temporary", "complaint", "nothing"]

LARGEST: Final = 5_000_000
"""Bytes of a mail beyond which it is not read: no server returns so much of a digest."""

_MOST_RECIPIENTS: Final = 100
_DEEPEST: Final = 8  # parts within parts; a report needs three
_MOST_FIELDS: Final = 300
_LONGEST_FIELD: Final = 10_000  # characters
_WORDS: Final = 300  # characters kept of what the other server said
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_REPLY = re.compile(r"(?<![\d.])([45])\d\d(?=[ -])")
_ADDRESS = re.compile(r"[^\s<>\"(),:;@]{1,64}@[^\s<>\"(),:;@]{1,253}")
_SENT_TO = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To")
_STATUS_PARTS = frozenset(["message/delivery-status", "message/global-delivery-status"])
_RETURNED_PARTS = frozenset(
    ["message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"]
)
# The line before each mail ends with a time as asctime(3) writes it; a sentence does not.
_MBOX_LINE = re.compile(rb"\r?\n\r?\n(?=From \S+ +\w{3} \w{3} [ \d]\d \d\d:\d\d)")
_QMAIL = re.compile(r"\s*Hi\. This is the ", re.IGNORECASE)
_COPY = re.compile(r"^-{3,} ?(?:Below this line is|This is) a copy of the message.*$", re.MULTILINE)
# RFC 6591 and RFC 5965, section 7.3: these tell of no one's wish to get no more.
_NO_COMPLAINTS = frozenset(["not-spam", "auth-failure"])


class Unread(Exception):  # noqa: N818 - it says what the mail is, and is no mistake
    """This mail is no report, or one that cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a report says of one recipient.

    kind: `permanent` ends the address, `temporary` counts, `complaint` ends it too, `nothing` needs
    nothing done (delivered, or still being tried).
    addresses: the recipient's, as the sender wrote it first; empty where the report hides it.
    status: RFC 3463, such as 5.1.1; "" where there is none. words: the other server's, on one line.
    """

    kind: Kind
    addresses: tuple[str, ...] = ()
    status: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A mail that tells how another mail fared.

    id: its Message-ID, else a hash of its bytes: a report that is met twice has it twice.
    date: when it was written, aware; None where it does not say.
    sent_to: the addresses it came to, for senders that have one for each subscriber (VERP).
    returned: the headers of the mail that it is about, names in lower case; may be empty.
    """

    id: str
    date: datetime | None
    sent_to: tuple[str, ...]
    returned: tuple[tuple[str, str], ...]
    findings: tuple[Finding, ...]

    def header(self, name: str) -> str:
        """The first header called `name` of the mail that came back; "" where there is none."""
        wanted = name.lower()
        return next((value for header, value in self.returned if header == wanted), "")


def read(mail: bytes) -> Report:
    """What `mail` says. Raises Unread, and nothing else, when it is no report."""
    if len(mail) > LARGEST:
        raise Unread(f"it is larger than {LARGEST // 1_000_000} MB")
    try:
        # As text at once: the parser's way with bytes loses addresses that are not ASCII.
        text = _without_mbox_line(mail).replace(b"\r\n", b"\n").decode("utf-8", "replace")
        return _read(message_from_string(text), text)
    except Unread:
        raise
    except (Exception, RecursionError) as error:  # the parser was not made for hostile mail
        raise Unread(f"it is malformed ({type(error).__name__})") from error


def split(data: bytes) -> list[bytes]:
    """The mails of a file: one, or those of an mbox (RFC 4155)."""
    if not data.startswith(b"From "):
        return [data]
    return re.split(_MBOX_LINE, data)


def _read(mail: Message, text: str) -> Report:
    parts = list(_parts(mail))
    findings = _status_findings(parts) or _complaints(parts) or _qmail(parts) or _exim(mail, parts)
    if not findings:
        raise Unread("it is no delivery report and no complaint")
    returned = _returned(parts)
    return Report(
        id=_identity(mail, text),
        date=_date(mail),
        sent_to=tuple(dict.fromkeys(_sent_to(mail))),
        returned=returned,
        findings=tuple(_with_hidden_recipient(each, returned) for each in findings),
    )


def _parts(mail: Message, depth: int = 0) -> Iterator[Message]:
    """The parts of `mail`, but not those of a mail within it."""
    if depth > _DEEPEST:
        raise Unread("its parts are nested too deep")
    yield mail
    if mail.get_content_maintype() == "multipart" and mail.is_multipart():
        for part in _within(mail):
            yield from _parts(part, depth + 1)


def _within(part: Message) -> list[Message]:
    inner = part.get_payload()
    return [each for each in inner if isinstance(each, Message)] if isinstance(inner, list) else []


# Delivery status notifications (RFC 3464, section 2)


def _status_findings(parts: Iterable[Message]) -> list[Finding]:
    found = []
    for part in parts:
        if part.get_content_type() in _STATUS_PARTS:
            for fields in _blocks(part):
                found.extend(_recipient(fields))
    if len(found) > _MOST_RECIPIENTS:
        raise Unread(f"it names more than {_MOST_RECIPIENTS} recipients")
    return found


def _blocks(part: Message) -> Iterator[Message]:
    """The groups of fields of a part, however far the parser took it apart."""
    inner = _within(part)
    for fields in inner or [message_from_string(_text(part))]:
        yield fields
        rest = fields.get_payload()
        for block in re.split(r"\n\s*\n", rest) if isinstance(rest, str) else ():
            if block.strip():
                yield message_from_string(block.lstrip())


def _recipient(fields: Message) -> list[Finding]:
    """The finding in the fields of one recipient; none in those of the whole report."""
    named = [_typed(fields, name) for name in ("Original-Recipient", "Final-Recipient")]
    addresses = tuple(dict.fromkeys(address for address in named if address))
    action = _field(fields, "Action").partition(" ")[0].lower()
    if not addresses and not action:
        return []
    said = _field(fields, "Diagnostic-Code").partition(";")
    words = _one_line(said[2] or said[0])
    status = _status(_field(fields, "Status"), words)
    return [Finding(_kind(action, status, words), addresses, status, words)]


def _typed(fields: Message, name: str) -> str:
    """The address in a field like `rfc822; a@example.org`."""
    kind, semicolon, value = _field(fields, name).partition(";")
    found = _ADDRESS.search(value if semicolon else kind)
    return found[0] if found else ""


def _status(written: str, words: str) -> str:
    """The status code; a general one (Exim writes only 5.0.0) gives way to the server's own."""
    given, said = _STATUS.search(written), _STATUS.search(words)
    if given is None:
        return said[0] if said else ""
    general = given[2] == given[3] == "0"
    return said[0] if general and said and said[1] == given[1] else given[0]


def _kind(action: str, status: str, words: str) -> Kind:
    if action in {"delayed", "delivered", "relayed", "expanded"} or status.startswith("2"):
        return "nothing"  # delayed: the other server still tries, and will report how it ends
    reply = _REPLY.search(words)
    family = status[:1] or (reply[1] if reply else "")
    lasting = family == "5"
    return "permanent" if lasting and not _blames_the_mail(status) else "temporary"


def _blames_the_mail(status: str) -> bool:
    """Whether a 5.x.x is about the mail, its sender or a full mailbox, not about the address.

    RFC 3463: x.2.2 mailbox full, x.2.3 and x.3.4 too big, x.6 content, x.7 security and policy. One
    issue that a filter dislikes must not end everyone at that provider.
    """
    return status[2:] in {"2.2", "2.3", "3.4"} or status[2:4] in {"6.", "7."}


# Complaints (RFC 5965, section 3)


def _complaints(parts: Iterable[Message]) -> list[Finding]:
    for part in parts:
        if part.get_content_type() != "message/feedback-report":
            continue
        fields = next(_blocks(part))
        kind = _field(fields, "Feedback-Type").lower()
        if not kind:
            raise Unread("it is a complaint without a Feedback-Type")
        named = _addresses(fields.get_all("Original-Rcpt-To", []))
        words = _one_line(f"{kind} {_field(fields, 'User-Agent')}")
        finding: Kind = "nothing" if kind in _NO_COMPLAINTS else "complaint"
        return [Finding(finding, (each,), "", words) for each in named] or [
            Finding(finding, (), "", words)
        ]
    return []


# Older forms


def _qmail(parts: list[Message]) -> list[Finding]:
    """qmail-send's: a paragraph for each recipient, `<address>:` and what was said."""
    text = _first_text(parts)
    if not _QMAIL.match(text):
        return []
    told = _COPY.split(text)[0]
    found = []
    for paragraph in re.split(r"\n\s*\n", told)[: _MOST_RECIPIENTS + 1]:
        first, _, words = paragraph.strip().partition("\n")
        address = re.fullmatch(r"<([^<>\s]{3,320})>:", first.strip())
        if address and _ADDRESS.fullmatch(address[1]):
            found.append(_from_words(address[1], words))
    return found


def _exim(mail: Message, parts: list[Message]) -> list[Finding]:
    """Exim's: the addresses in a header, what was said of each in the text."""
    text = _COPY.split(_first_text(parts))[0]
    found = []
    for address in _addresses(mail.get_all("X-Failed-Recipients", []))[:_MOST_RECIPIENTS]:
        _, _, after = text.partition(address)
        found.append(_from_words(address, re.split(r"\n\s*\n", after)[0]))
    return found


def _from_words(address: str, words: str) -> Finding:
    line = _one_line(words)
    status = _status("", line)
    return Finding(_kind("failed", status, line), (address,), status, line)


# What all have in common


def _returned(parts: list[Message]) -> tuple[tuple[str, str], ...]:
    """The headers of the mail that came back."""
    for part in parts:
        if part.get_content_type() in _RETURNED_PARTS:
            inner = _within(part)
            return _headers(inner[0] if inner else message_from_string(_text(part)))
    copy = _COPY.split(_first_text(parts), maxsplit=1)
    return _headers(message_from_string(copy[1].lstrip())) if len(copy) > 1 else ()


def _headers(mail: Message) -> tuple[tuple[str, str], ...]:
    return tuple((name.lower(), _unfolded(value)) for name, value in mail.items()[:_MOST_FIELDS])


def _with_hidden_recipient(finding: Finding, returned: tuple[tuple[str, str], ...]) -> Finding:
    """Providers that hide the recipient of a complaint may still name it in a header."""
    if finding.addresses or finding.kind != "complaint":
        return finding
    names = {"x-hmxmroriginalrecipient", "x-original-to", "delivered-to", "to"}
    found = _addresses(value for name, value in returned if name in names)
    return Finding(finding.kind, found, finding.status, finding.words)


def _first_text(parts: list[Message]) -> str:
    plain = (part for part in parts if part.get_content_type() == "text/plain")
    return next((_text(part) for part in plain), "")


def _text(part: Message) -> str:
    """The text of a part that holds no others; where no encoding is named, it is text by now."""
    payload = part.get_payload()
    if part.get("Content-Transfer-Encoding", "").strip().lower() in {"base64", "quoted-printable"}:
        data = part.get_payload(decode=True)
        return data.decode("utf-8", "replace") if isinstance(data, bytes) else ""
    return payload if isinstance(payload, str) else ""


def _field(fields: Message, name: str) -> str:
    return _unfolded(fields.get(name) or "")


def _unfolded(value: object) -> str:
    """A header's value on one line, cut where only malice goes on."""
    return " ".join(str(value)[:_LONGEST_FIELD].split())


def _one_line(text: str) -> str:
    """`text` without what a terminal might obey, on one line, cut at a fair length."""
    clean = "".join(char if char.isprintable() else " " for char in text[: 4 * _WORDS])
    return " ".join(clean.split())[:_WORDS]


def _addresses(values: Iterable[object]) -> tuple[str, ...]:
    """Every address in headers that list some."""
    found: list[str] = []
    for value in values:
        pairs = getaddresses([_unfolded(value)])
        found.extend(address for _, address in pairs if _ADDRESS.fullmatch(address))
    return tuple(dict.fromkeys(found))[:_MOST_RECIPIENTS]


def _sent_to(mail: Message) -> Iterator[str]:
    for name in _SENT_TO:
        yield from _addresses(mail.get_all(name, []))


def _identity(mail: Message, text: str) -> str:
    found = re.search(r"<[\x21-\x7e]{1,240}>", _field(mail, "Message-ID"))
    return found[0] if found else "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _date(mail: Message) -> datetime | None:
    try:
        found = parsedate_to_datetime(_field(mail, "Date"))
        aware = found if found.tzinfo else found.replace(tzinfo=UTC)
        return aware.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _without_mbox_line(mail: bytes) -> bytes:
    """A pipe from a mail server begins with the line that an mbox has before each mail."""
    return mail.partition(b"\n")[2] if mail.startswith(b"From ") else mail
