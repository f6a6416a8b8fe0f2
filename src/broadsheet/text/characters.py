"""The characters that XML forbids or discourages; no output has them.

XML 1.0, section 2.2, forbids the C0 controls except tab and line ends, the surrogates, U+FFFE and
U+FFFF. It allows the C1 controls and the other noncharacters (Unicode, section 23.7) but
discourages them, and validators report them.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

_PLANES = "".join(f"{chr(plane << 16)}-{chr(plane << 16 | 0xFFFD)}" for plane in range(1, 17))
_OTHERS = rf"\t\n\r -~\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd{_PLANES}"


def printable(text: str) -> str:
    """Return `text` without those characters."""
    # Matching the others takes less time than searching for these.
    return text if _others().fullmatch(text) else _forbidden().sub("", text)


# Compiling takes longer than many runs that read no text have.
@cache
def _others() -> re.Pattern[str]:
    return re.compile(f"[{_OTHERS}]*")


@cache
def _forbidden() -> re.Pattern[str]:
    return re.compile(f"[^{_OTHERS}]")


# Combining marks, among others (`\w` does not match them); no language has so many in a row.
_ENDLESS = re.compile(r"([^\w\s\x00-\x7f]{100,})")


def composed(text: str) -> str:
    """Return `text` in the Unicode form NFC (UAX #15), except very long runs of combining marks.

    Python needs quadratic time to sort these.
    """
    if text.isascii():
        return text
    if not any(map(unicodedata.combining, text[::100])):  # a run of 100 includes one of these
        return unicodedata.normalize("NFC", text)
    parts = _ENDLESS.split(text)
    parts[::2] = [unicodedata.normalize("NFC", part) for part in parts[::2]]
    return "".join(parts)


def forbidden(text: str) -> list[str]:
    """Return those characters of `text`, in order."""
    return _forbidden().findall(text)
