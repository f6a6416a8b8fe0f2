"""Open the delivery database for a command, and show how far deliveries are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from broadsheet.cli.options import options
from broadsheet.delivery import files
from broadsheet.delivery.pacing import Clock
from broadsheet.pipeline.project import Project

if TYPE_CHECKING:  # SQLAlchemy takes time to import
    from broadsheet.delivery.database import Database
    from broadsheet.delivery.issues import Progress

_LOCK_TIMEOUT_S = 2.0  # for commands that only read


def ledger_clock(project: Project) -> Clock:
    """The time of the ledger; with `--now`, it starts there."""
    return Clock.starting(project.now) if options().now else Clock()


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
    from broadsheet.delivery.issues import is_stranded

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
    if is_stranded(progress, project.settings):
        line += (
            f"; [digests.{progress.digest}] is not in the config any more; restore it to continue"
        )
    return line


def delivery_status(project: Project) -> tuple[Progress, ...]:
    """How far the delivery of each issue is, newest first."""
    with existing(project) as database:
        if database is None:
            return ()
        from broadsheet.delivery.issues import progress

        with database.reading() as connection:
            return progress(connection)


def delivery_rows(project: Project) -> Iterator[dict[str, Any]]:
    """Every row of the ledger as data, read in small batches."""
    with existing(project) as database:
        if database is None:
            return
        from broadsheet.delivery.issues import ledger_rows

        with database.reading() as connection:
            yield from ledger_rows(connection)


def forget_old_deliveries(project: Project) -> None:
    """Delete old rows of the ledger, if the config says so."""
    if days := project.settings.delivery.retention_days:
        from broadsheet.delivery.retention import forget_deliveries

        with existing(project) as database:
            if database is not None:
                forget_deliveries(database, days, project.now)


def opened(project: Project) -> Database:
    """Open the database, and create it if there is none; warn if other users may read it."""
    from broadsheet.delivery.database import open_database

    warn_exposed(project)
    return open_database(project.settings.delivery.database, project.root)


def warn_exposed(project: Project) -> None:
    """Report the files with addresses that other users of the machine may open."""
    if not options().quiet:
        for problem in files.exposed_database(project.settings.delivery, project.root):
            click.echo(str(problem), err=True)


@contextmanager
def existing(project: Project) -> Iterator[Database | None]:
    """The database; None if there is none, and then SQLAlchemy is not imported."""
    url = project.settings.delivery.database
    if not files.exists(url, project.root):
        yield None
        return
    from broadsheet.delivery.database import open_existing

    database = open_existing(url, project.root, _LOCK_TIMEOUT_S)
    try:
        yield database
    finally:
        if database is not None:
            database.close()
