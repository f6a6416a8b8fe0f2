"""How far deliveries are, in words and as data: for `deliver` and `status`."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from broadsheet.cli.options import options
from broadsheet.delivery import place, private
from broadsheet.errors import Problem
from broadsheet.pipeline.project import Project

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


def opened(project: Project, patience: float | None = None) -> Database:
    """The database, created where there is none; says so where others can read it.

    patience: seconds to wait for other programs; None: as usual.
    """
    from broadsheet.delivery.database import PATIENCE, open_database

    warn_exposed(project)
    url = project.settings.delivery.database
    return open_database(url, project.root, PATIENCE if patience is None else patience)


def warn_exposed(project: Project) -> None:
    """Says which files with addresses other users of the machine can open."""
    if not options().quiet:
        for problem in _exposed_database(project):
            click.echo(str(problem), err=True)


def exposed(project: Project) -> list[Problem]:
    """The files with addresses, and the DKIM key, that other users of the machine can open."""
    name = project.settings.delivery.dkim_key
    key = project.root / name if name else None
    found = _exposed_database(project)
    if key and private.is_exposed(key):
        found.append(_is_exposed(key, project.root, "holds the key that signs your mail"))
    return found


def _exposed_database(project: Project) -> list[Problem]:
    file = place.sqlite_file(project.settings.delivery.database, project.root)
    found = private.exposed_beside(file) if file else []
    return [_is_exposed(path, project.root, "holds your subscribers") for path in found]


def _is_exposed(path: Path, root: Path, what: str) -> Problem:
    inside = path.is_relative_to(root.resolve())
    shown = str(path.relative_to(root.resolve()) if inside else path)
    mode = path.lstat().st_mode & 0o777
    return Problem(
        f"it {what}, and other users of this machine may open it (mode {mode:04o})",
        f"run: chmod 600 {shlex.quote(shown)}",
        shown,
    )


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
