"""A text that grows from parts of another, and knows which line each of its lines came from."""

from __future__ import annotations

import re
from bisect import bisect_left
from operator import itemgetter

_NOT_SPACE = re.compile(r"\S|\Z")


class Output:
    """The text so far. source: what its parts are taken from."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._parts: list[str] = []
        # Of each part: its line here, its line there, whether its lines go on there as they do
        # here, and whether it ends a line.
        self._lines: list[tuple[int, int, bool, bool]] = []
        self._line = self._source_line = 1
        self._at = 0  # where `_source_line` was counted to
        self._base: int | None = None  # the part that an address of the site's root begins at

    def line_at(self, at: int) -> int:
        """The 1-based line of a place in the source. Places must not decrease between loops."""
        if at >= self._at:
            self._source_line += self._source.count("\n", self._at, at)
        else:
            self._source_line -= self._source.count("\n", at, self._at)
        self._at = at
        return self._source_line

    def keep(self, start: int, end: int) -> None:
        """Add a part of the source as it is."""
        if start < end:
            self._add(self._source[start:end], start, goes_on=True)

    def put(self, text: str, at: int) -> None:
        """Add `text`, which stands for what is at `at` in the source."""
        if text:
            self._add(text, at, goes_on=False)

    def put_root(self, text: str, at: int) -> None:
        """Add the address of the site, which an absolute address that follows replaces."""
        base = self._base
        self.put(text, at)
        self._base = len(self._parts) - 1 if base is None and text else base

    @property
    def follows_root(self) -> bool:
        """Whether the last thing added is the address of the site."""
        return self._base is not None

    def put_address(self, address: str, at: int) -> None:
        """Add an absolute address; the site's own before it would be there twice."""
        if self._base is not None:
            del self._parts[self._base :]
        self.put(address, at)

    def _add(self, text: str, at: int, *, goes_on: bool) -> None:
        if text != "/":
            self._base = None
        line = self.line_at(at)
        self._lines.append((self._line, line, goes_on, text.endswith("\n")))
        self._parts.append(text)
        self._line += text.count("\n")

    def trim(self) -> None:
        """Drop the white space at the end (Liquid's `{%-`)."""
        if self._lines:
            self._lines[-1] = (*self._lines[-1][:3], False)
        while self._parts:
            kept = self._parts[-1].rstrip()
            self._line -= self._parts[-1].count("\n", len(kept))
            if kept:
                self._parts[-1] = kept
                return
            self._parts.pop()

    def tail(self) -> str:
        """What the last line is so far, as far as the last part tells."""
        return self._parts[-1].rpartition("\n")[2] if self._parts else ""

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self._parts)

    def source_line(self, number: int) -> int:
        """The line of the source that line `number` of the text came from, both from 1."""
        found = bisect_left(self._lines, number, key=itemgetter(0))
        follows = self._lines[found] if found < len(self._lines) else None
        if found and not (self._lines[found - 1][3] and follows and follows[0] == number):
            line, there, goes_on, _ = self._lines[found - 1]
            return there + (number - line if goes_on else 0)
        return follows[1] if follows else number


def after_space(text: str, at: int) -> int:
    """Where the white space that begins at `at` ends (Liquid's `-%}`)."""
    found = _NOT_SPACE.search(text, at)
    return found.start() if found else at
