"""broadsheet deliver"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from broadsheet import outputs
from broadsheet.cli import making
from broadsheet.cli.counting import count
from broadsheet.cli.extras import extra
from broadsheet.cli.options import Options, common_options, options
from broadsheet.cli.project import Project
from broadsheet.digests import addresses
from broadsheet.digests.issue import Issue
from broadsheet.errors import BroadsheetError, DeliveryError, Problem, UsageError

if TYPE_CHECKING:  # they take time to import, which only a delivery is worth
    from broadsheet.delivery.database import Database
    from broadsheet.delivery.environment import Secrets
    from broadsheet.delivery.ledger import Begun, Ledger, State
    from broadsheet.delivery.mailing import Mailing
    from broadsheet.delivery.sending import Tally

_PATIENCE = 2.0  # seconds that one try at the database may hold up all connections
_ONLY = ("pending", "retry", "failed", "in_doubt")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the command line asks for. issue: `DIGEST/KEY`, "" for none; only: a state."""

    names: tuple[str, ...]
    issue: str
    only: State | None
    limit: int
    as_json: bool


@click.command()
@click.argument("names", nargs=-1, metavar="[DIGEST]...")
@click.option("--issue", default="", metavar="DIGEST/KEY", help="Only this one, however old.")
@click.option("--to", "to", default="", metavar="ADDRESS", help="A test copy; nothing is noted.")
@click.option("--only", type=click.Choice(_ONLY), default=None, help="Only rows in this state.")
@click.option("--limit", type=click.IntRange(min=1), default=None, help="At most so many mails.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent; send and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="As data.")
@common_options
def command(
    names: tuple[str, ...],
    issue: str,
    to: str,
    only: Any,
    limit: int | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Sends issues to subscribers; safe to kill and run again."""
    project = Project(options())
    asked = _Asked(names, issue, only, limit or 0, as_json)
    _check(project, asked)
    with extra("delivery"):
        from broadsheet.delivery.environment import Secrets

        if to:
            _test_copy(project, asked, to, Secrets.read(), dry_run=dry_run)
        elif dry_run:
            _show(_foresee(project, asked), asked)
        else:
            _deliver(project, asked, Secrets.read())


def _check(project: Project, asked: _Asked) -> None:
    known = project.settings.digests
    digest, slash, key = asked.issue.partition("/")
    if unknown := [name for name in (*asked.names, digest) if name and name not in known]:
        listed = ", ".join(known) or "none"
        raise UsageError(
            Problem(f"there is no digest {unknown[0]!r} in the config", f"there is: {listed}")
        )
    if asked.issue and not (slash and key):
        raise UsageError(
            Problem(f"--issue: {asked.issue!r} names no issue", "write one like weekly/2025-06-30")
        )
    if asked.issue and asked.names:
        raise UsageError(Problem("--issue names the digest already", "leave the other name out"))


def _deliver(project: Project, asked: _Asked, secrets: Secrets) -> None:
    """The run itself: choose, freeze, send, tell."""
    from broadsheet.delivery import environment
    from broadsheet.delivery.database import open_database
    from broadsheet.delivery.mailing import Mailing

    settings = project.settings
    server = environment.server(settings.delivery, secrets)
    stamps = environment.stamps(settings, secrets, project.root)
    database = open_database(settings.delivery.database, project.root, _PATIENCE)
    try:
        issues, left = _chosen(project, asked, database)
        begun = [_begun(project, database, issue) for issue in issues]
        mailings = {b.id: Mailing(b, settings, project.templates, stamps) for b in begun}
        tally = _send(project, asked, database, mailings, server) if mailings else None
        _report(project, asked, database, begun, left, tally)
    finally:
        database.close()


def _send(
    project: Project,
    asked: _Asked,
    database: Database,
    mailings: Mapping[int, Mailing],
    server: Any,
) -> Tally:
    from broadsheet.delivery.sending import Limits, send_all

    delivery = project.settings.delivery
    clock = _clock(project)
    limits = Limits(delivery.connections, delivery.messages_per_connection, asked.limit)
    ledger = _ledger(project, asked, database, clock)
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


def _ledger(
    project: Project, asked: _Asked, database: Database, clock: Callable[[], datetime]
) -> Ledger:
    from broadsheet.delivery.ledger import Ledger, Policy

    delivery = project.settings.delivery
    policy = Policy(
        rate=delivery.rate,
        # Longer than a mail can take: the server has the time for each of its answers.
        lease=delivery.timeout * 8.0 + 60.0,
        retry_wait=delivery.retry_wait,
        retry_days=delivery.retry_days,
        in_doubt=delivery.in_doubt,
        only=asked.only,
    )
    return Ledger(database, policy, clock)


def _clock(project: Project) -> Callable[[], datetime]:
    """The time that the ledger goes by: the clock's; with --now it starts there."""
    shift = project.now - datetime.now(UTC) if options().now else timedelta()
    return lambda: datetime.now(UTC) + shift


def _chosen(
    project: Project, asked: _Asked, database: Database | None
) -> tuple[list[Issue], list[tuple[Issue, str]]]:
    """The issues to deliver, oldest first, and those that are left with the reason."""
    if asked.issue:
        return [_named(project, asked.issue)], []
    issues: list[Issue] = []
    left: list[tuple[Issue, str]] = []
    for name in asked.names or project.settings.digests:
        some, others = _of_digest(project, asked, name, database)
        issues += some
        left += others
    return sorted(issues, key=lambda issue: (issue.tick, issue.digest)), left


def _of_digest(
    project: Project, asked: _Asked, name: str, database: Database | None
) -> tuple[list[Issue], list[tuple[Issue, str]]]:
    from broadsheet.delivery import ledger
    from broadsheet.delivery.choosing import choose

    issued = {issue.key: issue for issue in project.histories[name].issues}
    begun: list[tuple[str, datetime, bool]] = []
    if database is not None:
        with database.reading() as connection:
            begun = ledger.begun(connection, name)
    fresh = project.settings.delivery.fresh_days
    found = choose(
        tuple(issued.values()), [(key, tick) for key, tick, _ in begun], project.now, fresh
    )
    since = project.now - timedelta(days=fresh)
    # What was begun is finished whatever became of its files: the ledger has all of it.
    going_on = [
        issued.get(key) or _forgotten(name, key)
        for key, tick, done in begun
        if not done or (asked.only == "failed" and tick >= since)
    ]
    if asked.only:  # rows that there are already, and no new ones
        return going_on, []
    return [*going_on, *found.issues], list(found.left)


def _forgotten(digest: str, key: str) -> Issue:
    """An issue of which only the ledger knows."""
    long_ago = datetime.min.replace(tzinfo=UTC)
    return Issue(digest=digest, key=key, number=0, tick=long_ago, since=long_ago, sections=())


def _named(project: Project, name: str) -> Issue:
    digest, _, key = name.partition("/")
    for issue in project.histories[digest].issues:
        if issue.key == key:
            return issue
    newest = project.histories[digest].last
    hint = f"the newest is {digest}/{newest.key}" if newest else "it has none yet"
    raise UsageError(Problem(f"there is no issue {name}", hint))


def _begun(project: Project, database: Database, issue: Issue) -> Begun:
    """`issue` in the ledger; its rows are frozen where that was not done before."""
    from broadsheet.delivery import ledger

    with database.reading() as connection:
        if (before := ledger.find_issue(connection, issue.digest, issue.key)) is not None:
            return before
    mail = _issued_mail(project, issue)
    letters = _letters(project, issue)
    now = _clock(project)()
    with database.writing() as connection:
        return ledger.freeze(connection, issue.digest, issue.key, issue.tick, mail, letters, now)


def _issued_mail(project: Project, issue: Issue) -> bytes:
    path = addresses.folder(issue.digest, issue.key) + "message.eml"
    try:
        data = (project.feeds_folder / path).read_bytes()
    except OSError as error:
        raise DeliveryError(
            Problem(
                f"it cannot be read: {error.strerror}",
                "restore it from Git or a backup, and run again",
                f"{project.settings.feeds.folder}/{path}",
            )
        ) from error
    # Git may have changed the line ends on their way through a checkout.
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _letters(project: Project, issue: Issue) -> str:
    """What variants are laid out from: the articles that stand as they were issued."""
    from broadsheet.delivery import variants

    issued = {placed.id: placed.sha256 for placed in issue.articles}
    with outputs.lock(project.state, project.config_name):
        try:
            catalogue = project.catalogue_at(issue.tick)
            same = [a for a in catalogue.articles if issued.get(a.id) == a.sha256]
            entries = making.entries(project, same, catalogue)
        except BroadsheetError as error:
            # What is wrong with the articles of today keeps back no mail that is made already.
            click.echo(f"{error} (only title lines for those who want some topics)", err=True)
            entries = {}
    return variants.letters(issue, entries, project.settings)


def _test_copy(
    project: Project, asked: _Asked, to: str, secrets: Secrets, *, dry_run: bool
) -> None:
    """The newest issue, or the one named, to one address, with the links that all share."""
    from broadsheet.delivery import environment
    from broadsheet.delivery.addresses import checked_address
    from broadsheet.delivery.ledger import Begun
    from broadsheet.delivery.mailing import Mailing

    address = checked_address(to)
    settings = project.settings
    issue = _named(project, asked.issue) if asked.issue else _newest(project, asked.names)
    now = _clock(project)()
    mail, letters = _issued_mail(project, issue), _letters(project, issue)
    begun = Begun(0, issue.digest, issue.key, issue.tick, now, 1, None, mail, letters)
    stamps = environment.stamps(settings, secrets, project.root)
    copy = Mailing(begun, settings, project.templates, stamps).copy(address, "", None)
    if not dry_run:
        server = environment.server(settings.delivery, secrets)
        asyncio.run(_hand_over(server, stamps.envelope, address, copy))
    if not options().quiet:
        verb = "would be sent" if dry_run else "sent"
        click.echo(f"{issue.digest}/{issue.key}: a test copy {verb} to {address}")


async def _hand_over(server: Any, envelope: str, address: str, mail: bytes) -> None:
    from broadsheet.delivery.smtp import Session, UnavailableError

    try:
        session = await Session.open(server)
        verdict = await session.send(envelope, address, mail)
        await session.leave()
    except UnavailableError as error:
        raise DeliveryError(
            Problem(f"the mail server {server.host} cannot be used: {error}", "see [delivery]")
        ) from error
    if verdict.kind != "accepted":
        said = f"{verdict.code or ''} {verdict.words}".strip()
        raise DeliveryError(Problem(f"the mail server does not take it: {said}"))


def _newest(project: Project, names: Sequence[str]) -> Issue:
    chosen = names or tuple(project.settings.digests)
    newest = [last for name in chosen if (last := project.histories[name].last)]
    if not newest:
        raise UsageError(Problem("there is no issue yet", "run `broadsheet digest`"))
    return max(newest, key=lambda issue: issue.tick)


def _foresee(project: Project, asked: _Asked) -> list[dict[str, Any]]:
    """What a run would do now; nothing is written, not even a database."""
    from broadsheet.delivery import database as data
    from broadsheet.delivery import ledger, subscribers

    delivery = project.settings.delivery
    database = None
    if data.exists(delivery.database, project.root):
        database = data.open_database(delivery.database, project.root, _PATIENCE)
    issues, left = _chosen(project, asked, database)
    found: list[dict[str, Any]] = []
    for issue in issues:
        row: dict[str, Any] = {"digest": issue.digest, "key": issue.key}
        waiting = 0
        if database is not None:
            with database.reading() as connection:
                begun = {(p.digest, p.key): p for p in ledger.progress(connection)}
                if progress := begun.get((issue.digest, issue.key)):
                    waiting = progress.left
                else:
                    waiting = subscribers.count_wanting(connection, issue.digest)
        found.append({**row, "would_send": min(waiting, asked.limit or waiting)})
    if database is not None:
        database.close()
    return [*found, *_left(left)]


def _left(left: Sequence[tuple[Issue, str]]) -> list[dict[str, Any]]:
    return [{"digest": i.digest, "key": i.key, "left": why} for i, why in left]


def _show(found: list[dict[str, Any]], asked: _Asked) -> None:
    if asked.as_json:
        click.echo(json.dumps({"issues": found}, ensure_ascii=False, indent=1))
        return
    for row in found if not options().quiet else ():
        name = f"{row['digest']}/{row['key']}"
        if "left" in row:
            click.echo(f"{name} will not be sent: {row['left']}; --issue {name} sends it")
        else:
            click.echo(f"{name} would be sent to {count(row['would_send'], 'subscriber')}")
    if not found and not options().quiet:
        click.echo("nothing is to be delivered")


def _report(
    project: Project,
    asked: _Asked,
    database: Database,
    begun: Sequence[Begun],
    left: Sequence[tuple[Issue, str]],
    tally: Tally | None,
) -> None:
    from broadsheet.delivery import ledger

    with database.reading() as connection:
        names = {(each.digest, each.key) for each in begun}
        found = [p for p in ledger.progress(connection) if (p.digest, p.key) in names]
    counts: dict[State, int] = tally.counts if tally else {}
    if asked.as_json:
        shown = {
            "issues": [progress_data(each) for each in found] + _left(left),
            "run": {
                **{str(each): counts.get(each, 0) for each in ledger.STATES if each != "claimed"},
                "taken_over": tally.taken_over if tally else 0,
                "stopped": tally.stopped if tally else "",
            },
        }
        click.echo(json.dumps(shown, ensure_ascii=False, indent=1))
    elif not options().quiet:
        for each in found:
            click.echo(progress_words(each, project))
        if not found:
            _show(_left(left), asked)
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


def progress_data(progress: Any) -> dict[str, Any]:
    """How far the delivery of an issue is, as data."""
    return {
        "digest": progress.digest,
        "key": progress.key,
        "begun": progress.begun.isoformat(timespec="seconds"),
        "done": progress.done.isoformat(timespec="seconds") if progress.done else None,
        "total": progress.total,
        **progress.counts,
        "next": progress.next_at.isoformat(timespec="seconds") if progress.next_at else None,
    }


def progress_words(progress: Any, project: Project) -> str:
    """How far the delivery of an issue is, in one line."""
    names = {"in_doubt": "in doubt", "retry": "to be tried again"}
    parts = [
        f"{number:,} {names.get(state, state)}"
        for state, number in progress.counts.items()
        if number
    ]
    line = f"{progress.digest}/{progress.key}: {', '.join(parts) or 'no subscribers'}"
    if progress.next_at and progress.left:
        zone = project.settings.publication.timezone
        line += f"; next try {progress.next_at.astimezone(zone):%Y-%m-%d %H:%M}"
    return line


def delivery_status(project: Project) -> list[dict[str, Any]]:
    """For `status`: how far the delivery of each issue is, newest first; [] without a database.

    Nothing is written.
    """
    with _existing(project) as database:
        if database is None:
            return []
        from broadsheet.delivery import ledger

        with database.reading() as connection:
            return [progress_data(each) for each in ledger.progress(connection)]


def delivery_rows(project: Project) -> Iterator[dict[str, Any]]:
    """For `status --json`: every row of the ledger, read bit by bit."""
    with _existing(project) as database:
        if database is None:
            return
        from broadsheet.delivery import ledger

        with database.reading() as connection:
            for row in ledger.rows(connection):
                times = {"changed": row.changed, "next_at": row.next_at}
                shown = {name: at.isoformat() if at else None for name, at in times.items()}
                yield {**asdict(row), **shown}


@contextmanager
def _existing(project: Project) -> Iterator[Database | None]:
    """The database; None where there is none, or nothing installed that could have made one."""
    try:
        from broadsheet.delivery import database as data
    except ModuleNotFoundError:
        yield None
        return
    url = project.settings.delivery.database
    if not data.exists(url, project.root):
        yield None
        return
    database = data.open_database(url, project.root, _PATIENCE)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def _bar(rows: int, shown: Options) -> Iterator[Callable[[], object]]:
    """A progress bar for people who wait; none for pipes, logs and cron."""
    if shown.quiet or rows == 0 or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = ("Sending", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=rows)
        yield lambda: bar.advance(task)
