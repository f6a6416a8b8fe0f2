"""The manners of the command line: examples, suggestions, plain words, colours, data."""

from __future__ import annotations

import io
import json
import re
import shlex
import sys
from collections.abc import Iterator
from importlib import import_module

import click
import pytest

from broadsheet import DOCUMENTATION
from broadsheet.cli import broadsheet, commands, terminal
from newsroom import ROOT, Newsroom

WEEKLY = '[digests.weekly]\ntitle = "W"\n'


def every_command(
    command: click.Command = broadsheet, path: str = "broadsheet"
) -> Iterator[tuple[str, click.Command]]:
    """Yield every command and the words that call it."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            if inner := command.get_command(context, name):
                yield from every_command(inner, f"{path} {name}")


EVERY = list(every_command())


@pytest.mark.parametrize(("path", "command"), EVERY, ids=[path for path, _ in EVERY])
def test_help_ends_with_examples_and_the_docs(
    newsroom: Newsroom, path: str, command: click.Command
) -> None:
    """Each example is a command line that the command takes, and the address is of the docs."""
    ran = newsroom.run(*path.split()[1:], "--help")
    assert ran.code == 0
    examples = ran.out.partition("\nExamples:\n")[2].partition("\nDocumentation:\n  ")
    assert examples[2].startswith(DOCUMENTATION)
    lines = re.findall(r"^  (broadsheet .+?)(?:  .*)?$", examples[0], re.MULTILINE)
    assert lines
    for line in lines:
        words = shlex.split(re.split(r" [|<>] ?", line)[0])[1:]
        if not isinstance(command, click.Group):
            inner = words[len(path.split()) - 1 :]
            command.make_parser(click.Context(command)).parse_args(inner)


@pytest.mark.parametrize("name", sorted({*commands(), "personal_data"}))
def test_the_page_of_a_command_exists(name: str) -> None:
    """A file of docs/, and the heading in it."""
    page, _, anchor = import_module(f"broadsheet.cli.{name}").PAGE.partition("#")
    text = (ROOT / "docs" / f"{page.rstrip('/')}.md").read_text("utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    assert not anchor or anchor in {each.lower().replace(" ", "-") for each in headings}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("biuld", "broadsheet: unknown command 'biuld'; did you mean 'build'?"),
        ("xyzzy", "broadsheet: unknown command 'xyzzy'; try `broadsheet --help`"),
        (
            "subscribers imprt",
            "broadsheet subscribers: unknown command 'imprt'; did you mean 'import'?",
        ),
        (
            "build --dryrun",
            "broadsheet build: unknown option '--dryrun'; did you mean '--dry-run'?",
        ),
        (
            "build --xyzzy",
            "broadsheet build: unknown option '--xyzzy'; {see}",
        ),
        ("explain", "broadsheet explain: missing FILE; {see}"),
        (
            "build a b",
            "broadsheet build: unexpected argument: a b; {see}",
        ),
        (
            "build --workers x",
            "broadsheet build: --workers: 'x' is not a whole number from 1; {see}",
        ),
        (
            "serve --port -1",
            "broadsheet serve: --port: '-1' is not a whole number from 0 to 65535; {see}",
        ),
    ],
)
def test_a_mistyped_command_line_is_explained(newsroom: Newsroom, given: str, message: str) -> None:
    """In one line, with the nearest name or where to look."""
    ran = newsroom.run(*given.split())
    assert (ran.code, ran.out) == (2, "")
    see = f"try `broadsheet {given.split()[0]} --help`"
    assert ran.err == message.replace("{see}", see) + "\n"


@pytest.mark.parametrize("name", commands())
def test_any_slip_in_a_command_is_recognised(newsroom: Newsroom, name: str) -> None:
    """A letter left out, doubled or swapped."""
    for slip in (
        name[:2] + name[3:],
        name[:3] + name[2:],
        name[:1] + name[2:3] + name[1:2] + name[3:],
    ):
        if slip != name:
            assert newsroom.run(slip).err.endswith(f"did you mean {name!r}?\n")


class _Stream(io.StringIO):
    def __init__(self, is_terminal: bool) -> None:
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal


@pytest.mark.parametrize(
    ("environment", "is_terminal", "expected"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"TERM": "dumb"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"CLICOLOR_FORCE": "1"}, False, True),
        ({"CLICOLOR_FORCE": "0"}, False, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(
    environment: dict[str, str], is_terminal: bool, expected: bool
) -> None:
    """NO_COLOR comes first (no-color.org), then FORCE_COLOR, then what the output is."""
    assert terminal.has_colour(_Stream(is_terminal), environment) is expected


def test_colours_never_carry_other_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Styled text is coloured, and what is in it stays harmless."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for is_terminal in (True, False):
        stream = _Stream(is_terminal)
        monkeypatch.setattr(sys, "stdout", stream)
        with terminal.guarded():
            print(terminal.styled("a\x1b[2J", "red"))
        red, end = ("\x1b[1;31m", "\x1b[0m") if is_terminal else ("", "")
        assert stream.getvalue() == f"{red}a\\u001b[2J{end}\n"


def test_build_and_digest_print_data(newsroom: Newsroom) -> None:
    """`--json` gives what was done, also if nothing was, and the exit code stays the same."""
    newsroom.configure(WEEKLY)
    newsroom.article("a.md", date="2025-06-26")
    due = json.loads(newsroom.run("digest", "--json", "--dry-run").out)
    assert [(each["digest"], each["key"]) for each in due["issues"]] == [("weekly", "2025-06-30")]
    made = json.loads(newsroom.run("digest", "--json").out)
    assert made == due
    assert (newsroom.folder / made["issues"][0]["folder"] / "email.html").exists()
    assert json.loads(newsroom.run("digest", "--json").out)["issues"] == []
    first = json.loads(newsroom.run("build", "--json").out)
    assert set(first["written"]) < set(newsroom.published())
    newsroom.settle()
    newsroom.run("build")
    again = newsroom.run("build", "--json")
    assert json.loads(again.out) == {**first, "written": [], "unchanged": again_count(first)}
    newsroom.article("bad.md", date="yesterday")
    ran = newsroom.run("build", "--json")
    assert ran.code == 1
    assert [each["path"] for each in json.loads(ran.out)["problems"]] == ["content/bad.md"]


def again_count(first: dict[str, list[str]]) -> int:
    """Return how many files are unchanged in the build after the `first`."""
    return len(first["written"]) + int(str(first["unchanged"]))
