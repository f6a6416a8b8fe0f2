"""broadsheet check: report every problem in one run, before it is published"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Final

import click

from broadsheet.checks import Finding
from broadsheet.cli.manners import DocumentedCommand
from broadsheet.cli.options import common_options, options, print_json, say
from broadsheet.cli.progress import progress_of
from broadsheet.cli.terminal import styled
from broadsheet.errors import Problem, UsageError
from broadsheet.pipeline.check import check
from broadsheet.text.counting import count

POSITION = 80  # in `broadsheet --help`
PAGE = "checks/"
EXAMPLES = (
    "broadsheet check  # every problem",
    "broadsheet check --strict content/new.md  # one file; fail on warnings",
    "broadsheet check --github  # annotations in GitHub Actions",
)
_SHOWN: Final = 20
"""How many findings of one rule are shown, unless all are asked for."""


@click.command(cls=DocumentedCommand)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
@click.option("--all", "everything", is_flag=True, help=f"Show more than {_SHOWN} of a rule.")
@click.option("--json", "form", flag_value="json", help="As data.")
@click.option("--github", "form", flag_value="github", help="As annotations for GitHub Actions.")
@common_options
def command(files: tuple[Path, ...], strict: bool, everything: bool, form: str | None) -> None:
    """Report every problem in one run, before it is published.

    With FILEs, only the problems in these, such as the files that a commit changes.
    """
    found, code = check(options(), progress_of(options()))
    if files:
        found = tuple(each for each in found if each.problem.path in _within_project(files))
    if form == "json":
        print_json([_data(each) for each in found])
    elif form == "github":
        for each in found:
            click.echo(_annotation(each))
    else:
        _show(found, len(found) if everything else _SHOWN)
    if code or any(each.severity == "error" or strict for each in found):
        raise SystemExit(code or 1)


def _within_project(files: Iterable[Path]) -> set[str]:
    """`files`, which the user names from where the user is, as findings name them."""
    root = options().config_path.parent.resolve()
    found: set[str] = set()
    for file in files:
        path = file if file.exists() else root / file
        if not path.exists():
            raise UsageError(
                Problem(f"the file {str(file)!r} does not exist", "name one of the project")
            )
        with suppress(ValueError):
            found.add(path.resolve().relative_to(root).as_posix())
    return found


def _show(found: Sequence[Finding], most: int) -> None:
    """The findings below their severity, of each rule the first `most`, and how many there are."""
    seen: Counter[tuple[str, str]] = Counter()
    for severity, group in groupby(found, lambda each: each.severity):
        click.echo(styled(f"{severity}s:", "red" if severity == "error" else "yellow"))
        for each in group:
            seen[severity, each.rule] += 1
            if seen[severity, each.rule] <= most:
                click.echo(str(each))
    say(_summary(found, most))


def _summary(found: Sequence[Finding], most: int) -> str:
    if not found:
        return styled("nothing is wrong", "green")
    severities = Counter(each.severity for each in found)
    total = f"{count(severities['error'], 'error')}, {count(severities['warning'], 'warning')}"
    rules = Counter((each.severity, each.rule) for each in found).most_common()
    lines = [total]
    for (severity, rule), number in sorted(rules, key=lambda item: item[0][0]):
        hidden = f" ({number - most:,} more with --all)" if number > most else ""
        lines.append(f"{count(number, severity):>14}  {rule}{hidden}")
    return "\n".join(lines)


def _data(finding: Finding) -> dict[str, object]:
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        **asdict(finding.problem),
    }


def _annotation(finding: Finding) -> str:
    """A workflow command (GitHub Actions), with its reserved characters escaped.

    GitHub looks for the file from where the workflow runs, which may be above the project.
    """
    problem = finding.problem
    place = {"title": finding.rule}
    if problem.path:
        path = Path(os.path.relpath(options().config_path.parent / problem.path)).as_posix()
        place = {"file": path, "line": str(problem.line or 1), **place}
    values = {name: _escaped(value).replace(":", "%3A") for name, value in place.items()}
    properties = ",".join(f"{n}={value.replace(',', '%2C')}" for n, value in values.items())
    return f"::{finding.severity} {properties}::{_escaped(problem.words)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
