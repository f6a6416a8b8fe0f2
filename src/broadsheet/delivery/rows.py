"""CSV text (RFC 4180) -> rows of cells; a row that cannot be read costs itself and no other."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_DELIMITERS: Final = ",;\t|"
_QUOTED: Final = re.compile(r'"[^"]*"')
_HINT: Final = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)  # Excel's own first line


class Row(NamedTuple):
    """Cells that begin in `line` (1-based), or why there are none: `error`, "" if there are."""

    line: int
    cells: list[str]
    error: str = ""


def read_rows(text: str) -> Iterator[Row]:
    """Read the rows that are not empty.

    Commas, semicolons, tabs or bars separate the cells, whichever the first line has most of.
    """
    source = _Lines(text if "\n" in text else text.replace("\r", "\n"))
    delimiter = _delimiter(source)
    reader, width = _reader(source, delimiter), 0
    while True:
        at, line = source.at, source.line
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            cells = []
        if source.line > line + 1 and len(cells) != width and width:
            cells = []
        if any(cells):
            width = width or len(cells)
            yield Row(line, cells)
        elif not cells and not source.is_blank(at):
            # A quotation mark that nothing closes reaches far: go on with the very next line.
            yield Row(line, [], "the quotation marks do not match")
            source.at, source.line = at, line
            next(source)
            reader = _reader(source, delimiter)


class _Lines:
    """An iterator over the lines of a text that can be set back.

    at: where the next line begins, in characters. line: its number, 1-based.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self.at = 0
        self.line = 1

    def is_blank(self, at: int) -> bool:
        """Whether the line that begins there is empty."""
        return self._text[at : at + 1] in {"", "\n", "\r"}

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        start = self.at
        end = self._text.find("\n", start) + 1 or len(self._text)
        if start == end:
            raise StopIteration
        self.at = end
        self.line += 1
        return self._text[start:end]


def _delimiter(source: _Lines) -> str:
    """Find what separates the cells; a line that only says so is skipped."""
    first = next((line for line in source if line.strip()), "")
    if hint := _HINT.fullmatch(first):
        return hint[1]
    source.at, source.line = 0, 1
    return max(_DELIMITERS, key=_QUOTED.sub("", first).count)


def _reader(source: _Lines, delimiter: str) -> Iterator[list[str]]:
    return csv.reader(source, delimiter=delimiter, skipinitialspace=True, strict=True)
