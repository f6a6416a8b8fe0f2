"""A source text as its author reads it: front matter, and a body without its code.

Imported articles can be hostile, so every step here takes a time that grows with the length of a
text, not with its square: a mark that nothing closes is looked for once.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from broadsheet.articles import front_matter
from broadsheet.articles.fields import fold
from broadsheet.checks.references import Footnotes, Reference, StartTag, footnotes, references, tags
from broadsheet.errors import ArticleError
from broadsheet.markup import Dialect, TooComplex, positions
from broadsheet.markup.code import MAY_BE_INDENTED, Walk, indented
from broadsheet.markup.positions import Range, Reading, Text, find_line
from broadsheet.markup.templates import Expanded
from broadsheet.text.characters import printable

# The two usual forms, whose end is found without parsing them.
_HEAD = re.compile(
    r"\s*(?:-{3,}[^\S\n]*\n(?:(?!-{3,}[^\S\n]*$|\.{3}[^\S\n]*$).*\n)*(?:-{3,}|\.{3})[^\S\n]*$"
    r"|\+{3,}[^\S\n]*\n(?:(?!\+{3,}[^\S\n]*$).*\n)*\+{3,}[^\S\n]*$)",
    re.MULTILINE,
)
_MAY_BE_CODE = re.compile(r"[`<\\]|~~~|\{[{%/]|\n[ \t]*\n(?: {4}|\t)")
_LITERAL = r"\\[!-/:-@\[-`{-~]|\{[{%]"
_PAIR = re.compile(r"\{(?:\{[<%]|%-?)\s*(highlight|raw|comment)\b")
_END_OF_PAIR = {
    name: re.compile(rf"\{{(?:\{{[<%]\s*/|%-?\s*end)\s*{name}\b")
    for name in ("highlight", "raw", "comment")
}
_LEFT_LABEL = re.compile(r"(?<![\w\])])\[([^\[\]\n^][^\[\]\n]{0,200})\]\[([^\[\]\n]{0,200})\]")


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
        expanded = reading = None
        with suppress(TooComplex):  # reported when the article is rendered
            expanded = expand(body) if expand else None
        if dialect is not None and dialect.engine == "commonmark" and expanded:
            with suppress(TooComplex):
                reading = positions.read_positions(body, expanded, dialect)
        if _MAY_BE_CODE.search(clean, max(start - 2, 0)):
            body = _without_code(body)
        return cls(_blank(clean[:start]) + body, source, reading, before, expanded)

    @cached_property
    def texts(self) -> list[tuple[str, Range]]:
        """Each text that readers see as text, and the first and last line it may be on."""
        return [(each.text, self._within(each)) for each in self._texts]

    @property
    def _texts(self) -> list[Text]:
        return self.reading.texts if self.reading else []

    def _within(self, text: Text) -> Range:
        """Return the first and last line of the source that `text` may be on."""
        return text.lines[0] + self.before, text.lines[1] + self.before

    def line(self, offset: int) -> int:
        """Return the 1-based line of an offset in the text."""
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
        if self.reading is None or "][" not in self.reading.whole_text:
            return []
        lines = self.source.split("\n")
        return [
            Reference(False, found[1], None, self._line_starts[line - 1], found[2] or found[1])
            for each in self._texts
            if not each.is_html  # `[width][height]` is as likely CSS there
            for found in _LEFT_LABEL.finditer(each.text)
            for line in [find_line(re.compile(re.escape(found[0])), self._within(each), lines)]
        ]

    @cached_property
    def tags(self) -> tuple[StartTag, ...]:
        """Every start tag of HTML."""
        return tags(self.text)

    @cached_property
    def footnotes(self) -> Footnotes:
        """Where footnotes are referred to, and where they are written."""
        return footnotes(self.text)

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(found.end() for found in re.finditer("\n", self.text))]


def field_line(source: str, *names: str) -> int | None:
    """Return the line of the first of these front-matter fields; None if there is none."""
    with suppress(ArticleError):
        parts = front_matter.split(source, "")
        lines = parts[0].lines if parts else {}
        return next((lines[fold(name)] for name in names if fold(name) in lines), None)
    return None


def _body_start(clean: str) -> int:
    """Return the offset at which the body of a source text begins."""
    if head := _HEAD.match(clean):
        return head.end()
    try:
        parts = front_matter.split(clean, "")
    except ArticleError:
        return 0
    # The library trims what surrounds the body; its end is where it was.
    return len(clean.rstrip()) - len(parts[1]) if parts else 0


def _blank(text: str) -> str:
    return "\n".join(" " * len(line) for line in text.split("\n"))


def _without_code(body: str) -> str:
    """Return `body` with spaces for code, comments, escapes and what tags show as it is."""
    text = _blanked(body, _literal(body))
    return _blanked(text, indented(text)) if MAY_BE_INDENTED.search("\n\n" + text) else text


def _blanked(text: str, ranges: Iterable[tuple[int, int]]) -> str:
    parts, at = [], 0
    for start, end in ranges:
        if start >= at:
            parts += [text[at:start], _blank(text[start:end])]
            at = end
    return "".join([*parts, text[at:]])


def _literal(body: str) -> Iterator[tuple[int, int]]:
    """Yield the ranges of code, comments, escapes and of what is between tags like `raw`."""
    walk, at, absent = Walk(body, _LITERAL), 0, set[str]()
    while span := walk.next(at):
        start, at, kind = span
        if kind == "element":
            start = body.find(">", start, at) + 1 or at
            yield start, max(start, body.rfind("</", start, at))
        elif kind != "mark" or body[start] == "\\":
            yield start, at
        elif (tag := _PAIR.match(body, start)) and tag[1] not in absent:
            found, begin = _END_OF_PAIR[tag[1]].search(body, at), body.find("}", at) + 1
            if found and begin:
                at = max(begin, found.start())
                yield begin, at
            else:
                absent.add(tag[1])
