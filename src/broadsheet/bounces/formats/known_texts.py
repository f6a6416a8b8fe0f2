"""Plain-text reports of Yahoo, OpenSMTPD, dma, GMX and Zoho: they quote the reply of the server.

Their words are fixed, so the reply can be judged, unlike that in any other text (`free_text`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from broadsheet.bounces.formats.free_text import (
    has_null_sender,
    is_about_delay,
    is_from_mail_system,
)
from broadsheet.bounces.mail import ADDRESS, MAX_RECIPIENTS, ReturnedMail
from broadsheet.bounces.report import RecipientReport
from broadsheet.bounces.verdict import report_from_words

ORDER = 45

_ADDRESS: Final = ADDRESS.pattern


@dataclass(frozen=True, slots=True)
class KnownText:
    """How a mail system writes. opening: at the start. recipient: before each reply; group 1 is
    the address. end: after the last reply. label: what is written before the reply's codes."""

    opening: re.Pattern[str]
    recipient: re.Pattern[str]
    end: re.Pattern[str]
    label: re.Pattern[str] | None = None


_FORMS: Final = (
    KnownText(  # Yahoo
        re.compile(r"\s*Sorry, we were unable to deliver your message to the following address"),
        re.compile(rf"^<({_ADDRESS})>:[ \t]*$", re.MULTILINE),
        re.compile(r"^--- ?Below this line is a copy", re.MULTILINE),
        re.compile(r"Remote host said:\s*"),
    ),
    KnownText(  # OpenSMTPD
        re.compile(r"\s*Hi!\s+This is the MAILER-DAEMON, please DO NOT REPLY"),
        re.compile(rf"^({_ADDRESS}): (?=\S)", re.MULTILINE),
        re.compile(r"^\s*(?:Below is a copy|Please note that this is only)", re.MULTILINE),
    ),
    KnownText(  # DragonFly Mail Agent (dma of Debian and FreeBSD)
        re.compile(r"\s*This is the DragonFly Mail Agent"),
        re.compile(rf"^There was an error delivering your mail to <({_ADDRESS})>\.", re.MULTILINE),
        re.compile(r"^(?:Message headers|Original message) follows?\b", re.MULTILINE),
    ),
    KnownText(  # GMX, mail.com
        re.compile(r"\s*This message was created automatically by mail delivery software\.\s"),
        re.compile(rf"^\"({_ADDRESS})\":[ \t]*$|^<({_ADDRESS})>[ \t]*\n\s*\nReason:", re.MULTILINE),
        re.compile(r"^--- The header of the original message", re.MULTILINE),
    ),
    KnownText(  # Zoho
        re.compile(
            r"\s*This message was created automatically by mail delivery s(?:oftware|ystem)"
        ),
        re.compile(
            rf"^({_ADDRESS}) (?=[^\n]*ERROR_CODE)|^\[Status: \w+, Address: <({_ADDRESS})>, ",
            re.MULTILINE,
        ),
        re.compile(r"^(?:Received:|-{3,} Transcript)", re.MULTILINE),
        # The first words are Zoho's own, whatever the server says.
        re.compile(r"^[^,\n]{1,40}, ERROR_CODE :|,? ?ERROR_CODE :|ResponseCode "),
    ),
)


def interpret(mail: ReturnedMail) -> list[RecipientReport]:
    """Return one report for each recipient; [] if the mail is of none of these forms."""
    text = mail.first_text.replace("\r", "")
    if not (has_null_sender(mail) or is_from_mail_system(mail)):
        return []
    for form in _FORMS:
        if form.opening.match(text) and (found := _reports(form, text)):
            if is_about_delay(mail, form.end.split(text, maxsplit=1)[0]):
                return [RecipientReport("nothing", r.addresses, r.status, r.words) for r in found]
            return found
    return []


def _reports(form: KnownText, text: str) -> list[RecipientReport]:
    explanation = form.end.split(text, maxsplit=1)[0]
    places = list(form.recipient.finditer(explanation))[:MAX_RECIPIENTS]
    ends = [*(place.start() for place in places), len(explanation)][1:]
    found = []
    for place, end in zip(places, ends, strict=True):
        reply = explanation[place.end() : end].strip()
        address = next(filter(None, place.groups()))
        found.append(
            report_from_words(address, form.label.sub(" ", reply) if form.label else reply)
        )
    return found
