"""What follows from the mail that comes back: addresses end, a failure is counted, readers leave.

`bounces` says what a mail says. Here the subscriber is found: by the mark in the address that the
report came to, or in the List-Unsubscribe of the mail that it returns (we made both, so no one can
invent them), else by the address that it names. Who leaves by mail is known by the mark alone. Each
mail counts once: its id stands in the cause of the change that it made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, Literal

from sqlalchemy import Connection

from broadsheet.bounces import Finding, Report, Unread, Wish
from broadsheet.delivery import subscribers
from broadsheet.delivery.subscribers import GONE, Change, Subscriber
from broadsheet.delivery.tokens import SECRET, Tokens, mark_in_subject
from broadsheet.service.leaving import hold, leave

Outcome = Literal[
    "ended", "left", "counted", "nothing", "again", "gone", "unknown", "unproven", "old"
]

_MARK_IN_ADDRESS = re.compile(r"(\d{1,18}-\d{1,18}-[a-z2-7]{10})@", re.IGNORECASE)
_MARK_IN_LINK = re.compile(r"unsubscribe(?:/|\?t=|%20)([\w.-]{20,400})", re.ASCII)
_MILDER: Final = ("nothing", "temporary", "permanent", "complaint", "wish")


@dataclass(frozen=True, slots=True)
class Policy:
    """How many temporary failures end an address, within how many days.

    proven: only reports that carry a mark of ours count.
    """

    times: int = 5
    days: int = 35
    proven: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one finding.

    ended: the address gets no more mail; left: at the reader's own wish, off one digest or all;
    counted: a temporary failure; nothing: none was told;
    again: this report was met before; gone: left already; old: from before the subscriber came
    back; unknown: no subscriber; unproven: without our mark, and the policy wants one.
    """

    outcome: Outcome
    finding: Finding
    subscriber: Subscriber | None = None
    count: int = 0


def take(
    connection: Connection, report: Report, tokens: Tokens | None, policy: Policy, now: datetime
) -> list[Result]:
    """Writes down what follows from `report`, in the transaction of `connection`."""
    marked = _marked(report, tokens)
    if marked is not None:
        found = hold(connection, marked)
        finding = _about(report.findings, found)
        return [_settle(connection, report, finding, found, policy, now)]
    if policy.proven:
        return [Result("unproven", finding) for finding in report.findings]
    return [
        _settle(connection, report, finding, _named(connection, finding), policy, now)
        for finding in report.findings
    ]


def take_off(
    connection: Connection,
    wish: Wish,
    tokens: Tokens | None,
    digests: Sequence[str],
    now: datetime,
    *,
    renamed: Mapping[str, str] = MappingProxyType({}),
) -> Result:
    """Unsubscribe the reader whose mark `wish` has, as a click on the link would.

    digests: the names of all digests. renamed: former name of a digest -> its present name.
    Raises Unread if the mark is not ours: someone wants to unsubscribe, so a person has to look.
    """
    text = mark_in_subject(wish.subject)
    if not text:
        raise Unread(
            f"someone wants to leave, and the mail says who only by its sender, "
            f"{wish.sent_by or 'which it does not name'}; if it is true, take that address off "
            "with: broadsheet subscribers remove"
        )
    if tokens is None:
        raise Unread(f"someone wants to leave; set {SECRET}, or the mark cannot be read")
    mark = tokens.read_unsubscribe(text)
    if mark is None:
        raise Unread("someone wants to unsubscribe, with a mark that is not ours")
    mark = mark.renamed(renamed)
    found = hold(connection, mark.subscriber)
    finding = Finding("wish", (wish.sent_by,) if wish.sent_by else (), "", mark.digest)
    if found is None:
        return Result("unknown", finding)
    past = subscribers.history(connection, found)
    if any(change.cause.endswith(_in_brackets(wish)) for change in past):
        return Result("again", finding, found)
    back = _came_back(past)
    if back and min(wish.date or now, now) < back:
        return Result("old", finding, found)
    cause = f"by mail {_in_brackets(wish)}"
    after = leave(connection, mark, digests, cause=cause, now=now)
    return Result("gone" if after == found else "left", finding, found)


def _marked(report: Report, tokens: Tokens | None) -> int | None:
    """The subscriber, by id, that a mark of ours names."""
    if tokens is None:
        return None
    for address in report.sent_to:
        found = _MARK_IN_ADDRESS.search(address)
        if found and (mark := tokens.read_bounce(found[1])):
            return mark[0]
    for text in _MARK_IN_LINK.findall(report.header("list-unsubscribe")):
        if link := tokens.read_unsubscribe(text):
            return link.subscriber
    return None


def _about(findings: Sequence[Finding], subscriber: Subscriber | None) -> Finding:
    """What a report on one mail of ours comes to.

    An address may be passed on to several; where one of these got the mail, all is well.
    """
    own = subscriber.address.casefold() if subscriber else ""
    named = [f for f in findings if own in {address.casefold() for address in f.addresses}]
    return min(named or findings, key=lambda finding: _MILDER.index(finding.kind))


def _named(connection: Connection, finding: Finding) -> Subscriber | None:
    found = (subscribers.find(connection, address) for address in finding.addresses)
    first = next((each for each in found if each is not None), None)
    return None if first is None else hold(connection, first.id)


def _settle(
    connection: Connection,
    report: Report,
    finding: Finding,
    subscriber: Subscriber | None,
    policy: Policy,
    now: datetime,
) -> Result:
    if subscriber is None:
        return Result("unknown", finding)
    if finding.kind == "nothing":
        return Result("nothing", finding, subscriber)
    past = subscribers.history(connection, subscriber)
    if any(change.cause.endswith(_in_brackets(report)) for change in past):
        return Result("again", finding, subscriber)
    # A complaint says more than a bounce, and both more than that someone left.
    stronger = finding.kind == "complaint" and subscriber.status != "complained"
    if subscriber.gone and not stronger:
        return Result("gone", finding, subscriber)
    at, back = min(report.date or now, now), _came_back(past)
    if back and at < back:
        return Result("old", finding, subscriber)
    cause = _cause(report, finding)
    if finding.kind == "temporary":
        subscribers.count_bounce(connection, subscriber, cause=cause, now=at)
        count = _recent(subscribers.history(connection, subscriber), policy.days)
        if count < policy.times:
            return Result("counted", finding, subscriber, count)
        ending = f"{count} temporary failures in {policy.days} days; the last: {cause}"
        subscribers.set_status(connection, subscriber, "bounced", cause=ending, now=now)
        return Result("ended", finding, subscriber, count)
    status: subscribers.Status = "complained" if finding.kind == "complaint" else "bounced"
    subscribers.set_status(connection, subscriber, status, cause=cause, now=now)
    return Result("ended", finding, subscriber)


def _came_back(past: Sequence[Change]) -> datetime | None:
    """When the subscriber last came back after leaving; what was reported before is over."""
    times = (each.at for each in past if each.what == "status" and each.before in GONE)
    return max(times, default=None)


def _recent(past: Sequence[Change], days: int) -> int:
    """The temporary failures in the `days` up to the newest, and since the subscriber came back."""
    back = _came_back(past)
    times = [each.at for each in past if each.what == "bounces" and not (back and each.at < back)]
    return sum(time >= max(times) - timedelta(days=days) for time in times)


def _cause(report: Report, finding: Finding) -> str:
    said = " ".join(filter(None, (finding.status, finding.words))) or "no reason given"
    kind = "complaint" if finding.kind == "complaint" else f"{finding.kind} failure"
    return f"{kind}: {said} {_in_brackets(report)}"


def _in_brackets(report: Report | Wish) -> str:
    return f"[report {report.id}]"
