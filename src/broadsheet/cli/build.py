"""broadsheet build"""

from __future__ import annotations

import click

from broadsheet import outputs
from broadsheet.cli.counting import count
from broadsheet.cli.making import site_files
from broadsheet.cli.options import common_options, options
from broadsheet.cli.project import Project
from broadsheet.outputs import Changes


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would be written; write nothing.")
@click.option("--workers", type=click.IntRange(1), help="Processes that render. Default: cores.")
@click.option("--adopt", is_flag=True, help="Take over files that an earlier run has written.")
@common_options
def command(dry_run: bool, workers: int | None, adopt: bool) -> None:
    """Makes the feeds folder of the articles; writes only what changed."""
    project = Project(options())
    with outputs.lock(project.state, project.config_name):
        changes = outputs.publish(
            project.feeds_folder,
            site_files(project, workers=workers),
            project.settings.feeds.folder,
            keep=project.kept,
            adopt=adopt,
            dry_run=dry_run,
        )
    _report(project, changes, dry_run)
    for problem in project.articles.problems:
        click.echo(f"{problem} (left out)", err=True)
    if project.articles.problems:
        raise SystemExit(1)


def _report(project: Project, changes: Changes, dry_run: bool) -> None:
    """What the run did; nothing where nothing was to do and nobody wants to know."""
    if options().quiet:
        return
    folder = project.settings.feeds.folder
    would = "would be " if dry_run else ""
    if options().verbose or dry_run:
        for path in changes.written:
            click.echo(f"{would}written  {folder}/{path}")
        for path in changes.removed:
            click.echo(f"{would}removed  {folder}/{path}")
    articles, feeds = len(project.catalogue.articles), len(project.feeds)
    click.echo(
        f"{folder}/: {count(articles, 'article')} in {count(feeds, 'feed')}; "
        f"{count(len(changes.written), 'file')} {would}written, "
        + (f"{len(changes.removed)} {would}removed, " if changes.removed else "")
        + f"{changes.unchanged} unchanged"
    )
    for what in ("it has no date", "it has no front matter"):
        if pages := [path for path, why in project.articles.pages.items() if why == what]:
            shown = ", ".join(pages[:3]) + (", ..." if len(pages) > 3 else "")
            lacking = what.removeprefix("it has no ")
            click.echo(f"{count(len(pages), 'page')} without {lacking}, so no articles: {shown}")
