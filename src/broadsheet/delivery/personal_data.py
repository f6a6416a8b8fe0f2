"""Everything that is stored about a person, and how it is erased (GDPR, articles 15 and 17).

Rows of the ledger stay without their owner, so that its counts remain correct, and a keyed hash of
the address stays (`erasures`). If a run of `deliver` is sending a mail to the person, the erasure
waits until that is finished, and no other mail to them is begun. If an erasure is killed, the next
one completes it.
"""

from __future__ import annotations

import json
import mmap
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from email import message_from_bytes
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any, Final, Literal

import sqlalchemy as sql
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from broadsheet.delivery import erasures, subscribers
from broadsheet.delivery.addresses import address_key
from broadsheet.delivery.claims import FINAL, LEFT
from broadsheet.delivery.database import (
    Database,
    deliveries,
    issues,
    lock_ledger,
    metadata,
    run_on_sqlite,
    senders,
    set_lock_timeout,
    stamp,
)
from broadsheet.delivery.database import subscribers as table
from broadsheet.delivery.locks import has_lost, lock_folder
from broadsheet.delivery.mail.template import own_message_id
from broadsheet.delivery.subscribers import Subscriber
from broadsheet.errors import DeliveryError, Problem

DELIVERY_TIMEOUT_S: Final = 60.0
"""How long an erasure waits for a mail to the person that is being sent."""
ERASED: Final = "(erased)"

_PAUSE_S: Final = 0.1
_SCRUB_TIMEOUT_S: Final = 3.0  # how long others may be held up, or waited for
_EMPTY_LOG: Final = "PRAGMA wal_checkpoint(TRUNCATE)"
_AT: Final = "@|=|%40"  # as in addresses, envelope senders and URLs
_ADDRESS_COLUMNS: Final = frozenset({"address", "address_key"})  # of other people
_PERSONAL: Final = [
    each for each in metadata.sorted_tables if "subscriber" in each.c and each is not deliveries
]

DataRow = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mention:
    """A text that contains the address: `column` of the row `id` of a `table`."""

    table: str
    id: int
    column: str
    text: str


@dataclass(frozen=True, slots=True)
class PersonalData:
    """Everything about a person. person: the row of `subscribers`. deliveries: each with its
    digest, issue and Message-ID. others: the person's rows in each other table, such as `changes`.
    mentions: in the records of other people. published: the issues that contain the address.

    Times are as in the database: ISO 8601, UTC.
    """

    person: DataRow
    deliveries: tuple[DataRow, ...]
    others: dict[str, tuple[DataRow, ...]]
    mentions: tuple[Mention, ...]
    published: tuple[str, ...]

    @property
    def consent(self) -> DataRow:
        """How the person was added to the list: when, with which status, and why."""
        first = next((row for row in self.others["changes"] if row["what"] == "status"), {})
        return {"at": first.get("at"), "status": first.get("after"), "cause": first.get("cause")}

    @property
    def sections(self) -> dict[str, list[DataRow]]:
        """All rows except the person's own, by what they are."""
        return {
            **{name: list(rows) for name, rows in self.others.items()},
            "deliveries": list(self.deliveries),
            "mentions": [asdict(each) for each in self.mentions],
            "published": [{"issue": name} for name in self.published],
        }


@dataclass(frozen=True, slots=True)
class ErasureResult:
    """What an erasure removed. rows: by table. kept: rows of the ledger, without their owner.

    mentions: the number replaced in the records of others. published: issues that contain the
    address. before: it had been erased already. clean: False if a file may still hold it.
    """

    rows: dict[str, int]
    kept: int = 0
    mentions: int = 0
    published: tuple[str, ...] = ()
    before: bool = False
    clean: bool = True


def personal_data(connection: Connection, address: str) -> PersonalData | None:
    """Return everything that is stored about the owner of `address`; None if not on the list."""
    query = sql.select(table).where(table.c.address_key == address_key(address))
    found = connection.execute(query).mappings().one_or_none()
    if found is None:
        return None
    person = {**found, **{name: json.loads(found[name]) for name in ("topics", "digests")}}
    others = {each.name: _rows_of(connection, each, person["id"]) for each in _PERSONAL}
    sent = _deliveries(connection, person["id"])
    own = {
        ("subscribers", person["id"]),
        *((name, row["id"]) for name, rows in others.items() for row in rows),
        *(("deliveries", row["id"]) for row in sent),
    }
    mentions = find_mentions(connection, person["address"])
    return PersonalData(
        person=person,
        deliveries=sent,
        others=others,
        mentions=tuple(each for each in mentions if (each.table, each.id) not in own),
        published=issues_naming(connection, person["address"]),
    )


def _rows_of(connection: Connection, each: sql.Table, subscriber: int) -> tuple[DataRow, ...]:
    query = sql.select(each).where(each.c.subscriber == subscriber).order_by(each.c.id)
    return tuple(_without_owner(row) for row in connection.execute(query).mappings())


def _deliveries(connection: Connection, subscriber: int) -> tuple[DataRow, ...]:
    """Return the person's deliveries, with the Message-ID that is in mail logs and mailboxes."""
    joined = deliveries.join(issues, issues.c.id == deliveries.c.issue)
    joined = joined.outerjoin(senders, senders.c.id == deliveries.c.sender)
    own = deliveries.c.subscriber == subscriber
    mails = connection.execute(
        sql.select(issues.c.id, issues.c.mail).select_from(joined).where(own)
    )
    ids = {id_: own_message_id(_message_id(mail), subscriber) for id_, mail in mails}
    query = (
        sql.select(issues.c.digest, issues.c.key, senders.c.name.label("run"), deliveries)
        .select_from(joined)
        .where(own)
        .order_by(deliveries.c.id)
    )
    return tuple(
        {**_without_owner(row), "message_id": ids[row["issue"]]}
        for row in connection.execute(query).mappings()
    )


def _message_id(mail: bytes) -> str:
    head = mail.partition(b"\r\n\r\n")[0]
    return str(BytesHeaderParser().parsebytes(head)["Message-ID"] or "").strip().strip("<>")


def _without_owner(row: Any) -> DataRow:
    return {name: value for name, value in row.items() if name != "subscriber"}


def find_mentions(connection: Connection, address: str) -> Iterator[Mention]:
    """Return every text that contains `address` in any spelling, including its owner's own rows.

    A server's reply about one reader can name another, to whom the mail was forwarded.
    """
    named = address_pattern(address)
    local = address.rpartition("@")[0].lower()
    for each in metadata.sorted_tables:
        if each is issues or "id" not in each.c:
            continue
        for column in each.c:
            if not isinstance(column.type, sql.Text) or column.name in _ADDRESS_COLUMNS:
                continue
            text = sql.func.lower(column)
            candidates = (text.contains(local + at, autoescape=True) for at in _AT.split("|"))
            query = sql.select(each.c.id, column).where(sql.or_(*candidates))
            for id_, found in connection.execute(query).all():
                if named.search(found):
                    yield Mention(each.name, id_, column.name, found)


def issues_naming(connection: Connection, address: str) -> tuple[str, ...]:
    """Return the published issues that contain `address`, as `DIGEST/KEY`."""
    named = address_pattern(address)
    columns = (issues.c.digest, issues.c.key, issues.c.contexts, issues.c.mail)
    query = sql.select(*columns).order_by(issues.c.id)
    found = connection.execute(query, execution_options={"yield_per": 10})
    return tuple(
        f"{digest}/{key}"
        for digest, key, contexts, mail in found
        if named.search(contexts) or any(named.search(text) for text in _texts(mail))
    )


def _texts(mail: bytes) -> Iterator[str]:
    """Return the header and the parts of a message, decoded."""
    yield mail.partition(b"\r\n\r\n")[0].decode("ascii", "replace")
    for part in message_from_bytes(mail).walk():
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            yield payload.decode("utf-8", "replace")


def address_pattern(address: str) -> re.Pattern[str]:
    """Return a pattern that finds `address` in a text, in any case and as servers write it.

    It does not match within another address.
    """
    local, _, domain = address.rpartition("@")
    domains = {domain}
    with suppress(UnicodeError):
        domains.add(domain.encode("ascii").decode("idna"))
    either = "|".join(re.escape(each) for each in sorted(domains))
    return re.compile(
        rf"(?<![\w.+-]){re.escape(local)}(?:{_AT})(?:{either})(?![\w-])(?!\.\w)",
        re.IGNORECASE,
    )


def preview_erasure(connection: Connection, address: str) -> ErasureResult | None:
    """Return what `erase` would remove; None if the address is not on the list and never was."""
    found = personal_data(connection, address)
    if found is None:
        return _earlier_erasure(connection, address)
    rows = {**{name: len(rows) for name, rows in found.others.items()}, "subscribers": 1}
    return ErasureResult(rows, len(found.deliveries), len(found.mentions), found.published)


def erase(
    database: Database,
    address: str,
    clock: Callable[[], datetime],
    timeout_s: float = DELIVERY_TIMEOUT_S,
) -> ErasureResult | None:
    """Erase the owner of `address`; return None if the address is not on the list and never was.

    clock: the time that the ledger uses (aware). Raises DatabaseError, and DeliveryError if a mail
    to them is still being sent after `timeout_s` seconds; no other will be sent then.
    """
    until = time.monotonic() + timeout_s
    while (result := _try_to_erase(database, address, clock())) == "wait":
        if time.monotonic() > until:
            what = f"a run of `deliver` has been sending a mail to {address} for {timeout_s:.0f} s"
            todo = "nothing else will be sent to them; run this again when that run has ended"
            raise DeliveryError(Problem(what, todo))
        time.sleep(_PAUSE_S)
    if result is None:
        return None
    scrub_s, is_published = min(timeout_s, _SCRUB_TIMEOUT_S), bool(result.published)
    clean = _scrub(database, address_key(address), scrub_s, is_published=is_published)
    return replace(result, clean=clean)


def _try_to_erase(
    database: Database, address: str, now: datetime
) -> ErasureResult | Literal["wait"] | None:
    with database.writing() as connection:
        lock_ledger(connection)  # no issue begins meanwhile
        person = subscribers.find(connection, address)
        if person is None:
            return _earlier_erasure(connection, address)
        if not _stop_deliveries(database, connection, person, now):
            return "wait"
        return _remove(connection, person, now)


def _earlier_erasure(connection: Connection, address: str) -> ErasureResult | None:
    if erasures.erased_at(connection, address) is None:
        return None
    return ErasureResult({}, published=issues_naming(connection, address), before=True)


def _stop_deliveries(
    database: Database, connection: Connection, person: Subscriber, now: datetime
) -> bool:
    """Skip what was not sent yet; return False if a running `deliver` may be sending a mail now."""
    own = deliveries.c.subscriber == person.id
    waiting = sql.update(deliveries).where(own, deliveries.c.state.not_in((*FINAL, "claimed")))
    skipped = {"state": "skipped", "changed": stamp(now), "next_at": None, "reply": LEFT}
    connection.execute(waiting.values(skipped))
    if not _is_being_sent(database, connection, person, now):
        return True
    if not person.gone:
        cause = "being erased"
        subscribers.set_status(connection, person, "unsubscribed", cause=cause, now=now)
    return False


def _is_being_sent(
    database: Database, connection: Connection, person: Subscriber, now: datetime
) -> bool:
    query = sql.select(deliveries.c.sender, deliveries.c.lease).where(
        deliveries.c.subscriber == person.id, deliveries.c.state == "claimed"
    )
    folder, claims = lock_folder(database.file), connection.execute(query).all()
    return not all(has_lost(folder, sender, lease, now) for sender, lease in claims)


def _remove(connection: Connection, person: Subscriber, now: datetime) -> ErasureResult:
    own = deliveries.c.subscriber == person.id
    # What a killed run was sending; the other rows are final.
    killed = sql.update(deliveries).where(own, deliveries.c.state == "claimed")
    connection.execute(killed.values(state="skipped", changed=stamp(now), lease=None))
    ownerless = {"subscriber": None, "reply": ERASED, "first_at": None, "next_at": None}
    kept = connection.execute(sql.update(deliveries).where(own).values(ownerless)).rowcount
    conditions = [(each, each.c.subscriber == person.id) for each in reversed(_PERSONAL)]
    rows = {
        each.name: connection.execute(sql.delete(each).where(condition)).rowcount
        for each, condition in (*conditions, (table, table.c.id == person.id))
    }
    erasures.record_erasure(connection, person.address, now)
    replaced = _replace_mentions(connection, person.address)
    return ErasureResult(rows, kept, replaced, issues_naming(connection, person.address))


def _replace_mentions(connection: Connection, address: str) -> int:
    named = address_pattern(address)
    found = list(find_mentions(connection, address))
    for mention in found:
        other = metadata.tables[mention.table]
        text = {mention.column: named.sub(ERASED, mention.text)}
        connection.execute(sql.update(other).where(other.c.id == mention.id).values(text))
    return len(found)


def _scrub(database: Database, key: str, timeout_s: float, *, is_published: bool) -> bool:
    """Overwrite what was deleted; return False if a file of the database may still hold `key`.

    SQLite overwrites deleted rows (`secure_delete`), but its log keeps old pages for a while, and
    an older program may have left some in the file. A database server does this itself.
    """
    if database.file is None:
        return True
    until = time.monotonic() + timeout_s
    with suppress(SQLAlchemyError, sqlite3.Error), database.engine.connect() as connection:
        set_lock_timeout(connection, timeout_s)
        is_elsewhere = is_published or _is_part_of_another(connection, key)
        run_on_sqlite(connection, _EMPTY_LOG)
        if is_elsewhere or _is_in_file(database.file, key):
            run_on_sqlite(connection, "VACUUM")
            run_on_sqlite(connection, _EMPTY_LOG)
        while not is_elsewhere and _is_in_files(database.file, key):
            if time.monotonic() > until:  # another program is still reading an earlier state
                return False
            time.sleep(_PAUSE_S)
            run_on_sqlite(connection, _EMPTY_LOG)
        return True
    return False


def _is_part_of_another(connection: Connection, key: str) -> bool:
    """Whether `key` is also the end of someone else's address, so that the files contain it."""
    longer = table.c.address_key.contains(key, autoescape=True)
    found = connection.execute(sql.select(table.c.id).where(longer).limit(1)).first()
    connection.rollback()
    return found is not None


def _is_in_files(file: Path, key: str) -> bool:
    endings = ("", "-wal", "-journal")
    return any(_is_in_file(file.with_name(file.name + ending), key) for ending in endings)


def _is_in_file(path: Path, key: str) -> bool:
    """Whether a file contains `key` in any case; False if it is empty or does not exist."""
    named = re.compile(re.escape(key.encode()), re.IGNORECASE)
    with (
        suppress(FileNotFoundError, ValueError),
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        return named.search(content) is not None
    return False
