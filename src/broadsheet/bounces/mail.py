"""A returned mail, which may be malformed: its parts, header fields and addresses (RFC 2045, 5322).

Anyone can send such a mail, so every length and count is limited before anything is parsed.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_string
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from functools import cached_property
from itertools import takewhile
from typing import Final

from broadsheet.bounces.report import NotAReport

MAX_RECIPIENTS: Final = 100
MAX_SHOWN_CHARS: Final = 300
"""Characters of a server's reply that are kept."""
MAX_REPLY_CHARS: Final = 1_500
"""Characters of a server's reply that are judged."""
MAX_FIELD_CHARS: Final = 10_000

_MAX_DEPTH: Final = 8  # parts within parts; a report needs three
_MAX_FIELDS: Final = 300
_MAX_TEXT_CHARS: Final = 100_000
# No server has control characters in an address, and no database stores NUL in a text.
ADDRESS: Final = re.compile(
    r"[^\s<>\"(),:;@\x00-\x1f\x7f-\x9f]{1,64}@[^\s<>\"(),:;@\x00-\x1f\x7f-\x9f]{1,253}"
)
_ENCODED: Final = frozenset({"base64", "quoted-printable"})  # other encodings change nothing
_RETURNED_TYPES: Final = frozenset(
    ["message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"]
)
# The line above the copy of a mail in the reports of qmail and Exim.
COPY_LINE: Final = re.compile(
    r"^-{3,} ?(?:(?:Below this line is|This is) a copy of the message|Original message).*$",
    re.MULTILINE,
)
# Three or more header lines in a row; some mail systems indent or quote them.
PASTED_HEADERS: Final = re.compile(
    r"^[ >\t]{0,8}(?:Received|Return-Path|X-[\w-]{1,60}|DKIM-Signature|Message-ID|Date|From|To"
    r"|Subject|MIME-Version|Delivered-To|Reply-To|Sender):(?!\t).*\n"
    r"(?:[ >\t]{0,8}[A-Z][\w-]{1,60}:.*\n|[ \t]+\S.*\n){2,}",
    re.MULTILINE | re.IGNORECASE,
)
_AUTOREPLY_FIELDS: Final = ("X-Autoreply", "X-Autorespond", "X-Auto-Reply-From")
_AUTOREPLY_PRECEDENCE: Final = frozenset({"auto_reply", "auto-reply"})
_AUTOREPLY_SUBJECT: Final = re.compile(
    r"\W*(?:auto:|auto(?:matic|mated)?[- ]?(?:re(?:ply|spon)|answer)|out of (?:the )?office"
    r"|vacation|on holiday|away\b|abwesen|automatische (?:antwort|abwesen)|r[ée]ponse automatique"
    r"|absen[ct]e|respuesta autom|fuera de|resposta autom|risposta autom|自动回复|自動回覆|自動返信"
    r"|不在|休假|外出)",
    re.IGNORECASE,
)
_EMPTY_LINE: Final = re.compile(r"\n\s*\n")
# A line that begins with an address and a colon, or has nothing but an address.
_RECIPIENT_LINE: Final = re.compile(r"[ \t]*<?([^\s@<>:]{1,64}@[^\s@:<>]{1,253})>?(?::|[ \t]*$)")
# How RFC 3461, section 4, encodes a plus sign in ORCPT; some servers copy it into reports.
_XTEXT: Final = re.compile(r"\+([0-9A-F]{2})")


@dataclass(frozen=True)
class ReturnedMail:
    """A mail to be read. source: the whole mail as text, with "\\n" as line end."""

    message: Message
    source: str

    @cached_property
    def parts(self) -> tuple[Message, ...]:
        """The parts, but not those of a mail within the mail. Raises NotAReport."""
        return tuple(_walk(self.message))

    @cached_property
    def text(self) -> str:
        """All plain text, else the HTML without its tags, else whatever a damaged mail holds."""
        found = self._texts("text/plain") or list(map(_without_tags, self._texts("text/html")))
        payload = self.message.get_payload()
        if not found and isinstance(payload, str):
            found = [payload]
        return "\n\n".join(found)[:_MAX_TEXT_CHARS].replace("\r", "")

    @cached_property
    def first_text(self) -> str:
        """The first plain-text part, or ""."""
        return next(iter(self._texts("text/plain")), "")

    @cached_property
    def returned(self) -> Message:
        """The mail that came back, or its header; empty if there is none.

        It is a part, or pasted into the text below a line of dashes or the explanation.
        """
        for part in self.parts:
            if part.get_content_type() in _RETURNED_TYPES:
                inner = parts_within(part)
                return inner[0] if inner else message_from_string(text_of(part))
        copy = COPY_LINE.split(self.first_text, maxsplit=1)
        return message_from_string(copy[1].lstrip() if len(copy) > 1 else self._pasted)

    @cached_property
    def returned_fields(self) -> tuple[tuple[str, str], ...]:
        """The header fields of `returned`: name in lower case, and value."""
        items = self.returned.items()[:_MAX_FIELDS]
        return tuple((name.lower(), unfolded(value)) for name, value in items)

    @cached_property
    def id(self) -> str:
        """The Message-ID, or a hash of the text if there is none."""
        found = re.search(r"<[\x21-\x7e]{1,240}>", self.field("Message-ID"))
        digest = hashlib.sha256(self.source.strip().encode()).hexdigest()
        return found[0] if found else f"sha256:{digest}"

    @property
    def subject(self) -> str:
        """The subject, decoded, on one line."""
        return decoded_header(self.field("Subject"))

    @property
    def is_automatic_answer(self) -> bool:
        """Whether this is an automatic answer, such as an out-of-office message.

        Servers mark reports `auto-replied` too (RFC 3834, section 3.1.7): the subject decides.
        """
        if self.field("Precedence").lower() in _AUTOREPLY_PRECEDENCE:
            return True
        marked = any(self.message.get(name) for name in _AUTOREPLY_FIELDS)
        return marked or _AUTOREPLY_SUBJECT.match(self.subject) is not None

    def field(self, name: str) -> str:
        """Return the header field `name` on one line, or ""."""
        return field_value(self.message, name)

    def addresses_in(self, *names: str) -> tuple[str, ...]:
        """Return the addresses in the header fields called `names`."""
        return addresses(value for name in names for value in self.message.get_all(name, []))

    def field_groups(self, *content_types: str) -> Iterator[Message]:
        """Return each group of fields in the parts of these content types."""
        for part in self.parts:
            if part.get_content_type() in content_types:
                yield from _field_groups(part)

    @property
    def _pasted(self) -> str:
        found = PASTED_HEADERS.search(self.text)
        if found is None:
            return ""
        margin = len(found[0]) - len(found[0].lstrip(" >\t"))
        return "".join(line[margin:] for line in found[0].splitlines(keepends=True))

    def _texts(self, content_type: str) -> list[str]:
        return [text_of(part) for part in self.parts if part.get_content_type() == content_type]


def _walk(message: Message, depth: int = 0) -> Iterator[Message]:
    if depth > _MAX_DEPTH:
        raise NotAReport("its parts are nested too deeply")
    yield message
    if message.get_content_maintype() == "multipart" and message.is_multipart():
        for part in parts_within(message):
            yield from _walk(part, depth + 1)


def parts_within(part: Message) -> list[Message]:
    """Return the parts that the parser found in `part`."""
    inner = part.get_payload()
    return [each for each in inner if isinstance(each, Message)] if isinstance(inner, list) else []


def _field_groups(part: Message) -> Iterator[Message]:
    """Return the groups of fields in a part, however far the parser took it apart."""
    inner = parts_within(part)
    if inner and _encoding(part) in _ENCODED:
        # RFC 2046 forbids this, but it occurs: the parser split what it should have decoded.
        whole = Message()
        whole["Content-Transfer-Encoding"] = _encoding(part)
        whole.set_payload("\n\n".join(each.as_string().lstrip("\n") for each in inner))
        inner = [message_from_string(text_of(whole).lstrip())]
    for fields in inner or [message_from_string(text_of(part).lstrip())]:
        yield fields
        rest = fields.get_payload()
        for block in re.split(r"\n\s*\n", rest) if isinstance(rest, str) else ():
            if block.strip():
                yield message_from_string(block.lstrip())


def text_of(part: Message) -> str:
    """Return the text of a part that holds no other parts."""
    payload = part.get_payload()
    in_7_bits = part.get_content_charset("").startswith("iso-2022-")  # Japanese, Korean
    if in_7_bits or _encoding(part) in _ENCODED:
        data = part.get_payload(decode=True)
        return _decoded(part, data).replace("\r\n", "\n") if isinstance(data, bytes) else ""
    return payload if isinstance(payload, str) else ""


def _encoding(part: Message) -> str:
    return str(part.get("Content-Transfer-Encoding", "")).strip().lower()


def _decoded(part: Message, data: bytes) -> str:
    """Decode by the charset that the part names; providers in China write GBK."""
    charset = part.get_content_charset("utf-8")
    try:
        return data.decode("gb18030" if charset.startswith("gb") else charset, "replace")
    except (LookupError, ValueError):
        return data.decode("utf-8", "replace")


def _without_tags(text: str) -> str:
    lines = re.sub(
        r"<(?:br|/?p|/?div|/?tr|/?li)\b[^<>]*>", "\n", text[:_MAX_TEXT_CHARS], flags=re.IGNORECASE
    )
    return html.unescape(re.sub(r"<[^<>]*>", " ", lines))


def paragraph_about(text: str, address: str) -> str:
    """Return what `text` says about `address`, on one line; "" if it does not mention it.

    It ends at an empty line or at the line of another address.
    """
    # Not the end of a longer address; Chinese and Japanese have no space before one.
    whole = re.compile(rf"(?<![\w.+-]){re.escape(address)}(?![\w-]|\.\w)", re.ASCII)
    _, *after = whole.split(text[:_MAX_TEXT_CHARS], maxsplit=1)
    paragraph = _EMPTY_LINE.split("".join(after), maxsplit=1)[0]
    lines = takewhile(lambda line: not _is_of_another(line, address), paragraph.split("\n"))
    return printable_line("\n".join(lines).lstrip(">:,;) \t\n"), MAX_REPLY_CHARS)


def _is_of_another(line: str, address: str) -> bool:
    found = _RECIPIENT_LINE.match(line)
    return found is not None and found[1] != address


def field_value(fields: Message, name: str) -> str:
    """Return a header field on one line, or ""."""
    return unfolded(fields.get(name) or "")


def unfolded(value: object) -> str:
    """Return a field value on one line, cut after `MAX_FIELD_CHARS`."""
    return " ".join(str(value)[:MAX_FIELD_CHARS].split())


def printable_line(text: str, longest: int = MAX_SHOWN_CHARS) -> str:
    """Return `text` on one line, without control characters, cut to `longest` characters."""
    clean = "".join(char if char.isprintable() else " " for char in text[: 4 * longest])
    return " ".join(clean.split())[:longest]


def decoded_header(value: str, longest: int = MAX_SHOWN_CHARS) -> str:
    """Return a field value with its encoded words (RFC 2047) decoded, on one line."""
    try:
        return printable_line(str(make_header(decode_header(value))), longest)
    except (HeaderParseError, ValueError, LookupError):
        return printable_line(value, longest)


def addresses(values: Iterable[object]) -> tuple[str, ...]:
    """Return every address in field values that list addresses, at most `MAX_RECIPIENTS`."""
    found: list[str] = []
    for value in values:
        pairs = getaddresses([unfolded(value)])
        found.extend(address for _, address in pairs if ADDRESS.fullmatch(address))
    return tuple(dict.fromkeys(found))[:MAX_RECIPIENTS]


def typed_addresses(fields: Message, name: str) -> tuple[str, ...]:
    """Return the address in a field like `rfc822; a@example.org`, as written and as decoded."""
    kind, semicolon, value = field_value(fields, name).partition(";")
    found = ADDRESS.search(value if semicolon else kind)
    if found is None:
        return ()
    decoded = _XTEXT.sub(lambda code: chr(int(code[1], 16)), found[0])
    spellings = dict.fromkeys((found[0], decoded))
    return tuple(each for each in spellings if ADDRESS.fullmatch(each))


def parsed_date(value: object) -> datetime | None:
    """Return the moment in a Date field (aware, UTC), or None if it is not valid."""
    try:
        found = parsedate_to_datetime(unfolded(value))
        aware = found if found.tzinfo else found.replace(tzinfo=UTC)
        return aware.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
