"""The options of every command, before or after its name."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from broadsheet.errors import BroadsheetError, Problem

_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Options:
    """The common options as given. now: ISO 8601; "" for none."""

    directory: Path = Path()
    config: Path | None = None
    now: str = ""
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


def say(text: str) -> None:
    """Print `text`, unless the user wants only problems."""
    if not options().quiet:
        click.echo(text)


def print_json(data: Any) -> None:
    """Print `data` as JSON."""
    click.echo(json.dumps(data, ensure_ascii=False, indent=1))


def problem_data(problem: Problem) -> dict[str, object]:
    """Return a problem as data."""
    names = ("path", "line", "key", "what", "todo")
    return {name: getattr(problem, name) for name in names}


def complete_digest(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Return the digests of the project that begin with `incomplete`, for shells."""
    from broadsheet.storage import config

    given = {**(ctx.parent.params if ctx.parent else {}), **ctx.params}
    path = (given.get("directory") or Path()) / (given.get("config") or config.CONFIG_NAME)
    with suppress(BroadsheetError):
        return [name for name in config.load(path, "").digests if name.startswith(incomplete)]
    return []


def options() -> Options:
    """Return the common options of the running command."""
    given = click.get_current_context().obj
    return given if isinstance(given, Options) else Options()
