"""Bringing a list of subscribers in: as often as one likes, and nobody who left comes back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from broadsheet.delivery import subscribers
from broadsheet.delivery.addresses import address_key
from broadsheet.delivery.spreadsheet import Entry
from broadsheet.delivery.subscribers import GONE, Subscriber
from broadsheet.errors import Problem


@dataclass(slots=True)
class Imported:
    """What an import did. left: those who left before, and stay so. problems: of lines."""

    added: int = 0
    changed: int = 0
    same: int = 0
    left: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def import_all(
    connection: Connection, lines: Iterable[Entry | Problem], shown: str, now: datetime
) -> Imported:
    """Takes in the `lines` of a file, which messages call `shown`.

    A column that the file does not have changes nothing. One who unsubscribed, complained or
    bounced stays so, whatever the file says; one whom the file says to have left has left. One who
    has not confirmed yet is active from now on, unless the file says pending too: the publisher
    vouches for the whole list.
    """
    made = Imported()
    seen: dict[str, int] = {}
    for line in lines:
        if isinstance(line, Problem):
            made.problems.append(line)
            continue
        first = seen.setdefault(address_key(line.address), line.line)
        if first != line.line:
            what = f"{line.address} stands in line {first} already"
            made.problems.append(Problem(what, "leave one of them out", shown, line.line))
            continue
        _import(connection, line, f"import of {shown}", now, made)
    return made


def _import(connection: Connection, line: Entry, cause: str, now: datetime, made: Imported) -> None:
    before = subscribers.find(connection, line.address)
    if before is None:
        subscribers.add(
            connection,
            line.address,
            cause=line.cause or cause,
            now=now,
            name=line.name or "",
            language=line.language or "",
            topics=line.topics or (),
            digests=line.digests or (),
            status=line.status,
            since=line.since,
        )
        made.added += 1
        return
    if before.gone:
        if line.status not in GONE:
            made.left.append(f"{before.address} ({before.status} {before.since:%Y-%m-%d})")
        else:
            made.same += 1
        return
    made_other = _change(connection, before, line, cause, now)
    made.changed += made_other
    made.same += not made_other


def _change(
    connection: Connection, before: Subscriber, line: Entry, cause: str, now: datetime
) -> bool:
    changed = subscribers.change(
        connection,
        before,
        cause=cause,
        now=now,
        name=line.name,
        language=line.language,
        topics=line.topics,
        digests=line.digests,
    )
    if line.status in GONE or (before.status == "pending" and line.status == "active"):
        why = line.cause or cause
        changed |= subscribers.set_status(connection, before, line.status, cause=why, now=now)
    return changed
