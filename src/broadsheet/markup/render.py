"""Render the Markdown of an article to HTML that is safe for any reader."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from broadsheet.markup.dialects import Dialect
from broadsheet.markup.dialects import dialect as dialect_called
from broadsheet.markup.links import LinkOrImage, Links
from broadsheet.text.characters import printable
from broadsheet.text.plain import shorten

if TYPE_CHECKING:
    from broadsheet.markup.passes import Context
    from broadsheet.markup.references import SourceLines
    from broadsheet.markup.templates import Expanded
    from broadsheet.markup.tree import Node

EXCERPT_COLUMNS: Final = 280
"""The width of a summary made from the text: 140 Chinese characters or 280 Latin ones."""

_NOTHING: Mapping[str, object] = MappingProxyType({})
_RAW_HTML = re.compile(r"<(?!https?:|mailto:)[A-Za-z/!?]")
# Only positions tell an author's elements from the engine's.
_OWN_TAGS = re.compile(r"<(?:[Ss][Uu][Bb]|[Dd][Tt])\b|:::")
_EMPTY = re.compile(r"<p>\s*</p>\n?")


class Rendition(Struct, frozen=True):
    """An article's body as readers get it.

    html: sanitised, every URL absolute.
    excerpt: plain text on one line if the front matter has no summary; else "".
    links: those that its author wrote, by line of the body; None if the engine gives no positions.
    """

    html: str
    excerpt: str
    links: tuple[LinkOrImage, ...] | None = None


def render(
    body: str,
    links: Links,
    dialect: Dialect,
    *,
    language: str = "en",
    mdx: bool = False,
    excerpt: bool = True,
    values: Mapping[str, object] = _NOTHING,
) -> Rendition:
    """Return the Markdown `body` of the article that `links` belongs to, as readers get it.

    language: the article's, for text such as the title of an alert. mdx: whether it is an MDX
    file. excerpt: whether one is needed. values: the values that templates in it may show
    (`templates.expand`).

    Raises TooComplex.
    """
    from broadsheet.markup.references import SourceLines
    from broadsheet.markup.templates import expand

    expanded = expand(
        printable(body),
        links,
        mdx=mdx,
        shortcodes=links.link_index.shortcodes,
        language=dialect.templates,
        values=values,
    )
    lines = None
    if dialect.engine != "python-markdown":  # which gives no positions
        lines = SourceLines(body, 0, expanded.source_line)
    return _rendition(expanded, lines, links, dialect, language, excerpt=excerpt)


def render_page(html: str, links: Links, *, language: str, excerpt: bool) -> Rendition:
    """Return `html`, which a site generator rendered, as readers get it; see `render`.

    It has no templates: braces in it are text. Raises TooComplex.
    """
    from broadsheet.markup.templates import Expanded

    text = Expanded(printable(html), (), int)
    return _rendition(text, None, links, dialect_called("html"), language, excerpt=excerpt)


def _rendition(
    expanded: Expanded,
    lines: SourceLines | None,
    links: Links,
    dialect: Dialect,
    language: str,
    *,
    excerpt: bool,
) -> Rendition:
    # Imported here, so that runs that render nothing do not pay for it.
    from broadsheet.markup import sanitiser
    from broadsheet.markup.excerpts import excerpt_of
    from broadsheet.markup.references import read_references

    top, context = read_article(expanded, dialect, language)
    written = tuple(read_references(top, context, lines)) if lines else None
    start = shorten(printable(excerpt_of(top, context.html)), EXCERPT_COLUMNS) if excerpt else ""
    html = sanitiser.sanitised(top, links.resolve, is_ours=context.is_ours)
    if context.has_references:
        html = printable(html)
    html = _EMPTY.sub("", html).strip()
    return Rendition(html, start, written)


def prepare(dialects: Iterable[Dialect]) -> None:
    """Import what these dialects need to render; otherwise the first article does."""
    from broadsheet.markup import (  # noqa: F401
        excerpts,
        passes,
        references,
        rewrites,
        sanitiser,
        templates,
        tree,
    )
    from broadsheet.text import plain

    plain.prepare()
    for each in set(dialects):
        to_html("", each)


def read_article(
    expanded: Expanded, dialect: Dialect, language: str = "en"
) -> tuple[Node, Context]:
    """Return the tree of an article, and facts about the HTML that it was made from.

    Neither is safe yet. Elements have a `data-sourcepos` if the engine is comrak. Raises
    TooComplex.
    """
    from broadsheet.markup import passes, rewrites, sanitiser, tree

    positions = dialect.engine == "commonmark" or _OWN_TAGS.search(expanded.text) is not None
    text = rewrites.run(expanded.text, dialect, mdx=expanded.is_mdx)
    html = sanitiser.bounded(to_html(text, dialect))
    top = tree.parse(html)
    # A single character is found so fast that looking for it first saves most articles a search.
    is_ours = "<" not in text or not _RAW_HTML.search(text)
    # comrak resolves those of the text, and Python-Markdown writes its own into the HTML.
    has_references = any("&" in each and "&#" in each for each in (text, html))
    context = passes.Context(
        *(dialect, language, html, tree.tag_names(top), positions, is_ours, has_references)
    )
    passes.run(top, context)
    return top, context


def to_html(text: str, dialect: Dialect) -> str:
    """Return `text` as the dialect's engine reads it, not yet safe. Raises TooComplex."""
    if dialect.engine == "html":
        return text
    if dialect.engine == "commonmark":
        from broadsheet.markup.engines import commonmark

        return commonmark.to_html(text, dialect)
    from broadsheet.markup.engines import python_markdown

    return python_markdown.to_html(text)
