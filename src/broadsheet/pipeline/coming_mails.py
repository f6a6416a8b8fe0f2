"""The mails that come next, as `check` looks at them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

from msgspec import structs

from broadsheet.digests.issue import Issue, issue_folder
from broadsheet.digests.linted_mail import LintedMail
from broadsheet.digests.message import letterhead, message_bodies, readdressed
from broadsheet.digests.selection import History
from broadsheet.errors import DeliveryError, Problem, TemplateError
from broadsheet.pipeline.edition import Content
from broadsheet.pipeline.issues import (
    MailFiles,
    files_of_issue,
    lint_issue,
    linted,
    linted_templates,
)
from broadsheet.storage.issue_records import issued_message


def coming_mails(
    content: Content, histories: Mapping[str, History]
) -> tuple[dict[str, LintedMail], tuple[Problem, ...]]:
    """Return the mail of each digest's next issue, by its folder, and the problems of templates.

    Raises RenderError.
    """
    project = content.project
    mails: dict[str, LintedMail] = {}
    problems = _template_problems(content)
    known = {article.id for article in content.catalogue.articles}
    for name, history in histories.items() if not problems else ():
        # Where no issue comes, the last one shows whether the templates still work.
        coming = content.digest(name).upcoming(project.now, history)[-1:]
        # An article of that one may be gone since, and cannot be shown again.
        last = [issue for issue in history.issues[-1:] if issue.ids <= known]
        for issue in coming or last:
            try:
                mail = _mail(content, issue)
            except TemplateError as error:
                problems += error.problems
                continue
            path = f"{project.settings.feeds.folder}/{issue_folder(name, issue.key)}"
            mails[path] = mail if coming else _only_unsubscribe(mail)
        mails |= _issued(content, history)
    return mails, tuple(dict.fromkeys(problems))


def _mail(content: Content, issue: Issue) -> LintedMail:
    return lint_issue(content, files_of_issue(content, issue).files)


def _issued(content: Content, history: History) -> dict[str, LintedMail]:
    """Return the newest mail of a digest, as `deliver` would send it."""
    project = content.project
    shown = project.settings.feeds.folder
    since = project.now - timedelta(days=project.settings.delivery.fresh_days)
    for issue in history.issues[-1:]:
        if since <= issue.tick <= project.now:
            with suppress(DeliveryError):  # `deliver` says what is wrong with the file
                head = letterhead(issue.digest, issue.key, project.settings)
                message = readdressed(issued_message(project.feeds_folder, issue, shown), head)
                html, text = message_bodies(message)
                path = f"{shown}/{issue_folder(issue.digest, issue.key)}message.eml"
                mail = MailFiles(html.encode(), text.encode(), message)
                return {path: _only_unsubscribe(linted(content, mail))}
    return {}


def _only_unsubscribe(mail: LintedMail) -> LintedMail:
    """Return `mail` with only its problems with unsubscribe links."""
    kept = tuple(each for each in mail.problems if each.rule == "mail-unsubscribe")
    return structs.replace(mail, problems=kept)


def _template_problems(content: Content) -> list[Problem]:
    try:
        return linted_templates(content)
    except TemplateError as error:
        return [*error.problems]
