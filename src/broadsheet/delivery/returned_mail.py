"""Process returned mail: end addresses, count failures, unsubscribe readers.

`bounces` reads what a mail says. Here the subscriber is found: by the signed token in the address
that the report was sent to, or in the List-Unsubscribe of the returned mail, else by the address in
the report. For an unsubscribe mail, only the token counts. Each mail counts once: its id is in the
cause of the change that it made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import BinaryIO, Final, Literal, Protocol

from sqlalchemy import Connection

from broadsheet.bounces.mailboxes import UnseenMail, split_mbox
from broadsheet.bounces.reading import read_mail
from broadsheet.bounces.report import (
    NotAReport,
    RecipientReport,
    Report,
    ReportKind,
    UnsubscribeRequest,
)
from broadsheet.delivery import subscribers
from broadsheet.delivery.subscribers import Change, Subscriber
from broadsheet.delivery.tokens import SECRET, LinkToken, Tokens, token_in_subject

BounceOutcome = Literal[
    "ended", "left", "counted", "nothing", "again", "gone", "unknown", "unproven", "old"
]
"""ended: the address gets no more mail. left: unsubscribed from a digest or from all. counted: a
temporary failure. nothing: delivered or delayed. again: the mail was processed before. gone: had
left already. old: from before the subscriber came back. unknown: no subscriber. unproven: no token,
and the policy requires one."""

_REPORTS_AT_ONCE: Final = 100  # in a transaction; it takes some 50 ms
_TOKEN_IN_ADDRESS: Final = re.compile(r"(\d{1,18}-\d{1,18}-[a-z2-7]{10})@", re.IGNORECASE)
_TOKEN_IN_LINK: Final = re.compile(r"unsubscribe(?:/|\?t=|%20)([\w.-]{20,400})", re.ASCII)
_MILDEST_FIRST: Final = ("nothing", "temporary", "permanent", "unsubscribe", "complaint")
_ENDED_AS: Final[Mapping[ReportKind, subscribers.Status]] = {
    "permanent": "bounced",
    "complaint": "complained",
    "unsubscribe": "unsubscribed",
}


@dataclass(frozen=True, slots=True)
class BouncePolicy:
    """How many temporary failures within how many days end an address.

    proven: whether only reports with one of our tokens count.
    """

    failures: int = 5
    days: int = 35
    proven: bool = False


@dataclass(frozen=True, slots=True)
class BounceResult:
    """The result of one report. failures: recent temporary ones, if this is one."""

    outcome: BounceOutcome
    report: RecipientReport
    subscriber: Subscriber | None = None
    failures: int = 0

    @property
    def address(self) -> str:
        """The subscriber's address, else the one in the report; "not named" without one."""
        if self.subscriber is not None:
            return self.subscriber.address
        return next(iter(self.report.addresses), "not named")


class WritableDatabase(Protocol):
    """A database that can be written."""

    def writing(self) -> AbstractContextManager[Connection]:
        """Open a transaction, and commit it at the end. Raises DatabaseError."""


@dataclass(slots=True)
class ReturnedMailProcessor:
    """Processes one mail or report after another and keeps the results.

    tokens: None without a secret. digests: the names of all digests. renamed: former name of a
    digest -> its current name. now: aware. dry_run: write nothing.

    reports: how many mails were processed. ignored, unreadable: the name of a mail in messages, and
    why it was not processed.
    """

    database: WritableDatabase
    tokens: Tokens | None
    policy: BouncePolicy
    digests: Sequence[str]
    renamed: Mapping[str, str]
    now: datetime
    dry_run: bool = False
    reports: int = 0
    results: list[tuple[str, BounceResult]] = field(default_factory=list)
    ignored: list[tuple[str, str]] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    def process(self, shown: str, mail: bytes) -> bool:
        """Process a mail, which messages call `shown`; return False if it is not a report.

        Raises DatabaseError.
        """
        try:
            found = read_mail(mail)
            with self.database.writing() as connection:
                if isinstance(found, UnsubscribeRequest):
                    results = [self.unsubscribe(connection, found)]
                else:
                    results = self.apply_report(connection, found)
                if self.dry_run:
                    connection.rollback()
        except NotAReport as reason:
            self.ignored.append((shown, str(reason)))
            return False
        self.reports += 1
        self.results += [(shown, result) for result in results]
        return True

    def process_reports(self, shown: str, reports: Sequence[Report]) -> list[BounceResult]:
        """Process the reports of a webhook, some in each transaction. Raises DatabaseError."""
        done: list[BounceResult] = []
        for start in range(0, len(reports), _REPORTS_AT_ONCE):
            with self.database.writing() as connection:
                for report in reports[start : start + _REPORTS_AT_ONCE]:
                    done += self.apply_report(connection, report)
        self.reports += len(reports)
        self.results += [(shown, result) for result in done]
        return done

    def process_file(self, shown: str, file: BinaryIO) -> None:
        """Process a mail, or each mail of an mbox."""
        mails = split_mbox(file)
        first, second = next(mails), next(mails, None)
        if second is None:
            self.process(shown, first)
            return
        for number, mail in enumerate(chain((first, second), mails), 1):
            self.process(f"{shown}, mail {number}", mail)

    def process_mailbox(self, mails: Iterable[UnseenMail]) -> None:
        """Process the unseen `mails` of a mailbox, and mark those that are reports as seen.

        Raises BroadsheetError if a mail cannot be marked.
        """
        for mail in mails:
            try:
                data = mail.read()
            except OSError as error:
                self.unreadable.append((mail.shown, error.strerror or str(error)))
                continue
            if data is not None and self.process(mail.shown, data) and not self.dry_run:
                mail.mark_seen()

    def apply_report(self, connection: Connection, report: Report) -> list[BounceResult]:
        """Change the subscribers named in `report`."""
        identified = self._identified(report)
        if identified is not None:
            found = subscribers.get_for_update(connection, identified)
            about = _mildest(report.recipients, found)
            return [self._apply(connection, report, about, found)]
        if self.policy.proven:
            return [BounceResult("unproven", each) for each in report.recipients]
        return [
            self._apply(connection, report, each, _named(connection, each))
            for each in report.recipients
        ]

    def unsubscribe(self, connection: Connection, request: UnsubscribeRequest) -> BounceResult:
        """Unsubscribe the reader identified by the token, as a click on the link would.

        Raises NotAReport if the token is missing or not ours: a person has to look at it.
        """
        token = self._token(request).renamed(self.renamed)
        found = subscribers.get_for_update(connection, token.subscriber)
        senders = (request.sent_by,) if request.sent_by else ()
        about = RecipientReport("unsubscribe", senders, "", token.digest)
        if found is None:
            return BounceResult("unknown", about)
        if outcome := self._outcome_of_earlier(subscribers.history(connection, found), request):
            return BounceResult(outcome, about, found)
        cause = f"by mail {_id(request)}"
        after = subscribers.leave(
            connection, found.id, token.digest, self.digests, cause=cause, now=self.now
        )
        return BounceResult("gone" if after == found else "left", about, found)

    def _token(self, request: UnsubscribeRequest) -> LinkToken:
        text = token_in_subject(request.subject)
        if not text:
            raise NotAReport(
                "someone wants to unsubscribe, and the mail identifies them only by its sender, "
                f"{request.sent_by or 'which it does not name'}; if it is genuine, run: "
                "broadsheet subscribers remove ADDRESS"
            )
        if self.tokens is None:
            raise NotAReport(f"someone wants to unsubscribe; set {SECRET} to read the token")
        if (token := self.tokens.read_unsubscribe(text)) is None:
            raise NotAReport("someone wants to unsubscribe, with a token that is not ours")
        return token

    def _identified(self, report: Report) -> int | None:
        """Return the id of the subscriber whose token `report` has."""
        if self.tokens is None:
            return None
        for address in report.sent_to:
            found = _TOKEN_IN_ADDRESS.search(address)
            if found and (bounce := self.tokens.read_bounce(found[1])):
                return bounce[0]
        for text in _TOKEN_IN_LINK.findall(report.returned_header("list-unsubscribe")):
            if link := self.tokens.read_unsubscribe(text):
                return link.subscriber
        return None

    def _apply(
        self,
        connection: Connection,
        report: Report,
        about: RecipientReport,
        subscriber: Subscriber | None,
    ) -> BounceResult:
        if subscriber is None:
            return BounceResult("unknown", about)
        if about.kind == "nothing":
            return BounceResult("nothing", about, subscriber)
        past = subscribers.history(connection, subscriber)
        outcome: BounceOutcome | Literal[""] = self._outcome_of_earlier(past, report)
        # A complaint is recorded even for someone who left.
        is_new_complaint = about.kind == "complaint" and subscriber.status != "complained"
        if subscriber.gone and not is_new_complaint and outcome != "again":
            outcome = "gone"
        if outcome:
            return BounceResult(outcome, about, subscriber)
        said = " ".join(filter(None, (about.status, about.words))) or "no reason given"
        failed = about.kind in {"permanent", "temporary"}
        cause = f"{about.kind}{' failure' if failed else ''}: {said} {_id(report)}"
        if about.kind == "temporary":
            return self._count(connection, report, about, subscriber, cause)
        status = _ENDED_AS[about.kind]
        subscribers.set_status(connection, subscriber, status, cause=cause, now=self.now)
        return BounceResult("ended", about, subscriber)

    def _count(
        self,
        connection: Connection,
        report: Report,
        about: RecipientReport,
        subscriber: Subscriber,
        cause: str,
    ) -> BounceResult:
        """Count a temporary failure, and end the address if there were too many."""
        at, days = self._time_of(report), self.policy.days
        subscribers.count_bounce(connection, subscriber, cause=cause, now=at)
        count = _recent_failures(subscribers.history(connection, subscriber), days)
        if count < self.policy.failures:
            return BounceResult("counted", about, subscriber, count)
        cause = f"{count} temporary failures in {days} days; the last: {cause}"
        subscribers.set_status(connection, subscriber, "bounced", cause=cause, now=self.now)
        return BounceResult("ended", about, subscriber, count)

    def _outcome_of_earlier(
        self, past: Sequence[Change], mail: Report | UnsubscribeRequest
    ) -> Literal["again", "old", ""]:
        """Return `again` or `old` if earlier changes mean that `mail` does not count, else ""."""
        if any(change.cause.endswith(_id(mail)) for change in past):
            return "again"
        back = _came_back(past)
        return "old" if back and self._time_of(mail) < back else ""

    def _time_of(self, mail: Report | UnsubscribeRequest) -> datetime:
        """Return when a mail was sent, but not in the future: a sender's clock may be fast."""
        return min(mail.date or self.now, self.now)


def _mildest(reports: Sequence[RecipientReport], subscriber: Subscriber | None) -> RecipientReport:
    """Return the mildest of the reports about one of our mails.

    An address may forward to several; if one of them received the mail, it still works.
    """
    own = subscriber.address.casefold() if subscriber else ""
    named = [r for r in reports if own in {address.casefold() for address in r.addresses}]
    return min(named or reports, key=lambda report: _MILDEST_FIRST.index(report.kind))


def _named(connection: Connection, report: RecipientReport) -> Subscriber | None:
    found = (subscribers.find(connection, address) for address in report.addresses)
    first = next((each for each in found if each is not None), None)
    return None if first is None else subscribers.get_for_update(connection, first.id)


def _came_back(past: Sequence[Change]) -> datetime | None:
    """Return when the subscriber last came back after leaving."""
    times = (each.at for each in past if each.what == "status" and each.before in subscribers.GONE)
    return max(times, default=None)


def _recent_failures(past: Sequence[Change], days: int) -> int:
    """Count the failures in the `days` up to the newest, and since the subscriber came back."""
    back = _came_back(past)
    times = [each.at for each in past if each.what == "bounces" and not (back and each.at < back)]
    return sum(time >= max(times) - timedelta(days=days) for time in times)


def _id(mail: Report | UnsubscribeRequest) -> str:
    return f"[report {mail.id}]"
