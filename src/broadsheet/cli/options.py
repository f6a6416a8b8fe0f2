"""The options of every command, before or after its name."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from broadsheet.errors import BroadsheetError
from broadsheet.pipeline.location import Location

_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Options(Location):
    """The common options as given."""

    quiet: bool = False
    verbose: bool = False


def common_options(command: _F) -> _F:
    """Add the common options to `command`, which gets them from `options()`."""

    @wraps(command)
    def wrapper(
        *args: Any,
        directory: Path | None,
        config: Path | None,
        now: str,
        quiet: bool,
        verbose: bool,
        **kwargs: Any,
    ) -> Any:
        context = click.get_current_context()
        before = context.obj or Options()
        context.obj = replace(
            before,
            directory=directory or before.directory,
            config=config or before.config,
            now=now or before.now,
            quiet=quiet or before.quiet,
            verbose=verbose or before.verbose,
        )
        return command(*args, **kwargs)

    folder: Any = click.Path(path_type=Path, file_okay=False, exists=True)
    file: Any = click.Path(path_type=Path, dir_okay=False)
    for option in (
        click.option("-v", "--verbose", is_flag=True, help="Print more."),
        click.option("-q", "--quiet", is_flag=True, help="Print only problems."),
        click.option("--now", default="", metavar="ISO-8601", help="Run as if it were this time."),
        click.option("--config", type=file, metavar="FILE", help="Default: broadsheet.toml."),
        click.option("-C", "directory", type=folder, metavar="DIR", help="Run in this folder."),
    ):
        wrapper = option(wrapper)
    return wrapper  # type: ignore[return-value]  # it takes what `command` takes, and the options


def say(text: str, *, err: bool = False) -> None:
    """Print `text`, unless the user wants only problems. err: to stderr."""
    if not options().quiet:
        click.echo(text, err=err)


def open_in_browser(address: str) -> None:
    """Show the page at `address`; report it if no browser is found."""
    import webbrowser  # it imports what other commands do without

    if not webbrowser.open(address):
        click.echo(f"no browser was found; open {address}", err=True)


def print_json(data: Any) -> None:
    """Print `data` as JSON; it may hold dataclasses, such as problems."""
    click.echo(json.dumps(data, ensure_ascii=False, indent=1, default=asdict))


def complete_digest(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Return the digests of the project that begin with `incomplete`, for shells."""
    from broadsheet.storage import config

    given = {**(ctx.parent.params if ctx.parent else {}), **ctx.params}
    place = Location(given.get("directory") or Path(), given.get("config"))
    with suppress(BroadsheetError):
        found = config.load(place.config_path, "").digests
        return [name for name in found if name.startswith(incomplete)]
    return []


def options() -> Options:
    """Return the common options of the running command."""
    given = click.get_current_context().obj
    return given if isinstance(given, Options) else Options()
