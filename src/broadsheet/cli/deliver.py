"""broadsheet deliver: send issues to subscribers; safe to kill and run again"""

from __future__ import annotations

from typing import Any

import click

from broadsheet.cli.deliveries import (
    forget_old_deliveries,
    ledger_clock,
    progress_data,
    progress_words,
    warn_exposed,
)
from broadsheet.cli.manners import DocumentedCommand, WholeNumber
from broadsheet.cli.options import common_options, complete_digest, options, print_json, say
from broadsheet.cli.progress import progress
from broadsheet.delivery import planning
from broadsheet.delivery.batcher import Tally
from broadsheet.delivery.claims import STATES
from broadsheet.delivery.environment import Secrets
from broadsheet.delivery.planning import DeliveryReport
from broadsheet.digests.sender import sender_problems
from broadsheet.errors import Problem
from broadsheet.pipeline.project import Project, open_project
from broadsheet.text.counting import count

POSITION = 60  # in `broadsheet --help`
EXTRAS = "delivery"
PAGE = "delivery/"
EXAMPLES = (
    "broadsheet deliver --to you@example.org  # a test copy",
    "broadsheet deliver --dry-run  # how many mails would be sent",
    "broadsheet deliver weekly  # send; run it again after any failure",
)
_ONLY = ("pending", "retry", "failed", "in_doubt")


@click.command(cls=DocumentedCommand)
@click.argument("names", nargs=-1, metavar="[DIGEST]...", shell_complete=complete_digest)
@click.option("--issue", default="", metavar="DIGEST/KEY", help="Only this one, however old.")
@click.option("--to", "to", default="", metavar="ADDRESS", help="Send a test copy; record nothing.")
@click.option(
    "--only", type=click.Choice(_ONLY), default=None, help="Send only rows in this state."
)
@click.option("--limit", type=WholeNumber(1), default=None, help="Send at most this many mails.")
@click.option(
    "--allow-repeat", is_flag=True, help="Send an issue even if readers have its articles."
)
@click.option("--dry-run", is_flag=True, help="Say what would be sent; send and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="As data.")
@common_options
def command(
    names: tuple[str, ...],
    issue: str,
    to: str,
    only: Any,
    limit: int | None,
    allow_repeat: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Send issues to subscribers; safe to kill and run again."""
    project = open_project(options())
    request = planning.DeliveryRequest(names, issue, only, limit or 0, allow_repeat)
    request.check(project.settings)
    run = planning.Run(project, request, Secrets.read(), ledger_clock(project), _warn)
    for _, problem in sender_problems(project.settings.publication, project.settings.delivery):
        _warn(problem)
    warn_exposed(project)
    if to:
        sent = planning.send_copy(run, to, dry_run=dry_run)
        verb = "would be sent" if dry_run else "sent"
        say(f"{sent.digest}/{sent.key}: a test copy {verb} to {to.strip()}")
        return
    if dry_run:
        report = planning.rehearsed(run)
        _show_foreseen(report, as_json=as_json)
    else:
        report = planning.deliver(run, lambda rows: progress(rows, options(), "Sending", 1))
        forget_old_deliveries(project)
        _show(report, project, as_json=as_json)
    _end(report)


def _warn(problem: Problem) -> None:
    say(f"warning: {problem}", err=True)


def _show_foreseen(report: DeliveryReport, *, as_json: bool) -> None:
    if as_json:
        foreseen: list[dict[str, Any]] = [
            {"digest": issue.digest, "key": issue.key, "would_send": number}
            for issue, number in report.foreseen
        ]
        reminders = _reminders_data(report)
        print_json({"issues": [*foreseen, *_left_data(report)], "reminders": reminders})
        return
    if options().quiet:
        return
    for issue, number in report.foreseen:
        click.echo(f"{issue.digest}/{issue.key} would be sent to {count(number, 'subscriber')}")
    for each in report.reminders:
        click.echo(f"{each.name}: a reminder would be sent to {each.to}")
    _show_left(report, nothing=not report.foreseen)


def _show(report: DeliveryReport, project: Project, *, as_json: bool) -> None:
    if as_json:
        issues = [progress_data(each) for each in (*report.progress, *report.stranded)]
        data = {"issues": issues + _left_data(report), "reminders": _reminders_data(report)}
        print_json({**data, "run": _run_data(report.tally)})
    elif not options().quiet:
        for reminder in report.reminders:
            if not reminder.problem:
                click.echo(f"{reminder.name}: a reminder was sent to {reminder.to}")
        for each in report.progress:
            click.echo(progress_words(each, project))
        if not report.progress:
            _show_left(report, nothing=True)
    for each in report.stranded:
        click.echo(progress_words(each, project), err=True)


def _show_left(report: DeliveryReport, *, nothing: bool) -> None:
    """Print which issues are not sent. nothing: no other one is."""
    for issue, why in report.left:
        click.echo(f"{issue.digest}/{issue.key} will not be sent: {why}")
    if nothing and not report.left and not report.refused:
        click.echo("nothing is to be delivered")


def _left_data(report: DeliveryReport) -> list[dict[str, Any]]:
    left = [{"digest": i.digest, "key": i.key, "left": why} for i, why in report.left]
    refused = [{"digest": i.digest, "key": i.key, "refused": str(p)} for i, p in report.refused]
    return [*left, *refused]


def _reminders_data(report: DeliveryReport) -> list[dict[str, str]]:
    return [
        {"digest": each.draft.digest, "key": each.draft.key, "to": each.to, "problem": each.problem}
        for each in report.reminders
    ]


def _run_data(tally: Tally | None) -> dict[str, Any]:
    counts = tally.counts if tally else {}
    return {
        **{str(each): counts.get(each, 0) for each in STATES if each != "claimed"},
        "taken_over": tally.taken_over if tally else 0,
        "stopped": tally.stopped if tally else "",
    }


def _end(report: DeliveryReport) -> None:
    """Print what went wrong; exit with 130 if the run was stopped, 1 if something failed."""
    for _, problem in report.refused:
        click.echo(str(problem), err=True)
    unsent = [each for each in report.reminders if each.problem]
    for each in unsent:
        what = f"{each.name}: the reminder to {each.to} was not sent: {each.problem}"
        click.echo(what, err=True)
    if report.tally:
        _end_run(report.tally)
    if report.refused or unsent:
        raise SystemExit(1)


def _end_run(tally: Tally) -> None:
    failed = tally.counts.get("failed", 0)
    if tally.stopped and (tally.bad or not options().quiet):
        click.echo(f"{tally.stopped}; run again to continue", err=True)
    if failed:
        for words, times in sorted(tally.replies.items(), key=lambda each: -each[1])[:5]:
            click.echo(f"{times:,} times: {words}", err=True)
    if tally.stopped.startswith("stopped by"):
        raise SystemExit(130)
    if failed or tally.bad:
        raise SystemExit(1)
