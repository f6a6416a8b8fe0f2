"""broadsheet digest: make every issue that is due; run it from cron as often as you like"""

from __future__ import annotations

from collections.abc import Sequence

import click

from broadsheet.cli.deliveries import delivery_status
from broadsheet.cli.extras import extra
from broadsheet.cli.manners import DocumentedCommand
from broadsheet.cli.options import common_options, complete_digest, options, print_json
from broadsheet.cli.progress import progress_of
from broadsheet.delivery import files
from broadsheet.digests.corrections import correction_base
from broadsheet.digests.issue import RenderedIssue, draft_folder, issue_folder
from broadsheet.errors import Problem, UsageError
from broadsheet.pipeline.corrections import correct_issue
from broadsheet.pipeline.issues import DigestRequest, Issued, make_due_issues
from broadsheet.pipeline.project import Project, open_project
from broadsheet.text.counting import count

POSITION = 30  # in `broadsheet --help`
PAGE = "digests/"
EXAMPLES = (
    "broadsheet digest  # make every issue that is due",
    "broadsheet digest weekly --dry-run  # show whether one is due",
    "broadsheet digest --approve weekly/2025-06-30  # release a draft",
)


@click.command(cls=DocumentedCommand)
@click.argument("names", nargs=-1, metavar="[DIGEST]...", shell_complete=complete_digest)
@click.option("--dry-run", is_flag=True, help="Say which issues are due; write nothing.")
@click.option("--allow-late", is_flag=True, help="Make an issue even if most of it is late.")
@click.option(
    "--allow-new", is_flag=True, help="Start a digest even if it looks like a renamed one."
)
@click.option(
    "--approve", default="", metavar="DIGEST/KEY", help="Release a draft that you have looked at."
)
@click.option(
    "--correct", default="", metavar="DIGEST/KEY", help="Send an issue again, as it is now."
)
@click.option("--json", "as_json", is_flag=True, help="As data.")
@common_options
def command(
    names: tuple[str, ...],
    dry_run: bool,
    allow_late: bool,
    allow_new: bool,
    approve: str,
    correct: str,
    as_json: bool,
) -> None:
    """Make every issue that is due, of all digests or of those named."""
    project = open_project(options(), progress=progress_of(options()))
    issue = correct or approve
    wanted = (_digest_of(issue),) if issue else names
    project.settings.refuse_unknown(wanted)
    chosen = wanted or tuple(project.settings.digests)
    key = issue.partition("/")[2]
    if correct:
        _refuse_undelivered(project, chosen[0], key)
    if correct or correction_base(key) != key:
        issued = correct_issue(project, chosen[0], key, dry_run=dry_run)
    else:
        request = DigestRequest(chosen, allow_late, allow_new, dry_run, approve)
        issued = make_due_issues(project, request)
    if as_json:
        print_json(_data(issued))
        if issued.refused or (issued.made and issued.problems):
            raise SystemExit(1)
    else:
        _end(issued, [] if correct else chosen, dry_run)


def _data(issued: Issued) -> dict[str, object]:
    """Return the result as data."""

    def data(each: RenderedIssue, folder: str) -> dict[str, object]:
        return {
            "digest": each.issue.digest,
            "key": each.issue.key,
            "subject": each.subject,
            "articles": list(each.issue.ids),
            "folder": folder,
        }

    feeds = issued.content.project.settings.feeds.folder
    return {
        "issues": [
            data(each, f"{feeds}/{issue_folder(each.issue.digest, each.issue.key)}")
            for each in issued.made
        ],
        "drafts": [
            data(each, draft_folder(each.issue.digest, each.issue.key))
            for _, each in issued.waiting
        ],
        "refused": issued.refused,
        "problems": issued.problems,
        "remarks": issued.remarks,
    }


def _refuse_undelivered(project: Project, digest: str, key: str) -> None:
    """Raise UsageError if the issue was not delivered: then it can be made again instead.

    Whether it was is unknown without a delivery database.
    """
    if not files.exists(project.settings.delivery.database, project.root):
        return
    with extra("delivery", "what a delivery left"):
        begun = {(each.digest, each.key) for each in delivery_status(project)}
    made = {issue.key for issue in project.history(digest).issues}
    names = project.settings.names(digest)
    if key in made and not any((name, key) in begun for name in names):
        folder = f"{project.settings.feeds.folder}/{issue_folder(digest, key)}"
        raise UsageError(
            Problem(
                f"{digest}/{key} was not delivered, so there is nothing to correct",
                f"remove {folder}, and run `broadsheet digest` to make it again",
            )
        )


def _end(issued: Issued, chosen: Sequence[str], dry_run: bool) -> None:
    """Print what was made, and what was not; exit with 1 if something was not."""
    if not options().quiet:
        _report(issued, [name for name in chosen if name not in issued.refused], dry_run)
    for problems in (*issued.refused.values(), () if options().quiet else issued.remarks):
        click.echo("".join(f"{problem}\n" for problem in problems), err=True, nl=False)
    # `build` reports them at every run; here only when they may have missed an issue.
    missed = issued.problems if issued.made else ()
    for problem in missed:
        click.echo(f"{problem} (left out)", err=True)
    if issued.refused or missed:
        raise SystemExit(1)


def _digest_of(issue: str) -> str:
    """Return the digest of an issue DIGEST/KEY. Raises UsageError."""
    digest, _, key = issue.partition("/")
    if not key:
        raise UsageError(Problem(f"{issue!r} is not an issue", "write one like weekly/2025-06-30"))
    return digest


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
    for waiting, _ in issued.waiting:
        click.echo(waiting.words)
    told = {each.issue.digest for each in issued.made}
    told |= {waiting.issue.digest for waiting, _ in issued.waiting}
    for name in chosen:
        if name not in told:
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
