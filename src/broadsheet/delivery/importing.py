"""Importing a list of subscribers: as often as you like, and nobody who opted out comes back.

A batch is one short transaction, and the next one is read outside of any: whoever else writes to
the database waits for a batch at most. An import that is killed leaves whole batches; the next one
completes it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from broadsheet.delivery import erasures, subscribers
from broadsheet.delivery.database import Database, stamp
from broadsheet.delivery.spreadsheet import Entry
from broadsheet.delivery.subscribers import GONE, Edit, Status, Subscriber, listed
from broadsheet.errors import Problem

BATCH: Final = 1000
"""Lines in one transaction."""


@dataclass(slots=True)
class Imported:
    """What an import did. left: those who left before, and stay so. problems: of lines.

    erased: how many lines were left out because their address was erased. states: how many of those
    added there are of each status.
    """

    added: int = 0
    changed: int = 0
    same: int = 0
    erased: int = 0
    left: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    states: dict[Status, int] = field(default_factory=dict)


def import_all(
    database: Database | None,
    lines: Iterable[Entry | Problem],
    shown: str,
    now: datetime,
    *,
    dry_run: bool = False,
    step: Callable[[], object] = lambda: None,
) -> Imported:
    """Take in the `lines` of a file, which messages call `shown`.

    A column that the file does not have changes nothing. One who unsubscribed, complained or
    bounced stays so, whatever the file says; one whom the file says to have left has left. One who
    has not confirmed yet is active from now on, unless the file says pending too: the publisher
    vouches for the whole list. dry_run: write nothing; then database may be None, for an empty one.
    step: called after each batch. Raises DatabaseError; the batches before are in.
    """
    made = Imported()
    for batch in _batches(lines, shown, made):
        _count(_taken(database, batch, shown, now, dry_run=dry_run), made)
        step()
    return made


def _taken(
    database: Database | None, batch: list[Entry], shown: str, now: datetime, *, dry_run: bool
) -> _Plan:
    """Plan a batch, and carry the plan out."""
    if database is None:
        return _Plan(batch, _Known(), shown, now)
    with database.reading() if dry_run else database.writing() as connection:
        plan = _Plan(batch, _known(connection, batch), shown, now)
        if not dry_run:
            subscribers.add_all(connection, plan.rows, now)
            subscribers.edit_all(connection, plan.edits, now)
    return plan


@dataclass(frozen=True, slots=True)
class _Known:
    """What the database knows of a batch. people: by key. erased: keys of erased addresses."""

    people: Mapping[str, Subscriber] = field(default_factory=dict)
    erased: Collection[str] = ()


def _known(connection: Connection, batch: Iterable[Entry]) -> _Known:
    """Look up a batch. Who opted out or was erased wins over the file, and only here is it asked.

    In this order: on a server, the first look-up keeps others from changing subscribers.
    """
    keys = [entry.key for entry in batch]
    people = subscribers.lookup(connection, keys)
    return _Known(people, erasures.erased(connection, (key for key in keys if key not in people)))


class _Plan:
    """What a batch comes to, given who is `known`. rows: to add, as the database holds them."""

    def __init__(self, batch: Iterable[Entry], known: _Known, shown: str, now: datetime) -> None:
        self.rows: list[dict[str, Any]] = []
        self.edits: list[Edit] = []
        self.left: list[str] = []
        self.changed = self.same = self.erased = 0
        self._shown = shown
        self._now = stamp(now)
        for entry in batch:
            before = known.people.get(entry.key)
            if entry.key in known.erased:
                self.erased += 1
            elif before is None:
                self.rows.append(self._row(entry))
            elif before.gone and entry.status not in GONE:
                self.left.append(f"{before.address} ({before.status} {before.since:%Y-%m-%d})")
            else:
                edits = [] if before.gone else self._edits(before, entry)
                self.edits += edits
                self.changed += bool(edits)
                self.same += not edits

    def _row(self, entry: Entry) -> dict[str, Any]:
        return {
            "address": entry.address,
            "address_key": entry.key,
            "name": entry.name or "",
            "language": entry.language or "",
            "topics": listed(entry.topics) if entry.topics else "[]",
            "digests": listed(entry.digests) if entry.digests else "[]",
            "status": entry.status,
            "since": stamp(entry.since) if entry.since else self._now,
            "cause": self._cause(entry),
            "bounces": 0,
        }

    def _edits(self, before: Subscriber, entry: Entry) -> list[Edit]:
        edits = subscribers.differences(
            before,
            cause=f"import of {self._shown}",
            name=entry.name,
            language=entry.language,
            topics=entry.topics,
            digests=entry.digests,
        )
        confirmed = before.status == "pending" and entry.status == "active"
        if entry.status in GONE or confirmed:
            cause = self._cause(entry)
            edits.append(Edit(before, "status", before.status, entry.status, cause))
        return edits

    def _cause(self, entry: Entry) -> str:
        return entry.cause or f"import of {self._shown}"


def _count(plan: _Plan, made: Imported) -> None:
    made.added += len(plan.rows)
    made.changed += plan.changed
    made.same += plan.same
    made.left += plan.left
    made.erased += plan.erased
    for row in plan.rows:
        made.states[row["status"]] = made.states.get(row["status"], 0) + 1


def _batches(lines: Iterable[Entry | Problem], shown: str, made: Imported) -> Iterator[list[Entry]]:
    """The entries, some at a time, no address twice: the first counts. Problems go into `made`."""
    batch: list[Entry] = []
    seen: dict[str, int] = {}  # key -> line
    for line in lines:
        if isinstance(line, Problem):
            made.problems.append(line)
            continue
        first = seen.setdefault(line.key, line.line)
        if first != line.line:
            what = f"{line.address} is already in line {first}"
            made.problems.append(Problem(what, "remove one of the lines", shown, line.line))
            continue
        batch.append(line)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
