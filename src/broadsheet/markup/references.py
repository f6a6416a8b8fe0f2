"""The links and images of an article as its author wrote them, with their lines.

The CommonMark engine gives positions; what has none, such as HTML, is searched for in the source.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Final
from urllib.parse import unquote

from broadsheet.markup import tree
from broadsheet.markup.links import DROPPED, LinkOrImage, plain_reference
from broadsheet.markup.passes.context import Context
from broadsheet.markup.rewrites.inline import FORMULA
from broadsheet.markup.tree import Node

Range = tuple[int, int]

NOT_TEXT: Final = frozenset(
    {"code", "kbd", "pre", "samp", "script", "style", "template", "textarea"}
)
"""Elements whose text is shown literally or not at all."""
_LINKS_AND_IMAGES = "a[href]:not([data-footnote]),img[src]"
_MEDIA = ("audio", "video", "source", "track")
_REFERENCES = ",".join([_LINKS_AND_IMAGES, *(f"{tag}[src]" for tag in _MEDIA)])
_POSITION = re.compile(r"(\d+):\d+-(\d+):\d+")
_LEFT_LABEL = re.compile(
    r"(?<![\w\])])\[([^\[\]\n^][^\[\]\n]{0,200})\]\[([^\[\]\n=]{0,200})\](?!\[)"
)
_MOST_OFTEN = 20  # times that the source may be searched from end to end


class SourceLines:
    """The lines of a text, and the one that each line of the expanded body came from.

    before: how many of them are above the body.
    """

    def __init__(self, text: str, before: int, source_line: Callable[[int], int]) -> None:
        self._text, self._before, self._source_line = text, before, source_line
        self._count = text.count("\n") + 1
        self._patience = _MOST_OFTEN * len(text) + 100_000  # characters
        self.everywhere = (min(before + 1, self._count), self._count)

    @cached_property
    def _lines(self) -> list[str]:
        return self._text.split("\n")

    def within(self, node: Node) -> Range | None:
        """Return the lines of the nearest element around `node` that has a position."""
        each: Node | None = node
        while each is not None:
            position = each.attributes.get("data-sourcepos")
            if position and (found := _POSITION.match(position)):
                first, last = map(self._line, found.groups())
                return first, max(first, last)
            each = each.parent
        return None

    def _line(self, number: str) -> int:
        return min(self._source_line(int(number)) + self._before, self._count)

    def line(self, text: str, within: Range) -> int:
        """Return the first line in `within` that has `text`; 0 for none."""
        for number in range(within[0], within[1] + 1):
            line = self._lines[number - 1]
            self._patience -= len(line)
            if self._patience < 0:
                return 0
            if text in line:
                return number
        return 0

    def as_written(self, target: str, within: Range) -> tuple[str, int]:
        """Return `target` as written on the first line in `within` that has it, and that line.

        The engine percent-encodes what a URL must not have, such as spaces and Chinese.
        """
        for written in dict.fromkeys((target, unquote(target))):
            if line := self.line(written, within):
                return written, line
        return target, within[0]


def read_references(top: Node, context: Context, source: SourceLines) -> list[LinkOrImage]:
    """Return every link and image, and every `[text][label]` that nothing defines.

    top, context: of an article, as `render.read_article` returns them.
    """
    wanted = _LINKS_AND_IMAGES if context.tags.isdisjoint(_MEDIA) else _REFERENCES
    found = [_link(node, source) for node in top.css(wanted)]
    has_labels = "[" in context.html and "][" in context.html
    return found + ([*_undefined(top, source)] if has_labels else [])


def _link(node: Node, source: SourceLines) -> LinkOrImage:
    given, is_image = node.attributes, node.tag == "img"
    target = DROPPED.sub("", given.get("href" if node.tag == "a" else "src") or "").strip()
    text = given.get("alt") if is_image else node.text(deep=True)
    within, is_placed = source.within(node) or source.everywhere, "data-sourcepos" in given
    line = within[0]
    if not is_placed or "%" in target:
        target, found = source.as_written(target, within)
        line = line if is_placed else found
    target = plain_reference(target)
    is_html = not is_placed and (is_image or node.tag != "a" or text != target)
    return LinkOrImage(is_image, target, text, line, is_html)


def _undefined(top: Node, source: SourceLines) -> Iterator[LinkOrImage]:
    """Yield each `[text][label]` that is left in the text, but not in that of a link."""
    in_links = "\n".join(node.text(deep=True) for node in top.css("a[href]"))
    for node in tree.text_nodes(top, lambda text: "][" in text, NOT_TEXT):
        within = source.within(node)
        if within is None:
            continue  # in HTML, where `[width][height]` is as likely CSS
        for found in _LEFT_LABEL.finditer(FORMULA.sub(" ", node.text_content or "")):
            if found[0] not in in_links:
                line = source.line(found[0], within) or within[0]
                yield LinkOrImage(False, None, found[1], line, label=found[2] or found[1])
