"""broadsheet reference: the documentation or JSON Schema of the config"""

from __future__ import annotations

import json

import click

from broadsheet.cli.manners import DocumentedCommand, command_section
from broadsheet.cli.options import common_options
from broadsheet.model import reference

POSITION = 130  # in `broadsheet --help`
PAGE = "config/"
EXAMPLES = (
    "broadsheet reference config > config.md  # every key",
    "broadsheet reference schema > broadsheet.schema.json  # for editors",
)


def commands_page() -> str:
    """Return docs/cli.md: the help of every command."""
    parts = [
        "# Every command",
        "",
        "Generated from the code by `make docs`; `broadsheet COMMAND --help` prints the same. The",
        "options from `-C` on can also come before the name of the command.",
        "",
        "Exit codes: 0, done; 1, the content is wrong, part of the work failed, or an act that",
        "cannot be undone was refused; 2, the command line or the config is wrong. Output has",
        "colours on a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`; `FORCE_COLOR` sets",
        "them anywhere.",
    ]
    group = click.get_current_context().find_root().command
    return "\n".join([*parts, *command_section(group, "broadsheet")]) + "\n"


@click.command(cls=DocumentedCommand)
@click.argument("what", type=click.Choice(["config", "checks", "commands", "schema"]))
@common_options
def command(what: str) -> None:
    """Print the documentation of every key, check or command, or the JSON Schema of the config."""
    if what == "config":
        click.echo(reference.markdown(), nl=False)
    elif what == "checks":
        from broadsheet import checks  # 0.2 s, which the others do without

        click.echo(checks.markdown(), nl=False)
    elif what == "commands":
        click.echo(commands_page(), nl=False)
    else:
        click.echo(json.dumps(reference.schema(), ensure_ascii=False, indent=2))
