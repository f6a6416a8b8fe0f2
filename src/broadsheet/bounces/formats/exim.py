"""The reports of Exim, and of Gmail in the past: addresses in a field, replies in the text."""

from __future__ import annotations

from broadsheet.bounces.mail import COPY_LINE, ReturnedMail, paragraph_about
from broadsheet.bounces.report import RecipientReport
from broadsheet.bounces.verdict import report_from_words

ORDER = 40


def interpret(mail: ReturnedMail) -> list[RecipientReport]:
    """Return one report for each address in X-Failed-Recipients; [] without this field."""
    failed = mail.addresses_in("X-Failed-Recipients")
    text = COPY_LINE.split(mail.first_text, maxsplit=1)[0]
    words = {address: paragraph_about(text, address) for address in failed}
    if len(failed) == 1:  # Gmail had the server's reply in a separate paragraph
        words[failed[0]] = words[failed[0]] or text.partition(failed[0])[2]
    return [report_from_words(address, words[address]) for address in failed]
