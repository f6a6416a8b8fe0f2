"""Two older forms of report, written for people, that are still met: qmail's and Exim's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.message import Message

from broadsheet.bounces.parts import (
    ADDRESS,
    MOST_RECIPIENTS,
    REPLY,
    WORDS,
    addresses,
    first_text,
    one_line,
    paragraph_on,
)
from broadsheet.bounces.report import Finding
from broadsheet.bounces.verdict import status_of, verdict

_QMAIL = re.compile(r"\s*Hi\. This is the ", re.IGNORECASE)
_COPY = re.compile(
    r"^-{3,} ?(?:(?:Below this line is|This is) a copy of the message|Original message).*$",
    re.MULTILINE,
)


def qmail(parts: Sequence[Message]) -> list[Finding]:
    """qmail-send's: a paragraph for each recipient, `<address>:` and what was said."""
    text = first_text(parts)
    if not _QMAIL.match(text):
        return []
    found = []
    for paragraph in re.split(r"\n\s*\n", _COPY.split(text)[0])[: MOST_RECIPIENTS + 1]:
        first, _, words = paragraph.strip().partition("\n")
        address = re.fullmatch(r"<([^<>\s]{3,320})>:", first.strip())
        if address and ADDRESS.fullmatch(address[1]):
            found.append(_from_words(address[1], words))
    return found


def exim(mail: Message, parts: Sequence[Message]) -> list[Finding]:
    """Exim's, and Gmail's once: the addresses in a header, what was said of each in the text."""
    text = _COPY.split(first_text(parts))[0]
    failed = addresses(mail.get_all("X-Failed-Recipients", []))[:MOST_RECIPIENTS]
    if len(failed) == 1:  # Gmail's has the server's reply in a paragraph of its own
        return [
            _from_words(failed[0], paragraph_on(text, failed[0]) or text.partition(failed[0])[2])
        ]
    return [_from_words(address, paragraph_on(text, address)) for address in failed]


def copied(parts: Sequence[Message]) -> str:
    """The mail that is pasted below the text; "" where there is none."""
    copy = _COPY.split(first_text(parts), maxsplit=1)
    return copy[1].lstrip() if len(copy) > 1 else ""


def _from_words(address: str, words: str) -> Finding:
    line = one_line(words, REPLY)
    return Finding(verdict("failed", "", line), (address,), status_of("", line), line[:WORDS])
