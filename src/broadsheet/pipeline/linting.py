"""The step that lints a mail; imported when it runs."""

from __future__ import annotations

from broadsheet.digests.lint import lint_mail
from broadsheet.digests.linted_mail import LintedMail
from broadsheet.pipeline.issues import MailFiles
from broadsheet.pipeline.memo import StepContext


def lint(mail: MailFiles, _: None, __: StepContext) -> LintedMail:
    """Return what is wrong with a mail (a step)."""
    return lint_mail(mail.html, mail.text, mail.message)
