"""CommonMark and GFM by comrak (CommonMark 0.31, GFM 0.29).

comrak is compiled and cannot be interrupted. It is linear in all but three constructs, which are
bounded here: nested block quotes, tables whose rows are filled up to the width of their header,
and definition lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from comrak import ExtensionOptions, ParseOptions, RenderOptions, render_markdown

from broadsheet.markup.errors import TooComplex

_ALWAYS = (
    *("cjk_friendly_emphasis", "footnotes", "strikethrough", "subscript", "table", "tasklist"),
)
_OPTIONAL = {
    "definitions": "description_lists",
    "emoji": "shortcodes",
    "inline-notes": "inline_footnotes",
    "mark": "highlight",
    "wikilinks": "wikilinks_title_after_pipe",
}

MAX_QUOTES: Final = 100
"""The depth of nested block quotes. comrak's time grows with the square of their depth."""
MAX_CELLS: Final = 100_000
"""Cells of one table, including those that its source leaves out."""
MAX_DEFINITIONS: Final = 2_000
"""Definitions. comrak's time grows with the square of their number; more stay text."""

_QUOTES = re.compile(rf"^(?:[ \t]*>){{{MAX_QUOTES + 1}}}", re.MULTILINE)
_DELIMITER_ROW = re.compile(r"^[ \t>]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t:-]*)+$", re.MULTILINE)
_TABLE_END = re.compile(r"\n[ \t>]*(?:\n|\Z)")
_DEFINITION = re.compile(r"^[ \t>]*:[ \t]", re.MULTILINE)
_NOTE = re.compile(r"^[ \t>]*\[\^([^\]\s]+)\]:", re.MULTILINE)
_REFERENCE = re.compile(r"\[\^([^\]\s]+)\](?!:)")

_LINK_DEFINITION = re.compile(r"\]:([^\n]*(?:\n[ \t>]*[\"'(][^\n]*)?)")
_FILLER = "\ue002"  # of the private use area, like UNUSED_NOTES
_START_OF_PARAGRAPH = re.compile(r"<p[^<>]*>\Z")
_LONGEST_TAG = 100  # characters
_MOST_OF_REFERENCES = 100_000  # bytes; as in cmark

UNUSED_NOTES: Final = "\ue001"
"""Starts the paragraph that refers to footnotes without other references (Unicode, 23.5)."""


def to_html(text: str, extensions: frozenset[str], *, positions: bool = True) -> str:
    """Return `text` as HTML, not yet safe.

    extensions: names as in `broadsheet.markup.dialects`. positions: whether to put
    `data-sourcepos` on what came from Markdown. Raises TooComplex.
    """
    if text.count(">") > MAX_QUOTES and _QUOTES.search(text):
        raise TooComplex("nested too deeply", "simplify the structure")
    if max(_cells(text), default=0) > MAX_CELLS:
        raise TooComplex("a table is too large", "split it, or link to a spreadsheet")
    text = _with_allowance(text)
    if unused := _unused_notes(text):
        # comrak leaves out a footnote that nothing refers to; its text would be lost.
        html = _render(f"{text}\n\n{UNUSED_NOTES}{unused}\n", extensions, positions)
        if f">{UNUSED_NOTES}<" in html:
            return _without_allowance(html)
    return _without_allowance(_render(text, extensions, positions))


def _with_allowance(text: str) -> str:
    """Return `text` with its last line ended, and as long as its reference links ask for.

    comrak stops resolving references when the addresses and titles that it has put in for them
    are longer than the text. An article of links by reference soon comes to that.
    """
    text = text.rstrip("\n") + "\n"
    longest = max(map(len, _LINK_DEFINITION.findall(text)), default=0)
    missing = min(longest * text.count("["), _MOST_OF_REFERENCES) - len(text)
    if missing <= 0:
        return text
    return f"{text}\n{_FILLER * (missing // len(_FILLER.encode()) + 1)}\n"


def _without_allowance(html: str) -> str:
    """Return `html` without the paragraph that `_with_allowance` has added."""
    start, end = html.find(_FILLER), html.rfind(_FILLER) + 1
    if start < 0:
        return html
    before = html[max(start - _LONGEST_TAG, 0) : start]
    if tag := _START_OF_PARAGRAPH.search(before):
        start -= len(tag[0])
        end += len("</p>") if html.startswith("</p>", end) else 0
    start -= html[:start].endswith("\n")
    return html[:start] + html[end:]


def _render(text: str, extensions: frozenset[str], positions: bool) -> str:
    may_be_many = text.count(":") > MAX_DEFINITIONS
    if may_be_many and len(_DEFINITION.findall(text)) > MAX_DEFINITIONS:
        extensions -= {"definitions"}
    return render_markdown(text, *_options(extensions, positions))


def _cells(text: str) -> Iterator[int]:
    """Yield how many cells each table of `text` will have at most."""
    for row in _DELIMITER_ROW.finditer(text) if "|" in text else ():
        end = _TABLE_END.search(text, row.end())
        rows = text.count("\n", row.end(), end.start() if end else len(text))
        yield row[0].count("|") * rows


@cache
def _options(
    extensions: frozenset[str], positions: bool
) -> tuple[ExtensionOptions, ParseOptions, RenderOptions]:
    extension, parse, render = ExtensionOptions(), ParseOptions(), RenderOptions()
    for name in (*_ALWAYS, *(_OPTIONAL[each] for each in extensions & _OPTIONAL.keys())):
        setattr(extension, name, True)
    parse.smart = "smart" in extensions
    render.unsafe_ = True  # the sanitiser handles raw HTML
    render.sourcepos = positions
    return extension, parse, render


def _unused_notes(text: str) -> str:
    """Return references to the footnotes of `text` that nothing refers to; "" for none."""
    if "[^" not in text:
        return ""
    referred_to = {*_REFERENCE.findall(text)}
    unused = dict.fromkeys(each for each in _NOTE.findall(text) if each not in referred_to)
    return "".join(f"[^{label}]" for label in unused)
