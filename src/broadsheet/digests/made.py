"""From an issue and its entries to the files of the issue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from msgspec import Struct

from broadsheet.digests import issue as record
from broadsheet.digests.budget import fit
from broadsheet.digests.issue import Issue
from broadsheet.digests.letter import Letter, letter
from broadsheet.digests.message import message
from broadsheet.digests.text_mail import mail_text
from broadsheet.digests.web_page import web_html
from broadsheet.entry import Entry
from broadsheet.pages import policy
from broadsheet.settings import Settings


class Made(Struct, frozen=True):
    """An issue and its files.

    letter: what the mail shows; it may be shortened. files: name -> bytes; the record is apart,
    since it is written when all the others are there.
    """

    issue: Issue
    letter: Letter
    files: dict[str, bytes]
    record: bytes

    @classmethod
    def of(
        cls,
        issue: Issue,
        entries: Mapping[str, Entry],
        settings: Settings,
        templates: Mapping[str, str],
    ) -> Self:
        """The files of `issue`.

        entries: of its articles, by id. templates: the user's own, name -> text.

        Raises TemplateError for a template that fails or makes a mail too large, and ConfigError
        for a sender that is none.
        """
        digest = settings.digests[issue.digest]
        whole = letter(
            issue,
            entries,
            settings.publication,
            digest,
            settings.mail,
            settings.delivery,
            settings.feeds,
        )
        fitting, html = fit(whole, templates, digest.max_bytes)
        text = mail_text(whole, templates)
        files = {
            "index.html": web_html(whole, templates).encode(),
            "email.html": policy.guarded(html).encode(),
            "email.txt": text.encode(),
            "message.eml": message(fitting, html, text),
        }
        return cls(issue, fitting, files, record.write(issue))
