"""The SMTP command that a server refused, as far as reports show it.

A reply before RCPT is about the sender. A reply after the mail itself is often about the mail,
whatever its words.
"""

from __future__ import annotations

import re
from typing import Final, Literal

from broadsheet.bounces.phrases import Phrases

Stage = Literal["session", "recipient", "data", ""]
"""Before RCPT, in reply to it, or after it; "" if unknown."""

_MAX_TEXT_CHARS: Final = 50_000
_KEY_CHARS: Final = 30  # identify a reply in the text

_EARLY: Final = r"(?:HELO|EHLO|LHLO|STARTTLS|AUTH|MAIL(?: FROM)?)"
# The words of Exim, Postfix, qmail and dma.
_PHRASES: Final[dict[Stage, Phrases]] = {
    "session": Phrases(
        rf"after (?:initial connection|(?:pipelined )?{_EARLY}\b|TLS)|in reply to {_EARLY}\b",
        r"refused to talk to me|(?:HELO|EHLO) handshake|initial server greeting",
        rf"did not like our {_EARLY}\b",
        r"greeting failed|(?:sender|my name) was rejected|\[(?:MAIL_FROM|HELO|CONNECT)\]",
    ),
    "data": Phrases(
        r"after (?:end of data|(?:pipelined )?(?:DATA|sending data))",
        r"(?:in reply to|did not like our) (?:(?:end of|final) )?DATA|failed on DATA",
        r"failed after I sent the message",
        r"\[(?:DATA|BODY)\]",
    ),
    "recipient": Phrases(
        r"after (?:pipelined )?RCPT TO|(?:in reply to|did not like our) RCPT",
        r"does not like recipient|RCPT TO response|\[RCPT_TO\]",
    ),
}
_COMMANDS: Final[dict[str, Stage]] = {"RCPT": "recipient", "DATA": "data", ".": "data"}
# RFC 2920: the replies to MAIL, RCPT and DATA come after all three commands. If no recipient
# was accepted, the reply to DATA says so.
_NO_RECIPIENT: Final = re.compile(r"<<< 5\d\d.*(?:RCPT|recipients?\b)", re.IGNORECASE)


def stage_in(words: str) -> Stage:
    """Return the stage that the reply `words` mentions, or ""."""
    return next((stage for stage, phrase in _PHRASES.items() if phrase.search(words)), "")


def stage_in_text(text: str, words: str) -> Stage:
    """Return the stage of the reply `words`, according to the text of the report that quotes it."""
    key = words[:_KEY_CHARS].strip()
    if not key:
        return ""
    text = text[:_MAX_TEXT_CHARS]
    return _in_transcript(text, key) or _in_sentence(text, key)


def replies_in(text: str) -> list[str]:
    """Return the replies of the recipient's server that the text of a report quotes.

    Sendmail marks them with `<<<`. Its own lines between them (`550 5.1.1 ... User unknown`) only
    summarise a refusal, whatever the reason.
    """
    lines = (line.strip() for line in text[:_MAX_TEXT_CHARS].split("\n"))
    return [line[4:] for line in lines if line.startswith("<<< ")]


def _in_sentence(text: str, key: str) -> Stage:
    """Postfix: `said: 550 ... (in reply to RCPT TO command)`; Exim: `after RCPT TO: 550 ...`."""
    before, found, after = " ".join(text.split()).partition(key)
    if not found:
        return ""
    command = re.search(r"\(in reply to [^()]{1,40}\)", after[:600])
    return stage_in(command[0]) if command else _last_stage(before[-200:])


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
            late = stage == "data" and any(map(_NO_RECIPIENT.match, lines[number + 1 : number + 4]))
            return "recipient" if late else stage
    return ""
