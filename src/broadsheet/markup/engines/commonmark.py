"""CommonMark and GFM by comrak (CommonMark 0.31, GFM 0.29).

comrak is compiled and cannot be interrupted, and it is linear in all but two constructs, which are
bounded here: nesting, and tables whose rows are filled up to the width of their header.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from comrak import ExtensionOptions, ParseOptions, RenderOptions, render_markdown

from broadsheet.markup.errors import TooComplex

_ALWAYS = (
    *("cjk_friendly_emphasis", "description_lists", "footnotes", "inline_footnotes"),
    *("strikethrough", "subscript", "table", "tasklist"),
)
_OPTIONAL = {
    "emoji": "shortcodes",
    "mark": "highlight",
    "wikilinks": "wikilinks_title_after_pipe",
}

MAX_QUOTES: Final = 100
"""Block quotes within each other. comrak's time grows with the square of their depth."""
MAX_GROWTH: Final = 50
"""How many times as long as its source the HTML of an article of some size may be."""
_SMALL = 200_000  # bytes of HTML that are never too many

_QUOTES = re.compile(rf"^(?:[ \t]*>){{{MAX_QUOTES + 1}}}", re.MULTILINE)
_NOTE = re.compile(r"^[ \t>]*\[\^([^\]\s]+)\]:", re.MULTILINE)
_REFERENCE = re.compile(r"\[\^([^\]\s]+)\](?!:)")

UNUSED_NOTES: Final = "\ue001"
"""Begins the paragraph that refers to the footnotes that nothing else refers to (Unicode, 23.5)."""


def to_html(text: str, extensions: frozenset[str]) -> str:
    """Return `text` as HTML, not yet safe, with `data-sourcepos` on what came from Markdown.

    extensions: names as in `broadsheet.markup.dialects`. Raises TooComplex.
    """
    if _QUOTES.search(text):
        raise TooComplex("nested too deeply", "simplify the structure")
    html = _render(text, extensions)
    if unused := _unused_notes(text):
        # comrak leaves out a footnote that nothing refers to; its text would be lost.
        with_references = _render(f"{text}\n\n{UNUSED_NOTES}{unused}\n", extensions)
        if f">{UNUSED_NOTES}<" in with_references:
            html = with_references
    return html


def _render(text: str, extensions: frozenset[str]) -> str:
    html = render_markdown(text, *_options(extensions))
    if len(html) > max(_SMALL, MAX_GROWTH * len(text)):
        raise TooComplex(
            f"its HTML is {len(html) // len(text)} times as long as its Markdown",
            "look for a table with very many columns, and split it",
        )
    return html


@cache
def _options(
    extensions: frozenset[str],
) -> tuple[ExtensionOptions, ParseOptions, RenderOptions]:
    extension, parse, render = ExtensionOptions(), ParseOptions(), RenderOptions()
    for name in (*_ALWAYS, *(_OPTIONAL[each] for each in extensions & _OPTIONAL.keys())):
        setattr(extension, name, True)
    parse.smart = "smart" in extensions
    render.unsafe_ = True  # raw HTML is the sanitiser's business
    render.sourcepos = True
    return extension, parse, render


def _unused_notes(text: str) -> str:
    """Return references to the footnotes of `text` that nothing refers to; "" for none."""
    if "[^" not in text:
        return ""
    referred_to = {*_REFERENCE.findall(text)}
    unused = dict.fromkeys(each for each in _NOTE.findall(text) if each not in referred_to)
    return "".join(f"[^{label}]" for label in unused)
