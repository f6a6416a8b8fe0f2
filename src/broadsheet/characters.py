"""The characters that no text of ours may hold, since XML forbids or discourages them.

XML 1.0, section 2.2, forbids the C0 controls but tab and line ends, the surrogates, U+FFFE and
U+FFFF. It allows the C1 controls but discourages them, and validators report them.
"""

from __future__ import annotations

import re

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def printable(text: str) -> str:
    """`text` without those characters."""
    return _FORBIDDEN.sub("", text)


def forbidden(text: str) -> list[str]:
    """Those characters of `text`, in their order."""
    return _FORBIDDEN.findall(text)
