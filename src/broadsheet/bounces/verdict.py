"""What a server's reply means for the recipient (RFC 3463, RFC 5321, and the providers' own codes).

`deliver` applies these rules to the replies to its own commands, and `bounces` to those quoted in
reports. An address ends only if the server itself says that the mailbox does not exist. Anything
else is counted: a full mailbox, a limit, a policy, a broken route and an unclear reply may all be
temporary, and an issue that a filter rejects must not end all addresses at that provider.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from broadsheet.bounces.mail import MAX_REPLY_CHARS, MAX_SHOWN_CHARS, printable_line
from broadsheet.bounces.phrases import about_something_else, names_no_mailbox, refuses_to_relay
from broadsheet.bounces.report import RecipientReport, ReportKind
from broadsheet.bounces.stages import Stage, stage_in

_STATUS: Final = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
# A reply code begins a reply and is not part of a number or a name.
_REPLY_CODE: Final = re.compile(r"(?<![\w./@#=-])(?<!\d:)([245]\d\d)(?=[ :-]|$)")

# RFC 3464, section 2.3.3: the mail arrived, or the server is still trying and will report again.
_NO_FAILURE: Final = frozenset({"delayed", "delivered", "relayed", "expanded"})

# The mailbox does not exist (1.1), has a syntax error (1.3) or has moved (1.6); someone else now
# has the address (7.17, 7.18: RFC 7293).
_NO_MAILBOX: Final = frozenset({"1.1", "1.3", "1.6", "7.17", "7.18"})
# Codes that do not say what is wrong, so that the words decide. Providers number freely below
# "other" (5.0.350) or summarise another server's reply (Exchange's 1.351). 1.10 is Exchange's for a
# recipient that is not found, and RFC 7505's for a domain that accepts no mail. If the code is
# about the domain (1.2), the sender (1.7, 1.8, Exchange's 1.90), a disabled mailbox (2.1, Google's
# also for a rate) or anything else, the words do not matter.
_UNDECIDED: Final = re.compile(r"0\.\d+|1\.(?:0|4|5|10|11|351)|2\.0|3\.0|5\.0")
# RFC 5321, section 4.2.3. The others are about commands (50x, 555), the service (52x, 556),
# authentication (53x) or storage (552).
_MAILBOX_REPLIES: Final = re.compile(r"51\d|55[0134]")

# Two replies of Microsoft, from its documentation: a recipient that is not in the directory
# (Exchange Online), and a mailbox that does not exist (Outlook.com).
_MICROSOFT: Final = {
    "4.1": re.compile(r"recipient address rejected: access denied", re.IGNORECASE),
    "5.0": re.compile(r"mailbox unavailable", re.IGNORECASE),
}


def status_code(written: str, words: str) -> str:
    """Return the status code (RFC 3463) to show, or "".

    written: the Status field, by the relay. The last code in `words` is the server's own. A code
    that says nothing (5.0.0) is replaced by a specific one.
    """
    said = [match[0] for match in _STATUS.finditer(words)]
    given = _STATUS.search(written)
    own = next((each for each in reversed(said) if not each.endswith(".0.0")), "")
    if given is None:
        return own or next(iter(said), "")
    general = given[2] == given[3] == "0"
    differs = not own.startswith(given[1]) or (given[1] == "4" and not general)
    return given[0] if differs else own


def verdict(action: str, written: str, words: str, stage: Stage = "") -> ReportKind:
    """Return what a reply means: `permanent`, `temporary` or `nothing`.

    action: RFC 3464, section 2.3.3, in lower case. written: the Status field of the report, or "".
    words: the server's reply, with its codes, on one line. stage: of the reply; "" to take it from
    the words.
    """
    given = [match[0] for match in _STATUS.finditer(written)][:1]
    if action in _NO_FAILURE or any(status.startswith("2") for status in given):
        return "nothing"
    return "permanent" if _is_gone(given, words, stage or stage_in(words)) else "temporary"


def report_from_words(address: str, words: str, written: str = "") -> RecipientReport:
    """Return the report about `address` from the server's reply, and the Status field if any."""
    line = printable_line(words, MAX_REPLY_CHARS)
    kind, status = verdict("failed", written, line), status_code(written, line)
    return RecipientReport(kind, (address,), status, line[:MAX_SHOWN_CHARS])


def gives_a_reason(words: str) -> bool:
    """Whether a text quotes a server's reply, or says why a mail did not arrive."""
    codes = _STATUS.search(words) or _REPLY_CODE.search(words)
    return bool(codes) or about_something_else(words) or names_no_mailbox(words)


def is_gone(code: int, words: str, stage: Stage) -> bool:
    """Whether the reply `code` `words` to our command says that the mailbox does not exist."""
    return verdict("failed", "", f"{code} {words}", stage) == "permanent"


def is_for_us(code: int, words: str) -> bool:
    """Whether the reply `code` `words` to RCPT refuses the sender, for any recipient.

    Many servers only say at RCPT that they accept no mail from this connection, for example without
    a login (530: RFC 4954, section 6; "Relay access denied").
    """
    return code // 10 == 53 or (code >= 500 and refuses_to_relay(words))


def _is_gone(given: Sequence[str], words: str, stage: Stage) -> bool:
    said = [match[0] for match in _STATUS.finditer(words)]
    if stage == "session" or not _are_permanent([*given, *said, *_REPLY_CODE.findall(words)]):
        return False
    own = _innermost(words)
    own_said = [match[0] for match in _STATUS.finditer(own)]
    details = _informative(own_said or given)
    if len(details) == 1 and _is_from_microsoft(details[0], own):
        return stage != "data"
    if about_something_else(words) or not all(
        map(_may_mean_gone, _informative([*own_said, *said]))
    ):
        return False
    confirmed = all(detail in _NO_MAILBOX for detail in details) and bool(details)
    if own_said and confirmed:
        return True
    # After the mail itself, filters say "user unknown" about mail that they reject.
    if stage == "data" or not all(map(_may_mean_gone, details)):
        return False
    if confirmed:  # by a relay
        return not words or names_no_mailbox(own)
    answered = _REPLY_CODE.search(own) is not None
    return answered and names_no_mailbox(own, surely=stage != "recipient")


def _innermost(words: str) -> str:
    """Return the last reply in `words`, without what relays put around it.

    The lines of a reply have the same code and, except for the last, a hyphen after it.
    """
    replies = list(_REPLY_CODE.finditer(words))
    start = replies[-1].start() if replies else 0
    for line in reversed(replies[:-1]):
        if line[0] != replies[-1][0] or words[line.end()] != "-":
            break
        start = line.start()
    return words[start:]


def _informative(codes: Sequence[str]) -> list[str]:
    """Return subjects and details, without those that say nothing (0.x) if another does."""
    details = [code[2:] for code in codes]
    return [detail for detail in details if not detail.startswith("0.")] or details


def _may_mean_gone(detail: str) -> bool:
    return detail in _NO_MAILBOX or _UNDECIDED.fullmatch(detail) is not None


def _are_permanent(codes: Sequence[str]) -> bool:
    """Whether each code, of three digits or RFC 3463, can say that a mailbox is gone for good."""
    fine = (code.startswith("5.") or _MAILBOX_REPLIES.fullmatch(code) for code in codes)
    return bool(codes) and all(fine)


def _is_from_microsoft(detail: str, words: str) -> bool:
    meant = _MICROSOFT.get(detail)
    if meant is None or not meant.search(words):
        return False
    return not about_something_else(meant.sub("", words))
