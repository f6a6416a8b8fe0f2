"""The steps that lay out and lint a mail; imported when one of them runs."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Final

from broadsheet.digests.issue import RenderedIssue
from broadsheet.digests.lint import lint_mail
from broadsheet.digests.linted_mail import LintedMail
from broadsheet.digests.rendered import render_issue
from broadsheet.pipeline.issues import IssueLayout, LayoutSettings, MailFiles
from broadsheet.pipeline.memo import StepContext
from broadsheet.pipeline.steps import time_limit

TIME_LIMIT_S: Final = 30.0  # of CPU; a mail of 2,000 articles takes about 5


def lay_out(item: IssueLayout, given: LayoutSettings, _: StepContext) -> RenderedIssue:
    """Return the files of an issue (a step). Raises the errors of `render_issue`."""
    with time_limit(TIME_LIMIT_S) if given.templates else nullcontext():
        return render_issue(item.issue, item.entries, given.settings, given.templates)


def lint(mail: MailFiles, _: None, __: StepContext) -> LintedMail:
    """Return what is wrong with a mail (a step)."""
    return lint_mail(mail.html, mail.text, mail.message)
