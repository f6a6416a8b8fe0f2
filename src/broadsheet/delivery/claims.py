"""The rows of the ledger: their states, and which of them a run claims next.

    pending -> claimed -> sent | failed | retry | in_doubt | pending
    pending, retry, in_doubt -> skipped     unsubscribed in the meantime, or nothing for them
    failed -> claimed                       only with `--only failed`

Rows are claimed in the caller's transaction (ledger.py). On a server, runs skip the rows that
another run is claiming at the same moment; in SQLite, there is one writer at a time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, Literal, get_args

import sqlalchemy as sql
from msgspec import Struct
from sqlalchemy import Connection, bindparam

from broadsheet.delivery.database import (
    RowsUpdate,
    deliveries,
    issues,
    moment,
    stamp,
    subscribers,
)
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
_LOOK_AGAIN: Final = timedelta(seconds=1)  # for rows in a state that had none to claim
_NO_LIMIT: Final = 2**62


@dataclass(slots=True, eq=False)
class Batch:
    """Rows of an issue that are sent together. first, last: their ids.

    domain: if not "", only mail to this domain; if "", mail to all domains without limits of their
    own. in_flight: the claimed rows. empty: states without a row to claim, and since when. after:
    pending rows up to this id were claimed. not_before: when to go on, if nothing may be sent now.
    """

    issue: int
    first: int = 0
    last: int = _NO_LIMIT
    domain: str = ""
    in_flight: set[int] = field(default_factory=set)
    empty: dict[State, datetime] = field(default_factory=dict)
    after: int = 0
    not_before: datetime | None = None

    def is_empty(self, state: State, now: datetime) -> bool:
        """Whether no row in `state` could be claimed a moment ago."""
        since = self.empty.get(state)
        return since is not None and abs(now - since) < _LOOK_AGAIN


class Claim(Struct, frozen=True):
    """A claimed row of `batch`. send_at: the earliest time to send, in seconds since 1970. lease:
    until when the claim holds (aware). first_at: of the first attempt, as stored. was: the state
    before.
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
    batch: Batch


class Outcome(Struct, frozen=True):
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
    """What a transaction has claimed of a batch so far."""

    claims: list[Claim] = field(default_factory=list)
    skipped: int = 0


Unwanted = Callable[[int, tuple[str, ...], str], bool]
"""Whether the issue (id) has nothing for readers of these topics, in this language."""


def reply_time(delivery: DeliverySettings) -> timedelta:
    """Return how long the server may take to reply to a whole mail (RFC 5321, 4.5.3.2.6)."""
    return timedelta(seconds=delivery.timeout * 2)


def lease_time(delivery: DeliverySettings) -> timedelta:
    """Return how long a claim holds. It is renewed unless it covers the wait for the reply."""
    return reply_time(delivery) + timedelta(minutes=1)


def whole_issues(issue_ids: Iterable[int], delivery: DeliverySettings) -> list[Batch]:
    """Return batches of all rows of issues."""
    domains = ("", *delivery.limited_domains)
    return [Batch(issue, domain=domain) for issue in issue_ids for domain in domains]


class Queue:
    """The rows that wait for a run."""

    def __init__(self, settings: Settings, sender: int = 0, only: State | None = None) -> None:
        """sender: the id of the run. only: claim each row in this state once, due or not; None:
        claim the rows that are due."""
        self._lease = lease_time(settings.delivery)
        self._renamed = settings.renamed
        self._domains = settings.delivery.limited_domains
        self._states = _states(settings.delivery, only)
        self._once = only is not None
        self._sender = sender
        self._queries: dict[tuple[str, State], sql.Select[Any]] = {}

    def claim(
        self,
        connection: Connection,
        batch: Batch,
        moments: Sequence[float],
        unwanted: Unwanted,
        now: datetime,
    ) -> Claimed:
        """Claim a row of `batch` for each of `moments`, if there are enough."""
        made = Claimed()
        for state in self._states:
            while (
                len(made.claims) < len(moments)
                and made.skipped < _MOST_SKIPPED
                and not batch.is_empty(state, now)
            ):
                self._claim_some(connection, made, moments, batch, state, unwanted, now)
        _reopen(connection, made.claims)
        return made

    def to_domain(self, domain: str) -> list[sql.ColumnElement[bool]]:
        """The conditions for the subscribers of a batch for `domain`."""
        if domain:
            return [_to_domain(domain)]
        return [~_to_domain(each) for each in self._domains]

    def is_exhausted(self, batch: Batch) -> bool:
        """Whether `batch` had no more rows to claim a moment ago."""
        return all(state in batch.empty for state in self._states)

    def waiting(
        self, connection: Connection, batches: Sequence[Batch], now: datetime, most: int = _NO_LIMIT
    ) -> int:
        """Return how many rows of `batches` could be claimed now, but count to `most` only."""
        found = 0
        for batch in batches:
            for state in self._states:
                find = self._find(batch.domain, state).subquery()
                query = sql.select(sql.func.count()).select_from(find)
                values = self._values(Batch(batch.issue, batch.first, batch.last), state, now, most)
                found += int(connection.execute(query, values).scalar_one())
                if found >= most:
                    return most
        return found

    def _claim_some(
        self,
        connection: Connection,
        made: Claimed,
        moments: Sequence[float],
        batch: Batch,
        state: State,
        unwanted: Unwanted,
        now: datetime,
    ) -> None:
        missing = len(moments) - len(made.claims)
        most = max(missing, _READ_AHEAD if made.skipped else 0)
        values = self._values(batch, state, now, most)
        rows = connection.execute(self._query(batch.domain, state), values).all()
        claims: list[Claim] = []
        for row in rows:
            if len(claims) == missing:
                break
            send_at = moments[len(made.claims) + len(claims)]
            claim = _claim(row, batch, send_at, now + self._lease, now)
            if why := _reason_to_skip(row, claim, unwanted, self._renamed):
                _skip(connection, claim, why, now)
                made.skipped += 1
            else:
                claims.append(claim)
            if state == "pending":
                batch.after = row.id
        self._take(connection, claims, now)
        made.claims.extend(claims)
        if len(rows) == most:
            batch.empty.pop(state, None)
        else:
            if state != "pending" or values["after"] == 0:
                batch.empty[state] = now
            batch.after = 0  # rows may have become pending again

    def _take(self, connection: Connection, claims: Sequence[Claim], now: datetime) -> None:
        if not claims:
            return
        mine = {"me": self._sender, "until": stamp(claims[0].lease), "now": stamp(now)}
        rows = [{"row": each.id, "tries": each.attempts, "first": each.first_at} for each in claims]
        _CLAIM.execute(connection, rows, mine)

    def _query(self, domain: str, state: State) -> sql.Select[Any]:
        """Return the query for rows to claim, which locks them. Made once: that takes time."""
        if (domain, state) not in self._queries:
            locking = self._find(domain, state).with_for_update(of=deliveries, skip_locked=True)
            self._queries[domain, state] = locking
        return self._queries[domain, state]

    def _find(self, domain: str, state: State) -> sql.Select[Any]:
        conditions = self.to_domain(domain)
        if self._once:
            conditions += _ONCE
        elif state == "pending":
            conditions += _PENDING
        else:
            conditions.append(_due)
        return _find(*conditions)

    def _values(self, batch: Batch, state: State, now: datetime, most: int) -> dict[str, object]:
        return {
            "issue_": batch.issue,
            "first": batch.first,
            "last": batch.last,
            "after": batch.after,
            "state_": state,
            "now": stamp(now),
            "stray": stamp(now + _STRAY),
            "me": self._sender,
            "most": most,
        }


def _reopen(connection: Connection, claims: Sequence[Claim]) -> None:
    """Mark issues with a claimed row as not done: if this run is killed, the row is in doubt, and
    no run looks at issues that are done."""
    if again := {claim.issue for claim in claims if claim.was == "failed"}:
        query = sql.update(issues).where(issues.c.id.in_(again), issues.c.done.is_not(None))
        connection.execute(query.values(done=None))


def _skip(connection: Connection, claim: Claim, why: str, now: datetime) -> None:
    query = sql.update(deliveries).where(deliveries.c.id == claim.id)
    connection.execute(query.values(state="skipped", changed=stamp(now), next_at=None, reply=why))


def _to_domain(domain: str) -> sql.ColumnElement[bool]:
    return subscribers.c.address_key.endswith(f"@{domain}", autoescape=True)


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
            deliveries.c.id.between(bindparam("first"), bindparam("last")),
            *conditions,
        )
        .order_by(deliveries.c.next_at, deliveries.c.id)
        .limit(bindparam("most"))
    )


_due: Final = sql.or_(
    deliveries.c.next_at.is_(None),
    deliveries.c.next_at <= bindparam("now"),
    deliveries.c.next_at > bindparam("stray"),
)
# No pending row has a `next_at`; said so, the index leads to the next one.
_PENDING: Final = (deliveries.c.next_at.is_(None), deliveries.c.id > bindparam("after"))
# For `--only`: each row once in a run, due or not.
_ONCE: Final = (
    deliveries.c.sender.is_distinct_from(bindparam("me")), subscribers.c.status == "active"
)  # fmt: skip
_CLAIM: Final = RowsUpdate(
    lambda each: (
        sql.update(deliveries)
        .where(deliveries.c.id == each["row"])
        .values(
            state="claimed",
            attempts=each["tries"],
            first_at=each["first"],
            changed=bindparam("now"),
            next_at=None,
            sender=bindparam("me"),
            lease=bindparam("until"),
        )
    ),
    row=sql.BigInteger(),
    tries=sql.Integer(),
    first=sql.Text(),
)


def _states(delivery: DeliverySettings, only: State | None) -> tuple[State, ...]:
    """Return the states of the rows that a run claims, in order."""
    if only:
        return (only,)
    held = {"in_doubt"} if delivery.in_doubt == "hold" else set()
    return tuple(state for state in _ORDER if state not in held)


def _claim(
    row: sql.Row[Any], batch: Batch, send_at: float, lease: datetime, now: datetime
) -> Claim:
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
        topics=_listed(row.topics),
        attempts=1 if starts_over else row.attempts + 1,
        first_at=stamp(now) if starts_over else row.first_at,
        was=row.state,
        send_at=send_at,
        lease=lease,
        batch=batch,
    )


@lru_cache(1024)  # most readers have the same
def _listed(stored: str) -> tuple[str, ...]:
    return tuple(json.loads(stored))


def _reason_to_skip(
    row: sql.Row[Any], claim: Claim, unwanted: Unwanted, renamed: Mapping[str, str]
) -> str:
    """Return why a row is skipped; "" if it is sent."""
    if row.status != "active":
        return LEFT
    digests = {renamed.get(name, name) for name in _listed(row.digests)}
    if digests and renamed.get(row.digest, row.digest) not in digests:
        return UNWANTED
    return NOTHING if unwanted(claim.issue, claim.topics, claim.language) else ""
