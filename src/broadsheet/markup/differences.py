"""Where the two engines read an article differently."""

from __future__ import annotations

import re
from itertools import zip_longest

from msgspec import Struct

from broadsheet.markup import tree
from broadsheet.markup.dialects import Dialect, dialect
from broadsheet.markup.render import read_article
from broadsheet.markup.templates import Expanded
from broadsheet.markup.tree import Node

_KINDS = {
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), "a heading"),
    **dict.fromkeys(("td", "th"), "a table"),
    **dict.fromkeys(("dt", "dd"), "a definition list"),
    "li": "a list item",
    "p": "a paragraph",
    "pre": "a code block",
}
_CONTAINERS = frozenset({"blockquote", "dl", "ol", "ul"})
_FOOTNOTES = "section[data-footnotes],div:has(> hr + ol),sup"
_UNLIKE = re.compile(r"[\W_]+")


class Block(Struct, frozen=True):
    """A block of an article: its kind, its depth in lists and quotes, its text and its line."""

    kind: str
    depth: int
    text: str
    line: int | None


class DialectDifference(Struct, frozen=True):
    """The first block that the engines read differently; None if one has no more blocks."""

    commonmark: Block | None
    python_markdown: Block | None


def difference(
    expanded: Expanded, read_as: Dialect, html: str, title: str
) -> DialectDifference | None:
    """Return the first difference between the engines; None for no difference.

    html: the article as readers get it. title: the article's, which may also be its first heading;
    that is not in `html`. Raises TooComplex.
    """
    if read_as.engine == "commonmark":
        commonmark = _blocks(read_article(expanded, read_as)[0], expanded)
        python_markdown = _blocks(read_article(expanded, dialect("python-markdown"))[0], expanded)
    else:
        commonmark = _blocks(read_article(expanded, dialect("commonmark"))[0], expanded)
        python_markdown = _blocks(tree.parse(html), expanded)
    compared = (_without_title(blocks, title) for blocks in (commonmark, python_markdown))
    for one, other in zip_longest(*compared):
        if one is None or other is None or _signature(one) != _signature(other):
            return DialectDifference(one, other)
    return None


def _without_title(blocks: list[Block], title: str) -> list[Block]:
    first = blocks[0] if blocks else None
    repeats = first and first.kind == "a heading" and first.text == _UNLIKE.sub("", title)
    return blocks[1:] if repeats else blocks


def _signature(block: Block) -> tuple[str, int, str]:
    return block.kind, block.depth, block.text


def _blocks(top: Node, expanded: Expanded) -> list[Block]:
    for note in top.css(_FOOTNOTES):
        note.decompose()
    return [_block(node, expanded) for node in top.css(",".join(_KINDS)) if not _is_covered(node)]


def _is_covered(node: Node) -> bool:
    """Whether another block has the text of `node`, such as a paragraph in a list item."""
    parent = node.parent
    if node.tag == "p" and parent is not None and parent.tag in {"li", "dd", "dt", "td"}:
        return True
    return not _own_text(node)


def _own_text(node: Node) -> str:
    """Return the letters and digits of `node`, without those of lists and blocks inside it."""
    if node.tag == "pre":
        return _UNLIKE.sub("", node.text(deep=True))
    inner = _CONTAINERS | {"pre", "table"}
    parts = [c.text(deep=True) for c in node.iter(include_text=True) if c.tag not in inner]
    return _UNLIKE.sub("", "".join(parts))


def _block(node: Node, expanded: Expanded) -> Block:
    depth, line = 0, None
    each: Node | None = node
    while each is not None and each.tag != "body":
        depth += each.tag in _CONTAINERS
        position = each.attributes.get("data-sourcepos")
        if line is None and position:
            line = expanded.source_line(int(position.partition(":")[0]))
        each = each.parent
    return Block(_KINDS[node.tag or ""], depth, _own_text(node), line)
