"""broadsheet bounces: read delivery reports and complaints"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import click

from broadsheet import bounces
from broadsheet.bounces import Unread
from broadsheet.cli.deliveries import opened
from broadsheet.cli.options import common_options, options
from broadsheet.delivery.database import Database
from broadsheet.delivery.environment import Secrets
from broadsheet.delivery.tokens import Tokens
from broadsheet.errors import Problem, UsageError
from broadsheet.pipeline.project import Project, open_project
from broadsheet.service.maildir import Maildir
from broadsheet.service.returned import Policy, Result, take, take_off
from broadsheet.text.counting import count

POSITION = 120  # in `broadsheet --help`
_SAID = {
    "ended": "ended: {address} ({why})",
    "left": "left: {address} ({why})",
    "counted": "counted: {address}, {count} of {times} ({why})",
    "unknown": "no subscriber: {address}",
    "unproven": "without our mark, not counted: {address}",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """A mail, and where it lies, as it is told."""

    shown: str
    data: bytes


@dataclass(slots=True)
class Outcome:
    """What a run came to. left: (which mail, why); failed: the same, for what must be mended."""

    reports: int = 0
    results: list[tuple[str, Result]] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)


class _DryRunError(Exception):
    """Undoes the transaction of a dry run."""


@dataclass(frozen=True, slots=True)
class _Clerk:
    """Takes one mail after another, each in a transaction of its own."""

    database: Database
    tokens: Tokens | None
    policy: Policy
    project: Project
    outcome: Outcome
    dry_run: bool

    def take(self, piece: Piece) -> bool:
        """Whether the mail was one of ours, and is done."""
        try:
            results = self._results(piece.data)
        except Unread as reason:
            self.outcome.left.append((piece.shown, str(reason)))
            return False
        self.outcome.reports += 1
        self.outcome.results += [(piece.shown, result) for result in results]
        return not self.dry_run

    def _results(self, data: bytes) -> list[Result]:
        """Raises Unread."""
        found = bounces.read(data)
        settings, now = self.project.settings, self.project.now
        results: list[Result] = []
        try:
            with self.database.writing() as connection:
                if isinstance(found, bounces.Wish):
                    given = (self.tokens, tuple(settings.digests), now)
                    results = [take_off(connection, found, *given, renamed=settings.renamed)]
                else:
                    results = take(connection, found, self.tokens, self.policy, now)
                if self.dry_run:
                    raise _DryRunError
        except _DryRunError:
            pass
        return results


@click.command()
@click.argument("source", default="", metavar="[FILE|MAILDIR|-]")
@click.option("--times", type=click.IntRange(1), default=5, show_default=True,
              help="End an address after this many temporary failures ...")  # fmt: skip
@click.option("--days", type=click.IntRange(1), default=35, show_default=True,
              help="... within this many days.")  # fmt: skip
@click.option("--proven/--no-proven", default=None,
              help="Count only reports with our own mark. Default: as delivery.verp.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Change nothing; say what would be done.")
@click.option("--json", "as_json", is_flag=True, help="As data.")
@common_options
def command(
    source: str, times: int, days: int, proven: bool | None, dry_run: bool, as_json: bool
) -> None:
    """Process delivery reports, complaints and unsubscribe mails.

    Reads a mail, an mbox, a maildir or standard input. A mailbox that does not exist ends the
    address, and so does a complaint; any other failure counts. In a maildir, processed mails are
    moved to cur/ as seen; mails that cannot be read stay where they are.
    """
    project = open_project(options())
    delivery = project.settings.delivery
    policy = Policy(times, days, delivery.verp if proven is None else proven)
    tokens = _tokens(proven=policy.proven)
    outcome = Outcome()
    database = opened(project)
    try:
        clerk = _Clerk(database, tokens, policy, project, outcome, dry_run)
        whole = _folder(Path(source), clerk) if Path(source or "-").is_dir() else None
        for piece in () if whole else _pieces(source):
            clerk.take(piece)
    finally:
        database.close()
        _say(outcome, policy, as_json=as_json)
    # In a maildir other mail is no mistake; a file that is given by name should be a report.
    if outcome.failed or (outcome.left and not outcome.reports and not whole):
        sys.exit(1)


def _tokens(*, proven: bool) -> Tokens | None:
    """Reads our marks; without the secret there is no telling them, and addresses must do."""
    secrets = Secrets.read()
    return secrets.tokens() if secrets.secret or proven else None


def _folder(path: Path, clerk: _Clerk) -> bool:
    """Takes what waits in a maildir."""
    maildir = Maildir.at(path)
    for file in maildir.waiting():
        shown = f"{file.parent.name}/{file.name}"
        try:
            # One byte more than is read: enough to see that it is too large.
            with file.open("rb") as mail:
                data = mail.read(bounces.LARGEST + 1)
            if clerk.take(Piece(shown, data)):
                maildir.done(file)
        except FileNotFoundError:
            continue  # another run, or a mail program, has moved it
        except OSError as error:
            clerk.outcome.failed.append((shown, error.strerror or str(error)))
    return True


def _pieces(source: str) -> Iterator[Piece]:
    if source in {"", "-"}:
        if not source and sys.stdin.isatty():
            raise UsageError(Problem("there is no mail to take", "name a FILE, a MAILDIR, or -"))
        yield from _numbered("standard input", sys.stdin.buffer)
        return
    try:
        with Path(source).open("rb") as file:
            yield from _numbered(source, file)
    except OSError as error:
        raise UsageError(Problem(f"it cannot be read: {error.strerror}", "", source)) from error


def _numbered(shown: str, file: BinaryIO) -> Iterator[Piece]:
    """The mails of `file`, with their numbers where there is more than one."""
    mails = bounces.mails(file)
    first, second = next(mails), next(mails, None)
    if second is None:
        yield Piece(shown, first)
        return
    for number, mail in enumerate(chain((first, second), mails), 1):
        yield Piece(f"{shown}, mail {number}", mail)


def _say(outcome: Outcome, policy: Policy, *, as_json: bool) -> None:
    for shown, why in outcome.failed:
        click.echo(f"{shown}: it cannot be read: {why}; it stays where it is", err=True)
    if as_json:
        click.echo(json.dumps(_data(outcome), ensure_ascii=False, indent=1))
        return
    if options().quiet:
        return
    for _, result in outcome.results:
        if text := _SAID.get(result.outcome, ""):
            address, why = _address(result), _why(result)
            click.echo(
                text.format(address=address, why=why, count=result.count, times=policy.times)
            )
    for shown, why in outcome.left:
        click.echo(f"{shown}: left where it is: {why}", err=True)
    tally = Counter(result.outcome for _, result in outcome.results)
    told = ", ".join(f"{number} {name}" for name, number in sorted(tally.items()))
    click.echo(f"{count(outcome.reports, 'report')}{': ' if told else ''}{told}")


def _why(result: Result) -> str:
    finding = result.finding
    if finding.kind == "wish":
        return f"by mail, off {finding.words or 'all'}"
    return " ".join(filter(None, (finding.status, finding.words)))


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
        "left": [{"mail": shown, "why": why} for shown, why in [*outcome.left, *outcome.failed]],
    }
