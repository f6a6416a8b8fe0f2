"""Where a Markdown text is code (CommonMark 0.31, sections 4.4, 4.5 and 6.1).

Every step takes time proportional to the length of the text: what nothing closes is searched for
once.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

# Where code may begin; each walk adds what it looks for itself.
_CODE = (
    r"^(?P<lead>[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*)(?P<fence>`{3,}(?=[^`\n]*$)|~{3,})"
    r"|(?P<ticks>`+)|(?P<comment><!--)"
)
_ELEMENTS = r"<(?P<element>pre|code|script|style|textarea)(?=[\s>])"
_ESCAPE = r"(?P<escape>\\[`\\<])"
_TICKS = re.compile(r"`+")
_BLOCK = re.compile(
    r"\n[ \t>]*(?:\n|\Z|[-*+][ \t]|\d{1,9}[.)][ \t]|#{1,6}[ \t]|`{3,}[^`\n]*$|~{3,})", re.MULTILINE
)
_UNQUOTED = re.compile(r"^(?![ \t]*>)", re.MULTILINE)
_LIST_ITEM = re.compile(r"[ \t]*(?P<mark>[-*+]|\d{1,9}[.)]|(?P<note>\[\^[^\]\n]*\]:))(?:[ \t]|$)")
_INDENT = 4  # columns


class Walk:
    """Finds code, and the marks that are not in code.

    mark: a pattern, without named groups of the names above, of what else to stop at; its group
    `mark` is set where it matches. mdx: whether `<pre>` and its like have Markdown in them.
    """

    def __init__(self, text: str, mark: str = "", *, mdx: bool = False) -> None:
        self._text = text
        parts = [_ESCAPE, _CODE, "" if mdx else _ELEMENTS, mark]
        self._point = re.compile("|".join(filter(None, parts)), re.MULTILINE | re.IGNORECASE)
        self._absent: set[str] = set()  # what closes something and does not occur any more
        self._paragraph_end = self._quote_end = -1
        self._ticks: dict[int, list[int]] = {}  # length of a run of backticks -> places
        for run in _TICKS.finditer(text):
            self._ticks.setdefault(len(run[0]), []).append(run.start())

    def next(self, at: int) -> tuple[int, int, bool] | None:
        """Return the next code or mark from `at` on: start, end, and whether it is a mark.

        None: there is neither. Positions must not decrease between calls.
        """
        while point := self._point.search(self._text, at):
            kind = point.lastgroup
            if kind == "escape":
                at = point.end()
                continue
            if kind in {"fence", "ticks", "comment", "element"}:
                if end := self._end_of_code(point, kind):
                    return point.start(kind) if kind == "fence" else point.start(), end, False
                at = point.end()
                continue
            return point.start(), point.end(), True
        return None

    def _end_of_code(self, point: re.Match[str], kind: str) -> int:
        """The end of the code that begins at `point`; 0 if nothing closes it."""
        if kind == "fence":
            return self._end_of_fence(point)
        if kind == "ticks":
            return self._end_of_ticks(point)
        if kind == "comment":
            return self._find("-->", point.start() + 2)
        return self._find(f"</{point['element'].lower()}", point.end())

    def _find(self, closing: str, start: int) -> int:
        if closing in self._absent:
            return 0
        found = re.compile(re.escape(closing), re.IGNORECASE).search(self._text, start)
        if not found:
            self._absent.add(closing)
        return found.end() if found else 0

    def _end_of_fence(self, opening: re.Match[str]) -> int:
        """A fence that nothing closes ends with its block quote, list item or text."""
        fence, lead = opening["fence"], opening["lead"]
        limit = len(self._text)
        if ">" in lead:
            limit = self._end_of_quote(opening.end())
        elif lead.strip():
            column = len(lead.expandtabs(4))
            outside = re.compile(rf"^[ \t]{{0,{column - 1}}}[^\s]", re.MULTILINE)
            found = outside.search(self._text, self._line_end(opening.end()))
            limit = found.start() if found else limit
        closing = re.compile(rf"^[ \t>]*{fence[0]}{{{len(fence)},}}[ \t]*$", re.MULTILINE)
        found = closing.search(self._text, opening.end(), limit)
        return found.end() if found else limit

    def _line_end(self, at: int) -> int:
        end = self._text.find("\n", at)
        return len(self._text) if end < 0 else end + 1

    def _end_of_quote(self, at: int) -> int:
        if at >= self._quote_end:
            found = _UNQUOTED.search(self._text, self._line_end(at))
            self._quote_end = found.start() if found else len(self._text)
        return self._quote_end

    def _end_of_ticks(self, opening: re.Match[str]) -> int:
        """A code span ends within its paragraph, at a run as long as the one it began with."""
        start = opening.end()
        if start > self._paragraph_end:
            found = _BLOCK.search(self._text, start)
            self._paragraph_end = found.start() if found else len(self._text)
        places = self._ticks.get(len(opening[0]), [])
        following = bisect_left(places, start)
        if following < len(places) and places[following] < self._paragraph_end:
            return places[following] + len(opening[0])
        return 0


def outside_code(text: str, *, indented: bool = True) -> Iterator[tuple[int, int]]:
    """Yield start and end of each part of `text` that is not code, comment or `<pre>`.

    indented: whether lines indented by four columns after a blank line are code, too.
    """
    walk, at = Walk(text), 0
    cuts = _indented(text) if indented else []
    while point := walk.next(at):
        yield from _without(at, point[0], cuts)
        at = point[1]
    yield from _without(at, len(text), cuts)


def _without(start: int, end: int, cuts: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the parts between `start` and `end` outside `cuts`."""
    first = bisect_left(cuts, (start, start))
    if first and cuts[first - 1][1] > start:
        start = cuts[first - 1][1]
    for cut_start, cut_end in cuts[first:]:
        if cut_start >= end:
            break
        if start < cut_start:
            yield start, cut_start
        start = cut_end
    if start < end:
        yield start, end


def _indented(text: str) -> list[tuple[int, int]]:
    """Lines indented after a blank line, by four columns more than the list they belong to."""
    if "\n    " not in text and "\t" not in text and not text.startswith("    "):
        return []
    found: list[tuple[int, int]] = []
    blank, code, column, at = True, False, 0, 0  # column: of the text of a list item, if in one
    for line in text.split("\n"):
        end = at + len(line)
        if line.strip():
            indent = _columns(line)
            deep = indent >= column + _INDENT
            # A list in a list may be indented by as much as code is.
            item = None if deep and (code or not column) else _LIST_ITEM.match(line)
            code = deep and not item and (blank or code)
            if code:
                found.append((at, end))
            elif item:
                column = _INDENT if item["note"] else indent + len(item["mark"]) + 1
            elif blank and not indent:
                column = 0
        blank = not line.strip()
        at = end + 1
    return found


def _columns(line: str) -> int:
    """The columns of white space that `line` begins with; a tab reaches the next fourth one."""
    white = line[: len(line) - len(line.lstrip())]
    return len(white.expandtabs(4)) if "\t" in white else len(white)
