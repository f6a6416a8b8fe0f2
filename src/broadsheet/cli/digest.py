"""broadsheet digest: make every issue that is due; run it from cron as often as you like"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

import click
from msgspec import Struct

from broadsheet.cli import making
from broadsheet.cli.options import common_options, options
from broadsheet.cli.project import Project
from broadsheet.digests import html_mail
from broadsheet.digests.issue import RECORD, Issue, issue_folder
from broadsheet.digests.rendered import RenderedIssue, begin_rendering
from broadsheet.errors import Problem, UsageError
from broadsheet.pipeline.workers import Apart, helper
from broadsheet.storage import outputs, sources
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
    project = Project(options())
    chosen = _chosen(project, names)
    with outputs.lock(project.state, project.config_name), _helper(project, chosen) as apart:
        due = making.without_bad(
            project, lambda: _due(project, chosen, apart, late=allow_late, new=allow_new)
        )
        missed = project.articles.problems
        # The pages are also written without a new issue, since a run that was killed may have
        # left them undone; but not if an issue was refused, so that nothing is written then.
        writes = not dry_run and (due.issues or not due.refused)
        pages = _pages(project, [issue for issue, _ in due.issues]) if writes else {}
        made = [rest() for _, rest in due.issues]
        if writes:
            _publish(project, made, pages)
    _report(project, [name for name in chosen if name not in due.refused], made, dry_run)
    for problem in due.refused.values():
        click.echo(str(problem), err=True)
    # `build` tells of them at every run; here only when they may have missed an issue.
    for problem in missed if made else ():
        click.echo(f"{problem} (left out)", err=True)
    if due.refused or (made and missed):
        raise SystemExit(1)


def _chosen(project: Project, names: tuple[str, ...]) -> tuple[str, ...]:
    known = tuple(project.settings.digests)
    if unknown := [name for name in names if name not in known]:
        listed = ", ".join(known) or "none"
        raise UsageError(
            Problem(f"there is no digest {unknown[0]!r} in the config", f"there is: {listed}")
        )
    return names or known


def _helper(project: Project, names: tuple[str, ...]) -> AbstractContextManager[Apart]:
    """Another process for what takes longest; it imports what it needs while articles are read."""
    each = ((project.digest(name), project.histories[name]) for name in names)
    if any(digest.awaits(project.now, history) for digest, history in each):
        return helper(partial(_prepare, project.root, project.settings.mail.templates))
    return nullcontext(partial)


def _prepare(root: Path, folder: str) -> None:
    """What the other process does first; what is wrong with a template is told by who uses it."""
    html_mail.prepare(sources.templates(root, folder), folder)


class _Due(Struct):
    """The issues that are due, each with the function that makes the rest of its files.

    refused: why the next issue of a digest is not made, by the digest's name.
    """

    issues: list[tuple[Issue, Callable[[], RenderedIssue]]]
    refused: dict[str, Problem]


def _due(project: Project, names: tuple[str, ...], apart: Apart, *, late: bool, new: bool) -> _Due:
    found = _Due([], {})
    for name in names:
        due = project.digest(name).due(project.now, project.histories[name])
        issues, refused = project.admitted(name, due, late=late, new=new)
        found.issues += [(issue, begin(project, issue, apart)) for issue in issues]
        if refused:
            found.refused[name] = refused
    return found


def make(project: Project, issue: Issue) -> RenderedIssue:
    """The files of `issue`, which is not in the records yet."""
    return begin(project, issue, partial)()


def begin(project: Project, issue: Issue, apart: Apart) -> Callable[[], RenderedIssue]:
    """Begins to make them; what it returns makes the rest. apart: where the longest is done."""
    catalogue, ids = project.catalogue_at(issue.tick), issue.ids
    articles = [article for article in catalogue.articles if article.id in ids]
    entries = making.entries(project, articles, catalogue)
    return begin_rendering(issue, entries, project.settings, project.templates, apart=apart)


def _pages(project: Project, issues: list[Issue]) -> dict[str, bytes]:
    """What tells of the issues that there are, and of these new ones."""
    histories = {
        name: history.and_then(*(issue for issue in issues if issue.digest == name))
        for name, history in project.histories.items()
    }
    making.leave_out_as_build(project)
    return making.digest_files(project, histories)


def _publish(project: Project, made: list[RenderedIssue], pages: dict[str, bytes]) -> None:
    """Writes the issues, then the pages that tell of them.

    The record comes last of an issue's files: with it the issue stands, and is never made again.
    """
    for each in made:
        _write(project, each, each.files)
        _write(project, each, {RECORD: each.record})
    _write_all(project, pages)


def _write(project: Project, made: RenderedIssue, files: dict[str, bytes]) -> None:
    folder = issue_folder(made.issue.digest, made.issue.key)
    _write_all(project, {folder + name: data for name, data in files.items()})


def _write_all(project: Project, files: dict[str, bytes]) -> None:
    shown = project.settings.feeds.folder
    outputs.publish(project.feeds_folder, files, shown, keep=outputs.EVERYTHING)


def _report(project: Project, chosen: list[str], made: list[RenderedIssue], dry_run: bool) -> None:
    """Report the issues made. chosen: the digests to report on if no issue was made."""
    if not options().quiet:
        for each in made:
            path = issue_folder(each.issue.digest, each.issue.key)
            verb = "would be made" if dry_run else "made"
            click.echo(
                f"{project.settings.feeds.folder}/{path} {verb}: {each.context.subject} "
                f"({count(len(each.issue.ids), 'article')})"
            )
            if each.context.note:
                click.echo(f"  {each.context.note}")
        for name in chosen:
            if not any(each.issue.digest == name for each in made):
                click.echo(_nothing(project, name))


def _nothing(project: Project, name: str) -> str:
    upcoming = project.digest(name).upcoming(project.now, project.histories[name])
    if not upcoming:
        return f"{name}: nothing is due, and nothing is in view for the next issue"
    issue = upcoming[-1]
    tick = issue.tick.astimezone(project.settings.publication.timezone)
    so_far = f"{count(len(issue.ids), 'article')} so far"
    return f"{name}: nothing is due; the next issue is at {tick:%Y-%m-%d %H:%M}, {so_far}"
