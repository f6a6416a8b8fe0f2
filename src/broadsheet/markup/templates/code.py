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
_LIST_ITEM = re.compile(r"[ \t]*(?P<mark>[-*+]|\d{1,9}[.)]|(?P<note>\[\^[^\]\n]*\]:))(?:[ \t]|$)")
_INDENT = 4  # columns


class Walk:
    """Finds code, and the marks that are not in code.

    mark: a pattern, without named groups of the names above, of what else to stop at; its group
    `mark` is set where it matches. code: whether to look for code at all. elements: whether
    `<pre>` and the like are code.
    """

    def __init__(
        self, text: str, mark: str = "", *, code: bool = True, elements: bool = True
    ) -> None:
        self._text = text
        parts = [*([_ESCAPE, _CODE] * code), _ELEMENTS * (code and elements), mark]
        self._point = re.compile("|".join(filter(None, parts)), re.MULTILINE | re.IGNORECASE)
        self._absent: set[str] = set()  # what closes something and does not occur any more
        self._paragraph_end = -1
        self._ends: dict[str, int] = {}  # what is outside a quote or list item -> next place
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
        fence, lead, limit = opening["fence"], opening["lead"], len(self._text)
        if lead.strip():
            column = len(lead.expandtabs(4))
            outside = r"^(?![ \t]*>)" if ">" in lead else rf"^[ \t]{{0,{column - 1}}}[^\s]"
            line = self._text.find("\n", opening.end()) + 1 or limit
            if outside not in self._ends or self._ends[outside] < line:
                found = re.compile(outside, re.MULTILINE).search(self._text, line)
                self._ends[outside] = found.start() if found else limit
            limit = self._ends[outside]
        closing = re.compile(rf"^[ \t>]*{fence[0]}{{{len(fence)},}}[ \t]*$", re.MULTILINE)
        found = closing.search(self._text, opening.end(), limit)
        return found.end() if found else limit

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
    code = [*_found(text), *(_indented(text) if indented else ())]
    at = 0
    for start, end in (*sorted(code), (len(text), len(text))):
        if at < start:
            yield at, start
        at = max(at, end)


def _found(text: str) -> Iterator[tuple[int, int]]:
    walk, at = Walk(text), 0
    while point := walk.next(at):
        yield point[:2]
        at = point[1]


def _indented(text: str) -> Iterator[tuple[int, int]]:
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
