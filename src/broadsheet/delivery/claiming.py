"""Which rows a run takes next: the oldest issue's first, and what is in doubt last.

Nothing here begins a transaction: rows are found and claimed in that of the caller (ledger.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sql
from sqlalchemy import Connection, bindparam

from broadsheet.delivery.database import deliveries, issues, moment, stamp, subscribers
from broadsheet.delivery.states import LEFT, NOTHING, UNWANTED, Claim, Policy, State, Unwanted

# What is in doubt comes last: else runs that are killed soon would send it again and again.
_ORDER: Final[tuple[State, ...]] = ("retry", "pending", "in_doubt")
_SOON: Final = timedelta(seconds=1)  # between two looks at what has become due
_STRAY: Final = timedelta(days=1)  # nothing is put off for longer: the clock was set back since
_MOST_SKIPPED: Final = 500  # rows in one transaction, so that none takes long
_READ_AHEAD: Final = 50  # rows read at once where many are skipped
_EVERY: Final = 2**31


@dataclass(slots=True)
class Claimed:
    """What a transaction has claimed so far. more: there may be more to claim."""

    claims: list[Claim] = field(default_factory=list)
    skipped: int = 0
    more: bool = False


class Queue:
    """The rows that wait for a run. sender: the run's own id."""

    def __init__(self, connection: Connection, policy: Policy, sender: int) -> None:
        self._connection = connection
        self._lease = timedelta(seconds=policy.lease)
        self._renamed = policy.renamed
        self._queries = _queries(policy)
        self._sender = sender
        self._look_at: dict[tuple[int, State], datetime] = {}

    def claim(
        self, moments: Sequence[float], of: Sequence[int], unwanted: Unwanted, now: datetime
    ) -> Claimed:
        """Claims a row of the issues `of` for each of `moments`, as far as there are any."""
        made = Claimed()
        for issue in of if moments else ():
            for state in self._queries:
                if not self._looked(issue, state, now):
                    self._claim_some(made, moments, issue, state, unwanted, now)
        self._reopen(made.claims)
        return made

    def waiting(self, connection: Connection, of: Sequence[int], now: datetime) -> int:
        """How many rows of the issues `of` could be claimed now, by another `connection`."""
        found = 0
        for issue in of:
            for state, find in self._queries.items():
                query = sql.select(sql.func.count()).select_from(find.subquery())
                values = self._values(issue, state, now, _EVERY)
                found += int(connection.execute(query, values).scalar_one())
        return found

    def look_again(self) -> None:
        """Rows were put back: what was empty a moment ago may not be now."""
        self._look_at.clear()

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
                self._look_at[issue, state] = now + _SOON
                return
            claims: list[Claim] = []
            for row in rows:
                if len(claims) == missing:
                    break
                send_at = moments[len(made.claims) + len(claims)]
                claim = _claim(row, send_at, now + self._lease, now)
                if why := _skip(row, claim, unwanted, self._renamed):
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
        """An issue with a row in hand is not done, even if it was: a killed run would leave that
        row in doubt, and no run looks at an issue that is done."""
        if again := {claim.issue for claim in claims if claim.was == "failed"}:
            query = sql.update(issues).where(issues.c.id.in_(again), issues.c.done.is_not(None))
            self._connection.execute(query.values(done=None))

    def _skip(self, claim: Claim, why: str, now: datetime) -> None:
        query = sql.update(deliveries).where(deliveries.c.id == claim.id)
        self._connection.execute(
            query.values(state="skipped", changed=stamp(now), next_at=None, reply=why)
        )

    def _looked(self, issue: int, state: State, now: datetime) -> bool:
        """Whether there was nothing in this state a moment ago."""
        look_at = self._look_at.get((issue, state))
        return look_at is not None and now < look_at <= now + _SOON

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
# Once in a run and at once: what was asked for by name, and waits again after that.
_FIND_ANYHOW: Final = _find(
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


def _queries(policy: Policy) -> Mapping[State, sql.Select[Any]]:
    """What finds the rows that a run takes, in the order in which it does."""
    if policy.only:
        return {policy.only: _FIND_ANYHOW}
    held = {"in_doubt"} if policy.in_doubt == "hold" else set()
    return {state: _FIND[state] for state in _ORDER if state not in held}


def _claim(row: sql.Row[Any], send_at: float, lease: datetime, now: datetime) -> Claim:
    # A first attempt that is in the future: the clock was set back since.
    anew = row.state == "failed" or row.first_at is None or moment(row.first_at) > now + _STRAY
    return Claim(
        id=row.id,
        issue=row.issue,
        subscriber=row.subscriber,
        address=row.address,
        name=row.name,
        language=row.language,
        topics=tuple(json.loads(row.topics)),
        attempts=1 if anew else row.attempts + 1,
        first_at=stamp(now) if anew else row.first_at,
        was=row.state,
        send_at=send_at,
        lease=lease,
    )


def _skip(row: sql.Row[Any], claim: Claim, unwanted: Unwanted, renamed: Mapping[str, str]) -> str:
    """Why a row is to be skipped; "" for one that is to be sent."""
    if row.status != "active":
        return LEFT
    digests = {renamed.get(name, name) for name in json.loads(row.digests)}
    if digests and renamed.get(row.digest, row.digest) not in digests:
        return UNWANTED
    return NOTHING if unwanted(claim.issue, claim.topics, claim.language) else ""
