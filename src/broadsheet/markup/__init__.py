"""Markdown to HTML that any reader may be given: rendered, sanitised, with absolute links."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from markdown import Markdown

from broadsheet.markup.blocks import Blocks
from broadsheet.markup.links import Asset, Library, Links, encode
from broadsheet.markup.sanitise import sanitise
from broadsheet.markup.shortcodes import expand
from broadsheet.markup.text import first_paragraph, join_wide, plain, printable, shorten, width

__all__ = [
    "Asset",
    "Library",
    "Links",
    "Rendition",
    "encode",
    "plain",
    "printable",
    "render",
    "shorten",
    "width",
]

EXCERPT_COLUMNS = 280
"""How wide a summary made from the text may be: 140 Chinese characters, 280 Latin ones."""

_MORE = re.compile(
    r"^[ \t]*<!--\s*more\s*-->[ \t]*$|\{/\*\s*more\s*\*/\}", re.MULTILINE | re.IGNORECASE
)
_MDX_IMPORT = re.compile(r"^(?:import|export)\s.*$\n?", re.MULTILINE)
_PRE = re.compile(r"(<pre\b.*?</pre>)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Rendition:
    """An article's body as readers get it.

    html: sanitised, every address absolute.
    excerpt: plain text on one line, for where the front matter has no summary.
    references: what the body refers to, as it is written -> the address it became. A rendition
    may be kept for as long as these hold.
    """

    html: str
    excerpt: str
    references: dict[str, str]


def render(body: str, links: Links, *, mdx: bool = False) -> Rendition:
    """The Markdown `body` of the article that `links` belongs to; `mdx`: it is an MDX file."""
    if mdx:
        body = _MDX_IMPORT.sub("", body)
    head, mark, tail = _split_at_more(expand(body))
    references: dict[str, str] = {}

    def resolve(reference: str) -> str:
        return references.setdefault(reference, links.resolve(reference))

    html = _to_html(head + "\n\n" + tail if mark else head, resolve)
    excerpt = plain(_to_html(head, resolve)) if mark and head.strip() else first_paragraph(html)
    return Rendition(html, shorten(excerpt, EXCERPT_COLUMNS), references)


def _split_at_more(body: str) -> tuple[str, str, str]:
    """What stands before the mark `<!--more-->`, the mark, and what stands after it."""
    found = _MORE.search(body)
    return (body[: found.start()], found[0], body[found.end() :]) if found else (body, "", "")


def _to_html(markdown: str, resolve: Callable[[str], str]) -> str:
    converter = _converter()
    converter.reset()
    html = sanitise(converter.convert(markdown), resolve)
    # Again, since a character reference such as &#1; has only now become a character.
    return printable(_join_wide_outside_code(html)).strip()


def _join_wide_outside_code(html: str) -> str:
    parts = _PRE.split(html)
    parts[::2] = (join_wide(part) for part in parts[::2])
    return "".join(parts)


@cache
def _converter() -> Markdown:
    """The one Markdown converter of this process; building it costs more than an article."""
    return Markdown(
        extensions=[
            Blocks(),
            "markdown.extensions.abbr",
            "markdown.extensions.attr_list",
            "markdown.extensions.def_list",
            "markdown.extensions.footnotes",
            "markdown.extensions.md_in_html",
            "markdown.extensions.sane_lists",
            "markdown.extensions.tables",
            "pymdownx.highlight",
            "pymdownx.magiclink",
            "pymdownx.superfences",
            "pymdownx.tasklist",
            "pymdownx.tilde",
        ],
        extension_configs={
            "pymdownx.highlight": {"use_pygments": False},
            "pymdownx.tilde": {"subscript": False},
            "markdown.extensions.footnotes": {
                "BACKLINK_TEXT": "↩︎",
                "BACKLINK_TITLE": "↩ {}",  # a number, since English words would be wrong here
            },
        },
        output_format="html",
    )
