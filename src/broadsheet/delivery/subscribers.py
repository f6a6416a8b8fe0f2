"""Subscribers, their preferences, and the history of both.

Every change of a subscriber also adds a row to `changes`, with its time and cause. The functions
run in the caller's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypedDict, Unpack, get_args

import sqlalchemy as sql
from sqlalchemy import Connection, bindparam

from broadsheet.delivery import database
from broadsheet.delivery.addresses import address_key, checked_address
from broadsheet.delivery.database import changes, stamp, subscribers
from broadsheet.delivery.erasures import erased_at, lift_erasure
from broadsheet.errors import BroadsheetError, DeliveryError, Problem

Status = Literal["pending", "active", "unsubscribed", "bounced", "complained"]
STATUSES: Final[tuple[Status, ...]] = get_args(Status)
GONE: Final[frozenset[Status]] = frozenset({"unsubscribed", "bounced", "complained"})
"""People who left, or whose mail does not arrive: no import brings them back."""


class ErasedError(BroadsheetError):
    """The address was erased, and is added again only if its owner asks for it."""


class Preferences(TypedDict, total=False):
    """What a subscriber wants; a missing key changes nothing.

    language: a tag; "" is the digest's own. topics, digests: () for all.
    """

    name: str
    language: str
    topics: tuple[str, ...]
    digests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A person on the list, subscribed or not. The fields include those of `Preferences`.

    address: ASCII, its domain in IDNA form. since (aware), cause: of the status. bounces: the
    number of temporary failures since the status changed; bounced_at: of the last (aware).
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
        """Whether the subscriber left, or mail does not arrive."""
        return self.status in GONE


@dataclass(frozen=True, slots=True)
class Edit:
    """A change to make. what: a column of the table; before, after: as stored."""

    subscriber: Subscriber
    what: str
    before: str
    after: str
    cause: str


@dataclass(frozen=True, slots=True)
class Change:
    """A change that was made. at: aware. what: `status`, `name`, `bounces`, ..."""

    at: datetime
    what: str
    before: str
    after: str
    cause: str


def find(connection: Connection, address: str) -> Subscriber | None:
    """Return the subscriber with `address`, in any spelling."""
    return _one(connection, subscribers.c.address_key == address_key(address))


def get(connection: Connection, id_: int) -> Subscriber | None:
    """Return the subscriber with this id."""
    return _one(connection, subscribers.c.id == id_)


def get_for_update(connection: Connection, id_: int) -> Subscriber | None:
    """Return the subscriber with this id, and lock it until the transaction ends.

    Otherwise, on PostgreSQL, two transactions could read the same row, and the later one undo the
    change of the other.
    """
    row = sql.select(subscribers.c.id).where(subscribers.c.id == id_).with_for_update()
    connection.execute(row)
    return get(connection, id_)


def lookup(connection: Connection, keys: Collection[str]) -> dict[str, Subscriber]:
    """Return the subscribers with these keys (`address_key`), by key.

    In a transaction that writes, no one else can change a subscriber until it ends.
    """
    if connection.dialect.name == "postgresql" and not database.only_reads(connection):
        # SQLite does this itself. Someone could leave between this and the writes that follow.
        connection.execute(sql.text("LOCK TABLE subscribers IN SHARE ROW EXCLUSIVE MODE"))
    found = connection.execute(_BY_KEYS, {"keys": list(keys)})
    return {row.address_key: _subscriber(row) for row in found}


def everyone(connection: Connection, status: Status | None = None) -> Iterator[Subscriber]:
    """Return all subscribers, or those with one status, in the order they were added."""
    query = sql.select(subscribers).order_by(subscribers.c.id)
    if status is not None:
        query = query.where(subscribers.c.status == status)
    found = connection.execution_options(yield_per=1000).execute(query)
    return (_subscriber(row) for row in found)


def counts(connection: Connection) -> dict[Status, int]:
    """Return how many subscribers have each status."""
    query = sql.select(subscribers.c.status, sql.func.count()).group_by(subscribers.c.status)
    found = {status: int(number) for status, number in connection.execute(query)}
    return {status: found.get(status, 0) for status in STATUSES}


def history(connection: Connection, subscriber: Subscriber) -> tuple[Change, ...]:
    """Return every change of `subscriber`, oldest first."""
    query = (
        sql.select(changes.c.at, changes.c.what, changes.c.before, changes.c.after, changes.c.cause)
        .where(changes.c.subscriber == subscriber.id)
        .order_by(changes.c.id)
    )
    found = connection.execute(query)
    return tuple(Change(database.moment(at), *others) for at, *others in found)


def wanting(*names: str) -> sql.ColumnElement[bool]:
    """Return the condition for getting the digest that has, or had, these `names`.

    The subscriber is active, and wants all digests or this one.
    """
    return sql.and_(
        subscribers.c.status == "active",
        sql.or_(subscribers.c.digests == "[]", *map(_naming, names)),
    )


def refuse_erased(connection: Connection, address: str) -> None:
    """Raise ErasedError if `address` was erased."""
    if (at := erased_at(connection, address)) is not None:
        what = f"{address} was erased on {at:%Y-%m-%d}"
        todo = "only if they asked to be subscribed again, run: subscribers add --again"
        raise ErasedError(Problem(what, todo))


def add(
    connection: Connection,
    address: str,
    *,
    cause: str,
    now: datetime,
    status: Status = "active",
    again: bool = False,
    **preferences: Unpack[Preferences],
) -> Subscriber:
    """Add a subscriber.

    again: even if the address was erased, since its owner asked for it. Raises AddressError if the
    address is invalid, ValueError if it is already on the list, ErasedError if it was erased.
    """
    checked = checked_address(address)
    if find(connection, checked) is not None:
        raise ValueError(f"{checked} is already on the list")
    if again:
        lift_erasure(connection, checked)
    else:
        refuse_erased(connection, checked)
    row = new_row(checked, cause=cause, since=now, status=status, preferences=preferences)
    made = connection.execute(sql.insert(subscribers).values(row).returning(subscribers))
    one = _subscriber(made.one())
    _record(connection, [Edit(one, "status", "", status, cause)], now)
    return one


def add_or_change(
    connection: Connection,
    address: str,
    *,
    cause: str,
    now: datetime,
    again: bool,
    **preferences: Unpack[Preferences],
) -> tuple[Subscriber, Literal["added", "changed", "is already on the list"]]:
    """Add a subscriber, or make one active and set the preferences.

    again: even someone who left or was erased. Raises AddressError, ErasedError, and DeliveryError
    if they left.
    """
    found = find(connection, address)
    if found is None:
        one = add(connection, address, cause=cause, now=now, again=again, **preferences)
        return one, "added"
    if found.gone and not again:
        since = f"{found.since:%Y-%m-%d} ({found.cause})"
        what = f"{found.address} has been {found.status} since {since}"
        raise DeliveryError(Problem(what, "only if they asked to be subscribed again, add --again"))
    changed = change(connection, found, cause=cause, now=now, **preferences)
    changed |= set_status(connection, found, "active", cause=cause, now=now)
    return found, "changed" if changed else "is already on the list"


def new_row(
    address: str, *, cause: str, since: datetime, status: Status, preferences: Preferences
) -> dict[str, Any]:
    """Return the row of a new subscriber as it is stored, without the id.

    address: from `checked_address`. since: when the status began (aware).
    """
    return {
        "address": address,
        "address_key": address_key(address),
        "name": "",
        "language": "",
        "topics": "[]",
        "digests": "[]",
        **_stored(preferences),
        "status": status,
        "since": stamp(since),
        "cause": cause,
        "bounces": 0,
    }


def add_all(connection: Connection, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Add many subscribers, each with its row in `changes`.

    rows: from `new_row`. The caller has looked them up in the same transaction, so no one else can
    add one at the same time.
    """
    if rows:
        last = connection.execute(_LAST_ID).scalar_one()
        connection.execute(sql.insert(subscribers), rows)
        connection.execute(_RECORD_ADDED, {"at_": stamp(now), "last": last})


def differences(subscriber: Subscriber, preferences: Preferences, *, cause: str) -> list[Edit]:
    """Return the changes that give `subscriber` these preferences."""
    return [
        Edit(subscriber, what, before, after, cause)
        for what, after in _stored(preferences).items()
        if after != (before := _as_text(getattr(subscriber, what)))
    ]


def edit_all(connection: Connection, edits: Sequence[Edit], now: datetime) -> None:
    """Make many changes, in the transaction that looked the subscribers up."""
    for what, statement in _EDIT.items():
        rows = [
            {"id_": edit.subscriber.id, "to_": edit.after, "why": edit.cause, "at_": stamp(now)}
            for edit in edits
            if edit.what == what
        ]
        if rows:
            connection.execute(statement, rows)
    _record(connection, edits, now)


def change(
    connection: Connection,
    subscriber: Subscriber,
    *,
    cause: str,
    now: datetime,
    **preferences: Unpack[Preferences],
) -> bool:
    """Set the given preferences; return False if that changes nothing."""
    edits = differences(subscriber, preferences, cause=cause)
    edit_all(connection, edits, now)
    return bool(edits)


def set_status(
    connection: Connection, subscriber: Subscriber, status: Status, *, cause: str, now: datetime
) -> bool:
    """Set the status; return False if it has this status, or another one since it was read."""
    if subscriber.status == status:
        return False
    # Only if it is still the status that was read: of two concurrent changes, one is made.
    changed = connection.execute(
        sql.update(subscribers)
        .where(subscribers.c.id == subscriber.id, subscribers.c.status == subscriber.status)
        .values(status=status, since=stamp(now), cause=cause, bounces=0, bounced_at=None)
    )
    if changed.rowcount == 0:
        return False
    _record(connection, [Edit(subscriber, "status", subscriber.status, status, cause)], now)
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

    digests: the names of all digests. Someone who then has none left is unsubscribed altogether.
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
    """Return the digests that remain after leaving `digest`; () if it is unknown."""
    wanted = (subscriber.digests or digests) if digest in digests else ()
    return tuple(name for name in wanted if name != digest and name in digests)


def rename_digest(connection: Connection, old: str, new: str, *, now: datetime) -> int:
    """Replace the digest `old` by `new` in preferences; return for how many subscribers."""
    rows = connection.execute(sql.select(subscribers).where(_naming(old))).all()
    for person in map(_subscriber, rows):
        wanted = tuple(dict.fromkeys(new if name == old else name for name in person.digests))
        cause = f"the digest {old} is now called {new}"
        change(connection, person, digests=wanted, cause=cause, now=now)
    return len(rows)


def count_bounce(
    connection: Connection, subscriber: Subscriber, *, cause: str, now: datetime
) -> int:
    """Count a temporary failure; return how many there were since the status changed."""
    counted = subscriber.bounces + 1
    connection.execute(
        sql.update(subscribers)
        .where(subscribers.c.id == subscriber.id)
        .values(bounces=counted, bounced_at=stamp(now))
    )
    before, after = str(subscriber.bounces), str(counted)
    _record(connection, [Edit(subscriber, "bounces", before, after, cause)], now)
    return counted


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


def _stored(preferences: Preferences) -> dict[str, str]:
    """Return preferences as they are stored."""
    return {name: _as_text(value) for name, value in preferences.items()}


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _naming(digest: str) -> sql.ColumnElement[bool]:
    named = json.dumps(digest, ensure_ascii=False)  # in quotes, as in a JSON list
    return subscribers.c.digests.contains(named, autoescape=True)


def _record(connection: Connection, edits: Sequence[Edit], now: datetime) -> None:
    rows = [
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
    if rows:
        connection.execute(sql.insert(changes), rows)


_BY_KEYS: Final = sql.select(subscribers).where(
    subscribers.c.address_key.in_(bindparam("keys", expanding=True))
)
_LAST_ID: Final = sql.select(sql.func.coalesce(sql.func.max(subscribers.c.id), 0))
# This takes half the time of returning each new row and inserting its change.
_RECORD_ADDED: Final = sql.insert(changes).from_select(
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
_BY_ID: Final = sql.update(subscribers).where(subscribers.c.id == bindparam("id_"))
_EDIT: Final = {
    **{
        what: _BY_ID.values({what: bindparam("to_")})
        for what in ("name", "language", "topics", "digests")
    },
    "status": _BY_ID.values(
        status=bindparam("to_"),
        since=bindparam("at_"),
        cause=bindparam("why"),
        bounces=sql.literal_column("0"),
        bounced_at=sql.null(),
    ),
}
