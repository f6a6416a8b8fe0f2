"""A source text as its author reads it: front matter, and a body without its code.

Imported articles can be hostile, so every step here takes a time that grows with the length of a
text, not with its square: a mark that nothing closes is looked for once.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from msgspec.structs import replace

from broadsheet.articles import front_matter
from broadsheet.articles.fields import fold
from broadsheet.checks.tags import Footnotes, StartTag, footnotes, tags
from broadsheet.errors import ArticleError
from broadsheet.markup import Dialect, TooComplex, dialect
from broadsheet.markup.code import MAY_BE_INDENTED, Walk, indented
from broadsheet.markup.links import LinkOrImage
from broadsheet.markup.positions import Reading, read_positions
from broadsheet.markup.templates import Expanded
from broadsheet.text.characters import printable

# The two usual forms, whose end is found without parsing them.
_HEAD = re.compile(
    r"\s*(?:-{3,}[^\S\n]*\n(?:(?!-{3,}[^\S\n]*$|\.{3}[^\S\n]*$).*\n)*(?:-{3,}|\.{3})[^\S\n]*$"
    r"|\+{3,}[^\S\n]*\n(?:(?!\+{3,}[^\S\n]*$).*\n)*\+{3,}[^\S\n]*$)",
    re.MULTILINE,
)
_EMPTY_LINES = re.compile(r"(?:[^\S\n]*\n)*")
_BEGINS_CODE = "`<\\~{"
_MAY_BE_INDENTED = re.compile(r"\n[ \t]*\n(?: {4}|\t)")
_LITERAL = r"\\[!-/:-@\[-`{-~]|\{[{%]"
_PAIR = re.compile(r"\{(?:\{[<%]|%-?)\s*(highlight|raw|comment)\b")
_END_OF_PAIR = {
    name: re.compile(rf"\{{(?:\{{[<%]\s*/|%-?\s*end)\s*{name}\b")
    for name in ("highlight", "raw", "comment")
}
_COMMONMARK = dialect("commonmark")


@dataclass(frozen=True)
class Prose:
    """The text of a source file that readers see.

    text: the source without characters that XML forbids, and with spaces in place of front matter,
    code and comments. source: the text it was made from. before: the lines above the body, which
    begins with text. expand: removes the templates from a body. rendered_links: the links that were
    found when the article was rendered, by line of the body; None if unknown.
    """

    text: str
    source: str
    before: int
    body: str
    read_as: Dialect
    expand: Callable[[str], Expanded]
    rendered_links: Sequence[LinkOrImage] | None

    @classmethod
    def of(
        cls,
        source: str,
        read_as: Dialect = _COMMONMARK,
        expand: Callable[[str], Expanded] = lambda body: Expanded(body, (), int),
        rendered_links: Sequence[LinkOrImage] | None = None,
    ) -> Prose:
        """Return the prose of a source text; without front matter, all of it is prose."""
        clean = printable(source)
        start = _body_start(clean)
        body = text = clean[start:]
        if any(sign in body for sign in _BEGINS_CODE) or _MAY_BE_INDENTED.search(
            clean, max(start - 2, 0)
        ):
            text = _without_code(body)
        before = clean.count("\n", 0, start)
        text = _blank(clean[:start]) + text
        return cls(text, source, before, body, read_as, expand, rendered_links)

    @cached_property
    def expanded(self) -> Expanded | None:
        """The body without its templates; None if they are too many."""
        with suppress(TooComplex):  # reported when the article is rendered
            return self.expand(self.body)
        return None

    @cached_property
    def reading(self) -> Reading | None:
        """What the engine finds in the body; None if it refuses it."""
        if (expanded := self.expanded) is not None:
            with suppress(TooComplex):
                clean = printable(self.source)
                return read_positions(clean, self.before, expanded, self.read_as)
        return None

    @cached_property
    def links(self) -> Sequence[LinkOrImage]:
        """Every link and image."""
        if self.rendered_links is None:
            return self.reading.links if self.reading else ()
        return [replace(each, line=each.line + self.before) for each in self.rendered_links]

    def line(self, offset: int) -> int:
        """Return the 1-based line of an offset in the text."""
        return bisect_right(self._line_starts, offset)

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
        lengths = (len(line) + 1 for line in self.text.split("\n"))
        return [*accumulate(lengths, initial=0)]


def field_line(source: str, *names: str) -> int | None:
    """Return the line of the first of these front-matter fields; None if there is none."""
    with suppress(ArticleError):
        parts = front_matter.split(source, "")
        lines = parts[0].lines if parts else {}
        return next((lines[fold(name)] for name in names if fold(name) in lines), None)
    return None


def _body_start(clean: str) -> int:
    """Return the offset of the first line of a source text that is its body's and is not empty."""
    if head := _HEAD.match(clean):
        start = head.end()
    else:
        try:
            parts = front_matter.split(clean, "")
        except ArticleError:
            parts = None
        # The library trims what surrounds the body; its end is where it was.
        start = len(clean.rstrip()) - len(parts[1] if parts else clean.strip())
    found = _EMPTY_LINES.match(clean, start)
    return found.end() if found else start


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
