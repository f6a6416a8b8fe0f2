"""Lines for plain text mail: wrapped by display width, in scripts with and without spaces.

A simple form of UAX #14: a line may end at a space, or beside a wide character, but no line begins
with closing punctuation or ends with opening punctuation where that can be helped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from broadsheet.text.plain import graphemes, width

COLUMNS = 72

_NEVER_FIRST = frozenset(
    "、。，．：；！？）》」』】〕〉］｝〗〙”’…‥—–·・～〜ー々ゝゞヽヾ％‰℃°,.:;!?)]}%»›"
    "ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ"
)
_NEVER_LAST = frozenset("（《「『【〔〈［｛〖〘“‘([{«‹$¥￥£€#＃@")
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
    piece = last = ""
    for each in graphemes(text):
        if piece and _may_break(last, each):
            yield piece
            piece = ""
        piece, last = piece + each, each
    if piece:
        yield piece


def _may_break(before: str, after: str) -> bool:
    """Whether a line may end between two user-perceived characters."""
    if after == " " or after in _NEVER_FIRST or before in _NEVER_LAST:
        return False
    return before == " " or 2 in (width(before), width(after))


def _fitting(piece: str, columns: int) -> Iterator[str]:
    """Yield `piece`, cut anywhere if it is wider than a line and not a URL."""
    if "://" in piece or piece.startswith("mailto:") or width(piece.rstrip(" ")) <= columns:
        yield piece
        return
    current = ""
    for each in graphemes(piece):
        if current and width(current + each.rstrip(" ")) > columns:
            yield current
            current = ""
        current += each
    yield current
