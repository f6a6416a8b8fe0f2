"""broadsheet schedule: the crontab line, systemd timer or CI workflow to install"""

from __future__ import annotations

import shutil
import sys

import click

from broadsheet.cli.manners import DocumentedCommand
from broadsheet.cli.options import common_options, options
from broadsheet.importers import snippets
from broadsheet.importers.place import Place
from broadsheet.pipeline.project import open_project
from broadsheet.storage import CONFIG_NAME

POSITION = 70  # in `broadsheet --help`
PAGE = "digests/#one-line-for-cron"
EXAMPLES = (
    "broadsheet schedule  # a line for crontab",
    "broadsheet schedule github > .github/workflows/broadsheet.yml  # a workflow",
)


@click.command(cls=DocumentedCommand)
@click.argument("kind", type=click.Choice(snippets.kinds()), default="cron")
@click.option("--commit", is_flag=True, help="Commit and push feeds/ too (cron, systemd).")
@common_options
def command(kind: str, commit: bool) -> None:
    """Print what runs Broadsheet by itself: for cron, systemd, GitHub or GitLab."""
    project = open_project(options())
    place = Place(
        project=str(project.root.resolve()),
        command=_command(),
        config="" if project.config_name == CONFIG_NAME else project.config_name,
        folder=project.settings.feeds.folder,
        zone=project.settings.publication.timezone.key,
        commit=commit,
    )
    click.echo(snippets.snippet(kind, place))


def _command() -> tuple[str, ...]:
    """Return the words that call this Broadsheet from anywhere, with no environment set up."""
    beside = shutil.which("broadsheet", path=str(sys.prefix) + "/bin")
    return (beside,) if beside else (sys.executable, "-m", "broadsheet")
