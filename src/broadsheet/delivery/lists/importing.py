"""Import a list of subscribers. Imports can be repeated, and bring back no one who opted out.

Each batch is a short transaction, and the next one is read outside of it, so other writers wait for
one batch at most. A killed import leaves whole batches; the next import completes it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from broadsheet.delivery import erasures, subscribers
from broadsheet.delivery.database import Database
from broadsheet.delivery.lists.reading import ListedSubscriber
from broadsheet.delivery.subscribers import GONE, Edit, Status, Subscriber
from broadsheet.errors import Problem

BATCH_LINES: Final = 1000
"""Lines per transaction."""


@dataclass(slots=True)
class ImportResult:
    """What an import did. same: how many subscribers did not change. problems: of lines.

    left: people who had left, with their status; that did not change. erased: how many lines were
    skipped because their address was erased. states: how many of those added have each status.
    """

    added: int = 0
    changed: int = 0
    same: int = 0
    erased: int = 0
    left: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    states: dict[Status, int] = field(default_factory=dict)


def import_list(
    database: Database | None,
    lines: Iterable[ListedSubscriber | Problem],
    shown: str,
    now: datetime,
    *,
    dry_run: bool = False,
    advance: Callable[[int], object] = lambda _: None,
    repeated: Collection[str] | None = None,
) -> ImportResult:
    """Import the `lines` of a file, which messages call `shown`.

    A column that the file does not have changes nothing. Someone who unsubscribed, complained or
    bounced keeps that status, whatever the file says, and gets it if the file says so. Someone who
    has not confirmed yet becomes active, unless the file says pending too: the publisher vouches
    for the whole list.

    database: None for an empty one, in a dry run. advance: called with 1 after each batch.
    repeated: keys of addresses that may have several lines; None if any may. Raises DatabaseError;
    earlier batches stay imported.
    """
    result = ImportResult()
    for batch in _batches(lines, shown, result, repeated):
        _import_batch(database, batch, shown, now, result, dry_run=dry_run)
        advance(1)
    return result


def _import_batch(
    database: Database | None,
    batch: list[ListedSubscriber],
    shown: str,
    now: datetime,
    result: ImportResult,
    *,
    dry_run: bool,
) -> None:
    if database is None:
        _plan(batch, {}, (), shown, now, result)
        return
    with database.reading() if dry_run else database.writing() as connection:
        # In this order: on a server, `lookup` keeps others from changing subscribers.
        people = subscribers.lookup(connection, [line.key for line in batch])
        new = (line.key for line in batch if line.key not in people)
        erased = erasures.erased_addresses(connection, new)
        rows, edits = _plan(batch, people, erased, shown, now, result)
        if not dry_run:
            subscribers.add_all(connection, rows, now)
            subscribers.edit_all(connection, edits, now)


def _plan(
    batch: Iterable[ListedSubscriber],
    people: Mapping[str, Subscriber],
    erased: Collection[str],
    shown: str,
    now: datetime,
    result: ImportResult,
) -> tuple[list[dict[str, Any]], list[Edit]]:
    """Return the rows to add and the changes to make, and count them in `result`.

    people: subscribers by key. erased: keys of erased addresses. Both override the file.
    """
    rows, edits = [], []
    for line in batch:
        before = people.get(line.key)
        cause = line.cause or f"import of {shown}"
        if line.key in erased:
            result.erased += 1
        elif before is None:
            rows.append(_row(line, cause, now))
            result.added += 1
            result.states[line.status] = result.states.get(line.status, 0) + 1
        elif before.gone and line.status not in GONE:
            result.left.append(f"{before.address} ({before.status} {before.since:%Y-%m-%d})")
        else:
            made = [] if before.gone else _edits(before, line, cause, shown)
            edits += made
            result.changed += bool(made)
            result.same += not made
    return rows, edits


def _row(line: ListedSubscriber, cause: str, now: datetime) -> dict[str, Any]:
    return subscribers.new_row(
        line.address,
        cause=cause,
        since=line.since or now,
        status=line.status,
        preferences=line.preferences,
    )


def _edits(before: Subscriber, line: ListedSubscriber, cause: str, shown: str) -> list[Edit]:
    edits = subscribers.differences(before, line.preferences, cause=f"import of {shown}")
    if line.status in GONE or (before.status, line.status) == ("pending", "active"):
        edits.append(Edit(before, "status", before.status, line.status, cause))
    return edits


def _batches(
    lines: Iterable[ListedSubscriber | Problem],
    shown: str,
    result: ImportResult,
    repeated: Collection[str] | None,
) -> Iterator[list[ListedSubscriber]]:
    """Return the lines in batches, each address once: the first line counts. Note the problems."""
    batch: list[ListedSubscriber] = []
    seen: dict[str, int] = {}  # key -> line
    for line in lines:
        if isinstance(line, Problem):
            result.problems.append(line)
            continue
        remember = repeated is None or line.key in repeated
        first = seen.setdefault(line.key, line.line) if remember else line.line
        if first != line.line:
            what = f"{line.address} is already in line {first}"
            result.problems.append(Problem(what, "remove one of the lines", shown, line.line))
            continue
        batch.append(line)
        if len(batch) == BATCH_LINES:
            yield batch
            batch = []
    if batch:
        yield batch
