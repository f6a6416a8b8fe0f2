"""broadsheet deliver: send issues to subscribers; safe to kill and run again"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from broadsheet.cli.deliveries import is_stranded, progress_data, progress_words
from broadsheet.cli.extras import extra
from broadsheet.cli.issued import Asked, begin, ledger_clock
from broadsheet.cli.options import Options, common_options, options
from broadsheet.cli.planning import Plan, planned
from broadsheet.cli.sample import send_copy
from broadsheet.cli.terminal import raw
from broadsheet.errors import Problem, UsageError
from broadsheet.pipeline.project import Project, open_project
from broadsheet.text.counting import count

if TYPE_CHECKING:  # they take time to import, which only a delivery is worth
    from broadsheet.delivery.database import Database
    from broadsheet.delivery.desk import Tally
    from broadsheet.delivery.environment import Secrets
    from broadsheet.delivery.freezing import Begun
    from broadsheet.delivery.mailing import Mailing
    from broadsheet.delivery.states import Policy, State

POSITION = 60  # in `broadsheet --help`
_ONLY = ("pending", "retry", "failed", "in_doubt")


@click.command()
@click.argument("names", nargs=-1, metavar="[DIGEST]...")
@click.option("--issue", default="", metavar="DIGEST/KEY", help="Only this one, however old.")
@click.option("--to", "to", default="", metavar="ADDRESS", help="Send a test copy; record nothing.")
@click.option(
    "--only", type=click.Choice(_ONLY), default=None, help="Send only rows in this state."
)
@click.option(
    "--limit", type=click.IntRange(min=1), default=None, help="Send at most this many mails."
)
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
    asked = Asked(names, issue, only, limit or 0, as_json, allow_repeat)
    _check(project, asked)
    with extra("delivery"):
        from broadsheet.delivery.environment import Secrets

        if to:
            send_copy(project, asked, to, Secrets.read(), dry_run=dry_run)
        elif dry_run:
            _rehearse(project, asked, Secrets.read())
        else:
            _deliver(project, asked, Secrets.read())


def _check(project: Project, asked: Asked) -> None:
    known = project.settings.digests.keys() | project.settings.renamed.keys()
    digest, slash, key = asked.issue.partition("/")
    if unknown := [name for name in (*asked.names, digest) if name and name not in known]:
        listed = ", ".join(project.settings.digests) or "none"
        raise UsageError(
            Problem(f"there is no digest {unknown[0]!r} in the config", f"there is: {listed}")
        )
    if asked.issue and not (slash and key):
        raise UsageError(
            Problem(f"--issue: {asked.issue!r} names no issue", "write one like weekly/2025-06-30")
        )
    if asked.issue and asked.names:
        raise UsageError(Problem("--issue names the digest already", "leave the other name out"))


def _deliver(project: Project, asked: Asked, secrets: Secrets) -> None:
    """Plan, freeze, send, report."""
    from broadsheet.delivery.mailing import Mailing

    with planned(project, asked, secrets) as plan:
        if plan.database is None:  # only in a dry run
            return
        begun = [begin(project, plan.database, draft) for draft in plan.issues]
        settings, templates = project.settings, project.templates() if begun else {}
        mailings = {b.id: Mailing(b, settings, templates, plan.stamps) for b in begun}
        tally = None
        if mailings:
            tally = _send(project, asked, plan.database, mailings, plan.server)
        _tell_refused(plan)
        _report(project, asked, plan.database, begun, _left(plan), tally)
    _end_refused(plan)


def _rehearse(project: Project, asked: Asked, secrets: Secrets) -> None:
    """Do what a run would do, up to the first step that cannot be undone; write nothing."""
    with planned(project, asked, secrets, dry_run=True) as plan:
        if plan.database is not None and plan.issues:
            from broadsheet.delivery.database import can_write
            from broadsheet.delivery.senders import can_lock

            can_write(plan.database)
            can_lock(plan.database)
        found = [_foreseen(project, asked, plan, each) for each in plan.issues]
    _show([*found, *_left(plan)], asked)
    _tell_refused(plan)
    if any(each["would_send"] for each in found):
        from broadsheet.delivery.sending import rehearse

        _end(asyncio.run(rehearse(plan.server, plan.stamps.envelope)))
    _end_refused(plan)


def _send(
    project: Project,
    asked: Asked,
    database: Database,
    mailings: Mapping[int, Mailing],
    server: Any,
) -> Tally:
    from broadsheet.delivery.ledger import Ledger
    from broadsheet.delivery.sending import Limits, send_all

    delivery = project.settings.delivery
    clock = ledger_clock(project)
    limits = Limits(delivery.connections, delivery.messages_per_connection, asked.limit)
    ledger = Ledger(database, _policy(project, asked), clock)
    try:
        waiting = ledger.waiting(tuple(mailings))
        with _bar(min(waiting, asked.limit or waiting), options()) as step:
            tally = asyncio.run(send_all(ledger, mailings, server, limits, clock, step))
        ledger.finish(tuple(mailings))
    except asyncio.CancelledError:
        raise click.Abort from None
    finally:
        ledger.close()
    return tally


def _policy(project: Project, asked: Asked) -> Policy:
    from broadsheet.delivery.states import Policy

    delivery = project.settings.delivery
    return Policy(
        rate=delivery.rate,
        # Longer than a mail can take: the server has the time for each of its answers.
        lease=delivery.timeout * 8.0 + 60.0,
        retry_wait=delivery.retry_wait,
        retry_days=delivery.retry_days,
        in_doubt=delivery.in_doubt,
        only=asked.only,
        renamed=project.settings.renamed,
    )


def _foreseen(project: Project, asked: Asked, plan: Plan, issue: Begun) -> dict[str, Any]:
    """How many mails of `issue` a run would send now."""
    waiting = _waiting(project, asked, plan.database, issue) if plan.database else 0
    sends = min(waiting, asked.limit or waiting)
    return {"digest": issue.digest, "key": issue.key, "would_send": sends}


def _waiting(project: Project, asked: Asked, database: Database, issue: Begun) -> int:
    from broadsheet.delivery import subscribers
    from broadsheet.delivery.claiming import Queue

    with database.reading() as connection:
        if not issue.id:
            return subscribers.count_wanting(connection, *project.settings.names(issue.digest))
        queue = Queue(connection, _policy(project, asked), sender=0)
        return queue.waiting(connection, (issue.id,), ledger_clock(project)())


def _left(plan: Plan) -> list[dict[str, Any]]:
    """What will not be sent, and why."""
    left = [{"digest": i.digest, "key": i.key, "left": why} for i, why in plan.left]
    refused = [{"digest": i.digest, "key": i.key, "refused": str(p)} for i, p in plan.refused]
    return [*left, *refused]


def _tell_refused(plan: Plan) -> None:
    for _, problem in plan.refused:
        click.echo(str(problem), err=True)


def _end_refused(plan: Plan) -> None:
    """Exit with code 1 if an issue was refused."""
    if plan.refused:
        raise SystemExit(1)


def _show(found: list[dict[str, Any]], asked: Asked) -> None:
    if asked.as_json:
        click.echo(json.dumps({"issues": found}, ensure_ascii=False, indent=1))
        return
    for row in found if not options().quiet else ():
        name = f"{row['digest']}/{row['key']}"
        if "refused" in row:
            continue  # `_tell_refused` says it
        if "left" in row:
            click.echo(f"{name} will not be sent: {row['left']}; --issue {name} sends it")
        else:
            click.echo(f"{name} would be sent to {count(row['would_send'], 'subscriber')}")
    if not found and not options().quiet:
        click.echo("nothing is to be delivered")


def _report(
    project: Project,
    asked: Asked,
    database: Database,
    begun: Sequence[Begun],
    left: list[dict[str, Any]],
    tally: Tally | None,
) -> None:
    from broadsheet.delivery import accounts
    from broadsheet.delivery.states import STATES

    with database.reading() as connection:
        names = {(each.digest, each.key) for each in begun}
        every = accounts.progress(connection)
    found = [each for each in every if (each.digest, each.key) in names]
    stranded = [each for each in every if is_stranded(each, project)]
    counts: dict[State, int] = tally.counts if tally else {}
    if asked.as_json:
        shown = {
            "issues": [progress_data(each) for each in found + stranded] + left,
            "run": {
                **{str(each): counts.get(each, 0) for each in STATES if each != "claimed"},
                "taken_over": tally.taken_over if tally else 0,
                "stopped": tally.stopped if tally else "",
            },
        }
        click.echo(json.dumps(shown, ensure_ascii=False, indent=1))
    elif not options().quiet:
        for each in found:
            click.echo(progress_words(each, project))
        if not found:
            _show(left, asked)
    for each in stranded:
        click.echo(progress_words(each, project), err=True)
    if tally is not None:
        _end(tally)


def _end(tally: Tally) -> None:
    """The last words, and the exit code: 1 where something failed, 130 where it was stopped."""
    failed = tally.counts.get("failed", 0)
    if tally.stopped and (tally.bad or not options().quiet):
        click.echo(f"{tally.stopped}; run again to go on", err=True)
    if failed:
        often = sorted(tally.replies.items(), key=lambda each: -each[1])[:5]
        for words, times in often:
            click.echo(f"{times:,} times: {words}", err=True)
    if tally.stopped.startswith("stopped by"):
        raise SystemExit(130)
    if failed or tally.bad:
        raise SystemExit(1)


@contextmanager
def _bar(rows: int, shown: Options) -> Iterator[Callable[[], object]]:
    """A progress bar for people who wait; none for pipes, logs and cron."""
    if shown.quiet or rows == 0 or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = ("Sending", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=raw(sys.stderr)), transient=True) as bar:
        task = bar.add_task("", total=rows)
        yield lambda: bar.advance(task)
