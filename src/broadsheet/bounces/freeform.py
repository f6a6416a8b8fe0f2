"""Reports in no standard form: text for people, as many mail systems wrote it and some still do.

A failure that only the text reports never ends an address; it counts. flufl.bounce (Mailman's
detectors) knows many of these forms. For the others it is enough that a mail system returns one of
our mails, which names its recipient.
"""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Sequence
from email import message_from_string
from email.message import Message
from typing import Final

from flufl.bounce import all_failures

from broadsheet.bounces.parts import (
    ADDRESS,
    MOST_RECIPIENTS,
    WORDS,
    addresses,
    decoded_header,
    field,
    is_automatic_answer,
    paragraph_on,
    text_of,
    texts_of,
    within,
)
from broadsheet.bounces.phrases import any_of
from broadsheet.bounces.report import Finding, Kind
from broadsheet.bounces.status import recipient
from broadsheet.bounces.verdict import status_of

_LONGEST: Final = 100_000  # characters that are searched; reports of this kind are shorter
# The time of flufl.bounce grows with the square of the length of a line.
_LONGEST_FOR_FLUFL: Final = 50_000
_LONG_LINE: Final = re.compile(r"[^\n]{300}")
logging.getLogger("flufl.bounce").addHandler(logging.NullHandler())

_FIELD_BLOCK: Final = re.compile(r"^final-recipient:", re.IGNORECASE | re.MULTILINE)
_FIRST_FIELD: Final = re.compile(
    r"^(?:(?:original-|final-)recipient|action|status):", re.IGNORECASE | re.MULTILINE
)
# Three header lines or more, in a row; some mail systems indent or quote them.
_PASTED: Final = re.compile(
    r"^[ >\t]{0,8}(?:Received|Return-Path|X-[\w-]{1,60}|DKIM-Signature|Message-ID|Date|From|To"
    r"|Subject|MIME-Version|Delivered-To|Reply-To|Sender): .*\n"
    r"(?:[ >\t]{0,8}[A-Z][\w-]{1,60}:(?:[ \t].*)?\n|[ \t]+\S.*\n){2,}",
    re.MULTILINE | re.IGNORECASE,
)
# Who writes reports, by the names in RFC 2142, RFC 3464 and the servers' own.
_SYSTEM: Final = re.compile(
    r"(?:mail(?:er)?[-_. ]?(?:daemon|delivery|system|admin|router)|post[-_]?(?:master|office)"
    r"|daemon|bounces?|notice|microsoftexchange\w*|nondelivery|mdaemon|mta|majordomo|smtp\w{0,10}|system"
    r"|administrator)\b",
    re.IGNORECASE,
)
_FAILURE: Final = any_of(
    r"undeliver|non-?deliver|(?:not|n.t) (?:be )?deliver|unable to (?:send|deliver)",
    r"deliver\w* (?:\w+ ){0,3}(?:fail|problem|error|notification|status|report)",
    r"fail\w* (?:\w+ ){0,3}(?:notice|deliver|mail|recipient|address)|return(?:ed|ing) (?:e-?)?mail",
    r"mail (?:system )?error|error (?:sending|in|deliver|while)|trouble delivering|rejected|bounce",
    r"退信|无法送达|無法|未能|配信|送信|エラー|доставлен",
    r"unbekannt|unzustellbar|non remis|no entregad|devolvid",
)
_WARNING: Final = any_of(r"\bwarning\b|\bdelay")  # in the subject
_DELAY: Final = any_of(
    r"\bdelayed\b|will (?:continue|keep|be (?:retried|tried))",
    r"still (?:trying|being)|(?:not|n.t) (?:need to )?re-?send",
)


def embedded(mail: Message, parts: Sequence[Message]) -> list[Finding]:
    """The findings in a delivery report whose fields are in the text, or in a damaged part."""
    text = _text(mail, parts)
    if not _FIELD_BLOCK.search(text) or not (_is_null(mail) or _is_from_a_system(mail)):
        return []
    found: list[Finding] = []
    for block in re.split(r"\n\s*\n", text):
        first = _FIRST_FIELD.search(block) if _FIELD_BLOCK.search(block) else None
        if first:
            found.extend(recipient(message_from_string(block[first.start() :]), ""))
    return found[:MOST_RECIPIENTS]


def told(mail: Message, parts: Sequence[Message], whole: str, ours: Sequence[str]) -> list[Finding]:
    """The findings in a report of no standard form: `temporary`, or `nothing` for a delay.

    whole: the mail as it came. ours: the addresses that it was sent to.
    """
    if is_automatic_answer(mail):
        return []
    text = _text(mail, parts)
    before = _PASTED.split(text, maxsplit=1)[0] or text
    named = _by_flufl(whole) or _by_what_came_back(mail, parts, before, ours)
    kind: Kind = "nothing" if _is_delay(mail, before) else "temporary"
    return [_finding(kind, before, address) for address in named[:MOST_RECIPIENTS]]


def pasted(mail: Message, parts: Sequence[Message]) -> str:
    """The headers of a mail that is quoted in the text; "" if there is none."""
    found = _PASTED.search(_text(mail, parts))
    if found is None:
        return ""
    margin = len(found[0]) - len(found[0].lstrip(" >\t"))
    return "".join(line[margin:] for line in found[0].splitlines(keepends=True))


def _finding(kind: Kind, text: str, address: str) -> Finding:
    words = paragraph_on(text, address)
    return Finding(kind, (address,), status_of("", words), words[:WORDS])


def _by_flufl(whole: str) -> list[str]:
    lines = _LONG_LINE.sub(r"\g<0>\n", whole[:_LONGEST_FOR_FLUFL])
    try:
        temporary, permanent = all_failures(message_from_string(lines))
    except Exception:  # flufl.bounce is not written for hostile mail
        return []
    named = sorted(each.decode("utf-8", "replace") for each in {*temporary, *permanent})
    return [address for address in named if ADDRESS.fullmatch(address)]


def _by_what_came_back(
    mail: Message, parts: Sequence[Message], before: str, ours: Sequence[str]
) -> list[str]:
    """The recipients of the returned mail, or the one address that the text before it names."""
    returned = _returned(mail, parts)
    if not _is_report(mail, before, returns_something=bool(returned)):
        return []
    senders = addresses([*mail.get_all("From", []), *returned.get_all("From", [])])
    own = {each.lower() for each in (*ours, *senders)}
    to = addresses(returned.get_all("To", []))
    sent = [each for each in to if each.lower() not in own]
    found = dict.fromkeys(each.rstrip(".") for each in ADDRESS.findall(before))
    said = [each for each in found if each.lower() not in own]
    both = [each for each in said if each in sent]
    people = [each for each in said if not _SYSTEM.match(each)]
    return both or sent[:1] or (people if len(people) == 1 else [])


def _returned(mail: Message, parts: Sequence[Message]) -> Message:
    """The returned mail, or its headers; empty if there is none."""
    for part in parts:
        if part.get_content_type() == "message/rfc822" and (inner := within(part)):
            return inner[0]
        if part.get_content_type() == "text/rfc822-headers":
            return message_from_string(text_of(part))
    return message_from_string(pasted(mail, parts))


def _is_report(mail: Message, text: str, *, returns_something: bool) -> bool:
    """Whether a mail system wrote it, to say that something failed."""
    null = _is_null(mail)
    if _FAILURE.search(decoded_header(field(mail, "Subject"))):
        return null or _is_from_a_system(mail)
    fails = bool(_FAILURE.search(text[:5_000]))
    return fails and (_is_from_a_system(mail) or (null and returns_something))


def _is_null(mail: Message) -> bool:
    """Whether its envelope sender is empty, as a report's must be (RFC 5321, section 4.5.5)."""
    return field(mail, "Return-Path").strip() == "<>"


def _is_from_a_system(mail: Message) -> bool:
    sender = field(mail, "From")
    address = next(iter(addresses([sender])), "")
    return not address or any(map(_SYSTEM.match, (address, sender.strip(' "<'))))


def _is_delay(mail: Message, text: str) -> bool:
    subject = decoded_header(field(mail, "Subject"))
    return bool(_WARNING.search(subject) or _DELAY.search(text[:3_000]))


def _text(mail: Message, parts: Sequence[Message]) -> str:
    """All plain text, else the HTML without its tags, else whatever a damaged mail holds."""
    found = texts_of(parts, "text/plain")
    found = found or [_without_tags(each) for each in texts_of(parts, "text/html")]
    rest = mail.get_payload()
    if not found and isinstance(rest, str):
        found = [rest]
    return "\n\n".join(found)[:_LONGEST].replace("\r", "")


def _without_tags(text: str) -> str:
    lines = re.sub(
        r"<(?:br|/?p|/?div|/?tr|/?li)\b[^<>]*>", "\n", text[:_LONGEST], flags=re.IGNORECASE
    )
    return html.unescape(re.sub(r"<[^<>]*>", " ", lines))
