"""What a returned mail says, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

ReportKind = Literal["permanent", "temporary", "complaint", "unsubscribe", "nothing"]
"""permanent: the mailbox does not exist. temporary: any other failure. complaint: reported as spam.
unsubscribe: the reader opted out. nothing: delivered, or still being tried."""

MAX_MAIL_BYTES: Final = 5_000_000
"""A larger mail is not read: no server returns that much of a digest."""


class NotAReport(Exception):  # noqa: N818 - most mail in a mailbox is something else
    """The mail is not a report or cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class RecipientReport:
    """What a report says about one recipient.

    addresses: spellings of the recipient's address, as written first; empty if the report hides it.
    status: an RFC 3463 code such as "5.1.1", or "". words: the server's reply, on one line.
    """

    kind: ReportKind
    addresses: tuple[str, ...] = ()
    status: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A delivery report or a complaint.

    id: its Message-ID, or a hash of its text if it has none; the same mail always has the same id.
    date: when it was written (aware), or None. sent_to: the addresses it was sent to, and the
    envelope sender of the mail it is about, which may be one for each subscriber (VERP). returned:
    header fields (name in lower case, value) of the mail it is about; may be empty.
    """

    id: str
    date: datetime | None
    sent_to: tuple[str, ...]
    returned: tuple[tuple[str, str], ...]
    recipients: tuple[RecipientReport, ...]

    def returned_header(self, name: str) -> str:
        """Return the first field `name` of the mail that the report is about, or ""."""
        return next((value for field, value in self.returned if field == name.lower()), "")


@dataclass(frozen=True, slots=True)
class UnsubscribeRequest:
    """A mail that asks to unsubscribe its sender.

    id: as in a report. date: when our own server received it (aware), or None. subject: decoded, on
    one line; it should contain a token. sent_by: the From address, which can be forged.
    """

    id: str
    date: datetime | None
    subject: str
    sent_by: str
