"""broadsheet restore: replace the delivery database by a backup"""

from __future__ import annotations

from pathlib import Path

import click

from broadsheet.cli.backup import words
from broadsheet.cli.manners import DocumentedCommand
from broadsheet.cli.options import common_options, options, say
from broadsheet.delivery import backups
from broadsheet.pipeline.project import open_project

POSITION = 126  # in `broadsheet --help`
EXTRAS = "delivery"
PAGE = "delivery/"
EXAMPLES = ("broadsheet restore broadsheet-backup.db  # instead of the present database",)


@click.command(cls=DocumentedCommand)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True,
              help="Even if the database is in use, or has changes since the backup.")  # fmt: skip
@common_options
def command(file: Path, force: bool) -> None:
    """Replace the content of the delivery database by that of the backup FILE.

    It is one transaction: if it is interrupted, the database is as before. What happened after the
    backup is lost: people who unsubscribed would get mail again, and issues that were sent since
    would be sent again. So it is refused if there is any such change, unless --force is given.
    """
    project = open_project(options())
    database = backups.database_file(project.settings.delivery.database, project.root)
    found = backups.restore(file, database, force=force)
    say(f"{database.name}: {words(found)}")
