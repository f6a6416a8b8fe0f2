"""Subscribers: who gets mail, what each wants, and how that changed.

Every change of a subscriber is also a row in `changes`, with its time and cause, and those rows
are only ever added. Nothing here begins a transaction: what is called in one stands or falls as
one.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import sqlalchemy as sql
from sqlalchemy import Connection, bindparam

from broadsheet.delivery import database
from broadsheet.delivery.addresses import address_key, checked_address
from broadsheet.delivery.database import changes, execute_many, stamp, subscribers
from broadsheet.delivery.erasures import erased_at, lift
from broadsheet.errors import BroadsheetError, Problem

Status = Literal["pending", "active", "unsubscribed", "bounced", "complained"]

STATUSES: Final[tuple[Status, ...]] = (
    "pending",
    "active",
    "unsubscribed",
    "bounced",
    "complained",
)
GONE: Final[frozenset[Status]] = frozenset({"unsubscribed", "bounced", "complained"})
"""Those who left, or whom mail does not reach: no import brings them back."""


class ErasedError(BroadsheetError):
    """The address was erased; nobody adds it again unless its owner asks for it."""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """One who gets mail, or did.

    address: ASCII, its domain in IDNA form. language: a tag; "" is the digest's own. topics,
    digests: those wanted; empty: all. status: since when (aware) and why. bounces: temporary
    ones, one after another; bounced_at: the last.
    """

    id: int
    address: str
    name: str
    language: str
    topics: tuple[str, ...]
    digests: tuple[str, ...]
    status: Status
    since: datetime
    cause: str
    bounces: int = 0
    bounced_at: datetime | None = None

    @property
    def gone(self) -> bool:
        """Whether this one left, or no mail arrives there."""
        return self.status in GONE


def add(
    connection: Connection,
    address: str,
    *,
    cause: str,
    now: datetime,
    name: str = "",
    language: str = "",
    topics: tuple[str, ...] = (),
    digests: tuple[str, ...] = (),
    status: Status = "active",
    since: datetime | None = None,
    again: bool = False,
) -> Subscriber:
    """A new subscriber. since: when the status began, if that was not now.

    again: even if the address was erased: its owner asked for it. Raises AddressError for no
    address, ValueError for one that is there, ErasedError for one that was erased.
    """
    checked = checked_address(address)
    if find(connection, checked) is not None:
        raise ValueError(f"{checked} is there already")
    if again:
        lift(connection, checked)
    else:
        refuse_erased(connection, checked)
    values = {
        "address": checked,
        "address_key": address_key(checked),
        "name": name,
        "language": language,
        "topics": listed(topics),
        "digests": listed(digests),
        "status": status,
        "since": stamp(since or now),
        "cause": cause,
        "bounces": 0,
    }
    made = connection.execute(sql.insert(subscribers).values(values).returning(subscribers.c.id))
    id_ = int(made.scalar_one())
    _record(connection, id_, "status", "", status, cause, now)
    return Subscriber(id_, checked, name, language, topics, digests, status, since or now, cause)


def refuse_erased(connection: Connection, address: str) -> None:
    """Raise ErasedError if `address` was erased."""
    if (at := erased_at(connection, address)) is not None:
        raise ErasedError(
            Problem(
                f"{address} was erased on {at:%Y-%m-%d}",
                "only if they asked to come back: subscribers add --again",
            )
        )


def find(connection: Connection, address: str) -> Subscriber | None:
    """The subscriber with `address`, however it is spelled."""
    return _one(connection, subscribers.c.address_key == address_key(address))


def get(connection: Connection, id_: int) -> Subscriber | None:
    """The subscriber with this id."""
    return _one(connection, subscribers.c.id == id_)


def get_for_update(connection: Connection, id_: int) -> Subscriber | None:
    """Return the subscriber with this id, whom no one else changes until the transaction ends.

    On PostgreSQL, two transactions could else read the same row, and the later one undo the other.
    """
    connection.execute(
        sql.select(subscribers.c.id).where(subscribers.c.id == id_).with_for_update()
    )
    return get(connection, id_)


def lookup(connection: Connection, keys: Collection[str]) -> dict[str, Subscriber]:
    """The subscribers whose addresses have one of these keys (`address_key`), by key.

    Nobody else changes a subscriber until the transaction of `connection` ends, if it writes.
    """
    if connection.dialect.name == "postgresql" and not database.only_reads(connection):
        # As SQLite does by itself: else somebody may leave between this look and what follows.
        connection.execute(_HOLD)
    found = connection.execute(_BY_KEYS, {"keys": list(keys)})
    return {row.address_key: _subscriber(row) for row in found}


def add_all(connection: Connection, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Add many subscribers, each with its row in `changes`.

    rows: the columns of the table, as the database holds them, but for the id. The caller has
    looked them up in the same transaction, so that nobody else adds one at the same time.
    """
    if rows:
        last = connection.execute(_LAST).scalar_one()
        execute_many(connection, _ADD, rows)
        connection.execute(_TELL_ADDED, {"at_": stamp(now), "last": last})


@dataclass(frozen=True, slots=True)
class Edit:
    """A change to be made. what: a column of the table; before, after: as the database holds it."""

    subscriber: Subscriber
    what: str
    before: str
    after: str
    cause: str


def edit_all(connection: Connection, edits: Sequence[Edit], now: datetime) -> None:
    """Make many changes, each with its row in `changes`. The caller has just looked them up."""
    for what, statement in _EDIT.items():
        values = [
            {"id_": edit.subscriber.id, "to_": edit.after, "why": edit.cause, "at_": stamp(now)}
            for edit in edits
            if edit.what == what
        ]
        if values:
            execute_many(connection, statement, values)
    if edits:
        told = [
            {
                "subscriber": edit.subscriber.id,
                "at": stamp(now),
                "what": edit.what,
                "before": edit.before,
                "after": edit.after,
                "cause": edit.cause,
            }
            for edit in edits
        ]
        execute_many(connection, sql.insert(changes), told)


def differences(
    subscriber: Subscriber,
    *,
    cause: str,
    name: str | None = None,
    language: str | None = None,
    topics: tuple[str, ...] | None = None,
    digests: tuple[str, ...] | None = None,
) -> list[Edit]:
    """What of the given is not so yet."""
    given = (
        ("name", subscriber.name, name),
        ("language", subscriber.language, language),
        ("topics", listed(subscriber.topics), None if topics is None else listed(topics)),
        ("digests", listed(subscriber.digests), None if digests is None else listed(digests)),
    )
    return [
        Edit(subscriber, what, before, after, cause)
        for what, before, after in given
        if after is not None and after != before
    ]


def everyone(connection: Connection, status: Status | None = None) -> Iterator[Subscriber]:
    """All subscribers, or those of one status, in the order they came; read bit by bit."""
    wanted = sql.select(subscribers).order_by(subscribers.c.id)
    if status is not None:
        wanted = wanted.where(subscribers.c.status == status)
    found = connection.execution_options(yield_per=1000).execute(wanted)
    return (_subscriber(row) for row in found)


def counts(connection: Connection) -> dict[Status, int]:
    """How many subscribers have each status."""
    query = sql.select(subscribers.c.status, sql.func.count()).group_by(subscribers.c.status)
    found = {status: int(number) for status, number in connection.execute(query)}
    return {status: found.get(status, 0) for status in STATUSES}


def wanting(*names: str) -> sql.ColumnElement[bool]:
    """Which subscribers get the digest that has, or had, these `names`: those who are active and
    want all digests, or this one."""
    return sql.and_(
        subscribers.c.status == "active",
        sql.or_(subscribers.c.digests == "[]", *map(_naming, names)),
    )


def _naming(digest: str) -> sql.ColumnElement[bool]:
    named = listed((digest,))[1:-1]  # as it stands in a JSON list: in quotes
    return subscribers.c.digests.contains(named, autoescape=True)


def count_wanting(connection: Connection, *names: str) -> int:
    """How many subscribers get the digest that has, or had, these `names`."""
    query = sql.select(sql.func.count()).select_from(subscribers).where(wanting(*names))
    return int(connection.execute(query).scalar_one())


def rename_digest(connection: Connection, old: str, new: str, *, now: datetime) -> int:
    """Lets those who want the digest `old` by name want `new` instead; how many they are."""
    rows = connection.execute(sql.select(subscribers).where(_naming(old))).all()
    for person in map(_subscriber, rows):
        wanted = tuple(dict.fromkeys(new if name == old else name for name in person.digests))
        cause = f"the digest {old} is now called {new}"
        change(connection, person, digests=wanted, cause=cause, now=now)
    return len(rows)


def set_status(
    connection: Connection, subscriber: Subscriber, status: Status, *, cause: str, now: datetime
) -> bool:
    """Gives `subscriber` another status; False when it is that already."""
    if subscriber.status == status:
        return False
    # Only from the status that was seen: of two that change it at once, one does.
    changed = connection.execute(
        sql.update(subscribers)
        .where(subscribers.c.id == subscriber.id, subscribers.c.status == subscriber.status)
        .values(status=status, since=stamp(now), cause=cause, bounces=0, bounced_at=None)
    )
    if changed.rowcount == 0:
        return False
    _record(connection, subscriber.id, "status", subscriber.status, status, cause, now)
    return True


def leave(
    connection: Connection,
    id_: int,
    digest: str,
    digests: Sequence[str],
    *,
    cause: str,
    now: datetime,
) -> Subscriber | None:
    """Unsubscribe from `digest`, or from all if it is "", and return the subscriber, if any.

    digests: the names of all digests. Someone who then wants none is unsubscribed altogether.
    """
    found = get_for_update(connection, id_)
    if found is None or found.status in {"unsubscribed", "complained"}:
        return found
    if others := other_digests(found, digest, digests):
        change(connection, found, digests=others, cause=cause, now=now)
    else:
        set_status(connection, found, "unsubscribed", cause=cause, now=now)
    return get(connection, id_)


def other_digests(subscriber: Subscriber, digest: str, digests: Sequence[str]) -> tuple[str, ...]:
    """Return the digests that someone who leaves `digest` still gets; () if it is unknown."""
    wanted = (subscriber.digests or digests) if digest in digests else ()
    return tuple(name for name in wanted if name != digest and name in digests)


def change(
    connection: Connection,
    subscriber: Subscriber,
    *,
    cause: str,
    now: datetime,
    name: str | None = None,
    language: str | None = None,
    topics: tuple[str, ...] | None = None,
    digests: tuple[str, ...] | None = None,
) -> bool:
    """Changes what is given; False when that changes nothing."""
    edits = differences(
        subscriber, cause=cause, name=name, language=language, topics=topics, digests=digests
    )
    edit_all(connection, edits, now)
    return bool(edits)


def count_bounce(
    connection: Connection, subscriber: Subscriber, *, cause: str, now: datetime
) -> int:
    """Counts a temporary bounce, and says how many there were one after another."""
    counted = subscriber.bounces + 1
    connection.execute(
        sql.update(subscribers)
        .where(subscribers.c.id == subscriber.id)
        .values(bounces=counted, bounced_at=stamp(now))
    )
    before, after = str(subscriber.bounces), str(counted)
    _record(connection, subscriber.id, "bounces", before, after, cause, now)
    return counted


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a subscriber. what: `status`, `name`, ...; at: aware."""

    at: datetime
    what: str
    before: str
    after: str
    cause: str


def history(connection: Connection, subscriber: Subscriber) -> tuple[Change, ...]:
    """Every change of `subscriber`, oldest first."""
    query = (
        sql.select(changes.c.at, changes.c.what, changes.c.before, changes.c.after, changes.c.cause)
        .where(changes.c.subscriber == subscriber.id)
        .order_by(changes.c.id)
    )
    found = connection.execute(query)
    return tuple(Change(database.moment(at), *others) for at, *others in found)


def listed(names: tuple[str, ...]) -> str:
    """`names` as the database holds them."""
    return json.dumps(list(names), ensure_ascii=False)


def _one(connection: Connection, condition: sql.ColumnElement[bool]) -> Subscriber | None:
    row = connection.execute(sql.select(subscribers).where(condition)).one_or_none()
    return None if row is None else _subscriber(row)


def _subscriber(row: sql.Row[Any]) -> Subscriber:
    return Subscriber(
        id=row.id,
        address=row.address,
        name=row.name,
        language=row.language,
        topics=tuple(json.loads(row.topics)),
        digests=tuple(json.loads(row.digests)),
        status=row.status,
        since=database.moment(row.since),
        cause=row.cause,
        bounces=row.bounces,
        bounced_at=database.moment(row.bounced_at) if row.bounced_at else None,
    )


def _record(
    connection: Connection,
    id_: int,
    what: str,
    before: str,
    after: str,
    cause: str,
    now: datetime,
) -> None:
    connection.execute(
        sql.insert(changes).values(
            subscriber=id_, at=stamp(now), what=what, before=before, after=after, cause=cause
        )
    )


_BY_KEYS: Final = sql.select(subscribers).where(
    subscribers.c.address_key.in_(bindparam("keys", expanding=True))
)
_HOLD: Final = sql.text("LOCK TABLE subscribers IN SHARE ROW EXCLUSIVE MODE")
_ADD: Final = sql.insert(subscribers)
_LAST: Final = sql.select(sql.func.coalesce(sql.func.max(subscribers.c.id), 0))
_TELL_ADDED: Final = sql.insert(changes).from_select(
    ["subscriber", "at", "what", "before", "after", "cause"],
    sql.select(
        subscribers.c.id,
        bindparam("at_", type_=sql.Text),
        sql.literal_column("'status'"),
        sql.literal_column("''"),
        subscribers.c.status,
        subscribers.c.cause,
    ).where(subscribers.c.id > bindparam("last")),
)
_EDIT: Final = {
    **{
        what: sql.update(subscribers)
        .where(subscribers.c.id == bindparam("id_"))
        .values({what: bindparam("to_")})
        for what in ("name", "language", "topics", "digests")
    },
    "status": sql.update(subscribers)
    .where(subscribers.c.id == bindparam("id_"))
    .values(
        status=bindparam("to_"),
        since=bindparam("at_"),
        cause=bindparam("why"),
        bounces=sql.literal_column("0"),
        bounced_at=sql.null(),
    ),
}
