"""Events of Amazon SES, which come through a webhook or by mail, as JSON.

Source: Amazon SES developer guide, "Contents of event data that Amazon SES publishes to SNS".
"""

from __future__ import annotations

from email.message import Message

import msgspec

from broadsheet.bounces.formats.delivery_status import recipient_reports
from broadsheet.bounces.formats.feedback_report import NOT_COMPLAINTS
from broadsheet.bounces.mail import MAX_RECIPIENTS, unfolded
from broadsheet.bounces.report import RecipientReport, Report, ReportKind
from broadsheet.bounces.webhooks._events import decoded, recipient, report


class SesRecipient(msgspec.Struct, frozen=True, rename="camel"):
    """A recipient who bounced or complained; a bounce has the fields of its report (RFC 3464)."""

    email_address: str
    action: str | None = None
    status: str | None = None
    diagnostic_code: str | None = None


class SesBounce(msgspec.Struct, frozen=True, rename="camel"):
    """A bounce."""

    bounced_recipients: list[SesRecipient]
    bounce_type: str = ""
    bounce_sub_type: str | None = None
    feedback_id: str = ""
    timestamp: str | None = None


class SesComplaint(msgspec.Struct, frozen=True, rename="camel"):
    """A complaint."""

    complained_recipients: list[SesRecipient]
    complaint_feedback_type: str | None = None
    feedback_id: str = ""
    timestamp: str | None = None


class SesHeader(msgspec.Struct, frozen=True):
    """A header field of the mail that was sent."""

    name: str
    value: str


class SesMail(msgspec.Struct, frozen=True):
    """The mail that was sent. source: its envelope sender."""

    source: str = ""
    timestamp: str | None = None
    headers: list[SesHeader] = []


class SesEvent(msgspec.Struct, frozen=True, rename="camel"):
    """An event; one that is neither a bounce nor a complaint has other fields."""

    mail: SesMail = SesMail()
    bounce: SesBounce | None = None
    complaint: SesComplaint | None = None


def ses_report(event: str, id_: str) -> Report:
    """Return the report in an event; of kind `nothing` for a delivery and the like.

    id_: of the report, if the event has none.

    Raises MalformedHookError.
    """
    given = decoded(event, SesEvent)
    about: SesBounce | SesComplaint | None = given.bounce or given.complaint
    found = [RecipientReport("nothing")]
    if given.bounce is not None:
        bounce = given.bounce
        found = [_bounced(bounce, each) for each in bounce.bounced_recipients[:MAX_RECIPIENTS]]
    elif given.complaint is not None:
        words = given.complaint.complaint_feedback_type or ""
        kind: ReportKind = "nothing" if words in NOT_COMPLAINTS else "complaint"
        people = given.complaint.complained_recipients[:MAX_RECIPIENTS]
        found = [recipient(kind, each.email_address, words) for each in people]
    fields = [(each.name.lower(), unfolded(each.value)) for each in given.mail.headers]
    if about is not None:
        id_ = about.feedback_id or id_
    at = about.timestamp if about else given.mail.timestamp
    return report(id_, at, found, [given.mail.source], fields)


def _bounced(bounce: SesBounce, who: SesRecipient) -> RecipientReport:
    """Return the report on `who`.

    Without a server's words and a reason, a transient bounce is an automatic answer or a delay. SES
    may know from its own experience that a bounce is transient, whatever the server says.
    """
    transient = bounce.bounce_type == "Transient"
    fields = Message()
    fields["Final-Recipient"] = f"rfc822; {who.email_address}"
    fields["Action"] = who.action or "failed"
    fields["Status"] = who.status or ""
    fields["Diagnostic-Code"] = who.diagnostic_code or ""
    judged = next(iter(recipient_reports([fields], "")))
    explained = who.status or who.diagnostic_code or bounce.bounce_sub_type not in {None, "General"}
    if transient and not explained:
        return recipient("nothing", who.email_address)
    if transient and judged.kind == "permanent":
        return RecipientReport("temporary", judged.addresses, judged.status, judged.words)
    return judged
