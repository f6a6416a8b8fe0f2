"""The manners of the command line (clig.dev): examples in the help, suggestions, plain words.

A module with a command has `EXAMPLES`, lines of shell that begin with the command, and `PAGE`, the
page of the documentation on it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

import click

from broadsheet import DOCUMENTATION
from broadsheet.cli.terminal import styled


class _Formatter(click.HelpFormatter):
    """Help with bold headings, where the terminal has them."""

    def write_heading(self, heading: str) -> None:
        self.write(f"{'':>{self.current_indent}}{styled(heading, 'bold')}:\n")


class _Context(click.Context):
    formatter_class = _Formatter


class _PlainContext(click.Context):
    """The context of help that is not for a terminal."""


class DocumentedCommand(click.Command):
    """A command whose help ends with examples and the address of its documentation."""

    context_class = _Context

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        module: Any = sys.modules[getattr(self.callback, "__module__", __name__)]
        lines = [line for line in module.EXAMPLES if line.startswith(ctx.command_path)]
        with formatter.section("Examples"):
            formatter.write_dl([line.partition("  # ")[::2] for line in lines], col_max=60)
        formatter.write_paragraph()
        formatter.write_heading("Documentation")
        formatter.write(f"  {DOCUMENTATION}{module.PAGE}\n")


class DocumentedGroup(DocumentedCommand, click.Group):
    """Commands, with the nearest ones for a name that is not among them."""

    command_class = DocumentedCommand

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands first: they are what is looked for."""
        self.format_commands(ctx, formatter)
        DocumentedCommand.format_options(self, ctx, formatter)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name[:1].isalnum() and self.get_command(ctx, name) is None:
            near = get_close_matches(name, self.list_commands(ctx), n=1, cutoff=0.6)
            ask = f"; did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"unknown command {name!r}{ask}", ctx)
        return super().resolve_command(ctx, args)


class WholeNumber(click.IntRange):
    """A whole number in a range. minimum, maximum: inclusive; None: no bound."""

    name = "number"

    def __init__(self, minimum: int, maximum: int | None = None) -> None:
        super().__init__(minimum, maximum)

    def _describe_range(self) -> str:  # click shows it after the help of an option
        return f"from {self.min}" + ("" if self.max is None else f" to {self.max}")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is not a whole number {self._describe_range()}", param, ctx)


def command_section(command: click.Command, path: str) -> Iterator[str]:
    """Yield the lines of docs/cli.md about `command`, which `path` calls, and those in it."""
    context = _PlainContext(
        command,
        info_name=path,
        max_content_width=100,
        terminal_width=100,
        help_option_names=["-h", "--help"],
    )
    if path != "broadsheet":
        text = command.get_help(context).partition("\nDocumentation:\n")[0].rstrip()
        yield from ("", f"## {path.removeprefix('broadsheet ')}", "", "```text", text, "```")
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            if inner := command.get_command(context, name):
                yield from command_section(inner, f"{path} {name}")


def usage_words(error: click.ClickException) -> str:
    """Return what is wrong with a command line, and what to do, in the form of all messages."""
    what = error.format_message().rstrip(".")
    if isinstance(error, click.NoSuchOption):
        near = (error.possibilities or [])[:1]
        what = f"unknown option {error.option_name!r}"
        what += f"; did you mean {near[0]!r}?" if near else ""
    elif isinstance(error, click.MissingParameter) and error.param:
        what = f"missing {error.param.human_readable_name}"
    elif isinstance(error, click.BadParameter) and error.param:
        name = error.param.opts[0] if isinstance(error.param, click.Option) else ""
        message = error.message[:1].lower() + error.message[1:].rstrip(".")
        what = f"{name}: {message}".removeprefix(": ")
    elif what.startswith("Got unexpected extra argument"):
        what = f"unexpected argument: {what.partition('(')[2].rstrip(')')}"
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "broadsheet"
    todo = "" if what.endswith("?") else f"; try `{path} --help`"
    return f"{path}: {what[:1].lower()}{what[1:]}{todo}"
