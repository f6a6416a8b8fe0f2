"""What the ledger says to people: how far each issue is, and every row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sql
from sqlalchemy import Connection

from broadsheet.delivery.database import deliveries, issues, moment, subscribers
from broadsheet.delivery.states import FINAL, STATES, State


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the delivery of an issue is. counts: rows in each state. next_at: aware; when the
    first row that waits is due."""

    digest: str
    key: str
    begun: datetime
    done: datetime | None
    total: int
    counts: Mapping[State, int]
    next_at: datetime | None

    @property
    def left(self) -> int:
        """How many rows are not final."""
        return sum(number for state, number in self.counts.items() if state not in FINAL)


def progress(connection: Connection) -> tuple[Progress, ...]:
    """Every issue whose delivery has begun, newest first."""
    columns = [
        issues.c.id, issues.c.digest, issues.c.key, issues.c.begun, issues.c.done,
        issues.c.total, issues.c.counts,
    ]  # fmt: skip
    found = connection.execute(sql.select(*columns).order_by(issues.c.tick.desc(), issues.c.id))
    return tuple(_progress(connection, row) for row in found.all())


def counted(connection: Connection, issue: int) -> dict[State, int]:
    """How many rows of an issue, by id, are in each state."""
    query = sql.select(deliveries.c.state, sql.func.count()).where(deliveries.c.issue == issue)
    found = {state: int(n) for state, n in connection.execute(query.group_by(deliveries.c.state))}
    return {state: found.get(state, 0) for state in STATES}


def _progress(connection: Connection, row: sql.Row[Any]) -> Progress:
    # What is done was counted then: a list of years would take seconds to count.
    counts = json.loads(row.counts) if row.done and row.counts else counted(connection, row.id)
    return Progress(
        digest=row.digest,
        key=row.key,
        begun=moment(row.begun),
        done=moment(row.done) if row.done else None,
        total=row.total,
        counts=counts,
        next_at=None if row.done else _next_at(connection, row.id),
    )


def _next_at(connection: Connection, issue: int) -> datetime | None:
    query = sql.select(sql.func.min(deliveries.c.next_at)).where(
        deliveries.c.issue == issue, deliveries.c.state.in_(("retry", "in_doubt"))
    )
    found = connection.execute(query).scalar()
    return moment(found) if found else None


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the ledger, for people. changed, next_at: aware.

    subscriber: by id; None, with no address, for one who was erased.
    """

    digest: str
    key: str
    subscriber: int | None
    address: str
    state: State
    attempts: int
    changed: datetime
    next_at: datetime | None
    code: int | None
    reply: str


def rows(connection: Connection, digest: str = "", key: str = "") -> Iterator[Row]:
    """Every row, or those of one digest or issue, in the order they were frozen; bit by bit."""
    columns = [
        issues.c.digest, issues.c.key, subscribers.c.id, subscribers.c.address,
        deliveries.c.state, deliveries.c.attempts, deliveries.c.changed, deliveries.c.next_at,
        deliveries.c.code, deliveries.c.reply,
    ]  # fmt: skip
    whole = deliveries.join(issues, deliveries.c.issue == issues.c.id)
    whole = whole.outerjoin(subscribers, deliveries.c.subscriber == subscribers.c.id)
    query = sql.select(*columns).select_from(whole).order_by(deliveries.c.id)
    if digest:
        query = query.where(issues.c.digest == digest)
    if key:
        query = query.where(issues.c.key == key)
    for found in connection.execution_options(yield_per=1000).execute(query):
        digest_, key_, subscriber, address, state, attempts, changed, due, code, reply = found
        next_at = moment(due) if due else None
        at = moment(changed)
        yield Row(
            digest_, key_, subscriber, address or "", state, attempts, at, next_at, code, reply
        )
