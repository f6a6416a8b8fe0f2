"""Delivery reports whose fields are in the text, or in a damaged part."""

from __future__ import annotations

import re
from email import message_from_string
from typing import Final

from broadsheet.bounces.formats.delivery_status import recipient_reports
from broadsheet.bounces.formats.free_text import has_null_sender, is_from_mail_system
from broadsheet.bounces.mail import MAX_RECIPIENTS, ReturnedMail
from broadsheet.bounces.report import RecipientReport

ORDER = 50

_FINAL_RECIPIENT: Final = re.compile(r"^final-recipient:", re.IGNORECASE | re.MULTILINE)
_FIRST_FIELD: Final = re.compile(
    r"^(?:(?:original-|final-)recipient|action|status):", re.IGNORECASE | re.MULTILINE
)


def interpret(mail: ReturnedMail) -> list[RecipientReport]:
    """Return one report for each recipient; [] if no mail system wrote such fields."""
    if not _FINAL_RECIPIENT.search(mail.text):
        return []
    if not (has_null_sender(mail) or is_from_mail_system(mail)):
        return []
    blocks = (block for block in re.split(r"\n\s*\n", mail.text) if _FINAL_RECIPIENT.search(block))
    starts = ((block, _FIRST_FIELD.search(block)) for block in blocks)
    groups = (message_from_string(block[first.start() :]) for block, first in starts if first)
    return list(recipient_reports(groups, ""))[:MAX_RECIPIENTS]
