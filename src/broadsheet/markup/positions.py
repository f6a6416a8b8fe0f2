"""The links, texts and headings of an article, with their lines.

`check` uses this, so that it sees what readers will see.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from broadsheet.markup import tree
from broadsheet.markup.dialects import Dialect, by_commonmark
from broadsheet.markup.links import LinkOrImage
from broadsheet.markup.passes.attributes import HEADINGS
from broadsheet.markup.references import NOT_TEXT, Range, SourceLines, read_references
from broadsheet.markup.render import read_article
from broadsheet.markup.rewrites.inline import FORMULA
from broadsheet.markup.templates import Expanded
from broadsheet.markup.tree import Node

# The nearest that CommonMark comes to Python-Markdown.
_AS_COMMONMARK = by_commonmark("abbreviations attributes definitions kramdown")


class Text(Struct, frozen=True):
    """Text that readers see, outside code.

    lines: the first and last of the file that it may be on. is_html: whether it is in a block of
    HTML, in which Markdown is not read.
    """

    text: str
    lines: Range
    is_html: bool


class Reading:
    """The contents of an article. links: what `read_references` finds."""

    def __init__(self, top: Node, source: SourceLines, links: Sequence[LinkOrImage] = ()) -> None:
        for link in top.css("a[data-footnote]"):
            link.decompose()
        self._top, self._source, self.links = top, source, links

    @property
    def texts(self) -> list[Text]:
        """Every text outside code, without formulas."""
        found = []
        for node in tree.text_nodes(self._top, str.strip, NOT_TEXT):
            lines = self._source.within(node)
            text = FORMULA.sub(" ", node.text_content or "")
            found.append(Text(text, lines or self._source.everywhere, lines is None))
        return found

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
    top, context = read_article(expanded, read_as)
    lines = SourceLines(source, before, expanded.source_line)
    return Reading(top, lines, read_references(top, context, lines))


def read_rendered(html: str, source: str) -> Reading:
    """Return the contents of `html`, made from the file `source`, without their positions."""
    return Reading(tree.parse(html), SourceLines(source, 0, int))
