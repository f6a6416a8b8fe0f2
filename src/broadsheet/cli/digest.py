"""broadsheet digest: make every issue that is due; run it from cron as often as you like"""

from __future__ import annotations

import click

from broadsheet.cli.options import common_options, options
from broadsheet.cli.progress import progress_of
from broadsheet.digests.issue import issue_folder
from broadsheet.pipeline.issues import Issued, make_due_issues
from broadsheet.pipeline.project import open_project
from broadsheet.text.counting import count

POSITION = 30  # in `broadsheet --help`


@click.command()
@click.argument("names", nargs=-1, metavar="[DIGEST]...")
@click.option("--dry-run", is_flag=True, help="Say which issues are due; write nothing.")
@click.option("--allow-late", is_flag=True, help="Make an issue even if most of it is late.")
@click.option(
    "--allow-new", is_flag=True, help="Start a digest even if it looks like a renamed one."
)
@common_options
def command(names: tuple[str, ...], dry_run: bool, allow_late: bool, allow_new: bool) -> None:
    """Make every issue that is due, of all digests or of those named."""
    project = open_project(options(), progress=progress_of(options()))
    project.settings.refuse_unknown(names)
    chosen = names or tuple(project.settings.digests)
    issued = make_due_issues(project, chosen, late=allow_late, new=allow_new, dry_run=dry_run)
    if not options().quiet:
        _report(issued, [name for name in chosen if name not in issued.refused], dry_run)
    for problem in issued.refused.values():
        click.echo(str(problem), err=True)
    # `build` reports them at every run; here only when they may have missed an issue.
    missed = issued.problems if issued.made else ()
    for problem in missed:
        click.echo(f"{problem} (left out)", err=True)
    if issued.refused or missed:
        raise SystemExit(1)


def _report(issued: Issued, chosen: list[str], dry_run: bool) -> None:
    """Report the issues made. chosen: the digests to report on if no issue was made."""
    project = issued.content.project
    for each in issued.made:
        path = issue_folder(each.issue.digest, each.issue.key)
        verb = "would be made" if dry_run else "made"
        click.echo(
            f"{project.settings.feeds.folder}/{path} {verb}: {each.subject} "
            f"({count(len(each.issue.ids), 'article')})"
        )
        if each.note:
            click.echo(f"  {each.note}")
    for name in chosen:
        if not any(each.issue.digest == name for each in issued.made):
            click.echo(_nothing(issued, name))


def _nothing(issued: Issued, name: str) -> str:
    project = issued.content.project
    upcoming = issued.content.digest(name).upcoming(project.now, project.history(name))
    if not upcoming:
        return f"{name}: nothing is due, and nothing is in view for the next issue"
    issue = upcoming[-1]
    tick = issue.tick.astimezone(project.settings.publication.timezone)
    so_far = f"{count(len(issue.ids), 'article')} so far"
    return f"{name}: nothing is due; the next issue is at {tick:%Y-%m-%d %H:%M}, {so_far}"
