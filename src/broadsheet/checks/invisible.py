"""Invisible characters, where neither a script nor an emoji needs them (UTS #39, #51)."""

from __future__ import annotations

import re
from collections.abc import Callable
from unicodedata import bidirectional, category

# Embeddings, isolates and what ends them; then marks of direction.
_OVERRIDES = "\u202d\u202e"
_OPENING, _CLOSING = "\u202a\u202b\u2066\u2067\u2068", "\u202c\u2069"
_MARKS = "\u200e\u200f\u061c"
# Zero width space, word joiner and invisible operators, byte order mark, fillers, annotations.
_NEVER = "\u034f\u115f\u1160\u180e\u2060-\u2064\u206a-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
_TAGS = "\U000e0000-\U000e007f"
_SELECTORS = "\U000e0100-\U000e01ef"
_ANY = re.compile(
    f"[{_OVERRIDES}{_OPENING}{_CLOSING}{_MARKS}{_NEVER}{_TAGS}{_SELECTORS}\u200b\u200c\u200d]"
)
# Scripts whose letters join, or form clusters: Arabic to Sinhala, Myanmar, Khmer, Mongolian.
_JOINING = re.compile("[\u0600-\u0dff\u1000-\u109f\u1780-\u18af\ua840-\ua87f]")
# Scripts without spaces, in which a zero width space says where a line may end.
_UNSPACED = re.compile("[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u1aaf]")
_FLAG = "\U0001f3f4"
_FLAG_OF_TAGS = re.compile(f"{_FLAG}[\U000e0030-\U000e007e]{{1,9}}\U000e007f")
_VARIANT = "\ufe0f"


def invisible(text: str) -> list[str]:
    """Return the invisible characters of `text` that nothing needs, each once, in order."""
    if text.isascii() or not _ANY.search(text):
        return []
    plain = _FLAG_OF_TAGS.sub(_FLAG, text)
    right_to_left = any(bidirectional(char) in {"R", "AL"} for char in plain)
    directed = right_to_left and _is_balanced(plain)
    found = [
        each[0]
        for each in _ANY.finditer(plain)
        if not _is_needed(plain, each.start(), right_to_left, directed)
    ]
    return list(dict.fromkeys(found))


def _is_balanced(text: str) -> bool:
    """Whether each change of direction in `text` ends within it."""
    depth = 0
    for char in text:
        depth += (char in _OPENING) - (char in _CLOSING)
        if depth < 0:
            return False
    return depth == 0


def _is_needed(text: str, at: int, right_to_left: bool, directed: bool) -> bool:
    char, before, after = text[at], text[max(at - 1, 0) : at], text[at + 1 : at + 2]
    if char in _OPENING or char in _CLOSING:
        return directed
    if char in _MARKS:
        return right_to_left
    if char == "\u200b":
        return _either(_UNSPACED.match, before, after)
    if char == "\u200c":
        return bool(_JOINING.match(before))
    if char == "\u200d":
        return bool(_JOINING.match(before)) or (_is_emoji(before) and _is_emoji(after))
    if "\U000e0100" <= char <= "\U000e01ef":
        return bool(before) and category(before) == "Lo"
    return False


def _either(what: Callable[[str], object], before: str, after: str) -> bool:
    return bool(what(before) or what(after))


def _is_emoji(char: str) -> bool:
    return char == _VARIANT or (bool(char) and category(char) in {"So", "Sk", "Sm"})
