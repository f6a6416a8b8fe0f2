"""broadsheet build: articles -> feeds/; write only what changed"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from broadsheet.cli.manners import DocumentedCommand, WholeNumber
from broadsheet.cli.options import Options, common_options, options, print_json
from broadsheet.errors import UsageError
from broadsheet.pipeline import snapshot
from broadsheet.pipeline.location import moment
from broadsheet.pipeline.snapshot import Summary
from broadsheet.storage import folders
from broadsheet.text.counting import count

if TYPE_CHECKING:  # slow to import
    from broadsheet.feeds.retired import Retired
    from broadsheet.model.settings import FeedSettings
    from broadsheet.pipeline.build import Built

POSITION = 20  # in `broadsheet --help`
PAGE = "cli/#build"
EXAMPLES = (
    "broadsheet build  # write the feeds",
    "broadsheet build --dry-run  # show what would change",
    "broadsheet build --json | jq .written  # as data",
)
_MOST_SHOWN = 50  # messages


@click.command(cls=DocumentedCommand)
@click.option("--dry-run", is_flag=True, help="Say what would be written; write nothing.")
@click.option("--workers", type=WholeNumber(1), help="Processes that render. Default: cores.")
@click.option("--adopt", is_flag=True, help="Take over files that an earlier run has written.")
@click.option("--strict", is_flag=True, help="Write nothing at all when an article is wrong.")
@click.option("--json", "as_json", is_flag=True, help="As data.")
@common_options
def command(dry_run: bool, workers: int | None, adopt: bool, strict: bool, as_json: bool) -> None:
    """Make the feeds folder of the articles; write only what changed."""
    done = None if dry_run or adopt else _unchanged(options())
    if done:
        if as_json:
            print_json(_data(done))
        else:
            _report(done, 0, 0)
        return
    # What makes feeds takes a while to import; a run that finds nothing changed does without.
    from broadsheet.cli.progress import progress_of
    from broadsheet.pipeline.build import RefusedError, build
    from broadsheet.pipeline.project import open_project

    project = open_project(options(), workers=workers, progress=progress_of(options()))
    try:
        built = build(project, strict=strict, adopt=adopt, dry_run=dry_run)
    except RefusedError as error:
        click.echo(str(error), err=True)
        click.echo("nothing has been written (--strict)", err=True)
        raise SystemExit(1) from None
    if as_json:
        print_json(_data(built.summary, built))
    else:
        _show_all(built, dry_run, project.settings.feeds)
    if built.problems:
        raise SystemExit(1)


def _data(summary: Summary, built: Built | None = None) -> dict[str, object]:
    """Return the result as data. built: None if nothing had changed."""
    written, removed = (built.changes.written, built.changes.removed) if built else ((), ())
    return {
        "folder": summary.folder,
        "articles": summary.articles,
        "feeds": summary.feeds,
        "written": written,
        "removed": removed,
        "unchanged": summary.files - len(written),
        "problems": built.problems if built else [],
        "stale": built.stale if built else [],
        "gone": built.gone if built else [],
        "ended": {path: each.to for path, each in built.ended.items()} if built else {},
    }


def _show_all(built: Built, dry_run: bool, settings: FeedSettings) -> None:
    """Print what was done, and what was not."""
    _show(built, dry_run)
    _complain([f"{problem} (left out)" for problem in built.problems])
    _complain(list(map(str, built.stale)))
    for title in built.gone:
        click.echo(f"no longer in the feeds: {title}", err=True)
    for path, each in built.ended.items() if not options().quiet else ():
        click.echo(f"{built.summary.folder}/{path}: {_ended(each, settings)}", err=True)


def _complain(messages: Sequence[str]) -> None:
    """Print the first of `messages`, all if asked to: one cause may concern every article."""
    shown = messages if options().verbose else messages[:_MOST_SHOWN]
    for message in shown:
        click.echo(message, err=True)
    if rest := len(messages) - len(shown):
        click.echo(f"and {rest:,} more; --verbose shows them", err=True)


def _show(built: Built, dry_run: bool) -> None:
    """Say which files were written and removed."""
    would = "would be " if dry_run else ""
    written, removed = built.changes.written, built.changes.removed
    if not options().quiet and (options().verbose or dry_run):
        for verb, paths in (("written", written), ("removed", removed)):
            for path in paths:
                click.echo(f"{would}{verb}  {built.summary.folder}/{path}")
    _report(built.summary, len(written), len(removed), would)


def _unchanged(given: Options) -> Summary | None:
    """Return what the last build came to, if this one would come to the same."""
    with suppress(UsageError):  # of `--now`; as of the config, the project reports it
        if config := folders.content_of(given.config_path):
            return snapshot.unchanged(given.config_path.parent, config, moment(given.now))
    return None


def _report(summary: Summary, written: int, removed: int, would: str = "") -> None:
    """Say what the run did."""
    if options().quiet:
        return
    click.echo(
        f"{summary.folder}/: {count(summary.articles, 'article')} in "
        f"{count(summary.feeds, 'feed')}; {count(written, 'file')} {would}written, "
        + (f"{removed} {would}removed, " if removed else "")
        + f"{summary.files - written} unchanged"
    )
    for what in ("it has no date", "it has no front matter"):
        if pages := summary.pages.get(what):
            shown = ", ".join(pages[:3]) + (", ..." if len(pages) > 3 else "")
            lacking = what.removeprefix("it has no ")
            click.echo(f"{count(len(pages), 'page')} without {lacking}, not published: {shown}")


def _ended(feed: Retired, settings: FeedSettings) -> str:
    """Say what happens to a feed that this build ends."""
    if not settings.keep_retired_days:
        return "this feed has ended; it is removed, as feeds.keep_retired_days is 0"
    return (
        f"this feed has ended; it stays until {feed.until(settings):%Y-%m-%d}, and its last entry "
        f"links to {feed.address(f'{settings.folder}/')}"
    )
