"""The reports of qmail: a paragraph for each recipient, `<address>:` and what was said."""

from __future__ import annotations

import re
from typing import Final

from broadsheet.bounces.mail import ADDRESS, COPY_LINE, MAX_RECIPIENTS, ReturnedMail
from broadsheet.bounces.report import RecipientReport
from broadsheet.bounces.verdict import report_from_words

ORDER = 30

_FIRST_WORDS: Final = re.compile(r"\s*Hi\. This is the ", re.IGNORECASE)


def interpret(mail: ReturnedMail) -> list[RecipientReport]:
    """Return one report for each recipient; [] if the mail is not of this form."""
    if not _FIRST_WORDS.match(mail.first_text):
        return []
    found = []
    explanation = COPY_LINE.split(mail.first_text, maxsplit=1)[0]
    for paragraph in re.split(r"\n\s*\n", explanation)[: MAX_RECIPIENTS + 1]:
        first, _, words = paragraph.strip().partition("\n")
        address = re.fullmatch(r"<([^<>\s]{3,320})>:", first.strip())
        if address and ADDRESS.fullmatch(address[1]):
            found.append(report_from_words(address[1], words))
    return found
