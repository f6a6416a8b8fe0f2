"""The characters that XML forbids or discourages; no output has them.

XML 1.0, section 2.2, forbids the C0 controls except tab and line ends, the surrogates, U+FFFE and
U+FFFF. It allows the C1 controls and the other noncharacters (Unicode, section 23.7) but
discourages them, and validators report them.
"""

from __future__ import annotations

import re
import unicodedata

_PLANES = "".join(f"{chr(plane << 16)}-{chr(plane << 16 | 0xFFFD)}" for plane in range(1, 17))
_OTHERS = rf"\t\n\r -~\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd{_PLANES}"
_FORBIDDEN = re.compile(f"[^{_OTHERS}]")
_PRINTABLE = re.compile(f"[{_OTHERS}]*")  # matching all takes less time than searching for others


def printable(text: str) -> str:
    """Return `text` without those characters."""
    return text if _PRINTABLE.fullmatch(text) else _FORBIDDEN.sub("", text)


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
    return _FORBIDDEN.findall(text)
