"""Leaving a digest, or all of them: the same for a click, a button and a mail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

import sqlalchemy as sql
from sqlalchemy import Connection

from broadsheet.delivery import subscribers
from broadsheet.delivery.database import subscribers as table
from broadsheet.delivery.subscribers import Subscriber
from broadsheet.delivery.tokens import Mark

_TRIES: Final = 3  # when something else changes the same subscriber at the same moment


def hold(connection: Connection, id_: int) -> Subscriber | None:
    """The subscriber, whom no one else changes until the transaction of `connection` ends.

    PostgreSQL else lets two transactions read the same wishes, and the later one undoes the other;
    SQLite has one writer only.
    """
    connection.execute(sql.select(table.c.id).where(table.c.id == id_).with_for_update())
    return subscribers.get(connection, id_)


def leave(
    connection: Connection,
    mark: Mark,
    digests: Sequence[str],
    *,
    cause: str,
    now: datetime,
    everything: bool = False,
) -> Subscriber | None:
    """Takes the subscriber of `mark` off its digest, or off all; None where there is none.

    digests: the names of those that there are. Who wants no other digest has left altogether; a
    complaint stands.
    """
    found = hold(connection, mark.subscriber)
    if found is None or found.status in {"unsubscribed", "complained"}:
        return found
    others = () if everything else without(found, mark.digest, digests)
    if others:
        subscribers.change(connection, found, digests=others, cause=cause, now=now)
    else:
        become(connection, found.id, "unsubscribed", cause, now)
    return subscribers.get(connection, found.id)


def without(subscriber: Subscriber, digest: str, digests: Sequence[str]) -> tuple[str, ...]:
    """The digests that are left without `digest`; none: leaving it is leaving all."""
    if digest not in digests:
        return ()
    wanted = subscriber.digests or digests
    return tuple(name for name in wanted if name != digest and name in digests)


def become(
    connection: Connection,
    id_: int,
    status: Literal["active", "unsubscribed"],
    cause: str,
    now: datetime,
) -> None:
    """Gives the subscriber a status, whatever it is now."""
    for _ in range(_TRIES):
        found = subscribers.get(connection, id_)
        if found is None or found.status == status:
            return
        if subscribers.set_status(connection, found, status, cause=cause, now=now):
            return
