"""The command at which a server refused, as far as reports show it.

A reply before the recipient is named is about us. A reply after the mail itself is often about the
mail, whatever its words.
"""

from __future__ import annotations

import re
from typing import Final, Literal

from broadsheet.bounces.phrases import any_of

Stage = Literal["session", "recipient", "data", ""]
"""Before RCPT, in answer to it, after it; "" if unknown."""

_LONGEST_TEXT: Final = 50_000  # characters of a report that are searched
_KEY: Final = 30  # characters that identify a reply in the text

_EARLY: Final = r"(?:HELO|EHLO|LHLO|STARTTLS|AUTH|MAIL(?: FROM)?)"
# Exim, Postfix, qmail
_PHRASES: Final[dict[Stage, re.Pattern[str]]] = {
    "session": any_of(
        rf"after (?:initial connection|(?:pipelined )?{_EARLY}\b|TLS)|in reply to {_EARLY}\b",
        r"refused to talk to me|(?:HELO|EHLO) handshake|initial server greeting",
        r"greeting failed|(?:sender|my name) was rejected",
    ),
    "data": any_of(
        r"after (?:end of data|(?:pipelined )?(?:DATA|sending data))",
        r"in reply to (?:end of )?DATA|failed after I sent the message|failed on DATA",
    ),
    "recipient": any_of(
        r"after (?:pipelined )?RCPT TO|in reply to RCPT|does not like recipient|RCPT TO response",
    ),
}
_COMMANDS: Final[dict[str, Stage]] = {"RCPT": "recipient", "DATA": "data", ".": "data"}
# RFC 2920: the replies to MAIL, RCPT and DATA come after all three commands. If no recipient
# was accepted, the reply to DATA says so.
_NOBODY: Final = re.compile(r"<<< 5\d\d.*(?:RCPT|recipients?\b)", re.IGNORECASE)


def stage_in(words: str) -> Stage:
    """The stage of the reply `words`, as far as they show it; else ""."""
    return next((stage for stage, phrase in _PHRASES.items() if phrase.search(words)), "")


def stage_in_text(text: str, words: str) -> Stage:
    """The stage of the reply `words`, by the text of the report that quotes them."""
    key = words[:_KEY].strip()
    if not key:
        return ""
    text = text[:_LONGEST_TEXT]
    return _in_transcript(text, key) or _in_sentence(text, key)


def replies_in(text: str) -> list[str]:
    """The replies of the recipient's server that the text of a report quotes.

    Sendmail marks them with `<<<`. Its own lines between them (`550 5.1.1 ... User unknown`) only
    sum up what it makes of a refusal, whatever the reason.
    """
    lines = (line.strip() for line in text[:_LONGEST_TEXT].split("\n"))
    return [line[4:] for line in lines if line.startswith("<<< ")]


def _in_sentence(text: str, key: str) -> Stage:
    """Postfix: `said: 550 ... (in reply to RCPT TO command)`; Exim: `after RCPT TO: 550 ...`."""
    before, found, after = " ".join(text.split()).partition(key)
    if not found:
        return ""
    told = re.search(r"\(in reply to [^()]{1,40}\)", after[:600])
    return stage_in(told[0]) if told else _last_stage(before[-200:])


def _last_stage(text: str) -> Stage:
    ends = (
        (match.end(), stage) for stage, each in _PHRASES.items() for match in each.finditer(text)
    )
    return max(ends, default=(0, ""))[1]


def _in_transcript(text: str, key: str) -> Stage:
    """Sendmail and Courier: `>>> command`, `<<< reply`."""
    lines = [line.strip() for line in text.split("\n")]
    stage: Stage = "session"  # the greeting
    for number, line in enumerate(lines):
        if line.startswith(">>> "):
            stage = _COMMANDS.get(line[4:].partition(" ")[0].upper(), "session")
        elif "while talking to" in line:
            stage = "session"
        elif line.startswith("<<< ") and key in line:
            late = stage == "data" and any(map(_NOBODY.match, lines[number + 1 : number + 4]))
            return "recipient" if late else stage
    return ""
