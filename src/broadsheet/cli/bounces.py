"""broadsheet bounces"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from broadsheet import bounces
from broadsheet.bounces import Unread
from broadsheet.cli.counting import count
from broadsheet.cli.options import common_options, options
from broadsheet.cli.project import Project
from broadsheet.delivery.database import Database, open_database
from broadsheet.delivery.environment import Secrets
from broadsheet.delivery.tokens import Tokens
from broadsheet.errors import BroadsheetError, Problem, UsageError
from broadsheet.service.returned import Policy, Result, take

_SAID = {
    "ended": "ended: {address} ({why})",
    "counted": "counted: {address}, {count} of {times} ({why})",
    "unknown": "no subscriber: {address}",
    "unproven": "without our mark, not counted: {address}",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """A mail, and where it lies. file: in a maildir's new/, to be moved when it is done."""

    shown: str
    data: bytes
    file: Path | None = None


@dataclass(slots=True)
class Outcome:
    """What a run came to. left: (which mail, why)."""

    reports: int = 0
    results: list[tuple[str, Result]] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)


class _DryRunError(Exception):
    """Undoes the transaction of a dry run."""


@click.command()
@click.argument("source", default="", metavar="[FILE|MAILDIR|-]")
@click.option("--times", type=click.IntRange(1), default=5, show_default=True,
              help="So many temporary failures end an address ...")  # fmt: skip
@click.option("--days", type=click.IntRange(1), default=35, show_default=True,
              help="... when they come within so many days.")  # fmt: skip
@click.option("--proven", is_flag=True, help="Count only reports that carry our own mark.")
@click.option("--dry-run", is_flag=True, help="Change nothing; say what would be done.")
@click.option("--json", "as_json", is_flag=True, help="As data.")
@common_options
def command(source: str, times: int, days: int, proven: bool, dry_run: bool, as_json: bool) -> None:
    """Takes delivery reports and complaints, from a mail, an mbox, a maildir or standard input.

    What fails for good ends the address, and so does a complaint; what fails for now counts. In a
    maildir, what is done moves from new/ to cur/, and what cannot be read stays.
    """
    policy = Policy(times, days, proven)
    project = Project(options())
    tokens = _tokens(proven=proven)
    database = open_database(project.settings.delivery.database, project.root)
    outcome = Outcome()
    try:
        for piece in _pieces(source):
            _take(piece, database, tokens, policy, project, outcome, dry_run=dry_run)
    finally:
        database.close()
    _say(outcome, policy, as_json=as_json)
    # In a maildir other mail is no mistake; a file that is given by name should be a report.
    if outcome.left and not outcome.reports and not Path(source or "-").is_dir():
        sys.exit(1)


def _tokens(*, proven: bool) -> Tokens | None:
    """Reads our marks; without the secret there is no telling them, and addresses must do."""
    secret = Secrets.read().secret
    return Tokens(secret) if secret or proven else None


def _take(
    piece: Piece,
    database: Database,
    tokens: Tokens | None,
    policy: Policy,
    project: Project,
    outcome: Outcome,
    *,
    dry_run: bool,
) -> None:
    try:
        report = bounces.read(piece.data)
    except Unread as reason:
        outcome.left.append((piece.shown, str(reason)))
        return
    results: list[Result] = []
    try:
        with database.writing() as connection:
            results = take(connection, report, tokens, policy, project.now)
            if dry_run:
                raise _DryRunError
    except _DryRunError:
        pass
    outcome.reports += 1
    outcome.results += [(piece.shown, result) for result in results]
    if piece.file is not None and not dry_run:
        _file_away(piece.file)


def _pieces(source: str) -> Iterator[Piece]:
    if source in {"", "-"}:
        if not source and sys.stdin.isatty():
            raise UsageError(Problem("there is no mail to take", "name a FILE, a MAILDIR, or -"))
        yield from _split("standard input", sys.stdin.buffer.read())
        return
    path = Path(source)
    if path.is_dir():
        if not (path / "new").is_dir():
            raise UsageError(Problem("it is no maildir: it has no folder new/", "", source))
        yield from _maildir(path)
        return
    try:
        yield from _split(source, path.read_bytes())
    except OSError as error:
        raise UsageError(Problem(f"it cannot be read: {error.strerror}", "", source)) from error


def _split(shown: str, data: bytes) -> Iterator[Piece]:
    mails = bounces.split(data)
    for number, mail in enumerate(mails, 1):
        yield Piece(f"{shown}, mail {number}" if len(mails) > 1 else shown, mail)


def _maildir(folder: Path) -> Iterator[Piece]:
    """The mails in new/, the oldest first: their names begin with the time."""
    for file in sorted((folder / "new").iterdir()):
        if file.name.startswith(".") or not file.is_file():
            continue
        try:
            # One byte more than is read: enough to see that it is too large.
            with file.open("rb") as mail:
                data = mail.read(bounces.LARGEST + 1)
        except OSError as error:
            click.echo(f"{file}: it cannot be read: {error.strerror}", err=True)
            continue
        yield Piece(f"new/{file.name}", data, file)


def _file_away(file: Path) -> None:
    """To cur/, as seen (maildir(5)); another run may have done it."""
    folder = file.parent.parent / "cur"
    try:
        folder.mkdir(exist_ok=True)
        file.rename(folder / f"{file.name.partition(':')[0]}:2,S")
    except FileNotFoundError:
        return
    except OSError as error:
        raise BroadsheetError(
            Problem(
                f"it is counted, but cannot be moved to cur/: {error.strerror}",
                "check the permissions; it is not counted again",
                str(file),
            )
        ) from error


def _say(outcome: Outcome, policy: Policy, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_data(outcome), ensure_ascii=False, indent=1))
        return
    if options().quiet:
        return
    for _, result in outcome.results:
        if text := _SAID.get(result.outcome, ""):
            why = " ".join(filter(None, (result.finding.status, result.finding.words)))
            click.echo(
                text.format(
                    address=_address(result), why=why, count=result.count, times=policy.times
                )
            )
    for shown, why in outcome.left:
        click.echo(f"{shown}: left where it is: {why}", err=True)
    tally = Counter(result.outcome for _, result in outcome.results)
    told = ", ".join(f"{number} {name}" for name, number in sorted(tally.items()))
    click.echo(f"{count(outcome.reports, 'report')}{': ' if told else ''}{told}")


def _address(result: Result) -> str:
    if result.subscriber is not None:
        return result.subscriber.address
    return next(iter(result.finding.addresses), "not named")


def _data(outcome: Outcome) -> dict[str, Any]:
    return {
        "reports": outcome.reports,
        "results": [
            {
                "mail": shown,
                "outcome": result.outcome,
                "kind": result.finding.kind,
                "address": _address(result),
                "subscriber": result.subscriber.id if result.subscriber else None,
                "status": result.finding.status,
                "words": result.finding.words,
                "count": result.count,
            }
            for shown, result in outcome.results
        ],
        "left": [{"mail": shown, "why": why} for shown, why in outcome.left],
    }
