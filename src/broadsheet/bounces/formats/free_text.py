"""Reports in no standard form: text for people, as many mail systems wrote it and some still do.

A failure that only the text reports never ends an address; it is counted. flufl.bounce (Mailman's
detectors) recognises many of these forms. Otherwise it is enough that a mail system returns one of
our mails, which names its recipient.
"""

from __future__ import annotations

import logging
import re
from email import message_from_string
from typing import Final

from flufl.bounce import all_failures

from broadsheet.bounces.mail import (
    ADDRESS,
    MAX_RECIPIENTS,
    MAX_SHOWN_CHARS,
    PASTED_HEADERS,
    ReturnedMail,
    addresses,
    paragraph_about,
)
from broadsheet.bounces.phrases import Phrases
from broadsheet.bounces.report import RecipientReport, ReportKind
from broadsheet.bounces.verdict import status_code

ORDER = 70

# The time that flufl.bounce takes grows with the square of the length of a line.
_MAX_FLUFL_CHARS: Final = 50_000
_LONG_LINE: Final = re.compile(r"[^\n]{300}")
logging.getLogger("flufl.bounce").addHandler(logging.NullHandler())

# Senders of reports, by the names in RFC 2142 and RFC 3464, and those that servers use.
_SYSTEM_SENDER: Final = re.compile(
    r"(?:mail(?:er)?[-_. ]?(?:daemon|delivery|system|admin|router)|post[-_]?(?:master|office)"
    r"|daemon|bounces?|notice|microsoftexchange\w*|nondelivery|mdaemon|mta|majordomo|smtp\w{0,10}|system"
    r"|administrator)\b",
    re.IGNORECASE,
)
_FAILURE: Final = Phrases(
    r"undeliver|non-?deliver|(?:not|n.t) (?:be )?deliver|unable to (?:send|deliver)",
    r"deliver\w* (?:\w+ ){0,3}(?:fail|problem|error|warning|notification|status|report)",
    r"fail\w* (?:\w+ ){0,3}(?:notice|deliver|mail|recipient|address)|return(?:ed|ing) (?:e-?)?mail",
    r"mail (?:system )?error|error (?:sending|in|deliver|while)|trouble delivering|rejected|bounce",
    r"退信|无法送达|無法|未能|配信|送信|エラー|доставлен",
    r"unbekannt|unzustellbar|non remis|no entregad|devolvid",
)
_DELAYED: Final = Phrases(  # the first line is the subject
    r"^.*\bdelay|\bdelayed\b|delay reason|not yet (?:been )?deliver",
    r"will (?:continue|keep|be (?:retried|tried))|still (?:trying|being|undelivered)",
    r"(?:not|n.t) (?:need to )?re-?send|\bpostponed\b|warning message",
)


def interpret(mail: ReturnedMail) -> list[RecipientReport]:
    """Return a report for each recipient that the text names: `temporary`, or `nothing` if delayed.

    [] if no mail system wrote the mail.
    """
    if _is_automatic_answer(mail):
        return []
    explanation = PASTED_HEADERS.split(mail.text, maxsplit=1)[0] or mail.text
    by_flufl = _found_by_flufl(mail)
    # flufl.bounce also finds ids and senders in a pasted header.
    named = [each for each in by_flufl if each in explanation] or by_flufl
    named = named or _found_in_returned(mail, explanation)
    kind: ReportKind = "nothing" if is_about_delay(mail, explanation) else "temporary"
    found = []
    for address in named[:MAX_RECIPIENTS]:
        words = paragraph_about(explanation, address)
        status = status_code("", words)
        found.append(RecipientReport(kind, (address,), status, words[:MAX_SHOWN_CHARS]))
    return found


def _is_automatic_answer(mail: ReturnedMail) -> bool:
    """Whether this is an automatic answer, such as an out-of-office message.

    Mail systems mark reports `auto-replied` too (RFC 3834, section 3.1.7).
    """
    marked = mail.field("Auto-Submitted").lower().startswith("auto-replied")
    return mail.is_automatic_answer or (marked and not is_from_mail_system(mail))


def is_about_delay(mail: ReturnedMail, explanation: str) -> bool:
    """Whether a report says that the server is still trying."""
    return _DELAYED.search(f"{mail.subject}\n{explanation[:3_000]}") is not None


def _found_by_flufl(mail: ReturnedMail) -> list[str]:
    lines = _LONG_LINE.sub(r"\g<0>\n", mail.source[:_MAX_FLUFL_CHARS])
    try:
        temporary, permanent = all_failures(message_from_string(lines))
    except Exception:  # flufl.bounce is not written for hostile mail
        return []
    named = sorted(each.decode("utf-8", "replace") for each in {*temporary, *permanent})
    return [address for address in named if ADDRESS.fullmatch(address)]


def _found_in_returned(mail: ReturnedMail, explanation: str) -> list[str]:
    """Return the recipient of the returned mail, or the one address that the explanation names."""
    if not _reports_a_failure(mail, explanation):
        return []
    senders = addresses([*mail.message.get_all("From", []), *mail.returned.get_all("From", [])])
    own = {each.lower() for each in (*mail.addresses_in("To", "Delivered-To"), *senders)}
    to = addresses(mail.returned.get_all("To", []))
    sent = [each for each in to if each.lower() not in own]
    found = dict.fromkeys(each.rstrip(".") for each in ADDRESS.findall(explanation))
    named = [each for each in found if each.lower() not in own]
    both = [each for each in named if each in sent]
    people = [each for each in named if not _SYSTEM_SENDER.match(each)]
    return both or sent[:1] or (people if len(people) == 1 else [])


def _reports_a_failure(mail: ReturnedMail, explanation: str) -> bool:
    """Whether a mail system wrote the mail, to say that something failed."""
    if _FAILURE.search(mail.subject):
        return has_null_sender(mail) or is_from_mail_system(mail)
    if not _FAILURE.search(explanation[:5_000]):
        return False
    return is_from_mail_system(mail) or (has_null_sender(mail) and bool(mail.returned.items()))


def has_null_sender(mail: ReturnedMail) -> bool:
    """Whether the envelope sender is empty, as it must be for a report (RFC 5321, 4.5.5)."""
    return mail.field("Return-Path").strip() == "<>"


def is_from_mail_system(mail: ReturnedMail) -> bool:
    """Whether the From field names a mail system, or no one."""
    sender = mail.field("From")
    address = next(iter(addresses([sender])), "")
    return not address or any(map(_SYSTEM_SENDER.match, (address, sender.strip(' "<'))))
