"""Where code is in Markdown, well enough to leave it alone (CommonMark 0.31, 4.5 and 6.1)."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

_FENCE = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(`{3,}(?=[^`]*$)|~{3,})")
_POINT = re.compile(
    r"^[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(?P<fence>`{3,}(?=[^`\n]*$)|~{3,})|(?P<ticks>`+)",
    re.MULTILINE,
)
_TICKS = re.compile(r"`+")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")


def is_code(lines: list[str]) -> list[bool]:
    """Return for each of `lines` whether it is part of a fenced code block, its fences too."""
    found: list[bool] = []
    mark = ""
    for line in lines:
        fence = _FENCE.match(line)
        if mark:
            found.append(True)
            if fence and fence[1].startswith(mark) and not line[fence.end() :].strip():
                mark = ""
        else:
            found.append(bool(fence))
            mark = fence[1] if fence else ""
    return found


def outside_code(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each part of `text` that is in no code block or span."""
    places: dict[int, list[int]] = {}
    for run in _TICKS.finditer(text):
        places.setdefault(len(run[0]), []).append(run.start())
    at = 0
    while point := _POINT.search(text, at):
        yield at, point.start()
        if point["fence"]:
            at = _end_of_fence(text, point)
        else:
            at = _end_of_span(text, point, places)
            if at == point.end():  # nothing closes it: the backticks are text
                yield point.start(), at
    yield at, len(text)


def _end_of_fence(text: str, opening: re.Match[str]) -> int:
    mark = opening["fence"]
    end = re.compile(rf"^[ \t>]*{mark[0]}{{{len(mark)},}}[ \t]*$", re.MULTILINE)
    found = end.search(text, opening.end())
    return found.end() if found else len(text)


def _end_of_span(text: str, ticks: re.Match[str], places: dict[int, list[int]]) -> int:
    """Return where the code that `ticks` open ends, or where they end where nothing closes it."""
    same = places[len(ticks[0])]
    following = bisect_left(same, ticks.end())
    if following == len(same):
        return ticks.end()
    closing = same[following]
    if _BLANK_LINE.search(text, ticks.end(), closing):
        return ticks.end()
    return closing + len(ticks[0])
