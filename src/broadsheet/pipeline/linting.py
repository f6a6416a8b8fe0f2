"""The steps that lint mails and their templates; imported when one of them runs."""

from __future__ import annotations

from broadsheet.digests.lint import lint_mail
from broadsheet.digests.linted_mail import LintedMail
from broadsheet.digests.template_problems import template_problems
from broadsheet.errors import Problem
from broadsheet.pipeline.issues import MailFiles
from broadsheet.pipeline.memo import StepContext


def lint(mail: MailFiles, _: None, __: StepContext) -> LintedMail:
    """Return what is wrong with a mail (a step)."""
    return lint_mail(mail.html, mail.text, mail.message)


def lint_templates(templates: dict[str, str], folder: str, _: StepContext) -> list[Problem]:
    """Return what is wrong with the user's own templates in `folder`, name -> text (a step).

    Raises the errors of `template_problems`.
    """
    return template_problems(templates, folder)
