"""From an issue and its entries to the files of the issue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from msgspec import Struct

from broadsheet.articles.entries import Entry
from broadsheet.digests import issue as record
from broadsheet.digests.budget import fit
from broadsheet.digests.issue import Issue
from broadsheet.digests.letter import Letter, letter
from broadsheet.digests.message import message
from broadsheet.digests.text_mail import mail_text
from broadsheet.digests.web_page import web_html
from broadsheet.model.settings import Settings
from broadsheet.pages import policy


class Made(Struct, frozen=True):
    """An issue and its files.

    letter: what the mail shows; it may be shortened. files: name -> bytes; the record is apart,
    since it is written when all the others are there.
    """

    issue: Issue
    letter: Letter
    files: dict[str, bytes]
    record: bytes


def begun(
    issue: Issue,
    entries: Mapping[str, Entry],
    settings: Settings,
    templates: Mapping[str, str],
    *,
    apart: Callable[..., Callable[[], Any]] = partial,
) -> Callable[[], Made]:
    """Begins to make the files of `issue`; what it returns makes the rest.

    entries: of its articles, by id. templates: the user's own, name -> text. apart: begins what
    takes longest, which may go on elsewhere, and returns what waits for its outcome.

    Both raise TemplateError for a template that fails or makes a mail too large, and ConfigError
    for a sender that is none.
    """
    digest = settings.digest(issue.digest)
    whole = letter(
        issue,
        entries,
        settings.publication,
        digest,
        settings.mail,
        settings.delivery,
        settings.feeds,
    )
    fitted = apart(fit, whole, templates, digest.max_bytes)
    text = mail_text(whole, templates)
    web = web_html(whole, templates)

    def rest() -> Made:
        fitting, html = fitted()
        files = {
            "index.html": web.encode(),
            "email.html": policy.guarded(html).encode(),
            "email.txt": text.encode(),
            "message.eml": message(fitting, html, text),
        }
        return Made(issue, fitting, files, record.write(issue))

    return rest
