"""Make a correction of an issue, or release its draft."""

from __future__ import annotations

from broadsheet.digests.approval import Waiting, approval_problem
from broadsheet.digests.corrections import correction_base
from broadsheet.digests.issue import Issue
from broadsheet.errors import Problem, UsageError
from broadsheet.pipeline.edition import Content, read_content
from broadsheet.pipeline.issues import (
    Issued,
    files_of_issue,
    with_remarks,
    without_broken,
    write_drafts,
    write_issues,
)
from broadsheet.pipeline.memo import Memo
from broadsheet.pipeline.project import Project
from broadsheet.storage import issue_records


def correct_issue(project: Project, digest: str, key: str, *, dry_run: bool = False) -> Issued:
    """Make a correction of the issue `key`; a draft if the digest needs approval.

    A `key` of a correction releases its draft. Raises the errors of `make_due_issues`.
    """
    return project.run(
        lambda memo: _corrected(project, memo, digest, key, dry_run), writes=not dry_run
    )


def _corrected(project: Project, memo: Memo, digest: str, key: str, dry_run: bool) -> Issued:
    histories = project.histories()
    content, issued = without_broken(
        read_content(project, memo), lambda content: _correction(content, digest, key)
    )
    issued = with_remarks(issued)
    if not dry_run and not issued.refused:
        write_issues(content, histories, issued.made)
    if not dry_run:
        released = {each.issue.key for each in issued.made}
        write_drafts(
            project,
            [rendered for _, rendered in issued.waiting],
            lambda draft: draft.digest != digest or draft.key not in released,
        )
    return issued


def _correction(content: Content, name: str, key: str) -> Issued:
    project, digest = content.project, content.digest(name)
    history = project.history(name)
    is_release = correction_base(key) != key
    issue = _issue(history.issues, name, correction_base(key))
    draft = next((each for each in project.drafts(name) if each.key == key), None)
    if is_release and key in {each.key for each in history.corrections}:
        return Issued(content, (), (), {}, content.problems)
    if is_release and draft is None:
        raise UsageError(Problem(f"{name}/{key} is not a draft", f"correct {name}/{issue.key}"))
    tick = draft.tick if is_release and draft else project.now
    correction = digest.correction(issue, history, tick)
    if correction.problems:
        return Issued(content, (), (), {name: correction.problems}, content.problems)
    made = files_of_issue(content, correction.at(tick))
    if digest.settings.approval == "none" or digest.is_approved(correction.key):
        return Issued(content, (made,), (), {}, content.problems)
    waiting = ((Waiting(made.issue), made),)
    if not is_release:
        return Issued(content, (), waiting, {}, content.problems)
    drafted = issue_records.draft_files(project.root, made.issue)
    if problem := approval_problem(made.issue, drafted, made.draft):
        return Issued(content, (), waiting, {name: (problem,)}, content.problems)
    return Issued(content, (made,), (), {}, content.problems)


def _issue(issues: tuple[Issue, ...], name: str, key: str) -> Issue:
    found = next((issue for issue in issues if issue.key == key), None)
    if found is None:
        newest = f"the newest is {name}/{issues[-1].key}" if issues else "it has none yet"
        raise UsageError(Problem(f"unknown issue {name}/{key}", newest))
    return found
