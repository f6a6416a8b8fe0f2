"""broadsheet build: articles -> feeds/; write only what changed"""

from __future__ import annotations

from pathlib import Path

import click

from broadsheet.cli.options import Options, common_options, options
from broadsheet.pipeline import standing
from broadsheet.pipeline.clock import moment
from broadsheet.pipeline.standing import Look, Summary
from broadsheet.storage import folders
from broadsheet.storage.outputs import Changes
from broadsheet.text.counting import count

POSITION = 20  # in `broadsheet --help`


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would be written; write nothing.")
@click.option("--workers", type=click.IntRange(1), help="Processes that render. Default: cores.")
@click.option("--adopt", is_flag=True, help="Take over files that an earlier run has written.")
@click.option("--strict", is_flag=True, help="Write nothing at all when an article is wrong.")
@common_options
def command(dry_run: bool, workers: int | None, adopt: bool, strict: bool) -> None:
    """Makes the feeds folder of the articles; writes only what changed."""
    config = _config(options())
    seen = None if dry_run or adopt else _unchanged(options(), config)
    if isinstance(seen, Summary):
        _report(seen, Changes((), (), seen.files), False)
        return
    # What makes feeds takes a while to import; a run that finds nothing changed does without.
    from broadsheet.cli.building import build
    from broadsheet.cli.project import Project

    built = build(
        Project(options(), workers=workers),
        seen,
        config,
        lambda: _config(options()),
        strict=strict,
        adopt=adopt,
        dry_run=dry_run,
    )
    _report(built.summary, built.changes, dry_run)
    for problem in built.problems:
        click.echo(f"{problem} (left out)", err=True)
    for title in built.gone:
        click.echo(f"no longer in the feeds: {title}", err=True)
    for words in () if options().quiet else built.ended:
        click.echo(words, err=True)
    if built.problems:
        raise SystemExit(1)


def _path(given: Options) -> Path:
    return given.directory / (given.config or standing.CONFIG_NAME)


def _config(given: Options) -> bytes:
    """The text of the config; nothing where it cannot be read, which the project then tells."""
    try:
        return folders.content(_path(given))
    except OSError:
        return b""


def _unchanged(given: Options, config: bytes) -> Summary | Look | None:
    """What the last build came to, where it is sure that this one would come to the same.

    Otherwise what it saw of the folders, if it had to look.
    """
    root = _path(given).parent
    return standing.last(root, root / standing.STATE, config, lambda: moment(given.now))


def _report(summary: Summary, changes: Changes, dry_run: bool) -> None:
    """What the run did; nothing where nothing was to do and nobody wants to know."""
    if options().quiet:
        return
    folder = summary.folder
    would = "would be " if dry_run else ""
    if options().verbose or dry_run:
        for path in changes.written:
            click.echo(f"{would}written  {folder}/{path}")
        for path in changes.removed:
            click.echo(f"{would}removed  {folder}/{path}")
    click.echo(
        f"{folder}/: {count(summary.articles, 'article')} in {count(summary.feeds, 'feed')}; "
        f"{count(len(changes.written), 'file')} {would}written, "
        + (f"{len(changes.removed)} {would}removed, " if changes.removed else "")
        + f"{changes.unchanged} unchanged"
    )
    for what in ("it has no date", "it has no front matter"):
        if pages := summary.pages.get(what):
            shown = ", ".join(pages[:3]) + (", ..." if len(pages) > 3 else "")
            lacking = what.removeprefix("it has no ")
            click.echo(f"{count(len(pages), 'page')} without {lacking}, not published: {shown}")
