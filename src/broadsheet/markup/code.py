"""Where a Markdown text is code (CommonMark 0.31, sections 4.4, 4.5 and 6.1).

Every step takes time proportional to the length of the text: a missing end is searched for once.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import cache, cached_property
from typing import Final, Literal, NamedTuple

# Each alternative begins with a character, without a group or a repetition: `re` then skips
# ahead to the next of these characters, and is ten times as fast.
_CODE = r"\\[`\\<]|``*|~~~~*|<!--"
_ELEMENTS = r"<(?:pre|code|script|style|textarea)(?=[\s>])"
_ESCAPES = ("\\`", "\\\\", "\\<")
_LEAD = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*")
_LONGEST_LEAD = 200  # characters before a fence
_TICKS = re.compile(r"`+")
_BLOCK = re.compile(
    r"\n[ \t>]*(?:\n|\Z|[-*+][ \t]|\d{1,9}[.)][ \t]|#{1,6}[ \t]|`{3,}[^`\n]*$|~{3,})", re.MULTILINE
)
MAY_BE_INDENTED: Final = re.compile(r"\n[ \t>]*(?:#[^\n]*)?\n(?:[ >]{4}|[ >]{0,3}\t)")
"""Finds a line that may be indented code, in a text after two line ends."""
_LIST_ITEM = re.compile(r"[ \t]*(?P<mark>[-*+]|\d{1,9}[.)]|(?P<note>\[\^[^\]\n]*\]:))(?:[ \t]|$)")
_INDENT = 4  # columns


class Span(NamedTuple):
    """A part of a text, by two offsets.

    element: from the start tag of `<pre>` and the like to its end tag.
    mark: something else that the walk looks for.
    """

    start: int
    end: int
    kind: Literal["fence", "ticks", "comment", "element", "mark"]


@cache
def _pattern(marks: str, code: bool, elements: bool) -> re.Pattern[str]:
    parts = [_CODE * code, _ELEMENTS * (code and elements), marks]
    return re.compile("|".join(filter(None, parts)), re.IGNORECASE)


class Walk:
    """Finds code, and marks that are not in code.

    marks: a pattern of what else to stop at. code: whether to look for code at all. elements:
    whether `<pre>` and the like are code.
    """

    def __init__(
        self, text: str, marks: str = "", *, code: bool = True, elements: bool = True
    ) -> None:
        self._text = text
        self._point = _pattern(marks, code, elements)
        self._absent: set[str] = set()  # what ends something and does not occur any more
        self._paragraph_end = -1
        self._ends: dict[str, int] = {}  # what is outside a quote or list item -> next place

    def next(self, at: int) -> Span | None:
        """Return the next span at or after `at`; None if there is none.

        `at` must not decrease between calls.
        """
        while point := self._point.search(self._text, at):
            found = point[0]
            if found[0] in "`~" or found == "<!--" or (found[0] == "<" and len(found) > 1):
                if span := self._code(point):
                    return span
            elif found not in _ESCAPES:
                return Span(point.start(), point.end(), "mark")
            at = point.end()
        return None

    def _code(self, point: re.Match[str]) -> Span | None:
        """Return the code that begins at `point`; None if there is none, or it has no end."""
        found, (start, end) = point[0], point.span()
        if found[0] in "`~" and (lead := self._lead(point)) is not None:
            return Span(start, self._end_of_fence(found, lead, end), "fence")
        if found[0] == "`" and (stop := self._end_of_ticks(len(found), end)):
            return Span(start, stop, "ticks")
        if found == "<!--" and (stop := self._find("-->", start + 2)):
            return Span(start, stop, "comment")
        if found[0] == "<" and (stop := self._find(f"</{found[1:].lower()}", end)):
            return Span(start, stop, "element")
        return None

    def _lead(self, run: re.Match[str]) -> str | None:
        """Return what is before a fence on its line; None if `run` is not a fence."""
        if len(run[0]) < 3:
            return None
        line = self._text.rfind("\n", max(run.start() - _LONGEST_LEAD, 0), run.start()) + 1
        lead = self._text[line : run.start()]
        if len(lead) > _LONGEST_LEAD or not _LEAD.fullmatch(lead):
            return None
        info = self._text[run.end() : (self._text.find("\n", run.end()) + 1 or None)]
        return None if "`" in run[0] and "`" in info else lead

    def _find(self, closing: str, start: int) -> int:
        if closing in self._absent:
            return 0
        found = re.compile(re.escape(closing), re.IGNORECASE).search(self._text, start)
        if not found:
            self._absent.add(closing)
        return found.end() if found else 0

    def _end_of_fence(self, fence: str, lead: str, start: int) -> int:
        """A fence that nothing closes ends with its block quote, list item or text."""
        limit = len(self._text)
        if lead.strip():
            column = len(lead.expandtabs(4))
            outside = r"^(?![ \t]*>)" if ">" in lead else rf"^[ \t]{{0,{column - 1}}}[^\s]"
            line = self._text.find("\n", start) + 1 or limit
            if outside not in self._ends or self._ends[outside] < line:
                found = re.compile(outside, re.MULTILINE).search(self._text, line)
                self._ends[outside] = found.start() if found else limit
            limit = self._ends[outside]
        closing = re.compile(rf"^[ \t>]*{fence[0]}{{{len(fence)},}}[ \t]*$", re.MULTILINE)
        found = closing.search(self._text, start, limit)
        return found.end() if found else limit

    @cached_property
    def _ticks(self) -> dict[int, list[int]]:
        """Length of a run of backticks -> the places of such runs."""
        places: dict[int, list[int]] = {}
        for run in _TICKS.finditer(self._text):
            places.setdefault(len(run[0]), []).append(run.start())
        return places

    def _end_of_ticks(self, length: int, start: int) -> int:
        """A code span ends within its paragraph, at a run as long as the one it began with."""
        if start > self._paragraph_end:
            found = _BLOCK.search(self._text, start)
            self._paragraph_end = found.start() if found else len(self._text)
        places = self._ticks.get(length, [])
        following = bisect_left(places, start)
        if following < len(places) and places[following] < self._paragraph_end:
            return places[following] + length
        return 0


def spans(text: str, marks: str = "") -> Iterator[Span]:
    """Yield the code in `text` that is not indented code, and the marks outside it, in order."""
    walk, at = Walk(text, marks), 0
    while span := walk.next(at):
        yield span
        at = span.end


def outside_code(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each part of `text` that is not code, comment or `<pre>`."""
    code = [(span.start, span.end) for span in spans(text)]
    if MAY_BE_INDENTED.search("\n\n" + text):
        code = sorted([*code, *indented(text)])
    at = 0
    for start, end in (*code, (len(text), len(text))):
        if at < start:
            yield at, start
        at = max(at, end)


def indented(text: str) -> Iterator[tuple[int, int]]:
    """Yield lines indented after a blank line, by four columns more than their list."""
    is_blank, is_code, column, at = True, False, 0, 0  # column: of the text of a list item
    for line in text.split("\n"):
        if line.strip():
            columns = line.expandtabs(4)
            indent = len(columns) - len(columns.lstrip())
            is_deep = indent >= column + _INDENT
            # A list in a list may be indented by as much as code is.
            item = None if is_deep and (is_code or not column) else _LIST_ITEM.match(line)
            is_code = is_deep and not item and (is_blank or is_code)
            if is_code:
                yield at, at + len(line)
            elif item:
                column = _INDENT if item["note"] else indent + len(item["mark"]) + 1
            elif is_blank and not indent:
                column = 0
        is_blank = not line.strip()
        at += len(line) + 1


def fences(text: str) -> Iterator[tuple[int, int]]:
    """Yield for each fenced block of `text` its first line and the one after its last, from 0."""
    at = number = 0
    for span in spans(text) if "```" in text or "~~~" in text else ():
        if span.kind == "fence":
            number += text.count("\n", at, span.start)
            at = span.start
            # One without a closing fence ends where the next line begins.
            end = span.end - text.endswith("\n", at, span.end)
            yield number, number + text.count("\n", at, end) + 1


def fenced(text: str) -> list[bool]:
    """Return for each line of `text` whether it is part of a fenced block."""
    lines = [False] * (text.count("\n") + 1)
    for first, end in fences(text):
        lines[first:end] = [True] * (end - first)
    return lines
