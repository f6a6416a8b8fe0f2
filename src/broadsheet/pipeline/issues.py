"""Make the issues of digests that are due, and the pages that list them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from msgspec import Struct

from broadsheet.articles.entries import Entry
from broadsheet.digests.issue import RECORD, Issue, RenderedIssue, issue_folder
from broadsheet.digests.linted_mail import LintedMail
from broadsheet.digests.refusals import admitted
from broadsheet.digests.selection import History
from broadsheet.errors import Problem, RenderError
from broadsheet.model.settings import Settings
from broadsheet.pipeline.build_plan import published_files
from broadsheet.pipeline.edition import Content, entries_of, make_edition, read_content
from broadsheet.pipeline.files import digest_files, read_by_files
from broadsheet.pipeline.memo import Memo, Step
from broadsheet.pipeline.project import Project
from broadsheet.storage import outputs
from broadsheet.storage.outputs import Target

T = TypeVar("T")


class IssueLayout(Struct, frozen=True):
    """An issue to lay out. entries: those of its articles, by id."""

    issue: Issue
    entries: dict[str, Entry]


class LayoutSettings(Struct, frozen=True):
    """templates: the user's own, name -> text."""

    settings: Settings
    templates: dict[str, str]


class MailFiles(Struct, frozen=True):
    """A mail to lint: email.html, email.txt and message.eml."""

    html: bytes
    text: bytes
    message: bytes


@dataclass(frozen=True)
class Issued:
    """What a run of `digest` has made.

    made: the new issues. refused: why the next issue of a digest is not made, by its name.
    problems: those of the articles that may be missing in an issue.
    """

    content: Content
    made: Sequence[RenderedIssue]
    refused: Mapping[str, Problem]
    problems: Sequence[Problem]


def make_due_issues(
    project: Project,
    names: Sequence[str],
    *,
    late: bool = False,
    new: bool = False,
    dry_run: bool = False,
) -> Issued:
    """Make every issue that is due of the digests called `names`.

    late, new: allow late issues, and new digests that look renamed. Raises the errors of
    `read_content` and `render_issue`, RecordError and OutputError.
    """
    return project.run(
        lambda memo: _issued(project, memo, names, late, new, dry_run), writes=not dry_run
    )


def _issued(
    project: Project, memo: Memo, names: Sequence[str], late: bool, new: bool, dry_run: bool
) -> Issued:
    histories = project.histories()
    content, (issues, refused, made) = without_broken(
        read_content(project, memo),
        lambda content: _due(content, histories, names, late, new),
    )
    # The pages are also written without a new issue, since a run that was killed may have left
    # them undone; but not if an issue was refused, so that nothing is written then.
    if not dry_run and (issues or not refused):
        _write(content, histories, made)
    return Issued(content, made, refused, content.problems)


def without_broken(content: Content, make: Callable[[Content], T]) -> tuple[Content, T]:
    """Return what `make` returns, and the content for which it raises no RenderError."""
    while True:
        try:
            return content, make(content)
        except RenderError as error:
            content = content.without(error.problems)


def files_of_issue(content: Content, issue: Issue) -> RenderedIssue:
    """Return the files of `issue`, which is not in the records yet.

    Raises RenderError, and the errors of `render_issue`.
    """
    project = content.project
    catalogue, ids = content.catalogue_at(issue.tick), issue.ids
    articles = [article for article in catalogue.articles if article.id in ids]
    item = IssueLayout(issue, entries_of(content, articles, catalogue))
    step = Step(
        "broadsheet.pipeline.layout:lay_out",
        LayoutSettings(project.settings, project.templates()),
    )
    return _result(content.memo, step, item, RenderedIssue)


def linted(memo: Memo, mail: MailFiles) -> LintedMail:
    """Return what is wrong with a mail."""
    return _result(memo, Step("broadsheet.pipeline.layout:lint", None), mail, LintedMail)


def _result(memo: Memo, step: Step, item: object, kind: type[T]) -> T:
    (address,) = memo.map(step, [item])
    return memo.value(address, kind)


def _due(
    content: Content,
    histories: Mapping[str, History],
    names: Sequence[str],
    late: bool,
    new: bool,
) -> tuple[list[Issue], dict[str, Problem], list[RenderedIssue]]:
    """Return the issues that are due, why others are refused, and the files of the issues."""
    issues: list[Issue] = []
    refused: dict[str, Problem] = {}
    for name in names:
        digest, history = content.digest(name), histories[name]
        due = digest.due(content.project.now, history)
        former = content.project.former_histories
        made, problem = admitted(due, digest, history, former, late=late, new=new)
        issues += made
        if problem:
            refused[name] = problem
    return issues, refused, [files_of_issue(content, issue) for issue in issues]


def _write(
    content: Content, histories: Mapping[str, History], made: Sequence[RenderedIssue]
) -> None:
    """Write the issues, then the pages that list them.

    The record comes last of an issue's files: with it the issue is made, and never made again.
    """
    project, shown = content.project, content.project.settings.feeds.folder
    edition = make_edition(content)
    for each in made:
        folder = issue_folder(each.issue.digest, each.issue.key)
        for files in (each.files, {RECORD: each.record}):
            placed = {folder + name: data for name, data in files.items()}
            outputs.publish(project.feeds_folder, placed, shown, keep=outputs.EVERYTHING)
    now = {
        name: history.and_then(*(each.issue for each in made if each.issue.digest == name))
        for name, history in histories.items()
    }
    published = published_files(project, content.memo)
    reads = read_by_files(edition, now, published)
    pages = digest_files(edition)
    target = Target(
        project.feeds_folder,
        pages.paths,
        shown,
        keep=outputs.EVERYTHING,
        digest=published.digest,
    )
    if target.unknown:
        target.refuse_foreign(pages.make(content.memo, reads, outputs.tell))
    with target.writing() as draft:
        target.finish(pages.make(content.memo, reads, draft))


def issued_entries(project: Project, issue: Issue) -> dict[str, Entry]:
    """Return the entries, by id, of the articles that are as they were when `issue` was made."""
    issued = {placed.id: placed.sha256 for placed in issue.articles}

    def find(memo: Memo) -> dict[str, Entry]:
        content = read_content(project, memo)
        catalogue = content.catalogue_at(issue.tick)
        same = [each for each in catalogue.articles if issued.get(each.id) == each.sha256]
        return entries_of(content, same, catalogue)

    return project.run(find, writes=False)
