"""The rows of the ledger: their states, and which of them a run claims next.

    pending -> claimed -> sent | failed | retry | in_doubt | pending
    pending, retry, in_doubt -> skipped     unsubscribed in the meantime, or nothing for them
    failed -> claimed                       only with `--only failed`

Rows are claimed in the caller's transaction (ledger.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal, get_args

import sqlalchemy as sql
from sqlalchemy import Connection, bindparam

from broadsheet.delivery.database import deliveries, issues, moment, stamp, subscribers
from broadsheet.model.settings import DeliverySettings, Settings

State = Literal["pending", "claimed", "retry", "in_doubt", "sent", "failed", "skipped"]

STATES: Final[tuple[State, ...]] = get_args(State)
FINAL: Final[frozenset[State]] = frozenset({"sent", "failed", "skipped"})
"""States that no run changes, unless asked to."""

LEFT: Final = "no longer subscribed"
UNWANTED: Final = "no longer wants this digest"
NOTHING: Final = "the issue has none of the topics wanted"
KILLED: Final = "the run that was sending it was killed"

# What is in doubt comes last: otherwise runs that are killed early would send it again and again.
_ORDER: Final[tuple[State, ...]] = ("retry", "pending", "in_doubt")
_STRAY: Final = timedelta(days=1)  # no wait is longer, unless the clock was set back
_MOST_SKIPPED: Final = 500  # rows in one transaction, so that none takes long
_READ_AHEAD: Final = 50  # rows read at once when many are skipped
_NO_LIMIT: Final = 2**31


@dataclass(frozen=True, slots=True)
class Claim:
    """A claimed row. send_at: the earliest time to send, in seconds since 1970. lease: until when
    the claim holds (aware). first_at: of the first attempt, as stored. was: the state before.
    """

    id: int
    issue: int
    subscriber: int
    address: str
    name: str
    language: str
    topics: tuple[str, ...]
    attempts: int
    first_at: str
    was: State
    send_at: float
    lease: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a claim. code: of the server's reply, None if there was none; reply: its text.

    kind: `pending` returns the row unchanged; `retry` and `in_doubt` wait, or fail eventually.
    gone: the server says that the address does not exist.
    """

    claim: Claim
    kind: Literal["sent", "failed", "retry", "in_doubt", "pending"]
    code: int | None = None
    reply: str = ""
    gone: bool = False


@dataclass(slots=True)
class Claimed:
    """What a transaction has claimed so far. more: there may be more to claim."""

    claims: list[Claim] = field(default_factory=list)
    skipped: int = 0
    more: bool = False


Unwanted = Callable[[int, tuple[str, ...], str], bool]
"""Whether the issue (id) has nothing for someone who wants these topics, in this language."""


def lease_time(delivery: DeliverySettings) -> timedelta:
    """Return how long a claim holds: longer than sending a mail can take, with all timeouts."""
    return timedelta(seconds=delivery.timeout * 8 + 60)


class Queue:
    """The rows that wait for a run."""

    def __init__(
        self,
        connection: Connection,
        settings: Settings,
        issue_ids: Sequence[int],
        sender: int = 0,
        only: State | None = None,
    ) -> None:
        """issue_ids: whose rows to claim. sender: the id of the run. only: claim each row in this
        state once, due or not; None: claim the rows that are due."""
        self._connection = connection
        self._issue_ids = issue_ids
        self._lease = lease_time(settings.delivery)
        self._renamed = settings.renamed
        self._queries = _queries(settings.delivery, only)
        self._sender = sender

    def claim(self, moments: Sequence[float], unwanted: Unwanted, now: datetime) -> Claimed:
        """Claim a row for each of `moments`, if there are enough."""
        made = Claimed()
        for issue in self._issue_ids if moments else ():
            for state in self._queries:
                self._claim_some(made, moments, issue, state, unwanted, now)
        self._reopen(made.claims)
        return made

    def waiting(self, connection: Connection, now: datetime) -> int:
        """Return how many rows could be claimed now, read through `connection`."""
        found = 0
        for issue in self._issue_ids:
            for state, find in self._queries.items():
                query = sql.select(sql.func.count()).select_from(find.subquery())
                values = self._values(issue, state, now, _NO_LIMIT)
                found += int(connection.execute(query, values).scalar_one())
        return found

    def _claim_some(
        self,
        made: Claimed,
        moments: Sequence[float],
        issue: int,
        state: State,
        unwanted: Unwanted,
        now: datetime,
    ) -> None:
        most = len(moments)
        while (missing := len(moments) - len(made.claims)) and made.skipped < _MOST_SKIPPED:
            values = self._values(issue, state, now, most)
            rows = self._connection.execute(self._queries[state], values).all()
            if not rows:
                return
            claims: list[Claim] = []
            for row in rows:
                if len(claims) == missing:
                    break
                send_at = moments[len(made.claims) + len(claims)]
                claim = _claim(row, send_at, now + self._lease, now)
                if why := _reason_to_skip(row, claim, unwanted, self._renamed):
                    self._skip(claim, why, now)
                    made.skipped += 1
                else:
                    claims.append(claim)
            self._take(claims, now)
            made.claims.extend(claims)
            most = _READ_AHEAD
        made.more = True

    def _take(self, claims: Sequence[Claim], now: datetime) -> None:
        if not claims:
            return
        mine = {"me": self._sender, "until": stamp(claims[0].lease), "now": stamp(now)}
        values = [
            {**mine, "row": each.id, "tries": each.attempts, "first": each.first_at}
            for each in claims
        ]
        self._connection.execute(_CLAIM, values)

    def _reopen(self, claims: Sequence[Claim]) -> None:
        """Mark issues with a claimed row as not done: if this run is killed, the row is in doubt,
        and no run looks at issues that are done."""
        if again := {claim.issue for claim in claims if claim.was == "failed"}:
            query = sql.update(issues).where(issues.c.id.in_(again), issues.c.done.is_not(None))
            self._connection.execute(query.values(done=None))

    def _skip(self, claim: Claim, why: str, now: datetime) -> None:
        query = sql.update(deliveries).where(deliveries.c.id == claim.id)
        self._connection.execute(
            query.values(state="skipped", changed=stamp(now), next_at=None, reply=why)
        )

    def _values(self, issue: int, state: State, now: datetime, most: int) -> dict[str, object]:
        return {
            "issue_": issue,
            "state_": state,
            "now": stamp(now),
            "stray": stamp(now + _STRAY),
            "me": self._sender,
            "most": most,
        }


def _find(*conditions: sql.ColumnElement[bool]) -> sql.Select[Any]:
    columns = [
        deliveries.c.id, deliveries.c.issue, deliveries.c.subscriber, deliveries.c.state,
        deliveries.c.attempts, deliveries.c.first_at, subscribers.c.address, subscribers.c.name,
        subscribers.c.language, subscribers.c.topics, subscribers.c.digests,
        subscribers.c.status, issues.c.digest,
    ]  # fmt: skip
    return (
        sql.select(*columns)
        .join(subscribers, subscribers.c.id == deliveries.c.subscriber)
        .join(issues, issues.c.id == deliveries.c.issue)
        .where(
            deliveries.c.issue == bindparam("issue_"),
            deliveries.c.state == bindparam("state_"),
            *conditions,
        )
        .order_by(deliveries.c.next_at, deliveries.c.id)
        .limit(bindparam("most"))
    )


_due = sql.or_(
    deliveries.c.next_at.is_(None),
    deliveries.c.next_at <= bindparam("now"),
    deliveries.c.next_at > bindparam("stray"),
)
_FIND: Final[Mapping[State, sql.Select[Any]]] = {
    "pending": _find(),
    "retry": _find(_due),
    "in_doubt": _find(_due),
}
# For `--only`: each row once in a run, due or not.
_FIND_ONCE: Final = _find(
    deliveries.c.sender.is_distinct_from(bindparam("me")), subscribers.c.status == "active"
)
_CLAIM: Final = (
    sql.update(deliveries)
    .where(deliveries.c.id == bindparam("row"))
    .values(
        state="claimed",
        attempts=bindparam("tries"),
        first_at=bindparam("first"),
        changed=bindparam("now"),
        next_at=None,
        sender=bindparam("me"),
        lease=bindparam("until"),
    )
)


def _queries(delivery: DeliverySettings, only: State | None) -> Mapping[State, sql.Select[Any]]:
    """Return the queries for the rows that a run claims, in order."""
    if only:
        return {only: _FIND_ONCE}
    held = {"in_doubt"} if delivery.in_doubt == "hold" else set()
    return {state: _FIND[state] for state in _ORDER if state not in held}


def _claim(row: sql.Row[Any], send_at: float, lease: datetime, now: datetime) -> Claim:
    # If the first attempt is in the future, the clock was set back.
    starts_over = (
        row.state == "failed" or row.first_at is None or moment(row.first_at) > now + _STRAY
    )
    return Claim(
        id=row.id,
        issue=row.issue,
        subscriber=row.subscriber,
        address=row.address,
        name=row.name,
        language=row.language,
        topics=tuple(json.loads(row.topics)),
        attempts=1 if starts_over else row.attempts + 1,
        first_at=stamp(now) if starts_over else row.first_at,
        was=row.state,
        send_at=send_at,
        lease=lease,
    )


def _reason_to_skip(
    row: sql.Row[Any], claim: Claim, unwanted: Unwanted, renamed: Mapping[str, str]
) -> str:
    """Return why a row is skipped; "" if it is sent."""
    if row.status != "active":
        return LEFT
    digests = {renamed.get(name, name) for name in json.loads(row.digests)}
    if digests and renamed.get(row.digest, row.digest) not in digests:
        return UNWANTED
    return NOTHING if unwanted(claim.issue, claim.topics, claim.language) else ""
