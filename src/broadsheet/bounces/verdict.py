"""What a server's reply means for the recipient (RFC 3463, RFC 5321, and the providers' own codes).

`deliver` judges the replies to its own commands by these rules, and `bounces` those that reports
quote. An address ends only if the server itself says that the mailbox does not exist. Anything else
counts: a full mailbox, a limit, a policy, a broken route and a reply that nobody understands may
all pass, and one issue that a filter dislikes must not end everyone at that provider.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from broadsheet.bounces.phrases import about_something_else, names_no_mailbox, refuses_to_relay
from broadsheet.bounces.report import Kind
from broadsheet.bounces.stages import Stage, stage_in

_STATUS: Final = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
# A reply code begins a reply: nothing that could make it part of a number or a name is around it.
_REPLY: Final = re.compile(r"(?<![\w./@#=-])(?<!\d:)([245]\d\d)(?=[ :-]|$)")

# RFC 3464, section 2.3.3: the mail arrived, or the other server still tries and will report again.
_NO_FAILURE: Final = frozenset({"delayed", "delivered", "relayed", "expanded"})

# The mailbox does not exist (1.1), is written wrongly (1.3) or has moved (1.6); somebody else
# now has the address (7.17, 7.18: RFC 7293).
_NO_MAILBOX: Final = frozenset({"1.1", "1.3", "1.6", "7.17", "7.18"})
# Details that do not say what is wrong, by subject; then the words do. Providers number freely
# below "other" (5.0.350), or sum up another server's reply (Exchange's 1.351). 1.10 is Exchange's
# for a recipient that is not found, and RFC 7505's for a domain that takes no mail. Where the code
# is about the domain (1.2), the sender (1.7, 1.8, Exchange's 1.90), a mailbox that is shut (2.1,
# Google's also for a rate) or anything else, no words help.
_UNDECIDED: Final = re.compile(r"0\.\d+|1\.(?:0|4|5|10|11|351)|2\.0|3\.0|5\.0")
# RFC 5321, section 4.2.3. The others are about commands (50x, 555), the service (52x, 556),
# authentication (53x) or storage (552).
_MAILBOX_REPLIES: Final = re.compile(r"51\d|55[0134]")

# Two replies of Microsoft that its documentation explains: a recipient that the directory does not
# list (Exchange Online), and a mailbox that does not exist (Outlook.com).
_MICROSOFT: Final = {
    "4.1": re.compile(r"recipient address rejected: access denied", re.IGNORECASE),
    "5.0": re.compile(r"mailbox unavailable", re.IGNORECASE),
}


def status_of(written: str, words: str) -> str:
    """The status code (RFC 3463) to show; "" without one.

    written: the relay's. The last one in `words` is the innermost, the server's own. A code that
    says nothing (5.0.0) gives way to one that does.
    """
    said = [match[0] for match in _STATUS.finditer(words)]
    given = _STATUS.search(written)
    own = next((each for each in reversed(said) if not each.endswith(".0.0")), "")
    if given is None:
        return own or next(iter(said), "")
    general = given[2] == given[3] == "0"
    differs = not own.startswith(given[1]) or (given[1] == "4" and not general)
    return given[0] if differs else own


def verdict(action: str, written: str, words: str, stage: Stage = "") -> Kind:
    """What follows for the recipient.

    action: RFC 3464, section 2.3.3, in lower case. written: the Status field of the report, ""
    without one. words: the server's reply, with its codes, on one line. stage: of the reply; ""
    if only the words can show it.
    """
    given = [match[0] for match in _STATUS.finditer(written)][:1]
    if action in _NO_FAILURE or any(status.startswith("2") for status in given):
        return "nothing"
    return "permanent" if _is_gone(given, words, stage or stage_in(words)) else "temporary"


def gives_a_reason(words: str) -> bool:
    """Whether a text is, or quotes, a server's reply, or says why a mail did not arrive."""
    codes = _STATUS.search(words) or _REPLY.search(words)
    return bool(codes) or about_something_else(words) or names_no_mailbox(words)


def is_gone(code: int, words: str, stage: Stage) -> bool:
    """Whether the reply `code` `words` to a command of ours says that there is no such mailbox."""
    return verdict("failed", "", f"{code} {words}", stage) == "permanent"


def is_for_us(code: int, words: str) -> bool:
    """Whether the reply `code` `words` to RCPT refuses us, whoever the recipient is.

    Many servers say only then that they accept no mail from this connection, for example without a
    login (530: RFC 4954, section 6; "Relay access denied").
    """
    return code // 10 == 53 or (code >= 500 and refuses_to_relay(words))


def _is_gone(given: Sequence[str], words: str, stage: Stage) -> bool:
    said = [match[0] for match in _STATUS.finditer(words)]
    if stage == "session" or not _all_permanent([*given, *said, *_REPLY.findall(words)]):
        return False
    own = _innermost(words)
    own_said = [match[0] for match in _STATUS.finditer(own)]
    details = _telling(own_said or given)
    if len(details) == 1 and _is_microsofts(details[0], own):
        return stage != "data"
    if about_something_else(words) or not all(map(_may_be_gone, _telling([*own_said, *said]))):
        return False
    confirmed = all(detail in _NO_MAILBOX for detail in details) and bool(details)
    if own_said and confirmed:
        return True
    # After the mail itself, filters say "user unknown" about mail that they reject.
    if stage == "data" or not all(map(_may_be_gone, details)):
        return False
    if confirmed:  # by a relay
        return not words or names_no_mailbox(own)
    answered = _REPLY.search(own) is not None
    return answered and names_no_mailbox(own, surely=stage != "recipient")


def _innermost(words: str) -> str:
    """The last reply in `words`, without what relays put around it.

    The lines of a reply have the same code and, but for the last, a hyphen after it.
    """
    replies = list(_REPLY.finditer(words))
    start = replies[-1].start() if replies else 0
    for line in reversed(replies[:-1]):
        if line[0] != replies[-1][0] or words[line.end()] != "-":
            break
        start = line.start()
    return words[start:]


def _telling(codes: Sequence[str]) -> list[str]:
    """Subjects and details, without those that say nothing (0.x) where another does."""
    details = [code[2:] for code in codes]
    return [detail for detail in details if not detail.startswith("0.")] or details


def _may_be_gone(detail: str) -> bool:
    return detail in _NO_MAILBOX or _UNDECIDED.fullmatch(detail) is not None


def _all_permanent(codes: Sequence[str]) -> bool:
    """Whether each code, of three digits or RFC 3463, can say that a mailbox is gone for good."""
    fine = (code.startswith("5.") or _MAILBOX_REPLIES.fullmatch(code) for code in codes)
    return bool(codes) and all(fine)


def _is_microsofts(detail: str, words: str) -> bool:
    meant = _MICROSOFT.get(detail)
    if meant is None or not meant.search(words):
        return False
    return not about_something_else(meant.sub("", words))
