"""The values that the mail which comes back is read into."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal["permanent", "temporary", "complaint", "wish", "nothing"]

LARGEST = 5_000_000
"""Bytes of a mail beyond which it is not read: no server returns so much of a digest."""


class Unread(Exception):  # noqa: N818 - it says what the mail is, and is no mistake
    """This mail is none of ours, or cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a mail says of one recipient.

    kind: `permanent` ends the address, `temporary` counts, `complaint` ends it too, `wish`: the
    reader wants to leave, `nothing` needs nothing done (delivered, or still being tried).
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

    id: its Message-ID, else a hash of its text: a report that is met twice has it twice.
    date: when it was written, aware; None where it does not say.
    sent_to: the addresses it came to, and those that the mail it is about was sent from, for
    senders that have one for each subscriber (VERP).
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


@dataclass(frozen=True, slots=True)
class Wish:
    """A mail by which someone wants to leave. id: as a report's.

    date: when our own server took it, aware; None where it does not say. subject: decoded, on one
    line; it should hold a mark. sent_by: what it says of its sender, which proves nothing.
    """

    id: str
    date: datetime | None
    subject: str
    sent_by: str
