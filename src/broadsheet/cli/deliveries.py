"""How far deliveries are, in words and as data: for `deliver` and `status`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from broadsheet.cli.project import Project
from broadsheet.delivery import place

if TYPE_CHECKING:  # they take time to import, which only a delivery is worth
    from broadsheet.delivery.accounts import Progress
    from broadsheet.delivery.database import Database

_PATIENCE = 2.0  # seconds: who only looks need not wait long


def progress_data(progress: Progress) -> dict[str, Any]:
    """How far the delivery of an issue is, as data."""
    return {
        "digest": progress.digest,
        "key": progress.key,
        "begun": progress.begun.isoformat(timespec="seconds"),
        "done": progress.done.isoformat(timespec="seconds") if progress.done else None,
        "total": progress.total,
        **{str(state): number for state, number in progress.counts.items()},
        "next": progress.next_at.isoformat(timespec="seconds") if progress.next_at else None,
    }


def progress_words(progress: Progress, project: Project) -> str:
    """How far the delivery of an issue is, in one line."""
    names = {"in_doubt": "in doubt", "retry": "to be tried again"}
    parts = [
        f"{number:,} {names.get(state, state)}"
        for state, number in progress.counts.items()
        if number
    ]
    line = f"{progress.digest}/{progress.key}: {', '.join(parts) or 'no subscribers'}"
    if progress.next_at and progress.left:
        zone = project.settings.publication.timezone
        line += f"; next try {progress.next_at.astimezone(zone):%Y-%m-%d %H:%M}"
    if is_stranded(progress, project):
        line += f"; the config has no [digests.{progress.digest}] any more; with it, this goes on"
    return line


def is_stranded(progress: Progress, project: Project) -> bool:
    """Whether someone still waits for an issue of a digest that is no longer in the config."""
    return (
        progress.left > 0
        and not {*project.settings.names(progress.digest)} & project.settings.digests.keys()
    )


def delivery_status(project: Project) -> tuple[Progress, ...]:
    """For `status`: how far the delivery of each issue is, newest first."""
    with existing(project) as database:
        if database is None:
            return ()
        from broadsheet.delivery import accounts

        with database.reading() as connection:
            return accounts.progress(connection)


def delivery_rows(project: Project) -> Iterator[dict[str, Any]]:
    """For `status --json`: every row of the ledger, read bit by bit."""
    with existing(project) as database:
        if database is None:
            return
        from broadsheet.delivery import accounts

        with database.reading() as connection:
            for row in accounts.rows(connection):
                times = {"changed": row.changed, "next_at": row.next_at}
                shown = {name: at.isoformat() if at else None for name, at in times.items()}
                yield {**asdict(row), **shown}


@contextmanager
def existing(project: Project) -> Iterator[Database | None]:
    """The database; None where there is none, and then nothing is imported for it."""
    url = project.settings.delivery.database
    if not place.exists(url, project.root):
        yield None
        return
    from broadsheet.delivery.database import open_existing

    database = open_existing(url, project.root, _PATIENCE)
    try:
        yield database
    finally:
        if database is not None:
            database.close()
