"""Parts, fields and addresses of a mail that may be malformed (RFC 2045, 5322)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email import message_from_string
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from typing import Final

from broadsheet.bounces.report import Unread

MOST_RECIPIENTS: Final = 100
MOST_FIELDS: Final = 300
WORDS: Final = 300  # characters kept of what the other server said
REPLY: Final = 1_500  # characters of it that are judged
# No server has NUL or other control characters in an address, and no database takes NUL in a text.
ADDRESS: Final = re.compile(
    r"[^\s<>\"(),:;@\x00-\x1f\x7f-\x9f]{1,64}@[^\s<>\"(),:;@\x00-\x1f\x7f-\x9f]{1,253}"
)
# Only these encodings change anything.
_ENCODED: Final = frozenset({"base64", "quoted-printable"})
_ANSWERS: Final = ("X-Autoreply", "X-Autorespond", "X-Auto-Reply-From")
_AUTOMATIC: Final = frozenset({"auto_reply", "auto-reply"})
_ANSWER: Final = re.compile(
    r"\W*(?:auto(?:matic|mated)?[- ]?(?:re(?:ply|spon)|answer)|out of (?:the )?office|vacation"
    r"|on holiday|away\b|abwesen|automatische (?:antwort|abwesen)|r[ée]ponse automatique|absen[ct]e"
    r"|respuesta autom|fuera de|resposta autom|risposta autom|自动回复|自動回覆|自動返信|不在|休假"
    r"|外出)",
    re.IGNORECASE,
)
_NEXT: Final = re.compile(r"\n\s*\n|\n(?=[ \t]*<?[^\s@]{1,64}@[^\s@:]{1,253}:)")
_DEEPEST: Final = 8  # parts within parts; a report needs three
LONGEST_FIELD: Final = 10_000  # characters
_LONGEST_TEXT: Final = 100_000  # characters of a report's text that are searched
# RFC 3461, section 4: how a plus sign is written in ORCPT, and passed on by some in reports.
_XTEXT = re.compile(r"\+([0-9A-F]{2})")


def walk(mail: Message, depth: int = 0) -> Iterator[Message]:
    """The parts of `mail`, but not those of a mail within it. Raises Unread."""
    if depth > _DEEPEST:
        raise Unread("its parts are nested too deep")
    yield mail
    if mail.get_content_maintype() == "multipart" and mail.is_multipart():
        for part in within(mail):
            yield from walk(part, depth + 1)


def within(part: Message) -> list[Message]:
    """What the parser made of a part that holds others."""
    inner = part.get_payload()
    return [each for each in inner if isinstance(each, Message)] if isinstance(inner, list) else []


def groups(part: Message) -> Iterator[Message]:
    """The groups of fields of a report's part, however far the parser took it apart."""
    inner = within(part)
    if inner and _encoding(part) in _ENCODED:
        # RFC 2046 forbids it, and it is met: the parser has cut up what it should have decoded.
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
    """The text of a part that holds no others; where no encoding is named, it is text by now."""
    payload = part.get_payload()
    if _encoding(part) in _ENCODED:
        data = part.get_payload(decode=True)
        return _decoded(part, data).replace("\r\n", "\n") if isinstance(data, bytes) else ""
    return payload if isinstance(payload, str) else ""


def first_text(parts: Iterable[Message]) -> str:
    """The first plain text of a mail; "" where there is none."""
    plain = (part for part in parts if part.get_content_type() == "text/plain")
    return next((text_of(part) for part in plain), "")


def texts_of(parts: Iterable[Message], type_: str) -> list[str]:
    """The texts of the parts of a content type, in order."""
    return [text_of(part) for part in parts if part.get_content_type() == type_]


def paragraph_on(text: str, address: str) -> str:
    """What `text` says of `address`, up to an empty line or the next address, on one line.

    Empty if it says nothing.
    """
    _, _, after = text[:_LONGEST_TEXT].partition(address)
    return one_line(_NEXT.split(after, maxsplit=1)[0].lstrip(">:,;) \t\n"), REPLY)


def field(fields: Message, name: str) -> str:
    """A header on one line; "" where there is none."""
    return unfolded(fields.get(name) or "")


def unfolded(value: object) -> str:
    """A header's value on one line, cut where only malice goes on."""
    return " ".join(str(value)[:LONGEST_FIELD].split())


def one_line(text: str, longest: int = WORDS) -> str:
    """`text` on one line, without control characters, cut to `longest` characters."""
    clean = "".join(char if char.isprintable() else " " for char in text[: 4 * longest])
    return " ".join(clean.split())[:longest]


def decoded_header(value: str, longest: int = WORDS) -> str:
    """A header with its encoded words (RFC 2047) decoded, on one line."""
    try:
        return one_line(str(make_header(decode_header(value))), longest)
    except (HeaderParseError, ValueError, LookupError):
        return one_line(value, longest)


def is_automatic_answer(mail: Message) -> bool:
    """Whether this is an automatic answer: on holiday, or "we got your mail".

    Servers mark their reports `auto-replied` too (RFC 3834, section 3.1.7), so the subject decides.
    """
    if any(mail.get(name) for name in _ANSWERS) or field(mail, "Precedence").lower() in _AUTOMATIC:
        return True
    return bool(_ANSWER.match(decoded_header(field(mail, "Subject"))))


def addresses(values: Iterable[object]) -> tuple[str, ...]:
    """Every address in headers that list some."""
    found: list[str] = []
    for value in values:
        pairs = getaddresses([unfolded(value)])
        found.extend(address for _, address in pairs if ADDRESS.fullmatch(address))
    return tuple(dict.fromkeys(found))[:MOST_RECIPIENTS]


def typed(fields: Message, name: str) -> tuple[str, ...]:
    """The address in a field like `rfc822; a@example.org`, as it stands and as it may be meant."""
    kind, semicolon, value = field(fields, name).partition(";")
    found = ADDRESS.search(value if semicolon else kind)
    if found is None:
        return ()
    meant = _XTEXT.sub(lambda code: chr(int(code[1], 16)), found[0])
    return (found[0], meant) if meant != found[0] and ADDRESS.fullmatch(meant) else (found[0],)


def date_of(value: object) -> datetime | None:
    """The moment of a Date, aware, in UTC; None for what is none."""
    try:
        found = parsedate_to_datetime(unfolded(value))
        aware = found if found.tzinfo else found.replace(tzinfo=UTC)
        return aware.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _encoding(part: Message) -> str:
    return str(part.get("Content-Transfer-Encoding", "")).strip().lower()


def _decoded(part: Message, data: bytes) -> str:
    """By the charset that the part names: providers in China write GBK."""
    charset = part.get_content_charset("utf-8")
    try:
        return data.decode("gb18030" if charset.startswith("gb") else charset, "replace")
    except (LookupError, ValueError):
        return data.decode("utf-8", "replace")
