"""The files of an issue, from the issue and its entries."""

from __future__ import annotations

import re
from collections.abc import Mapping

from broadsheet.articles.entries import Entry
from broadsheet.digests.context import IssueContext, issue_context
from broadsheet.digests.fitting import fit_mail
from broadsheet.digests.issue import Issue, RenderedIssue, record_bytes
from broadsheet.digests.message import mime_message
from broadsheet.digests.template_problems import template_problems
from broadsheet.digests.templates import TEXT, WEB, render_template
from broadsheet.errors import TemplateError
from broadsheet.model.settings import Settings
from broadsheet.pages import policy
from broadsheet.text.wrapping import wrap


def render_issue(
    issue: Issue,
    entries: Mapping[str, Entry],
    settings: Settings,
    templates: Mapping[str, str],
) -> RenderedIssue:
    """Return the files of `issue`.

    entries: those of its articles, by id. templates: the user's own, name -> text. Raises
    TemplateError for a template that fails or makes a mail too large, and ConfigError for an
    invalid sender.
    """
    if problems := template_problems(templates, settings.mail.templates):
        raise TemplateError(*problems)
    digest = settings.digest(issue.digest)
    whole = issue_context(
        issue,
        entries,
        settings.publication,
        digest,
        settings.mail,
        settings.delivery,
        settings.feeds,
    )
    fitting, html = fit_mail(whole, templates, digest.max_bytes)
    text = mail_text(whole, templates)
    files = {
        "index.html": web_html(whole, templates).encode(),
        "email.html": policy.guarded(html).encode(),
        "email.txt": text.encode(),
        "message.eml": mime_message(fitting, html, text),
    }
    return RenderedIssue(issue, fitting.subject, fitting.note, files, record_bytes(issue))


_GAP = re.compile(r"\n{4,}")


def mail_text(context: IssueContext, templates: Mapping[str, str]) -> str:
    """Return email.txt: the plain text, laid out by digest.txt.j2 and wrapped by display width.

    templates: the user's own, name -> text. Raises TemplateError.
    """
    lines = render_template(TEXT, context, templates).splitlines()
    wrapped = "\n".join(part for line in lines for part in wrap(line))
    return _GAP.sub("\n\n\n", wrapped).strip("\n") + "\n"


def web_html(context: IssueContext, templates: Mapping[str, str]) -> str:
    """Return index.html: the web version, laid out by web.html.j2; it loads only images.

    templates: the user's own, name -> text. Raises TemplateError.
    """
    return render_template(WEB, context, templates).strip() + "\n"
