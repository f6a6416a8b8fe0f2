"""Which issues a delivery is about, and what the ledger keeps of each when it begins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from broadsheet.cli.options import options
from broadsheet.digests.issue import RECORD, Issue, issue_folder
from broadsheet.errors import BroadsheetError, DeliveryError, Problem, UsageError
from broadsheet.pipeline.project import Project
from broadsheet.storage import folders

if TYPE_CHECKING:  # slow to import, and only needed to deliver
    from broadsheet.delivery.database import Database
    from broadsheet.delivery.freezing import Begun
    from broadsheet.delivery.repeats import Repeat
    from broadsheet.delivery.states import State


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for. issue: `DIGEST/KEY`, "" for none; only: a state."""

    names: tuple[str, ...]
    issue: str
    only: State | None
    limit: int
    as_json: bool
    allow_repeat: bool = False


def ledger_clock(project: Project) -> Callable[[], datetime]:
    """The time that the ledger goes by: the clock's; with --now it starts there."""
    shift = project.now - datetime.now(UTC) if options().now else timedelta()
    return lambda: datetime.now(UTC) + shift


def rename(project: Project, database: Database) -> None:
    """Move readers who chose a digest by a former name to its present name."""
    from broadsheet.delivery import subscribers

    for old, new in project.settings.renamed.items():
        with database.writing() as connection:
            subscribers.rename_digest(connection, old, new, now=ledger_clock(project)())


def chosen(
    project: Project, asked: Asked, database: Database | None
) -> tuple[list[Issue], list[tuple[Issue, str]]]:
    """The issues to deliver, oldest first, and those that are left with the reason."""
    if asked.issue:
        return [named(project, asked.issue)], []
    issues: list[Issue] = []
    left: list[tuple[Issue, str]] = []
    renamed = project.settings.renamed
    names = dict.fromkeys(renamed.get(name, name) for name in asked.names)
    for name in names or project.settings.digests:
        some, others = _of_digest(project, asked, name, database)
        issues += some
        left += others
    return sorted(issues, key=lambda issue: (issue.tick, issue.digest)), left


def _of_digest(
    project: Project, asked: Asked, name: str, database: Database | None
) -> tuple[list[Issue], list[tuple[Issue, str]]]:
    from broadsheet.delivery import freezing
    from broadsheet.delivery.choosing import choose

    issued = {issue.key: issue for issue in project.history(name).issues}
    begun: list[tuple[str, str, datetime, bool]] = []
    if database is not None:
        with database.reading() as connection:
            begun = freezing.begun(connection, *project.settings.names(name))
    fresh = project.settings.delivery.fresh_days
    found = choose(
        tuple(issued.values()), [(key, tick) for _, key, tick, _ in begun], project.now, fresh
    )
    since = project.now - timedelta(days=fresh)
    # What was begun is finished whatever became of its files: the ledger has all of it.
    going_on = [
        issued.get(key) or _forgotten(digest, key)
        for digest, key, tick, done in begun
        if not done or (asked.only == "failed" and tick >= since)
    ]
    if asked.only:  # rows that there are already, and no new ones
        return going_on, []
    return [*going_on, *found.issues], list(found.left)


def _forgotten(digest: str, key: str) -> Issue:
    """An issue of which only the ledger knows."""
    long_ago = datetime.min.replace(tzinfo=UTC)
    return Issue(digest=digest, key=key, number=0, tick=long_ago, since=long_ago, sections=())


def named(project: Project, name: str) -> Issue:
    """The issue called `DIGEST/KEY`."""
    digest, _, key = name.partition("/")
    history = project.history(project.settings.renamed.get(digest, digest))
    for issue in history.issues:
        if issue.key == key:
            return issue
    newest = history.last
    hint = f"the newest is {newest.digest}/{newest.key}" if newest else "it has none yet"
    raise UsageError(Problem(f"there is no issue {name}", hint))


def newest(project: Project, names: tuple[str, ...]) -> Issue:
    """The newest issue of the digests called `names`, or of all."""
    renamed = project.settings.renamed
    chosen = [renamed.get(name, name) for name in names] or [*project.settings.digests]
    newest = [last for name in chosen if (last := project.history(name).last)]
    if not newest:
        raise UsageError(Problem("there is no issue yet", "run `broadsheet digest`"))
    return max(newest, key=lambda issue: issue.tick)


def begun_or_draft(project: Project, database: Database | None, issue: Issue) -> Begun:
    """The issue in the ledger, or a draft of it with id 0; writes nothing."""
    from broadsheet.delivery import freezing

    if database is not None:
        with database.reading() as connection:
            if before := freezing.find_issue(connection, issue.digest, issue.key):
                return before
    mail = issued_mail(project, issue)
    letters = kept_letters(project, issue)
    now = ledger_clock(project)()
    return freezing.Begun(0, issue.digest, issue.key, issue.tick, now, 0, None, mail, letters)


def begin(project: Project, database: Database, draft: Begun) -> Begun:
    """`draft` in the ledger; freezes its rows if that was not done before."""
    from broadsheet.delivery import freezing

    if draft.id:
        return draft
    now = ledger_clock(project)()
    with database.writing() as connection:
        return freezing.freeze(
            connection,
            *(draft.digest, draft.key, draft.tick, draft.mail, draft.letters, now),
            names=project.settings.names(draft.digest),
        )


def unmailed(
    project: Project, asked: Asked, database: Database | None, issues: Sequence[Issue]
) -> tuple[list[Issue], list[tuple[Issue, Problem]]]:
    """The issues that may be sent, and those refused because readers have articles of them."""
    if database is None or asked.allow_repeat:
        return list(issues), []
    from broadsheet.delivery import freezing
    from broadsheet.delivery.repeats import repeats

    def recorded(digest: str, key: str) -> bool:
        return (project.feeds_folder / issue_folder(digest, key) / RECORD).is_file()

    fine: list[Issue] = []
    refused: list[tuple[Issue, Problem]] = []
    with database.reading() as connection:
        for issue in issues:
            others = {*project.settings.digests} - {*project.settings.names(issue.digest)}
            begun = freezing.find_issue(connection, issue.digest, issue.key)
            if begun is None and (found := repeats(connection, issue, others, recorded)):
                refused.append((issue, _repeated(project, issue, found)))
            else:
                fine.append(issue)
    return fine, refused


def _repeated(project: Project, issue: Issue, found: Sequence[Repeat]) -> Problem:
    titles = {title for each in found for title in each.titles}
    last = found[-1]
    name, old = f"{issue.digest}/{issue.key}", f"{last.digest}/{last.key}"
    record = f"{project.settings.feeds.folder}/digests/{old}/{RECORD}"
    renamed = (
        ""
        if last.digest in project.settings.names(issue.digest)
        else f'; if the digest was renamed, write renamed_from = ["{last.digest}"]'
    )
    return Problem(
        f"refusing to send {name}: {len(titles)} of its {len(issue.ids)} articles were sent in "
        f"{old}, whose record {record} is missing",
        f"restore it from Git or a backup{renamed}; "
        f"to send {name} anyway, run `broadsheet deliver --issue {name} --allow-repeat`",
    )


def issued_mail(project: Project, issue: Issue) -> bytes:
    """message.eml as issued, with CRLF."""
    path = issue_folder(issue.digest, issue.key) + "message.eml"
    try:
        data = folders.content(project.feeds_folder / path)
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


def kept_letters(project: Project, issue: Issue) -> str:
    """What variants are laid out from: the articles that stand as they were issued."""
    from broadsheet.delivery import variants
    from broadsheet.pipeline.issues import issued_entries

    try:
        entries = issued_entries(project, issue)
    except BroadsheetError as error:
        # What is wrong with the articles of today keeps back no mail that is made already.
        click.echo(f"{error} (only title lines for those who want some topics)", err=True)
        entries = {}
    return variants.letters(issue, entries, project.settings)
