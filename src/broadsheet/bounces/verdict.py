"""Whether what a server said of a recipient is for good (RFC 3463, and what servers really say)."""

from __future__ import annotations

import re

from broadsheet.bounces.report import Kind

_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_REPLY = re.compile(r"(?<![\d.])([45])\d\d(?=[ -])")

# About the mail, its sender or the moment, not about the address. RFC 3463 and what Exchange adds:
# x.1.7, x.1.8 the sender's address; x.2.2 full; x.2.3 too big; x.3 the other system; x.4.6, x.4.14
# a loop; x.4.7, x.4.300 expired; x.5 the protocol, but x.5.0 is what Outlook.com says of a mailbox
# that is none; x.6 content; x.7 policy, but x.7.17 and x.7.18 (RFC 7293) say that someone else has
# the address now.
_PASSING = re.compile(
    r"1\.[78]|2\.[23]|3\.\d+|4\.(?:6|7|14|300)|5\.[1-9]\d*|6\.\d+|7\.(?!1[78]$)\d+"
)
# Where the code tells nothing (Exim's 5.0.0, Chinese providers) the words do.
_PASSING_WORDS = re.compile(
    r"spam|junk|black ?list|block(?:ed|list)|\bpolicy\b|\bcontent\b|denied|virus|malware|reputation"
    r"|\b(?:dmarc|spf|dkim|rate|full)\b|frequency|too (?:many|much|large|big|frequent)|quota"
    r"|exceed|size limit|expired|timed? ?out|\b(?:DT|HL|MI|RP|IP|RTE?):[A-Z]{3}\b"
    r"|垃圾|频率|超限|已满",
    re.IGNORECASE,
)


def status_of(written: str, words: str) -> str:
    """The status code; a general one (Exim writes only 5.0.0) gives way to the server's own."""
    given, said = _STATUS.search(written), _STATUS.search(words)
    if given is None:
        return said[0] if said else ""
    general = given[2] == given[3] == "0"
    return said[0] if general and said and said[1] == given[1] else given[0]


def verdict(action: str, status: str, words: str) -> Kind:
    """What follows for the recipient. action: RFC 3464, section 2.3.3, in lower case."""
    if action in {"delayed", "delivered", "relayed", "expanded"} or status.startswith("2"):
        return "nothing"  # delayed: the other server still tries, and will report how it ends
    reply = _REPLY.search(words)
    family = status[:1] or (reply[1] if reply else "")
    return "permanent" if family == "5" and not _passing(status, words) else "temporary"


def _passing(status: str, words: str) -> bool:
    """Whether a 5.x.x is no reason to end the address: one issue that a filter dislikes must not
    end everyone at that provider. It counts; who cannot be reached time and again ends too."""
    detail = status[2:]
    if detail in {"", "0.0"}:
        return _PASSING_WORDS.search(words) is not None
    return _PASSING.fullmatch(detail) is not None
