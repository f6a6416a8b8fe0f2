"""Replace parts of a text, and trace each line of the result to its source."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct

from broadsheet.markup.errors import TooComplex
from broadsheet.text.characters import printable

MAX_EDITS: Final = 100_000
"""Edits of one article. Each takes some microseconds."""
_GAP = re.compile(r"\n[ \t]*\n[ \t\n]*<")


class Unknown(Struct, frozen=True):
    """A tag that could not be resolved.

    name: as written, such as `chart`, `include toc.html` or `site.repository`.
    line: its 1-based line in the body.
    can_define: whether a template in the config could resolve it.
    """

    name: str
    line: int
    can_define: bool = False


class Expanded(Struct, frozen=True):
    """A body without its templates.

    text: Markdown. unknown: what could not be resolved, in the order of the body.
    source_line: maps a 1-based line of `text` to the 1-based line of the body it came from.
    is_mdx: whether the body was MDX.
    """

    text: str
    unknown: tuple[Unknown, ...]
    source_line: Callable[[int], int]
    is_mdx: bool = False


class Editor:
    """Collects edits of a text, and what could not be resolved in it, both in order."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.unknown: list[Unknown] = []
        self.end = 0  # of the last edit
        self._edits: list[tuple[int, int, str]] = []
        self._number, self._counted = 1, 0

    def replace(self, start: int, end: int, text: str = "") -> None:
        """Put `text` in place of what is between two offsets. Raises TooComplex."""
        self._edits.append((start, end, text))
        if len(self._edits) > MAX_EDITS:
            raise TooComplex("too many template tags", "split the article")
        self.end = end

    def report(self, name: str, at: int, *, can_define: bool = False) -> None:
        """Record that what is at offset `at` could not be resolved."""
        self._number += self.text.count("\n", self._counted, at)
        self._counted = at
        found = Unknown(" ".join(name.split())[:80], self._number, can_define)
        if self.unknown[-1:] != [found]:
            self.unknown.append(found)

    def expanded(self) -> Expanded:
        """Return the edited text."""
        lines, numbers, written = _apply(self.text, self._edits)
        if _GAP.search("\n".join(lines)):
            lines, numbers = _close_gaps(lines, numbers, written, self.text.split("\n"))
        return Expanded(
            printable("\n".join(lines)),  # values from front matter may have any character
            tuple(self.unknown),
            lambda line: numbers[min(line, len(numbers)) - 1],
        )


def _apply(
    source: str, edits: Iterable[tuple[int, int, str]]
) -> tuple[list[str], list[int], set[int]]:
    """Return the lines of the result, the source line of each, and which have text of an edit."""
    parts: list[str] = []
    numbers: list[int] = [0]  # 0: nothing is on the line yet
    written: set[int] = set()
    at, number = 0, 1
    for start, end, text in (*edits, (len(source), len(source), "")):
        parts += [source[at:start], text]
        for part, step in ((parts[-2], 1), (text, 0)):
            more = part.count("\n")
            numbers[-1] = numbers[-1] or (number if part else 0)
            numbers += [number + step * each for each in range(1, more + 1)]
            numbers[-1] = 0 if part.endswith("\n") else numbers[-1]
            number += more * step
        written.update(range(len(numbers) - text.count("\n") - 1, len(numbers)) if text else ())
        number += source.count("\n", start, end)
        at = end
    return "".join(parts).split("\n"), [each or number for each in numbers], written


def _close_gaps(
    lines: list[str], numbers: list[int], written: set[int], source: list[str]
) -> tuple[list[str], list[int]]:
    """Drop lines that edits left blank between two lines of HTML.

    A blank line would end the HTML block (CommonMark 0.31, section 4.6).
    """
    kept: list[int] = []
    gap: list[int] = []
    for index, line in enumerate(lines):
        if not line.strip() and index not in written and source[numbers[index] - 1].strip():
            gap.append(index)
            continue
        is_inside = kept and all(each.lstrip()[:1] == "<" for each in (lines[kept[-1]], line))
        kept += [index] if is_inside else [*gap, index]
        gap = []
    kept += gap
    return [lines[index] for index in kept], [numbers[index] for index in kept]
