"""Indented lines are text: Eleventy switches code blocks by indentation off.

Since 2.0 (https://www.11ty.dev/docs/languages/markdown/#indented-code-blocks), as templates often
indent what they put into Markdown.
"""

from __future__ import annotations

import re

from broadsheet.markup import sanitiser, tree
from broadsheet.markup.engines import commonmark

_INDENTED = re.compile(r"^(?:[ >]{4}|[ >]{0,3}\t)", re.MULTILINE)
_READ = frozenset({"definitions", "inline-notes"})  # what indentation can belong to
_POSITION = re.compile(r"(\d+):(\d+)-(\d+):\d+")
_FENCE = re.compile(r"`{3}|~{3}")
_BLOCK_START = re.compile(
    r"(?=[-+*](?:[ \t]|$)|#{1,6}(?:[ \t]|$)|>|`{3}|~{3}|(?:=+|-{2,}|(?:[_*-][ \t]*){3,})[ \t]*$)"
)
_NUMBER = re.compile(r"(\d{1,9})([.)](?:[ \t]|$))")


def rewrite(text: str) -> str:
    """Return `text` with the lines that the engine takes to be indented code as paragraphs."""
    if not _INDENTED.search(text):
        return text
    lines = text.split("\n")
    top = tree.parse(sanitiser.bounded(commonmark.to_html(text, _READ)))
    for block in top.css("pre[data-sourcepos]"):
        found = _POSITION.match(block.attributes["data-sourcepos"] or "")
        if found is None:
            continue
        first, column, last = map(int, found.groups())
        if _FENCE.match(lines[first - 1], column - 1):
            continue
        for number in range(first - 1, min(last, len(lines))):
            lines[number] = _as_text(lines[number], column)
    return "\n".join(lines)


def _as_text(line: str, column: int) -> str:
    """Return `line`, whose code begins at `column`, as a line of a paragraph."""
    text = line[column - 1 :].strip()
    if not text:
        return line
    text = _NUMBER.sub(r"\1\\\2", text, count=1) if _NUMBER.match(text) else text
    mark = "\\" if _BLOCK_START.match(text) else ""
    return f"{line[: max(column - 5, 0)]}{mark}{text}"
