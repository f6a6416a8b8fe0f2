"""The links, texts and headings of a CommonMark article, with positions from the engine.

`check` uses this, so that it sees what readers will see.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import Final
from urllib.parse import unquote

from msgspec import Struct

from broadsheet.markup import tree
from broadsheet.markup.dialects import Dialect
from broadsheet.markup.passes.attributes import HEADINGS
from broadsheet.markup.render import read_article
from broadsheet.markup.templates import Expanded
from broadsheet.markup.tree import Node

Range = tuple[int, int]

NOT_TEXT: Final = frozenset(
    {"code", "kbd", "pre", "samp", "script", "style", "template", "textarea"}
)
"""Elements whose text is shown literally or not at all."""
_POSITION = re.compile(r"(\d+):(\d+)-(\d+):(\d+)")


class LinkOrImage(Struct, frozen=True):
    """A link or an image.

    target: as written. text: of the link, or the image's alternative text; None for an
    `<img>` without one. line: 1-based, of the body. is_html: whether it is written as HTML.
    """

    is_image: bool
    target: str
    text: str | None
    line: int
    is_html: bool


class Text(Struct, frozen=True):
    """Text that readers see, outside code.

    lines: the first and last it may be on. is_html: whether it is in a block of HTML, in which
    Markdown is not read.
    """

    text: str
    lines: Range
    is_html: bool


class Reading:
    """The contents of an article, each searched for when it is asked for."""

    def __init__(self, top: Node, source: _Source) -> None:
        self._top, self._source = top, source

    @cached_property
    def found(self) -> list[LinkOrImage]:
        """Every link and image."""
        return _found(self._top, self._source)

    @cached_property
    def whole_text(self) -> str:
        """All text, code too: what it lacks, `texts` lack."""
        return self._top.text(deep=True, separator="\n")

    @cached_property
    def texts(self) -> list[Text]:
        """Every text outside code."""
        return _texts(self._top, self._source)

    @property
    def headings(self) -> list[str]:
        """The text of each heading."""
        return [each.text(deep=True) for each in self._top.css(HEADINGS)]

    @property
    def ids(self) -> list[str]:
        """The ids given in the article."""
        return _ids(self._top)


def read_positions(body: str, expanded: Expanded, dialect: Dialect) -> Reading:
    """Return the contents of the Markdown `body`; `expanded`: the same without templates.

    Raises TooComplex.
    """
    top, _ = read_article(expanded, dialect)
    return Reading(top, _Source(body.split("\n"), expanded.source_line))


class _Source(Struct, frozen=True):
    """The lines of a body, and the one that each line of the expanded body came from."""

    lines: list[str]
    source_line: Callable[[int], int]

    def within(self, node: Node) -> Range | None:
        """Return the lines of the nearest element around `node` that has a position."""
        last = len(self.lines)
        each: Node | None = node
        while each is not None:
            position = each.attributes.get("data-sourcepos") if each.is_element_node else None
            if position and (found := _POSITION.match(position)):
                first = min(self.source_line(int(found[1])), last)
                return first, max(first, min(self.source_line(int(found[3])), last))
            each = each.parent
        return None

    @property
    def everywhere(self) -> Range:
        return 1, len(self.lines)

    def as_written(self, target: str, within: Range) -> tuple[str, int]:
        """Return `target` as written on the first line in `within` that has it, and that line.

        The engine percent-encodes what a URL must not have, such as spaces and Chinese.
        """
        for written in dict.fromkeys((target, unquote(target))):
            for number in range(within[0], within[1] + 1):
                if written in self.lines[number - 1]:
                    return written, number
        return target, within[0]


def _found(top: Node, source: _Source) -> list[LinkOrImage]:
    found = []
    for node in top.css("a[href],img[src],audio[src],video[src],source[src],track[src]"):
        given = node.attributes
        if "data-footnote" in given:
            continue
        is_image = node.tag == "img"
        target = given.get("href" if node.tag == "a" else "src") or ""
        text = given.get("alt") if is_image else node.text(deep=True)
        within = source.within(node) or source.everywhere
        target, line = source.as_written(target, within)
        line = within[0] if "data-sourcepos" in given else line
        is_html = "data-sourcepos" not in given and (is_image or node.tag != "a" or text != target)
        found.append(LinkOrImage(is_image, target, text, line, is_html))
    return found


def _texts(top: Node, source: _Source) -> list[Text]:
    nodes = tree.text_nodes(top, str.strip, NOT_TEXT)
    found = [(node.text_content or "", source.within(node)) for node in nodes]
    return [Text(text, lines or source.everywhere, lines is None) for text, lines in found]


def _ids(top: Node) -> list[str]:
    nodes = top.css("[id],a[name]")
    given = [node.attributes.get(name) for node in nodes for name in ("id", "name")]
    return [each for each in given if each]


def find_line(pattern: re.Pattern[str], within: Range, lines: list[str]) -> int:
    """Return the first line in `within` that `pattern` matches; the first of all if none."""
    first, last = within
    numbers = range(first, min(last, len(lines)) + 1)
    return next((number for number in numbers if pattern.search(lines[number - 1])), first)
