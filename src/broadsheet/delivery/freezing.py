"""Beginning the delivery of an issue: its mail is kept, and a row frozen for each who gets it."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sql
from sqlalchemy import Connection

from broadsheet.delivery import subscribers as people
from broadsheet.delivery.database import deliveries, issues, moment, serialise, stamp, subscribers


@dataclass(frozen=True, slots=True)
class Begun:
    """An issue whose delivery has begun. tick, begun, done: aware; done: None until it is.

    mail: message.eml as issued. letters: what variants are laid out from, JSON.
    """

    id: int
    digest: str
    key: str
    tick: datetime
    begun: datetime
    total: int
    done: datetime | None
    mail: bytes
    letters: str


def freeze(
    connection: Connection,
    digest: str,
    key: str,
    tick: datetime,
    mail: bytes,
    letters: str,
    now: datetime,
    *,
    names: Collection[str] = (),
) -> Begun:
    """Begin the delivery of an issue: write a row for each recipient, in one transaction.

    names: other names that the digest has or had; readers who chose one of them get the issue too.
    An issue that was begun before is not changed.
    """
    serialise(connection)
    if (before := find_issue(connection, digest, key)) is not None:
        return before
    values = {
        "digest": digest,
        "key": key,
        "tick": stamp(tick),
        "begun": stamp(now),
        "total": 0,
        "mail": mail,
        "letters": letters,
    }
    made = connection.execute(sql.insert(issues).values(values).returning(issues.c.id))
    id_ = int(made.scalar_one())
    rows = sql.select(
        sql.literal(id_), subscribers.c.id, sql.literal("pending"), sql.literal(stamp(now))
    ).where(people.wanting(digest, *names))
    connection.execute(
        sql.insert(deliveries).from_select(["issue", "subscriber", "state", "changed"], rows)
    )
    count = sql.select(sql.func.count()).where(deliveries.c.issue == id_)
    total = int(connection.execute(count).scalar_one())
    connection.execute(sql.update(issues).where(issues.c.id == id_).values(total=total))
    return Begun(id_, digest, key, tick, now, total, None, mail, letters)


def find_issue(connection: Connection, digest: str, key: str) -> Begun | None:
    """The issue, if its delivery has begun."""
    query = sql.select(issues).where(issues.c.digest == digest, issues.c.key == key)
    row = connection.execute(query).one_or_none()
    return None if row is None else _begun(row)


def preferences(
    connection: Connection, issue: Begun, names: Collection[str] = ()
) -> set[tuple[tuple[str, ...], str]]:
    """Topics and language of those who have yet to get `issue`, or would get it if it began.

    names: other names that the digest has or had.
    """
    columns = sql.select(subscribers.c.topics, subscribers.c.language).distinct()
    if issue.id:
        query = columns.join(deliveries, deliveries.c.subscriber == subscribers.c.id).where(
            deliveries.c.issue == issue.id, deliveries.c.state.not_in(("sent", "skipped"))
        )
    else:
        query = columns.where(people.wanting(issue.digest, *names))
    return {(tuple(json.loads(topics)), language) for topics, language in connection.execute(query)}


def begun(connection: Connection, *names: str) -> list[tuple[str, str, datetime, bool]]:
    """Name, key and tick of each issue whose delivery has begun, and whether it is done.

    names: those that the digest has or had. Oldest first.
    """
    query = sql.select(issues.c.digest, issues.c.key, issues.c.tick, issues.c.done)
    found = connection.execute(query.where(issues.c.digest.in_(names)).order_by(issues.c.tick))
    return [(name, key, moment(tick), done is not None) for name, key, tick, done in found]


def _begun(row: sql.Row[Any]) -> Begun:
    return Begun(
        id=row.id,
        digest=row.digest,
        key=row.key,
        tick=moment(row.tick),
        begun=moment(row.begun),
        total=row.total,
        done=moment(row.done) if row.done else None,
        mail=row.mail,
        letters=row.letters,
    )
