"""broadsheet build"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from broadsheet import folders, standing
from broadsheet.cli.clock import moment
from broadsheet.cli.counting import count
from broadsheet.cli.options import Options, common_options, options
from broadsheet.outputs import Changes
from broadsheet.standing import Look, Summary

if TYPE_CHECKING:
    from broadsheet.cli.project import Project
    from broadsheet.errors import Problem


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
    from broadsheet import outputs
    from broadsheet.cache import Cache
    from broadsheet.cli.making import site_documents
    from broadsheet.cli.project import Project

    project = Project(options(), workers=workers)
    with outputs.lock(project.state, project.config_name), Cache(project.state) as kept:
        before = standing.Published(project.feeds_folder, project.fingerprint, project.state, kept)
        # Not where another run has published since: it may have found what we have not.
        if seen and seen.there == before.there:
            project.seen = seen
        documents = site_documents(project, kept)
        problems = project.articles.problems
        if problems and strict:
            _refuse(problems)
        gone = _dropped_out(project) if problems else []
        changes = outputs.publish(
            project.feeds_folder,
            documents,
            project.settings.feeds.folder,
            standing=before.standing(documents),
            keep=project.kept,
            adopt=adopt,
            dry_run=dry_run,
        )
        summary = _summary(project, changes)
        if not dry_run:
            after = before.remember(changes)
            if after and not problems and config == _config(options()):
                project.remember(kept, config, after, summary)
    _report(summary, changes, dry_run)
    for problem in problems:
        click.echo(f"{problem} (left out)", err=True)
    for title in gone:
        click.echo(f"dropped out of the feeds, where it was before: {title}", err=True)
    if problems:
        raise SystemExit(1)


def _refuse(problems: Sequence[Problem]) -> NoReturn:
    for problem in problems:
        click.echo(str(problem), err=True)
    click.echo("nothing has been written (--strict)", err=True)
    raise SystemExit(1)


def _dropped_out(project: Project) -> list[str]:
    """The titles of the entries that readers have, and that this build will not have."""
    from broadsheet.published import published

    ids = {article.id for article in project.catalogue.articles}
    return [each.title for each in published(project.feeds_folder) if each.id not in ids]


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


def _summary(project: Project, changes: Changes) -> Summary:
    pages = project.articles.pages
    return Summary(
        folder=project.settings.feeds.folder,
        articles=len(project.catalogue.articles),
        feeds=len(project.feeds),
        files=len(changes.written) + changes.unchanged,
        pages={why: [p for p in pages if pages[p] == why] for why in dict.fromkeys(pages.values())},
    )


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
            click.echo(f"{count(len(pages), 'page')} without {lacking}, so no articles: {shown}")
