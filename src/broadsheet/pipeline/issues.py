"""Make the issues of digests that are due, and the pages that list them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from broadsheet.articles import Article
from broadsheet.articles.catalogue import Catalogue
from broadsheet.articles.entries import Entry
from broadsheet.digests.approval import Waiting, approval_problem, divide_approved
from broadsheet.digests.images import image_urls, with_image_sizes
from broadsheet.digests.issue import RECORD, Issue, RenderedIssue, draft_folder, issue_folder
from broadsheet.digests.linted_mail import LintedMail, placed
from broadsheet.digests.refusals import admitted
from broadsheet.digests.selection import Digest, History
from broadsheet.errors import Problem, RenderError, UsageError
from broadsheet.model.settings import Settings
from broadsheet.pipeline.build_plan import published_files
from broadsheet.pipeline.edition import Content, entries_of, make_edition, read_content
from broadsheet.pipeline.files import digest_files, read_by_files
from broadsheet.pipeline.memo import Memo, Step
from broadsheet.pipeline.project import NOTES, Project
from broadsheet.pipeline.rendering import image_sizes
from broadsheet.storage import issue_records, outputs
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
class DigestRequest:
    """What a run of `digest` is to do.

    names: of the digests. late, new: allow late issues, and new digests that look renamed. approve:
    the issue to release, DIGEST/KEY; "" for none.
    """

    names: Sequence[str]
    late: bool = False
    new: bool = False
    dry_run: bool = False
    approve: str = ""

    def approved(self, digest: str) -> str:
        """Return the key of the issue of `digest` that is to be released; "" if none."""
        name, _, key = self.approve.partition("/")
        return key if name == digest else ""


@dataclass(frozen=True)
class Issued:
    """What a run of `digest` has made.

    made: the new issues. waiting: those that wait for approval, with the files of their drafts.
    refused: why the next issue of a digest is not made, by its name. problems: those of the
    articles that may be missing in an issue. remarks: what mail clients drop of the user's
    templates.
    """

    content: Content
    made: Sequence[RenderedIssue]
    waiting: Sequence[tuple[Waiting, RenderedIssue]]
    refused: Mapping[str, Sequence[Problem]]
    problems: Sequence[Problem]
    remarks: Sequence[Problem] = ()


def make_due_issues(project: Project, request: DigestRequest) -> Issued:
    """Make every issue that is due of the digests that `request` names.

    Raises the errors of `read_content` and `render_issue`, RecordError, OutputError, and UsageError
    if the issue to approve is not due.
    """
    return project.run(lambda memo: _issued(project, memo, request), writes=not request.dry_run)


def _issued(project: Project, memo: Memo, request: DigestRequest) -> Issued:
    histories = project.histories()
    content, issued = without_broken(
        read_content(project, memo), lambda content: _due(content, histories, request)
    )
    issued = with_remarks(issued)
    # The pages are also written without a new issue, since a run that was killed may have left
    # them undone; but not if an issue was refused, so that nothing is written then.
    if not request.dry_run:
        if issued.made or not issued.refused:
            write_issues(content, histories, issued.made)

        def is_kept(draft: Issue) -> bool:
            is_correction = draft.key in {c.key for c in histories[draft.digest].corrections}
            is_ours = draft.digest in request.names and draft.digest not in issued.refused
            return not is_ours or (draft.corrects is not None and not is_correction)

        write_drafts(project, [rendered for _, rendered in issued.waiting], is_kept)
    return issued


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
    item = IssueLayout(issue, _issue_entries(content, issue, articles, catalogue))
    step = Step(
        "broadsheet.pipeline.layout:lay_out",
        LayoutSettings(project.settings, project.templates()),
    )
    return _result(content.memo, step, item, RenderedIssue)


def _issue_entries(
    content: Content, issue: Issue, articles: Sequence[Article], catalogue: Catalogue
) -> dict[str, Entry]:
    """Return the entries of articles of `issue`, with the sizes of images if they show whole."""
    entries = entries_of(content, articles, catalogue)
    if content.project.settings.digest(issue.digest).content == "summary":
        return entries
    urls = {url for entry in entries.values() for url in image_urls(entry.content)}
    sizes = image_sizes(content.memo, content.articles, content.link_index, urls)
    return {
        id_: replace(entry, content=with_image_sizes(entry.content, sizes))
        for id_, entry in entries.items()
    }


def linted(content: Content, mail: MailFiles) -> LintedMail:
    """Return what is wrong with a mail, with its places in the user's templates where known."""
    found = _result(content.memo, Step("broadsheet.pipeline.linting:lint", None), mail, LintedMail)
    templates, folder = content.project.templates(), content.project.settings.mail.templates
    problems = tuple(placed(each, templates, folder) for each in found.problems)
    return replace(found, problems=problems)


def linted_templates(content: Content) -> list[Problem]:
    """Return what is wrong with the user's own mail templates. Raises TemplateError."""
    project = content.project
    templates = project.templates()
    step = Step("broadsheet.pipeline.linting:lint_templates", project.settings.mail.templates)
    return _result(content.memo, step, templates, list[Problem]) if templates else []


def lint_issue(content: Content, files: Mapping[str, bytes]) -> LintedMail:
    """Return what is wrong with the mail of an issue. files: name -> bytes."""
    mail = MailFiles(files["email.html"], files["email.txt"], files["message.eml"])
    return linted(content, mail)


def with_remarks(issued: Issued) -> Issued:
    """Return `issued` with what mail clients drop of the user's templates, once each."""
    content = issued.content
    folder = content.project.settings.mail.templates.rstrip("/")
    if not content.project.templates():
        return issued
    mails = (each.files for each in (*issued.made, *(draft for _, draft in issued.waiting)))
    found = (each.problem for mail in mails for each in lint_issue(content, mail).problems)
    ours = dict.fromkeys(each for each in found if each.path.startswith(f"{folder}/"))
    return dataclasses.replace(issued, remarks=tuple(ours))


def _result(memo: Memo, step: Step, item: object, kind: type[T]) -> T:
    (address,) = memo.map(step, [item])
    return memo.value(address, kind)


def _due(content: Content, histories: Mapping[str, History], request: DigestRequest) -> Issued:
    """Return the issues that are due: those to release, those that wait, and why others do not."""
    made: list[RenderedIssue] = []
    waiting: list[tuple[Waiting, RenderedIssue]] = []
    refused: dict[str, Sequence[Problem]] = {}
    for name in request.names:
        digest, history = content.digest(name), histories[name]
        due = digest.due(content.project.now, history)
        former = content.project.former_histories
        made_of, problems = admitted(
            due, digest, history, former, late=request.late, new=request.new
        )
        files = {issue.key: files_of_issue(content, issue) for issue in made_of}
        key = request.approved(name)
        problems = problems or _approval_problems(content.project, digest, history, files, key)
        approved = () if problems else (key,)
        released, held = divide_approved(made_of, digest, approved)
        made += (files[issue.key] for issue in released)
        waiting += ((each, files[each.issue.key]) for each in held)
        if problems:
            refused[name] = problems
    return Issued(content, made, waiting, refused, content.problems)


def _approval_problems(
    project: Project,
    digest: Digest,
    history: History,
    files: Mapping[str, RenderedIssue],
    key: str,
) -> tuple[Problem, ...]:
    """Return why the issue `key` of `digest` may not be released. files: of what is due, by key.

    Raises UsageError if it is not due.
    """
    if not key or key in {issue.key for issue in history.issues}:
        return ()
    if key not in files:
        there = ", ".join(f"{digest.name}/{each}" for each in files) or "none"
        what = f"{digest.name}/{key} does not wait for approval"
        raise UsageError(Problem(what, f"what is due: {there}"))
    issue = files[key].issue
    held = divide_approved([each.issue for each in files.values()], digest, (key,))[1]
    first = held[0].issue if held else issue
    if first.tick < issue.tick:
        what = f"{digest.name}/{key} cannot be released before {digest.name}/{first.key}"
        return (Problem(what, f"approve {digest.name}/{first.key} first"),)
    if digest.settings.approval == "none" or digest.is_approved(key):
        return ()
    drafted = issue_records.draft_files(project.root, issue)
    problem = approval_problem(issue, drafted, files[key].draft)
    return (problem,) if problem else ()


def write_drafts(
    project: Project, drafts: Sequence[RenderedIssue], is_kept: Callable[[Issue], bool]
) -> None:
    """Write `drafts`; remove the others that are not kept, such as those of released issues."""
    files = {
        _in_drafts(each.issue) + name: data for each in drafts for name, data in each.draft.items()
    }
    if files or outputs.read_manifest(project.drafts_folder).files:
        known = (draft for name in project.settings.digests for draft in project.drafts(name))
        keep = tuple(_in_drafts(draft) for draft in known if is_kept(draft))
        outputs.publish(project.drafts_folder, files, NOTES, keep=keep)


def _in_drafts(issue: Issue) -> str:
    """The folder of the draft of `issue`, relative to that of all drafts."""
    return draft_folder(issue.digest, issue.key).removeprefix(f"{NOTES}/")


def write_issues(
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
        name: History.of(
            (*history.everything, *(each.issue for each in made if each.issue.digest == name))
        )
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
        return _issue_entries(content, issue, same, catalogue)

    return project.run(find, writes=False)
