"""Erasing a person (GDPR, article 17): every row about them goes, and a keyed hash stays.

The rows of the ledger stay without their owner, so that its counts remain true. While a run of
`deliver` has a mail to the person in hand, that mail may be on its way: nothing else is begun, and
the erasure waits until the run has settled it. Whatever is killed meanwhile, the next erasure
completes it.
"""

from __future__ import annotations

import mmap
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import sqlalchemy as sql
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from broadsheet.delivery import erasures, subscribers
from broadsheet.delivery.addresses import address_key
from broadsheet.delivery.database import Database, deliveries, hurry, metadata, serialise, stamp
from broadsheet.delivery.database import subscribers as table
from broadsheet.delivery.mentions import mentions, pattern, published
from broadsheet.delivery.senders import lives, lock_folder
from broadsheet.delivery.states import FINAL, LEFT
from broadsheet.delivery.subscribers import Subscriber
from broadsheet.errors import DeliveryError, Problem

PATIENCE: Final = 60.0
"""Seconds to wait for a mail that is on its way."""
ERASED: Final = "(erased)"
_PAUSE: Final = 0.1  # seconds between two looks
_SCRUB_PATIENCE: Final = 3.0  # seconds for which others may be held up, or be waited for
_EMPTY_LOG: Final = "PRAGMA wal_checkpoint(TRUNCATE)"

Wait = Literal["wait"]


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did. rows: removed, by table; kept: of the ledger, without their owner.

    mentions: in the records of others, replaced. published: issues that name the address.
    before: it had been erased already. clean: False where a file may still hold what was deleted.
    """

    rows: dict[str, int]
    kept: int = 0
    mentions: int = 0
    published: tuple[str, ...] = ()
    before: bool = False
    clean: bool = True


def erase(
    database: Database, address: str, clock: Callable[[], datetime], patience: float = PATIENCE
) -> Erased | None:
    """Erases the owner of `address`; None where the address is not on the list, nor was.

    clock: the aware time that the ledger goes by. Raises DatabaseError, and DeliveryError where a
    mail to them is still on its way after `patience` seconds; no other will be sent then.
    """
    until = time.monotonic() + patience
    while (made := _try(database, address, clock())) == "wait":
        if time.monotonic() > until:
            raise DeliveryError(
                Problem(
                    f"a run of `deliver` has had a mail to {address} in hand for {patience:.0f} s",
                    "nothing else will be sent to them; run this again when that run has ended",
                )
            )
        time.sleep(_PAUSE)
    if made is None:
        return None
    is_published = bool(made.published)
    clean = _scrubbed(database, address_key(address), is_published=is_published)
    return replace(made, clean=clean)


def _try(database: Database, address: str, now: datetime) -> Erased | Wait | None:
    """One transaction: ends all mail to the person, and erases them unless one is on its way."""
    with database.writing() as connection:
        serialise(connection)  # no run claims a row meanwhile
        person = subscribers.find(connection, address)
        if person is None:
            if erasures.erased_at(connection, address) is None:
                return None
            return Erased({}, published=published(connection, address), before=True)
        _skip_rows(connection, person, now)
        if _in_hand(database, connection, person, now):
            if not person.gone:
                cause = "being erased"
                subscribers.set_status(connection, person, "unsubscribed", cause=cause, now=now)
            return "wait"
        return _remove(connection, person, now)


def _skip_rows(connection: Connection, person: Subscriber, now: datetime) -> None:
    """Nothing that waits is sent any more."""
    waiting = deliveries.c.state.not_in((*FINAL, "claimed"))
    connection.execute(
        sql.update(deliveries)
        .where(deliveries.c.subscriber == person.id, waiting)
        .values(state="skipped", changed=stamp(now), next_at=None, reply=LEFT)
    )


def _in_hand(database: Database, connection: Connection, person: Subscriber, now: datetime) -> bool:
    """Whether a run that lives may be sending them a mail at this moment."""
    query = sql.select(deliveries.c.sender, deliveries.c.lease).where(
        deliveries.c.subscriber == person.id, deliveries.c.state == "claimed"
    )
    folder = lock_folder(database.file)
    for sender, lease in connection.execute(query).all():
        alive = lives(folder, connection, sender)
        if alive or (alive is None and lease >= stamp(now)):
            return True
    return False


def _remove(connection: Connection, person: Subscriber, now: datetime) -> Erased:
    own = deliveries.c.subscriber == person.id
    # What a run had in hand that was killed; the others are final.
    killed = sql.update(deliveries).where(own, deliveries.c.state == "claimed")
    connection.execute(killed.values(state="skipped", changed=stamp(now), lease=None))
    ledger = sql.update(deliveries).where(own)
    nobody = {"subscriber": None, "reply": ERASED, "first_at": None, "next_at": None}
    kept = connection.execute(ledger.values(nobody)).rowcount
    rows = {
        each.name: connection.execute(
            sql.delete(each).where(each.c.subscriber == person.id)
        ).rowcount
        for each in reversed(metadata.sorted_tables)
        if "subscriber" in each.c and each is not deliveries
    }
    rows["subscribers"] = connection.execute(
        sql.delete(table).where(table.c.id == person.id)
    ).rowcount
    erasures.remember(connection, person.address, now)
    replaced = _replace_mentions(connection, person.address)
    return Erased(rows, kept, replaced, published(connection, person.address))


def _replace_mentions(connection: Connection, address: str) -> int:
    named = pattern(address)
    found = list(mentions(connection, address))
    for each in found:
        whole = metadata.tables[each.table]
        text = named.sub(ERASED, each.text)
        connection.execute(
            sql.update(whole).where(whole.c.id == each.id).values({each.column: text})
        )
    return len(found)


def _scrubbed(database: Database, key: str, *, is_published: bool) -> bool:
    """Whether no file of the database holds an address any more, also where nothing points to it.

    SQLite overwrites what it deletes (`secure_delete`), but its log keeps old pages for a while,
    and an older program may have left some in the file. A server sees to that by itself.
    """
    if database.file is None:
        return True
    until = time.monotonic() + _SCRUB_PATIENCE
    with suppress(SQLAlchemyError, sqlite3.Error), database.engine.connect() as connection:
        hurry(connection, _SCRUB_PATIENCE)
        in_others = is_published or _is_part_of_another(connection, key)
        _run(connection, _EMPTY_LOG)
        if in_others or _is_in(database.file, key):
            _run(connection, "VACUUM")
            _run(connection, _EMPTY_LOG)
        while not in_others and _is_in_files(database.file, key):
            if time.monotonic() > until:  # another program still reads what was before
                return False
            time.sleep(_PAUSE)
            _run(connection, _EMPTY_LOG)
        return True
    return False


def _is_part_of_another(connection: Connection, key: str) -> bool:
    """Whether it is in the files rightly, as the end of somebody else's address."""
    longer = table.c.address_key.contains(key, autoescape=True)
    found = connection.execute(sql.select(table.c.id).where(longer).limit(1)).first()
    connection.rollback()
    return found is not None


def _run(connection: Connection, task: str) -> None:
    cursor = connection.connection.cursor()  # SQLAlchemy would begin a transaction
    try:
        cursor.execute(task).fetchall()
    finally:
        cursor.close()


def _is_in_files(file: Path, key: str) -> bool:
    endings = ("", "-wal", "-journal")
    return any(_is_in(file.with_name(file.name + ending), key) for ending in endings)


def _is_in(file: Path, key: str) -> bool:
    named = re.compile(re.escape(key.encode()), re.IGNORECASE)
    return any(named.search(content) for content in _mapped(file))


def _mapped(path: Path) -> Iterator[mmap.mmap]:
    """The content of a file; nothing for one that is empty or not there."""
    with (
        suppress(FileNotFoundError, ValueError),
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        yield content
