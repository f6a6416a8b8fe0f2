"""Markdown to HTML that any reader may be given: rendered, sanitised, with absolute links."""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import Struct

from broadsheet.characters import printable
from broadsheet.markup.links import Asset, Library, Links, encode, join
from broadsheet.markup.text import first_paragraph, plain, shorten, width

__all__ = [
    "Asset",
    "Library",
    "Links",
    "Rendition",
    "TooDeep",
    "encode",
    "join",
    "plain",
    "prepare",
    "render",
    "shorten",
    "width",
]

EXCERPT_COLUMNS = 280
"""How wide a summary made from the text may be: 140 Chinese characters, 280 Latin ones."""

_MDX_LINES = re.compile(r"^(?:import|export)\s.*$\n?", re.MULTILINE)
_MDX_MORE = re.compile(r"\{/\*\s*more\s*\*/\}", re.IGNORECASE)
_EMPTY = re.compile(r"<p>\s*</p>\n?")


class TooDeep(ValueError):  # noqa: N818 - it says what is wrong with the text
    """The text is nested deeper than can be read; the message says what to do."""


class Rendition(Struct, frozen=True):
    """An article's body as readers get it.

    html: sanitised, every address absolute.
    excerpt: plain text on one line, for where the front matter has no summary; "" where it has.
    references: what the body refers to, as it is written -> the address it became. A rendition
    may be kept for as long as these hold.
    """

    html: str
    excerpt: str
    references: dict[str, str]


def prepare(*, excerpt: bool = False) -> None:
    """Imports and makes what renders, and what makes excerpts; else the first text does."""
    from broadsheet.markup import sanitise, shortcodes, text  # noqa: F401
    from broadsheet.markup.dialect import converter

    converter()
    if excerpt:
        text.prepare()


def render(body: str, links: Links, *, mdx: bool = False, excerpt: bool = True) -> Rendition:
    """The Markdown `body` of the article that `links` belongs to.

    mdx: it is an MDX file. excerpt: whether one is needed.

    Raises TooDeep for a text that is nested deeper than Python-Markdown can go.
    """
    # Here, for the many runs that render nothing: the parser takes a tenth of their imports.
    from broadsheet.markup.blocks import READ_MORE
    from broadsheet.markup.shortcodes import expand

    if mdx:
        body = _MDX_MORE.sub("<!--more-->", _MDX_LINES.sub("", body))
    references: dict[str, str] = {}

    def resolve(reference: str) -> str:
        if reference not in references:
            references[reference] = links.resolve(reference)
        return references[reference]

    html = _to_html(expand(printable(body), links.library.site), resolve)
    before, mark, after = html.partition(READ_MORE)
    html = _EMPTY.sub("", before + after.replace(READ_MORE, "")).strip()
    start = ((plain(before) if mark else "") or first_paragraph(html)) if excerpt else ""
    return Rendition(html, shorten(start, EXCERPT_COLUMNS), references)


def _to_html(markdown: str, resolve: Callable[[str], str]) -> str:
    from broadsheet.markup.dialect import convert
    from broadsheet.markup.sanitise import sanitise

    # Printable once more, since a reference such as &#1; has only now become a character.
    return printable(sanitise(convert(markdown), resolve))
