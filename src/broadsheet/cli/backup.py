"""broadsheet backup: copy the delivery database, also while it is in use"""

from __future__ import annotations

from pathlib import Path

import click

from broadsheet.cli.manners import DocumentedCommand
from broadsheet.cli.options import common_options, options, say
from broadsheet.delivery import backups
from broadsheet.pipeline.project import open_project
from broadsheet.text.counting import count

POSITION = 125  # in `broadsheet --help`
EXTRAS = "delivery"
PAGE = "delivery/"
EXAMPLES = ("broadsheet backup broadsheet-backup.db  # while delivery continues",)


@click.command(cls=DocumentedCommand)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@common_options
def command(file: Path) -> None:
    """Copy the delivery database to FILE, which is replaced in one step.

    `deliver`, `serve` and the rest can continue meanwhile. Keep the file as private as the
    database: it has all your subscribers. For a PostgreSQL server, use pg_dump.
    """
    project = open_project(options())
    database = backups.database_file(project.settings.delivery.database, project.root)
    say(f"{file}: {words(backups.back_up(database, file))}")


def words(found: backups.Contents) -> str:
    """What is in a database, in a few words."""
    number = f"{count(found.subscribers, 'subscriber')}, {count(found.issues, 'issue')}"
    until = f", until {found.latest[:19]}Z" if found.latest else ""
    return f"{number}, {found.size / 1e6:,.1f} MB{until}"
