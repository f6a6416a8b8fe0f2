"""A source text as its author reads it: front matter, and a body in which code does not count.

Imported articles can be hostile, so every step here takes a time that grows with the length of a
text, not with its square: a mark that nothing closes is looked for once.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from broadsheet.articles import front_matter
from broadsheet.articles.fields import fold
from broadsheet.checks.references import Footnotes, Reference, Tag, footnotes, references, tags
from broadsheet.errors import ArticleError
from broadsheet.markup import Dialect, TooComplex, positions
from broadsheet.markup.positions import Reading, Text, find_line
from broadsheet.markup.templates import Expanded
from broadsheet.text.characters import printable

# The two usual forms, whose end one sees without reading what stands in them.
_HEAD = re.compile(
    r"\s*(?:-{3,}[^\S\n]*\n(?:(?!-{3,}[^\S\n]*$|\.{3}[^\S\n]*$).*\n)*(?:-{3,}|\.{3})[^\S\n]*$"
    r"|\+{3,}[^\S\n]*\n(?:(?!\+{3,}[^\S\n]*$).*\n)*\+{3,}[^\S\n]*$)",
    re.MULTILINE,
)
_MAY_BE_CODE = re.compile(r"[`<\\]|~~~|\{[{%/]|\n[ \t]*\n(?: {4}|\t)")
_POINT = re.compile(
    r"^[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?(?P<fence>`{3,}(?=[^`\n]*$)|~{3,})"
    r"|(?P<ticks>`+)|(?P<comment><!--)|(?P<mdx>\{/\*)|<(?P<tag>pre|code|script|style|textarea)\b"
    r"|\{(?:\{[<%]|%-?)\s*(?P<pair>highlight|raw|comment)\b|(?P<escape>\\[!-/:-@\[-`{-~])",
    re.MULTILINE | re.IGNORECASE,
)
_TICKS = re.compile(r"`+")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_LEFT_LABEL = re.compile(r"(?<![\w\])])\[([^\[\]\n^][^\[\]\n]{0,200})\]\[([^\[\]\n]{0,200})\]")
# Not text, like code: comments, escaped characters, and the labels of definitions.
_HIDDEN = re.compile(
    r"<!--.*?-->|\\[!-/:-@\[-`{-~]|^ {0,3}\[[^\]\n^][^\]\n]*\]:", re.DOTALL | re.MULTILINE
)
_NOT_LINE_END = re.compile(r"[^\n]")
_CODE = 4  # columns that a line of code is indented by
_LIST_ITEM = re.compile(r"[ \t]*(?P<mark>[-*+]|\d{1,9}[.)]|(?P<note>\[\^[^\]\n]*\]:))(?:[ \t]|$)")


@dataclass(frozen=True)
class Prose:
    """The text of a source file that readers see.

    text: the source without characters that XML forbids, and with spaces in place of front matter,
    code and comments. source: the text it was made from. reading: what the engine found in the
    body, which begins after `before` lines; None if the article is not CommonMark or the engine
    refuses it. expanded: the body without its templates; None if not requested.
    """

    text: str
    source: str
    reading: Reading | None = None
    before: int = 0
    expanded: Expanded | None = None

    @classmethod
    def of(
        cls,
        source: str,
        dialect: Dialect | None = None,
        expand: Callable[[str], Expanded] | None = None,
    ) -> Prose:
        """Return the prose of a source text; without front matter, all of it is prose.

        expand: removes the templates from the body.
        """
        clean = printable(source)
        start = _body_start(clean)
        body, before = clean[start:], clean.count("\n", 0, start)
        expanded = expand(body) if expand else None
        if dialect is not None and dialect.engine == "commonmark" and expanded:
            with suppress(TooComplex):
                reading = positions.read(body, expanded, dialect)
                text = _blank(clean[:start]) + _without_code(body, dialect)
                return cls(text, source, reading, before, expanded)
        if _MAY_BE_CODE.search(clean, max(start - 2, 0)):
            body = _without_indented(_Blanked(body).text())
        return cls(_blank(clean[:start]) + body, source, None, before, expanded)

    @property
    def texts(self) -> Iterator[tuple[str, tuple[int, int]]]:
        """Yield each text that readers see as text, and the first and last line it may be on."""
        for each in self.reading.texts if self.reading else ():
            yield each.text, self._within(each)

    def _within(self, text: Text) -> tuple[int, int]:
        """Return the first and last line of the source that `text` may be on."""
        return text.lines[0] + self.before, text.lines[1] + self.before

    def field_line(self, *names: str) -> int | None:
        """The line of the first of the front-matter fields `names` that is there."""
        found = (self._fields.get(fold(name)) for name in names)
        return next((line for line in found if line is not None), None)

    def line(self, offset: int) -> int:
        """The 1-based line of a place in the text."""
        return bisect_right(self._line_starts, offset)

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """Every link and image, in the order of the text."""
        if self.reading is None:
            return references(self.text)
        found = [
            Reference(
                each.is_image, each.text, each.target, self._start(each.line), "", each.is_html
            )
            for each in self.reading.found
        ]
        return tuple(found + self._undefined())

    def _start(self, line: int) -> int:
        """Return the offset of a line of the body."""
        return self._line_starts[line + self.before - 1]

    def _undefined(self) -> list[Reference]:
        """Return each `[text][label]` that is left in the text: nothing defines the label."""
        lines = self.source.split("\n")
        return [
            Reference(False, found[1], None, self._line_starts[line - 1], found[2] or found[1])
            for each in (self.reading.texts if self.reading else ())
            if not each.is_html  # `[width][height]` is as likely CSS there
            for found in _LEFT_LABEL.finditer(each.text)
            for line in [find_line(re.compile(re.escape(found[0])), self._within(each), lines)]
        ]

    @cached_property
    def tags(self) -> tuple[Tag, ...]:
        """Every start tag of HTML."""
        return tags(self.text)

    @cached_property
    def footnotes(self) -> Footnotes:
        """Where footnotes are referred to, and where they are written."""
        return footnotes(self.text)

    @cached_property
    def _fields(self) -> Mapping[str, int]:
        try:
            parts = front_matter.split(self.source, "")
        except ArticleError:
            return {}
        return parts[0].lines if parts else {}

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(found.end() for found in re.finditer("\n", self.text))]


def _body_start(clean: str) -> int:
    """Where the body of a source text begins."""
    if head := _HEAD.match(clean):
        return head.end()
    try:
        parts = front_matter.split(clean, "")
    except ArticleError:
        return 0
    # The library trims what surrounds the body; its end is where it was.
    return len(clean.rstrip()) - len(parts[1]) if parts else 0


def _without_code(body: str, dialect: Dialect) -> str:
    """Return `body` with spaces in place of code, comments and escaped characters."""
    parts, end = [], 0
    for start, stop in sorted(positions.code_ranges(body, dialect)):
        if start >= end:
            parts += [body[end:start], _blank(body[start:stop])]
            end = stop
    text = "".join([*parts, body[end:]])
    return _HIDDEN.sub(lambda found: _blank(found[0]), text)


def _blank(text: str) -> str:
    return _NOT_LINE_END.sub(" ", text)


class _Blanked:
    """One walk over a body, from one mark that may begin code to the next."""

    def __init__(self, body: str) -> None:
        self._body = body
        self._lower = ""
        self._done: list[str] = []
        self._at = 0
        self._absent: set[str] = set()  # what ends something and does not come any more
        self._paragraph_end = -1
        self._ticks: dict[int, list[int]] = {}  # length of a run of backticks -> places
        for run in _TICKS.finditer(body):
            self._ticks.setdefault(len(run[0]), []).append(run.start())

    def text(self) -> str:
        """The body with spaces for what is code, comment or escaped."""
        while point := _POINT.search(self._body, self._at):
            self._keep(point.start())
            if point["fence"]:
                self._drop(self._fence_end(point))
            elif point["ticks"]:
                self._code(point)
            elif point["comment"]:
                self._until("-->", point.start() + 2, point.start(), more=3)
            elif point["mdx"]:
                self._until("*/}", point.end(), point.start(), more=3)
            elif point["tag"]:
                self._element(point)
            elif point["pair"]:
                self._pair(point)
            else:
                self._drop(point.end())
        self._keep(len(self._body))
        return "".join(self._done)

    def _keep(self, end: int) -> None:
        self._done.append(self._body[self._at : end])
        self._at = end

    def _drop(self, end: int) -> None:
        self._done.append(_blank(self._body[self._at : end]))
        self._at = end

    def _fence_end(self, opening: re.Match[str]) -> int:
        mark = opening["fence"]
        end = re.compile(rf"^[ \t>]*{mark[0]}{{{len(mark)},}}[ \t]*$", re.MULTILINE)
        found = end.search(self._body, opening.end())
        return found.end() if found else len(self._body)

    def _code(self, ticks: re.Match[str]) -> None:
        """Code within a line or a paragraph: it ends at a run as long as the one it began with."""
        start = ticks.end()
        if start > self._paragraph_end:
            blank = _BLANK_LINE.search(self._body, start)
            self._paragraph_end = blank.start() if blank else len(self._body)
        places = self._ticks.get(len(ticks[0]), [])  # a backslash may have taken the first
        following = bisect_left(places, start)
        if following < len(places) and places[following] < self._paragraph_end:
            self._drop(places[following] + len(ticks[0]))
        else:
            self._keep(start)

    def _until(self, end: str, start: int, keep: int, more: int = 0) -> None:
        """Drops all between `keep` and `end`, which is looked for from `start` on.

        more: how many characters of `end` to drop too. Where it does not come, nothing is dropped.
        """
        self._lower = self._lower or self._lowered()
        place = -1 if end in self._absent else self._lower.find(end, start)
        if place < 0:
            self._absent.add(end)
            self._keep(max(start, keep))
        else:
            self._keep(keep)
            self._drop(place + more)

    def _lowered(self) -> str:
        # lower() of some letters is longer; only ASCII counts in the names of tags.
        return self._body.translate(_LOWER)

    def _element(self, tag: re.Match[str]) -> None:
        """The content of an element that shows, or runs, what stands in it as it is."""
        end = self._body.find(">", tag.end()) if ">" not in self._absent else -1
        if end < 0:
            self._absent.add(">")
            self._keep(tag.end())
        else:
            self._until(f"</{tag['tag'].lower()}", end + 1, end + 1)

    def _pair(self, tag: re.Match[str]) -> None:
        """What stands between two tags of a generator that show it as it is."""
        name = tag["pair"].lower()
        end = re.compile(rf"\{{(?:\{{[<%]\s*/|%-?\s*end)\s*{name}\b")
        found = None if name in self._absent else end.search(self._body, tag.end())
        close = self._body.find("}", tag.end(), found.start()) if found else -1
        if found is None or close < 0:
            self._absent.add(name)
            self._keep(tag.end())
        else:
            self._keep(close + 1)
            self._drop(found.start())
            self._keep(found.end())


_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def _without_indented(body: str) -> str:
    """`body` without code: what is indented after a blank line, by four columns, or by four more
    than the text of the list it stands in (CommonMark, 4.4 and 5.2)."""
    if "\n    " not in body and "\t" not in body:
        return body
    lines = body.split("\n")
    blank, code, start = True, False, 0  # start: the column of the text of a list, if in one
    for number, line in enumerate(lines):
        if not line.strip():
            blank = True
            continue
        columns = _indent(line)
        deep = columns >= start + _CODE
        # A list in a list may be indented by as much as code is.
        item = None if deep and (code or not start) else _LIST_ITEM.match(line)
        code = deep and not item and (blank or code)
        if code:
            lines[number] = " " * len(line)
        elif item:
            start = _CODE if item["note"] else _indent(item[0]) + len(item["mark"]) + 1
        elif blank and columns == 0:
            start = 0
        blank = False
    return "\n".join(lines)


def _indent(line: str) -> int:
    """How many columns of white space `line` begins with; a tab reaches the next fourth one."""
    white = line[: len(line) - len(line.lstrip())]
    return len(white.expandtabs(4)) if "\t" in white else len(white)
