"""A source text as its author reads it: front matter, and a body in which code does not count."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from broadsheet.articles import front_matter
from broadsheet.articles.front_matter import fold

_CODE = re.compile(
    r"^(?P<indent>[ \t]*(?:>[ \t]?)*)(?P<fence>`{3,}|~{3,}).*?(?:^[ \t>]*(?P=fence)[`~]*[ \t]*$|\Z)"
    r"|(?P<ticks>`+)(?!`)(?:(?!\n[ \t]*\n).)+?(?<!`)(?P=ticks)(?!`)"
    r"|<!--.*?-->"
    r"|<(?P<tag>pre|code|script|style)\b.*?</(?P=tag)\s*>",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)
_NOT_LINE_END = re.compile(r"[^\n]")


@dataclass(frozen=True)
class Prose:
    """text: as long as the source, with spaces for front matter, code and comments."""

    text: str
    source: str
    fields: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, source: str) -> Prose:
        """The prose of a source that has front matter which can be read."""
        parts = front_matter.split(source, "")
        if parts is None:
            return cls(_CODE.sub(_blank, source), source)
        matter, body = parts
        # The library trims what surrounds the body; its last lines are where it was.
        start = source.rfind(body) if body else len(source)
        text = _NOT_LINE_END.sub(" ", source[:start]) + _CODE.sub(_blank, source[start:])
        return cls(text, source, matter.lines)

    def field_line(self, *names: str) -> int | None:
        """The line of the first of the front-matter fields `names` that is there."""
        found = (self.fields.get(fold(name)) for name in names)
        return next((line for line in found if line is not None), None)

    def line(self, offset: int) -> int:
        """The 1-based line of a place in the text."""
        return bisect_right(self._line_starts, offset)

    def find(self, pattern: re.Pattern[str]) -> Iterator[tuple[int, re.Match[str]]]:
        """Line and match of each place in the prose where `pattern` is found."""
        for found in pattern.finditer(self.text):
            yield self.line(found.start()), found

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(found.end() for found in re.finditer("\n", self.source))]


def _blank(found: re.Match[str]) -> str:
    return _NOT_LINE_END.sub(" ", found[0])
