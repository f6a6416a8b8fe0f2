"""broadsheet status: what is published, what comes next, and the state of deliveries"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from broadsheet.articles import Article
from broadsheet.cli.deliveries import (
    delivery_rows,
    delivery_status,
    exposed,
    progress_data,
    progress_words,
)
from broadsheet.cli.extras import extra
from broadsheet.cli.options import common_options, options
from broadsheet.cli.progress import progress_of
from broadsheet.digests.schedule import next_tick
from broadsheet.errors import BroadsheetError
from broadsheet.feeds.plan import Feed
from broadsheet.feeds.retired import by_feed
from broadsheet.pipeline.build_plan import plan_build
from broadsheet.pipeline.edition import Content
from broadsheet.pipeline.memo import Memo
from broadsheet.pipeline.project import Project, open_project
from broadsheet.text.counting import count

if TYPE_CHECKING:  # it takes time to import
    from broadsheet.delivery.issues import Progress

POSITION = 100  # in `broadsheet --help`


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As data.")
@common_options
def command(as_json: bool) -> None:
    """Says what is published, what comes next, and how far deliveries are."""
    project = open_project(options(), progress=progress_of(options()))
    found = project.run(lambda memo: _status(project, memo))
    problems = exposed(project)  # before companions go as the database is closed
    try:
        with extra("delivery", "what a delivery left"):
            progress = delivery_status(project)
    except BroadsheetError as error:  # all else is worth telling
        progress, problems = (), list(error.problems)
    found["problems"] += [str(problem) for problem in problems]
    if as_json:
        _show_data(found, progress, delivery_rows(project) if progress else iter(()))
    elif not options().quiet:
        _show(found, [progress_words(each, project) for each in progress])


def _status(project: Project, memo: Memo) -> dict[str, Any]:
    plan = plan_build(project, memo)
    content = plan.edition.content
    changes = plan.target().changes(plan.make(memo))
    folder = project.settings.feeds.folder
    read = content.articles.read
    coming = [each for each in read if not each.hidden and each.appears > project.now]
    return {
        "now": _time(project, project.now),
        "articles": len(content.catalogue.articles),
        "drafts": sum(bool(article.hidden) for article in read),
        "next_due": _next(project, coming),
        "digests": [_digest(content, name) for name in project.settings.digests],
        "feeds": [_feed(project, feed) for feed in plan.edition.feeds],
        "retired": [
            {
                "path": f"{folder}/{path}",
                "until": _time(project, until),
                "to": f"{folder}/{each.to}",
            }
            for path, each in by_feed(plan.retired).items()
            for until in [each.until(project.settings.feeds)]
        ],
        "out_of_date": len(changes.written) + len(changes.removed),
        "problems": [str(problem) for problem in content.problems],
    }


def _feed(project: Project, feed: Feed) -> dict[str, Any]:
    newest = feed.articles[0] if feed.articles else None
    return {
        "path": f"{project.settings.feeds.folder}/{feed.path}",
        "articles": feed.total,
        "entries": len(feed.articles),
        "newest": _time(project, newest.date) if newest else None,
        "newest_title": newest.title if newest else None,
    }


def _digest(content: Content, name: str) -> dict[str, Any]:
    project = content.project
    digest, history = content.digest(name), project.history(name)
    tick = next_tick(digest.settings.schedule, digest.zone, project.now)
    due = digest.due(project.now, history)
    coming = digest.upcoming(project.now, history)
    refused = project.admitted(digest, coming, history)[1]
    return {
        "name": name,
        "issues": len(history.issues),
        "newest": history.last.key if history.last else None,
        "due": [issue.key for issue in due],
        "next": _time(project, tick) if tick else None,
        "articles_so_far": sum(len(issue.ids) for issue in coming[len(due) :]),
        **({"refused": str(refused)} if refused else {}),
    }


def _next(project: Project, coming: list[Article]) -> dict[str, str] | None:
    """The article that appears next."""
    if not coming:
        return None
    first = min(coming, key=lambda article: (article.appears, article.id))
    return {"date": _time(project, first.appears), "title": first.title, "path": first.source}


def _time(project: Project, moment: Any) -> str:
    zone = project.settings.publication.timezone
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def _show_data(
    found: dict[str, Any], progress: Sequence[Progress], rows: Iterator[dict[str, Any]]
) -> None:
    """The same as JSON; the ledger a row at a time: it may be long."""
    whole = {**found, "deliveries": [progress_data(each) for each in progress]}
    head = json.dumps(whole, ensure_ascii=False, indent=1).removesuffix("\n}")
    click.echo(f'{head},\n "ledger": [', nl=False)
    start = "\n  "
    for row in rows:
        click.echo(start + json.dumps(row, ensure_ascii=False), nl=False)
        start = ",\n  "
    click.echo("]\n}" if start == "\n  " else "\n ]\n}")


def _show(found: dict[str, Any], deliveries: Sequence[str]) -> None:
    from rich.console import Console  # only a table for people needs it
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("feed", "articles", "in feed", "newest", ""):
        number = heading in {"articles", "in feed"}
        table.add_column(heading, justify="right" if number else "left", no_wrap=True)
    names = ("path", "articles", "entries", "newest", "newest_title")
    for feed in found["feeds"]:
        table.add_row(*("" if feed[name] is None else str(feed[name]) for name in names))
    # A pipe has no width: what is cut off there is lost to whatever reads it.
    width = None if sys.stdout.isatty() else 1000
    console = Console(highlight=False, markup=False, width=width, color_system=None)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())
    for ended in found["retired"]:
        click.echo(
            f"ended: {ended['path']} stays until {ended['until']} and links to {ended['to']}"
        )
    for digest in found["digests"]:
        click.echo(_words(digest))
        if "refused" in digest:
            click.echo(f"  {digest['refused']}")
    for delivery in deliveries:
        click.echo(f"delivery {delivery}")
    due, stale = found["next_due"], found["out_of_date"]
    if due:
        click.echo(f"next article: {due['date']}  {due['title']} ({due['path']})")
    click.echo(
        f"{count(stale, 'file')} out of date: run `broadsheet build`"
        if stale
        else "everything is up to date"
    )
    for problem in found["problems"]:
        click.echo(problem)


def _words(digest: dict[str, Any]) -> str:
    """A digest in one line."""
    newest = f"newest {digest['newest']}" if digest["newest"] else "none yet"
    due = (
        f"; due now: {', '.join(digest['due'])} (run `broadsheet digest`)" if digest["due"] else ""
    )
    return (
        f"digest {digest['name']}: {count(digest['issues'], 'issue')}, {newest}; next due "
        f"{digest['next']}, {count(digest['articles_so_far'], 'article')} so far{due}"
    )
