"""Complaints: a reader has marked a mail as spam (RFC 5965, section 3; Outlook.com's own form)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from email.message import Message
from typing import Final

from broadsheet.bounces.parts import addresses, field, groups, one_line
from broadsheet.bounces.report import Finding, Kind, Unread

# RFC 6591 and RFC 5965, section 7.3: these tell of no one's wish to get no more.
_NO_COMPLAINTS: Final = frozenset(["not-spam", "auth-failure"])
# Where providers that hide the recipient may still name it.
_OUTLOOK: Final = "x-hmxmroriginalrecipient"
_HIDDEN_IN: Final = frozenset({_OUTLOOK, "x-original-to", "delivered-to", "to"})


def told(parts: Sequence[Message], returned: Iterable[tuple[str, str]]) -> list[Finding]:
    """The complaints in a mail; () if it is another kind of mail.

    returned: header fields of the mail that it returns. Raises Unread.
    """
    fields = _fields(parts)
    if fields is None:
        return _outlooks(parts[0], returned)
    kind = field(fields, "Feedback-Type").lower()
    if not kind:
        raise Unread("it is a complaint without a Feedback-Type")
    words = one_line(f"{kind} {field(fields, 'User-Agent')}")
    means: Kind = "nothing" if kind in _NO_COMPLAINTS else "complaint"
    if named := addresses(fields.get_all("Original-Rcpt-To", [])):
        return [Finding(means, (each,), "", words) for each in named]
    hidden = addresses(value for name, value in returned if name in _HIDDEN_IN)
    return [Finding(means, hidden if means == "complaint" else (), "", words)]


def _outlooks(mail: Message, returned: Iterable[tuple[str, str]]) -> list[Finding]:
    """Outlook.com's (JMRP): the mail itself, with a header that names the reader."""
    subject = field(mail, "Subject")
    named = addresses(value for name, value in returned if name == _OUTLOOK)
    if not named or not subject.lower().startswith("complaint about message from"):
        return []
    return [Finding("complaint", named, "", one_line(subject))]


def sent_from(parts: Iterable[Message]) -> tuple[str, ...]:
    """The envelope sender of the mail that is complained of (RFC 5965, section 3.2)."""
    fields = _fields(parts)
    return addresses(fields.get_all("Original-Mail-From", [])) if fields else ()


def _fields(parts: Iterable[Message]) -> Message | None:
    found = (part for part in parts if part.get_content_type() == "message/feedback-report")
    part = next(found, None)
    return None if part is None else next(groups(part))
