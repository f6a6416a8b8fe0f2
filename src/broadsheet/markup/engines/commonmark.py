"""CommonMark and GFM by comrak (CommonMark 0.31, GFM 0.29).

comrak is compiled and cannot be interrupted. It is linear in all but a few constructs, which are
bounded here: nested quotes and containers, tables whose rows are filled up to the width of their
header, definition lists, and inline footnotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

from comrak import ExtensionOptions, ParseOptions, RenderOptions, render_markdown

from broadsheet.markup.dialects import Dialect
from broadsheet.markup.engines import footnotes
from broadsheet.markup.errors import TooComplex

_ALWAYS = (
    *("cjk_friendly_emphasis", "footnotes", "strikethrough", "subscript", "table", "tasklist"),
)
_OPTIONAL = {
    "containers": "block_directive",
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
_BOUNDED: Final = {
    "containers": (":::", re.compile(r"^[ \t>]*:::+[ \t]*\S", re.MULTILINE), 2_000),
    "definitions": (":", re.compile(r"^[ \t>]*:[ \t]", re.MULTILINE), 2_000),
    "inline-notes": ("^[", re.compile(r"\^\["), 1_000),
}
"""Extensions whose time grows with the square of the number of their marks: a text in each, a
pattern, and how many there may be; in a text that has more, they stay text."""

_QUOTES = re.compile(rf"^(?:[ \t]*>){{{MAX_QUOTES + 1}}}", re.MULTILINE)
_DELIMITER_ROW = re.compile(r"^[ \t>]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t:-]*)+$", re.MULTILINE)
_TABLE_END = re.compile(r"\n[ \t>]*(?:\n|\Z)")
_LINK_DEFINITION = re.compile(r"\]:([^\n]*(?:\n[ \t>]*[\"'(][^\n]*)?)")
_LONGEST_LABEL = 1_000  # CommonMark 0.31, 6.3
_MOST_OF_REFERENCES = 100_000  # bytes; as in cmark
_ADDED = "\ue001"  # of the private use area (Unicode, 23.5)
_ADDED_PARAGRAPH = re.compile(rf"<p(?: [^<>]*)?>{_ADDED}.*</p>\n?")


def to_html(text: str, dialect: Dialect) -> str:
    """Return `text` as HTML, not yet safe, with `data-sourcepos` on what came from Markdown.

    Raises TooComplex.
    """
    if text.count(">") > MAX_QUOTES and _QUOTES.search(text):
        raise TooComplex("nested too deeply", "simplify the structure")
    if max(_cells(text), default=0) > MAX_CELLS:
        raise TooComplex("a table is too large", "split it, or link to a spreadsheet")
    text, extensions = text.rstrip("\n") + "\n", dialect.extensions
    notes = footnotes.NOTE.findall(text)
    added = footnotes.unused_notes(notes) + _allowance(text, notes)
    html = _render(f"{text}\n{_ADDED}{added}\n" if added else text, extensions)
    if added:
        start = html.rfind("<p", 0, html.rfind(_ADDED))
        # None if the text ends within code or HTML.
        paragraph = _ADDED_PARAGRAPH.match(html, start) if start >= 0 else None
        html = html[:start] + html[paragraph.end() :] if paragraph else _render(text, extensions)
    return footnotes.with_site_anchors(html, dialect)


def inline(text: str) -> str:
    """Return the HTML of a line of Markdown, such as a title."""
    html = _render(text, frozenset(), positions=False).strip()
    return html.removeprefix("<p>").removesuffix("</p>")


def _allowance(text: str, notes: Iterable[tuple[str, str]]) -> str:
    """Return what makes `text` as long as its reference links ask for.

    comrak stops resolving references when the addresses and titles that it has put in for them
    are longer than the text. An article of links by reference soon comes to that.
    notes: what footnotes.NOTE finds in it.
    """
    if text.count("]:") == sum(colon == ":" for _, colon in notes):  # only notes are defined
        return ""
    found = _LINK_DEFINITION.finditer(text)
    longest = max((len(each[1]) for each in found if not _is_of_note(text, each)), default=0)
    missing = min(longest * text.count("["), _MOST_OF_REFERENCES) - len(text)
    return _ADDED * (missing // len(_ADDED.encode()) + 1) if missing > 0 else ""


def _is_of_note(text: str, definition: re.Match[str]) -> bool:
    """Whether `definition` defines a footnote, which has no address."""
    at = definition.start()
    label = text[text.rfind("[", max(at - _LONGEST_LABEL, 0), at) : at]
    return label.startswith("[^") and len(label.split()) == 1


def _render(text: str, extensions: frozenset[str], *, positions: bool = True) -> str:
    for name, (mark, pattern, most) in _BOUNDED.items():
        # Two characters at least for each.
        if len(text) > 2 * most and text.count(mark) > most and len(pattern.findall(text)) > most:
            extensions -= {name}
    return render_markdown(text, *_options(extensions, positions))


def _cells(text: str) -> Iterator[int]:
    """Yield how many cells each table of `text` will have at most."""
    row = _DELIMITER_ROW.search(text) if "|" in text else None
    while row:
        found = _TABLE_END.search(text, row.end())
        end = found.start() if found else len(text)
        yield row[0].count("|") * text.count("\n", row.end(), end)
        row = _DELIMITER_ROW.search(text, end)


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
