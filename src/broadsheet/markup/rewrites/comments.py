"""Obsidian's comments `%%...%%` are taken out (https://help.obsidian.md/syntax#Comments).

One that begins a line may have blank lines and code in it; any other ends in its paragraph.
"""

from __future__ import annotations

import re

from broadsheet.markup.code import outside_code

_MARK = re.compile(r"(?<![\\%])%%(?!%)")
_NOT_OPENING = re.compile(r"[\d/=]")  # `5%%`, or an address
_LINE_START = re.compile(r"\n[ \t>]*\Z")
_INDENT = 80  # characters before a comment that begins a line: a bound on what is looked at
_BLANK_LINE = re.compile(r"\n[ \t>]*\n")
_NOT_LINE_END = re.compile(r"[^\n]+")


def remove_comments(text: str) -> str:
    """Return `text` without its comments, with as many lines."""
    if "%%" not in text:
        return text
    parts: list[str] = []
    end, opening = 0, -1
    for place in _marks(text):
        if opening >= 0 and _is_closed(text, opening, place):
            parts += [text[end:opening], _NOT_LINE_END.sub("", text[opening : place + 2])]
            end, opening = place + 2, -1
        elif not _NOT_OPENING.match(text[max(place - 1, 0) : place]):
            opening = place
    return "".join([*parts, text[end:]])


def _marks(text: str) -> list[int]:
    """Return the place of each `%%` outside code."""
    return [
        start + found.start()
        for start, stop in outside_code(text)
        for found in _MARK.finditer(text[start:stop])
    ]


def _is_closed(text: str, opening: int, place: int) -> bool:
    """Whether the mark at `place` may end the comment that begins at `opening`."""
    before = "\n" * (opening <= _INDENT) + text[max(opening - _INDENT, 0) : opening]
    begins_line = _LINE_START.search(before) is not None
    return begins_line or not _BLANK_LINE.search(text, opening, place)
