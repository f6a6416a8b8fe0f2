"""Complaints: a reader marked a mail as spam (RFC 5965, section 3; Outlook.com's own form)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from broadsheet.bounces.mail import ReturnedMail, addresses, field_value, printable_line
from broadsheet.bounces.report import NotAReport, RecipientReport, ReportKind

ORDER = 20

# RFC 6591 and RFC 5965, section 7.3: these do not ask for less mail. A scanner writes `virus`.
NOT_COMPLAINTS: Final = frozenset(["not-spam", "auth-failure", "virus"])
# Fields of the returned mail that may name a recipient whom the provider hides.
_OUTLOOK_FIELD: Final = "x-hmxmroriginalrecipient"
_RECIPIENT_FIELDS: Final = frozenset({_OUTLOOK_FIELD, "x-original-to", "delivered-to", "to"})


def interpret(mail: ReturnedMail) -> list[RecipientReport]:
    """Return the complaints in a mail; [] if it is another kind of mail. Raises NotAReport."""
    fields = next(mail.field_groups("message/feedback-report"), None)
    if fields is None:
        return _outlook_complaint(mail)
    feedback = field_value(fields, "Feedback-Type").lower()
    if not feedback:
        raise NotAReport("it is a complaint without a Feedback-Type")
    words = printable_line(f"{feedback} {field_value(fields, 'User-Agent')}")
    kind: ReportKind = "nothing" if feedback in NOT_COMPLAINTS else "complaint"
    if named := addresses(fields.get_all("Original-Rcpt-To", [])):
        return [RecipientReport(kind, (each,), "", words) for each in named]
    hidden = _named_in_returned(mail, _RECIPIENT_FIELDS) if kind == "complaint" else ()
    return [RecipientReport(kind, hidden, "", words)]


def _outlook_complaint(mail: ReturnedMail) -> list[RecipientReport]:
    """Outlook.com's form (JMRP): the mail itself, with a field that names the reader."""
    named = _named_in_returned(mail, {_OUTLOOK_FIELD})
    if not named or not mail.subject.lower().startswith("complaint about message from"):
        return []
    return [RecipientReport("complaint", named, "", mail.subject)]


def _named_in_returned(mail: ReturnedMail, fields: Collection[str]) -> tuple[str, ...]:
    return addresses(value for name, value in mail.returned_fields if name in fields)
