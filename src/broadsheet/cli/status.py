"""broadsheet status: what is published, what comes next, and the state of deliveries"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from shutil import get_terminal_size
from textwrap import indent
from typing import TYPE_CHECKING, Any

import click
import msgspec

from broadsheet.cli.deliveries import (
    delivery_rows,
    delivery_status,
    progress_data,
    progress_words,
)
from broadsheet.cli.extras import extra
from broadsheet.cli.manners import DocumentedCommand
from broadsheet.cli.options import common_options, options
from broadsheet.cli.progress import progress_of
from broadsheet.delivery.files import exposed_files
from broadsheet.errors import BroadsheetError, Problem, UsageError
from broadsheet.pipeline.project import Project, open_project
from broadsheet.pipeline.status import DigestStatus, FeedStatus, Status, project_status
from broadsheet.text.counting import count
from broadsheet.text.plain import shorten, width

if TYPE_CHECKING:  # it takes time to import
    from broadsheet.delivery.issues import Progress

POSITION = 100  # in `broadsheet --help`
_WATCH_EVERY_S = 2.0
PAGE = "tutorial/"
EXAMPLES = (
    "broadsheet status  # what is published and what comes next",
    "broadsheet status --json  # the same as data",
)


@click.command(cls=DocumentedCommand)
@click.option("--json", "as_json", is_flag=True, help="As data.")
@click.option("--watch", is_flag=True, help="Show the deliveries until they are complete.")
@common_options
def command(as_json: bool, watch: bool) -> None:
    """Show what is published, what comes next, and how far deliveries are."""
    project = open_project(options(), progress=progress_of(options()))
    if watch:
        if as_json:
            raise UsageError(Problem("--watch cannot be combined with --json", "leave one out"))
        _watch(project)
        return
    found = project_status(project)
    # Before companions go as the database is closed.
    problems = exposed_files(project.settings.delivery, project.root)
    try:
        with extra("delivery", "what a delivery left"):
            progress = delivery_status(project)
        failed = False
    except BroadsheetError as error:  # all else is worth telling
        progress, problems, failed = (), list(error.problems), True
    shown = [str(problem) for problem in (*found.problems, *problems)]
    if as_json:
        _show_data(found, shown, progress, delivery_rows(project) if progress else iter(()))
    elif not options().quiet:
        _show(found, shown, [progress_words(each, project) for each in progress])
    if failed:
        sys.exit(1)


def _watch(project: Project) -> None:
    """Show the deliveries that are not complete again and again, each with its speed."""
    before: dict[tuple[str, str], tuple[float, int]] = {}
    shown = ""
    while True:
        with extra("delivery", "what a delivery left"):
            found = [each for each in delivery_status(project) if each.done is None]
        now = time.monotonic()
        lines = [_speed(each, before, now) + progress_words(each, project) for each in found]
        text = "\n".join(lines) or "no delivery is under way"
        if sys.stdout.isatty():
            click.clear()
        if sys.stdout.isatty() or text != shown:
            click.echo(text)
        if not found:
            return
        shown = text
        time.sleep(_WATCH_EVERY_S)


def _speed(progress: Progress, before: dict[tuple[str, str], tuple[float, int]], now: float) -> str:
    """Return how many rows a second became final since the last call, which `before` has."""
    key, settled = (progress.digest, progress.key), progress.total - progress.left
    then, earlier = before.get(key, (now, settled))
    before[key] = (now, settled)
    if now <= then:
        return ""
    return (
        f"{(settled - earlier) / (now - then):,.0f} a second, {settled:,} of {progress.total:,}; "
    )


def _show_data(
    found: Status, problems: list[str], progress: Sequence[Progress], rows: Iterator[dict[str, Any]]
) -> None:
    """Print everything as JSON; the ledger a row at a time: it may be long."""
    whole = {
        **msgspec.to_builtins(found, builtin_types=(datetime,)),
        "problems": problems,
        "deliveries": [progress_data(each) for each in progress],
    }
    head = json.dumps(whole, ensure_ascii=False, indent=1, default=_time).removesuffix("\n}")
    click.echo(f'{head},\n "ledger": [', nl=False)
    start = "\n  "
    for row in rows:
        click.echo(start + json.dumps(row, ensure_ascii=False), nl=False)
        start = ",\n  "
    click.echo("]\n}" if start == "\n  " else "\n ]\n}")


def _show(found: Status, problems: Sequence[str], deliveries: Sequence[str]) -> None:
    _show_feeds(found.feeds)
    for ended in found.retired:
        until = _time(ended.until)
        click.echo(f"ended: {ended.path} stays until {until} and links to {ended.to}")
    for digest in found.digests:
        click.echo(_words(digest))
        if digest.refused:
            click.echo(indent(digest.refused, "  "))
    for delivery in deliveries:
        click.echo(f"delivery {delivery}")
    if coming := found.next_due:
        click.echo(f"next article: {_time(coming.date)}  {coming.title} ({coming.path})")
    click.echo(
        f"{count(found.out_of_date, 'file')} out of date: run `broadsheet build`"
        if found.out_of_date
        else "the feeds are up to date"
    )
    for problem in problems:
        click.echo(problem)


def _show_feeds(feeds: Sequence[FeedStatus]) -> None:
    """Print a table; as wide as it is, except on a terminal."""
    rows = [("feed", "articles", "in feed", "newest", "")]
    for feed in feeds:
        newest = _time(feed.newest) if feed.newest else ""
        numbers = str(feed.articles), str(feed.entries)
        rows.append((feed.path, *numbers, newest, feed.newest_title or ""))
    paths = max(width(row[0]) for row in rows)
    columns = get_terminal_size().columns if sys.stdout.isatty() else None
    for path, articles, entries, newest, title in rows:
        space = " " * (paths - width(path))
        line = f"{path}{space}  {articles:>8}  {entries:>7}  {newest:16}  {title}".rstrip()
        click.echo(shorten(line, columns) if columns else line)


def _words(digest: DigestStatus) -> str:
    """A digest in one line."""
    newest = f"newest {digest.newest}" if digest.newest else "none yet"
    due = f"; due now: {', '.join(digest.due)} (run `broadsheet digest`)" if digest.due else ""
    if digest.waiting:
        due += f"; waiting for approval: {', '.join(digest.waiting)}"
    coming = _time(digest.next) if digest.next else "with each article"
    return (
        f"digest {digest.name}: {count(digest.issues, 'issue')}, {newest}; next due "
        f"{coming}, {count(digest.articles_so_far, 'article')} so far{due}"
    )


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
