"""Lines for plain text mail: wrapped by display width, in scripts with and without spaces.

A simple form of UAX #14: a line may end at a space, or beside a wide character, but no line begins
with closing punctuation or ends with opening punctuation where that can be helped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from wcwidth import wcwidth

from broadsheet.text.plain import width

COLUMNS = 72

_NEVER_FIRST = frozenset(
    "、。，．：；！？）》」』】〕〉］｝〗〙”’…‥—–·・～〜ー々ゝゞヽヾ％‰℃°,.:;!?)]}%»›"
    "ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ"
)
_NEVER_LAST = frozenset("（《「『【〔〈［｛〖〘“‘([{«‹$¥￥£€#＃@")
_JOINER = "\u200d"
_MARKER = re.compile(r"( *)((?:\[\d+\]|[*•·-]) +)?")


def wrap(line: str, columns: int = COLUMNS) -> list[str]:
    """Return `line` as lines of at most `columns`.

    Later lines are indented like the first, or like its text if it begins with a mark such as
    "[1] ". A URL is never broken.
    """
    found = _MARKER.match(line)
    first = found[0] if found else ""
    text = line[len(first) :].rstrip(" ")
    indent = " " * width(first)
    if text and len(indent) + width(text) <= columns:  # most lines
        return [first + text]
    lines = _fill(list(_pieces(text)), columns - len(indent))
    return [(indent if number else first) + text for number, text in enumerate(lines)] or [""]


def _fill(pieces: list[str], columns: int) -> list[str]:
    """Return lines filled with `pieces`, each of which ends with its spaces."""
    lines: list[str] = []
    current = ""
    for piece in (part for whole in pieces for part in _fitting(whole, columns)):
        if current and width(current + piece.rstrip(" ")) > columns:
            lines.append(current.rstrip(" "))
            current = ""
        current += piece
    return [*lines, current.rstrip(" ")] if current.strip(" ") else lines


def _pieces(text: str) -> Iterator[str]:
    """Yield the pieces of `text` between which a line may end."""
    start = 0
    for index in range(1, len(text)):
        if _may_break(text[index - 1], text[index]):
            yield text[start:index]
            start = index
    if text:
        yield text[start:]


def _may_break(before: str, after: str) -> bool:
    """Whether a line may end between two neighbours."""
    if after == " " or after in _NEVER_FIRST or before in _NEVER_LAST:
        return False
    if before == " ":
        return True
    if before == _JOINER or wcwidth(after) == 0 or "\U0001f3fb" <= after <= "\U0001f3ff":
        return False  # one user-perceived character
    return wcwidth(before) == 2 or wcwidth(after) == 2


def _fitting(piece: str, columns: int) -> Iterator[str]:
    """Yield `piece`, cut anywhere if it is wider than a line and not a URL."""
    if "://" in piece or piece.startswith("mailto:") or width(piece.rstrip(" ")) <= columns:
        yield piece
        return
    current = ""
    for char in piece:
        if current and wcwidth(char) > 0 and width(current + char.rstrip(" ")) > columns:
            yield current
            current = ""
        current += char
    yield current
