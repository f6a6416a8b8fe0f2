"""The links, texts and headings of an article, with their lines.

`check` uses this, so that it sees what readers will see. The CommonMark engine gives positions;
what has none, such as HTML, is searched for in the source.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from operator import methodcaller
from typing import Final
from urllib.parse import unquote

from msgspec import Struct

from broadsheet.markup import tree
from broadsheet.markup.dialects import Dialect, by_commonmark
from broadsheet.markup.links import DROPPED, plain_reference
from broadsheet.markup.passes.attributes import HEADINGS
from broadsheet.markup.render import read_article
from broadsheet.markup.rewrites.inline import FORMULA
from broadsheet.markup.templates import Expanded
from broadsheet.markup.tree import Node

Range = tuple[int, int]

NOT_TEXT: Final = frozenset(
    {"code", "kbd", "pre", "samp", "script", "style", "template", "textarea"}
)
"""Elements whose text is shown literally or not at all."""
_POSITION = re.compile(r"(\d+):(\d+)-(\d+):(\d+)")
_LEFT_LABEL = re.compile(
    r"(?<![\w\])])\[([^\[\]\n^][^\[\]\n]{0,200})\]\[([^\[\]\n=]{0,200})\](?!\[)"
)
# The nearest that CommonMark comes to Python-Markdown.
_AS_COMMONMARK = by_commonmark("abbreviations attributes definitions kramdown")
_MOST_OFTEN = 20  # times that the source may be searched from end to end


class LinkOrImage(Struct, frozen=True):
    """A link or an image.

    target: as written; None if nothing defines its `label`. text: of the link, or the image's
    alternative text; None for an `<img>` without one. line: 1-based, of the file. is_html: whether
    it is written as HTML.
    """

    is_image: bool
    target: str | None
    text: str | None
    line: int
    is_html: bool = False
    label: str = ""


class Text(Struct, frozen=True):
    """Text that readers see, outside code.

    lines: the first and last of the file that it may be on. is_html: whether it is in a block of
    HTML, in which Markdown is not read.
    """

    text: str
    lines: Range
    is_html: bool


class Reading:
    """The contents of an article, each searched for when it is asked for."""

    def __init__(self, top: Node, source: _Source) -> None:
        for link in top.css("a[data-footnote]"):
            link.decompose()
        self._top, self._source = top, source

    @cached_property
    def links(self) -> list[LinkOrImage]:
        """Every link and image, and every `[text][label]` that nothing defines."""
        nodes = self._top.css("a[href],img[src],audio[src],video[src],source[src],track[src]")
        found = [_link(node, self._source) for node in nodes]
        return found + (_undefined(self) if "][" in self.whole_text else [])

    @cached_property
    def whole_text(self) -> str:
        """All text, code too: what it lacks, `texts` lack."""
        return self._top.text(deep=True, separator="\n")

    @cached_property
    def texts(self) -> list[Text]:
        """Every text outside code, without formulas."""
        found = []
        for node in tree.text_nodes(self._top, str.strip, NOT_TEXT):
            lines = self._source.within(node)
            text = FORMULA.sub(" ", node.text_content or "")
            found.append(Text(text, lines or self._source.everywhere, lines is None))
        return found

    def line(self, pattern: re.Pattern[str], within: Range) -> int:
        """Return the first line in `within` that `pattern` matches; the first of all if none."""
        return self._source.line(pattern.search, within) or within[0]

    @property
    def link_texts(self) -> list[str]:
        """The text of each link."""
        return [node.text(deep=True) for node in self._top.css("a[href]")]

    @property
    def headings(self) -> list[str]:
        """The text of each heading."""
        return [each.text(deep=True) for each in self._top.css(HEADINGS)]

    @property
    def ids(self) -> list[str]:
        """The ids given in the article."""
        nodes = self._top.css("[id],a[name]")
        given = [node.attributes.get(name) for node in nodes for name in ("id", "name")]
        return [each for each in given if each]


def read_positions(source: str, before: int, expanded: Expanded, dialect: Dialect) -> Reading:
    """Return the contents of the article in the file `source`.

    before: the lines above its body. expanded: the body without its templates. Raises TooComplex.
    """
    read_as = _AS_COMMONMARK if dialect.engine == "python-markdown" else dialect
    top, _ = read_article(expanded, read_as)
    return Reading(top, _Source(source.split("\n"), before, expanded.source_line))


def read_rendered(html: str, source: str) -> Reading:
    """Return the contents of `html`, made from the file `source`, without their positions."""
    return Reading(tree.parse(html), _Source(source.split("\n"), 0, int))


class _Source:
    """The lines of a file, and the one that each line of the expanded body came from."""

    def __init__(self, lines: list[str], before: int, source_line: Callable[[int], int]) -> None:
        self._lines, self._before, self._source_line = lines, before, source_line
        self._patience = _MOST_OFTEN * sum(map(len, lines)) + 100_000  # characters
        self.everywhere = (min(before + 1, len(lines)), len(lines))

    def within(self, node: Node) -> Range | None:
        """Return the lines of the nearest element around `node` that has a position."""
        each: Node | None = node
        while each is not None:
            position = each.attributes.get("data-sourcepos") if each.is_element_node else None
            if position and (found := _POSITION.match(position)):
                first, last = self._line(found[1]), self._line(found[3])
                return first, max(first, last)
            each = each.parent
        return None

    def _line(self, number: str) -> int:
        return min(self._source_line(int(number)) + self._before, len(self._lines))

    def line(self, is_there: Callable[[str], object], within: Range) -> int:
        """Return the first line in `within` for which `is_there` holds; 0 for none."""
        for number in range(within[0], within[1] + 1):
            text = self._lines[number - 1]
            self._patience -= len(text)
            if self._patience < 0:
                return 0
            if is_there(text):
                return number
        return 0

    def as_written(self, target: str, within: Range) -> tuple[str, int]:
        """Return `target` as written on the first line in `within` that has it, and that line.

        The engine percent-encodes what a URL must not have, such as spaces and Chinese.
        """
        for written in dict.fromkeys((target, unquote(target))):
            if line := self.line(methodcaller("__contains__", written), within):
                return written, line
        return target, within[0]


def _link(node: Node, source: _Source) -> LinkOrImage:
    given = node.attributes
    is_image = node.tag == "img"
    target = DROPPED.sub("", given.get("href" if node.tag == "a" else "src") or "").strip()
    text = given.get("alt") if is_image else node.text(deep=True)
    within = source.within(node) or source.everywhere
    target, line = source.as_written(target, within)
    target = plain_reference(target)
    line = within[0] if "data-sourcepos" in given else line
    is_html = "data-sourcepos" not in given and (is_image or node.tag != "a" or text != target)
    return LinkOrImage(is_image, target, text, line, is_html)


def _undefined(reading: Reading) -> list[LinkOrImage]:
    """Return each `[text][label]` that is left in the text, but not in that of a link."""
    in_links = "\n".join(reading.link_texts)
    return [
        LinkOrImage(False, None, found[1], line, label=found[2] or found[1])
        for each in reading.texts
        if not each.is_html  # `[width][height]` is as likely CSS there
        for found in _LEFT_LABEL.finditer(each.text)
        if found[0] not in in_links
        for line in [reading.line(re.compile(re.escape(found[0])), each.lines)]
    ]
