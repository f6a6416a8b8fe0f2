"""The command line: finds the commands, runs one, and shows errors.

A command is a file of this folder whose first line is `broadsheet NAME: its help`, with a
`POSITION` in the list of commands, `EXAMPLES` and a `PAGE` of the documentation for its help, the
`EXTRAS` that it needs if any, and a function `command`. It is imported only when it is called, so
that `broadsheet --version` costs no more than click.
"""

from __future__ import annotations

import atexit
import gc
import io
import os
import re
import sys
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import click

from broadsheet import __version__
from broadsheet.cli import interrupts, terminal
from broadsheet.cli.extras import extra
from broadsheet.cli.manners import DocumentedGroup, usage_words
from broadsheet.cli.options import common_options
from broadsheet.errors import BroadsheetError

_HELP = re.compile(r'"""broadsheet (?P<name>\w+): (?P<help>.+)"""\n')
_POSITION = re.compile(r"^POSITION = (\d+)", re.MULTILINE)
_LAST = 1_000
_EXTRAS = re.compile(r'^EXTRAS = "(.+)"', re.MULTILINE)


PAGE = ""
EXAMPLES = (
    "broadsheet demo  # a sample site to look at, in the browser",
    "broadsheet init  # write broadsheet.toml, in the folder of your articles",
    "broadsheet build  # write the feeds",
)


class _Commands(DocumentedGroup):
    """The commands: each file of this folder that begins with the help of one.

    The files are read for the list and imported only when called.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(commands())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in commands():
            return None
        extras = _EXTRAS.search((Path(__file__).parent / f"{cmd_name}.py").read_text("utf-8"))
        with extra(extras[1] if extras else "", cmd_name):
            command: click.Command = import_module(f"broadsheet.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(commands().items()))


@cache
def commands() -> dict[str, str]:
    """Return the help line of each command by its name, in the order of their positions."""
    found: list[tuple[int, str, str]] = []
    for file in Path(__file__).parent.glob("*.py"):
        text = file.read_text("utf-8")
        if said := _HELP.match(text):
            position = _POSITION.search(text)
            found.append((int(position[1]) if position else _LAST, said["name"], said["help"]))
    return {name: help_ for _, name, help_ in sorted(found)}


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="Broadsheet %(version)s")
@common_options
def broadsheet() -> None:
    """Publish a folder of Markdown articles as feeds and email digests."""


def run() -> NoReturn:
    """Run the `broadsheet` command, and end the process without freeing its memory.

    Freeing it would take a twentieth of a build. Nothing else is left to do: every file, database,
    thread and process is closed where it was opened.
    """
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    for stream in filter(None, (sys.stdout, sys.stderr)):  # one that was closed is None
        try:
            stream.flush()
        except BrokenPipeError:  # the reader closed the pipe
            continue
        except OSError as error:  # the disk is full
            code = code or 1
            with suppress(OSError):
                click.echo(f"broadsheet: {_mishap(error)}", err=True)
    atexit._run_exitfuncs()  # noqa: SLF001 - what libraries do at the end, and nothing more
    os._exit(code)


def main() -> NoReturn:
    """Run the command line; raises SystemExit with the exit code."""
    # Articles stay in memory. Searching them for garbage again and again takes a tenth of a build,
    # and finds next to nothing.
    gc.set_threshold(400_000, 20, 50)
    interrupts.insist()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # its encoding may lack characters of the articles
            stream.reconfigure(errors="backslashreplace")
    with terminal.guarded():
        _run()


def _run() -> NoReturn:
    try:
        broadsheet(prog_name="broadsheet", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        click.echo(usage_words(error), err=True)
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("broadsheet: stopped; what was published is complete", err=True)
        sys.exit(130)
    except BroadsheetError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader closed the pipe; Python would complain again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if os.environ.get("BROADSHEET_DEBUG"):
            sys.excepthook(*sys.exc_info())
        else:
            click.echo(f"broadsheet: {_mishap(error)}", err=True)
        sys.exit(1)
    sys.exit(0)


def _mishap(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'a file'}: {error.strerror}; fix it and run again"
    return (
        f"this should not have happened ({type(error).__name__}: {error}); what was published "
        "is complete. Please report it with the output of BROADSHEET_DEBUG=1"
    )
