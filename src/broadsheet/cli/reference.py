"""broadsheet reference: the documentation or JSON Schema of the config"""

from __future__ import annotations

import json

import click

from broadsheet.cli.manners import DocumentedCommand
from broadsheet.cli.options import common_options
from broadsheet.model import reference

POSITION = 130  # in `broadsheet --help`
PAGE = "reference/config/"
EXAMPLES = (
    "broadsheet reference config > config.md  # every key",
    "broadsheet reference schema > broadsheet.schema.json  # for editors",
)


@click.command(cls=DocumentedCommand)
@click.argument("what", type=click.Choice(["config", "checks", "schema"]))
@common_options
def command(what: str) -> None:
    """Print the documentation of every config key or check, or the config's JSON Schema."""
    if what == "config":
        click.echo(reference.markdown(), nl=False)
    elif what == "checks":
        from broadsheet import checks  # 0.2 s, which the others do without

        click.echo(checks.markdown(), nl=False)
    else:
        click.echo(json.dumps(reference.schema(), ensure_ascii=False, indent=2))
