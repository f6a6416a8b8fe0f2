"""What follows from returned mail: addresses end, failures are counted, readers are unsubscribed.

`bounces` reads what a mail says. Here the subscriber is found: by the signed token in the address
that the report was sent to or in the List-Unsubscribe of the returned mail, else by the address in
the report. An unsubscribe mail is identified by its token alone. Each mail counts once: its id is
in the cause of the change that it made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, Literal

from sqlalchemy import Connection

from broadsheet.bounces.reading import read_mail
from broadsheet.bounces.report import NotAReport, RecipientReport, Report, UnsubscribeRequest
from broadsheet.delivery import subscribers
from broadsheet.delivery.database import Database
from broadsheet.delivery.subscribers import Change, Subscriber
from broadsheet.delivery.tokens import SECRET, Tokens, mark_in_subject

BounceOutcome = Literal[
    "ended", "left", "counted", "nothing", "again", "gone", "unknown", "unproven", "old"
]
"""ended: the address gets no more mail. left: the reader asked to be unsubscribed from a digest or
all. counted: a temporary failure. nothing: delivered or delayed. again: the mail was processed
before. gone: had left already. old: from before the subscriber came back. unknown: no subscriber.
unproven: no token, and the policy requires one."""

_TOKEN_IN_ADDRESS: Final = re.compile(r"(\d{1,18}-\d{1,18}-[a-z2-7]{10})@", re.IGNORECASE)
_TOKEN_IN_LINK: Final = re.compile(r"unsubscribe(?:/|\?t=|%20)([\w.-]{20,400})", re.ASCII)
_MILDEST_FIRST: Final = ("nothing", "temporary", "permanent", "complaint")


@dataclass(frozen=True, slots=True)
class BouncePolicy:
    """How many temporary failures within how many days end an address.

    proven: only reports with a token of ours count.
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


@dataclass(frozen=True, slots=True)
class MailProcessor:
    """Processes one mail after another, each in a transaction.

    tokens: None if there is no secret. digests: the names of all digests. renamed: former name of a
    digest -> its present name. now: aware. dry_run: write nothing.
    """

    database: Database
    tokens: Tokens | None
    policy: BouncePolicy
    digests: Sequence[str]
    renamed: Mapping[str, str]
    now: datetime
    dry_run: bool = False

    def process(self, mail: bytes) -> list[BounceResult]:
        """Return the result for each recipient. Raises NotAReport and DatabaseError."""
        found = read_mail(mail)
        with self.database.writing() as connection:
            if isinstance(found, UnsubscribeRequest):
                result = unsubscribe_by_mail(
                    connection, found, self.tokens, self.digests, self.now, renamed=self.renamed
                )
                results = [result]
            else:
                results = apply_report(connection, found, self.tokens, self.policy, self.now)
            if self.dry_run:
                connection.rollback()
        return results


@dataclass(slots=True)
class ProcessedMail:
    """The results of a run. reports: mails that were processed. ignored, unreadable: pairs of a
    mail and the reason why it was not."""

    reports: int = 0
    results: list[tuple[str, BounceResult]] = field(default_factory=list)
    ignored: list[tuple[str, str]] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    def add(self, shown: str, mail: bytes, processor: MailProcessor) -> bool:
        """Process a mail, which messages call `shown`; False if it is not a report.

        Raises DatabaseError.
        """
        try:
            results = processor.process(mail)
        except NotAReport as reason:
            self.ignored.append((shown, str(reason)))
            return False
        self.reports += 1
        self.results += [(shown, result) for result in results]
        return True


def apply_report(
    connection: Connection,
    report: Report,
    tokens: Tokens | None,
    policy: BouncePolicy,
    now: datetime,
) -> list[BounceResult]:
    """Change the subscribers that `report` is about, in the transaction of `connection`."""
    identified = _identified(report, tokens)
    if identified is not None:
        found = subscribers.get_for_update(connection, identified)
        about = _about(report.recipients, found)
        return [_apply(connection, report, about, found, policy, now)]
    if policy.proven:
        return [BounceResult("unproven", each) for each in report.recipients]
    return [
        _apply(connection, report, each, _named(connection, each), policy, now)
        for each in report.recipients
    ]


def unsubscribe_by_mail(
    connection: Connection,
    request: UnsubscribeRequest,
    tokens: Tokens | None,
    digests: Sequence[str],
    now: datetime,
    *,
    renamed: Mapping[str, str] = MappingProxyType({}),
) -> BounceResult:
    """Unsubscribe the reader whose token `request` has, as a click on the link would.

    digests: the names of all digests. renamed: former name of a digest -> its present name. Raises
    NotAReport if the token is missing or not ours: someone wants to leave, so a person has to look.
    """
    text = mark_in_subject(request.subject)
    if not text:
        raise NotAReport(
            "someone wants to unsubscribe, and the mail identifies them only by its sender, "
            f"{request.sent_by or 'which it does not name'}; if it is genuine, run: broadsheet "
            "subscribers remove ADDRESS"
        )
    if tokens is None:
        raise NotAReport(f"someone wants to unsubscribe; set {SECRET} to read the token")
    mark = tokens.read_unsubscribe(text)
    if mark is None:
        raise NotAReport("someone wants to unsubscribe, with a token that is not ours")
    mark = mark.renamed(renamed)
    found = subscribers.get_for_update(connection, mark.subscriber)
    about = RecipientReport(
        "unsubscribe", (request.sent_by,) if request.sent_by else (), "", mark.digest
    )
    if found is None:
        return BounceResult("unknown", about)
    past = subscribers.history(connection, found)
    if _is_processed(past, request):
        return BounceResult("again", about, found)
    if _is_outdated(past, min(request.date or now, now)):
        return BounceResult("old", about, found)
    after = subscribers.leave(
        connection, found.id, mark.digest, digests, cause=f"by mail {_id(request)}", now=now
    )
    return BounceResult("gone" if after == found else "left", about, found)


def _identified(report: Report, tokens: Tokens | None) -> int | None:
    """Return the id of the subscriber whose token `report` has."""
    if tokens is None:
        return None
    for address in report.sent_to:
        found = _TOKEN_IN_ADDRESS.search(address)
        if found and (bounce := tokens.read_bounce(found[1])):
            return bounce[0]
    for text in _TOKEN_IN_LINK.findall(report.returned_header("list-unsubscribe")):
        if link := tokens.read_unsubscribe(text):
            return link.subscriber
    return None


def _about(reports: Sequence[RecipientReport], subscriber: Subscriber | None) -> RecipientReport:
    """Return what counts of a report about one of our mails: the mildest result.

    An address may forward to several; if one of them got the mail, it is not gone.
    """
    own = subscriber.address.casefold() if subscriber else ""
    named = [r for r in reports if own in {address.casefold() for address in r.addresses}]
    return min(named or reports, key=lambda report: _MILDEST_FIRST.index(report.kind))


def _named(connection: Connection, report: RecipientReport) -> Subscriber | None:
    found = (subscribers.find(connection, address) for address in report.addresses)
    first = next((each for each in found if each is not None), None)
    return None if first is None else subscribers.get_for_update(connection, first.id)


def _apply(
    connection: Connection,
    report: Report,
    about: RecipientReport,
    subscriber: Subscriber | None,
    policy: BouncePolicy,
    now: datetime,
) -> BounceResult:
    if subscriber is None:
        return BounceResult("unknown", about)
    if about.kind == "nothing":
        return BounceResult("nothing", about, subscriber)
    past = subscribers.history(connection, subscriber)
    if _is_processed(past, report):
        return BounceResult("again", about, subscriber)
    # A complaint is stronger than a bounce, and both are stronger than unsubscribing.
    stronger = about.kind == "complaint" and subscriber.status != "complained"
    if subscriber.gone and not stronger:
        return BounceResult("gone", about, subscriber)
    at = min(report.date or now, now)
    if _is_outdated(past, at):
        return BounceResult("old", about, subscriber)
    cause = _cause(report, about)
    if about.kind == "temporary":
        subscribers.count_bounce(connection, subscriber, cause=cause, now=at)
        return _counted(connection, about, subscriber, policy, cause, now)
    status: subscribers.Status = "complained" if about.kind == "complaint" else "bounced"
    subscribers.set_status(connection, subscriber, status, cause=cause, now=now)
    return BounceResult("ended", about, subscriber)


def _counted(
    connection: Connection,
    about: RecipientReport,
    subscriber: Subscriber,
    policy: BouncePolicy,
    cause: str,
    now: datetime,
) -> BounceResult:
    """End the address if there were too many temporary failures."""
    count = _recent_failures(subscribers.history(connection, subscriber), policy.days)
    if count < policy.failures:
        return BounceResult("counted", about, subscriber, count)
    cause = f"{count} temporary failures in {policy.days} days; the last: {cause}"
    subscribers.set_status(connection, subscriber, "bounced", cause=cause, now=now)
    return BounceResult("ended", about, subscriber, count)


def _is_processed(past: Sequence[Change], mail: Report | UnsubscribeRequest) -> bool:
    return any(change.cause.endswith(_id(mail)) for change in past)


def _is_outdated(past: Sequence[Change], at: datetime) -> bool:
    back = _came_back(past)
    return back is not None and at < back


def _came_back(past: Sequence[Change]) -> datetime | None:
    """Return when the subscriber last came back after leaving."""
    times = (each.at for each in past if each.what == "status" and each.before in subscribers.GONE)
    return max(times, default=None)


def _recent_failures(past: Sequence[Change], days: int) -> int:
    """Count the failures in the `days` up to the newest, and since the subscriber came back."""
    back = _came_back(past)
    times = [each.at for each in past if each.what == "bounces" and not (back and each.at < back)]
    return sum(time >= max(times) - timedelta(days=days) for time in times)


def _cause(report: Report, about: RecipientReport) -> str:
    said = " ".join(filter(None, (about.status, about.words))) or "no reason given"
    kind = "complaint" if about.kind == "complaint" else f"{about.kind} failure"
    return f"{kind}: {said} {_id(report)}"


def _id(mail: Report | UnsubscribeRequest) -> str:
    return f"[report {mail.id}]"
