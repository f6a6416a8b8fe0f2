"""Indented lines are not code in Eleventy and MDX.

Eleventy, since 2.0, reads them as text: templates often indent what they put into Markdown
(https://www.11ty.dev/docs/languages/markdown/#indented-code-blocks). MDX reads them as Markdown
(https://mdxjs.com/docs/what-is-mdx/#markdown), so fences may be indented, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from broadsheet.markup import sanitiser, tree
from broadsheet.markup.code import MAY_BE_INDENTED, fences
from broadsheet.markup.dialects import by_commonmark
from broadsheet.markup.engines import commonmark

_INDENTED = re.compile(r"^(?:[ >]{4}|[ >]{0,3}\t)", re.MULTILINE)
_READ = by_commonmark("definitions inline-notes")  # what indentation can belong to
_POSITION = re.compile(r"(\d+):(\d+)-")
_FENCE = re.compile(r"`{3}|~{3}")
_BLOCK_START = re.compile(
    r"(?=[-+*](?:[ \t]|$)|#{1,6}(?:[ \t]|$)|>|`{3}|~{3}|(?:=+|-{2,}|(?:[_*-][ \t]*){3,})[ \t]*$)"
)
_CODE = 4  # columns
_MARKER = re.compile(r"(?:[-*+]|\d{1,9}[.)])[ \t]+|(?P<note>\[\^[^\]\n]+\]:)")
_NUMBER = re.compile(r"\A(\d{1,9})([.)](?:[ \t]|$))")


def dedent_text(text: str) -> str:
    """Return `text` with what the engine takes to be indented code as paragraphs."""
    if not MAY_BE_INDENTED.search("\n\n" + text):
        return text
    spaced = _without_tabs(text)
    columns = _content_columns(spaced, [*fences(text)])
    return "\n".join(_dedented(text.split("\n"), spaced, columns, _as_text))


def dedent_mdx(text: str) -> str:
    """Return `text` with what the engine takes to be indented code as Markdown."""
    if not _INDENTED.search(text):
        return text
    lines, spaced, blocks = text.split("\n"), _without_tabs(text), [*fences(text)]
    columns = _content_columns(spaced, blocks)
    for first, end in blocks:
        surplus = _indent(spaced[first]) - columns[first]
        if surplus >= _CODE:
            spaced[first:end] = [line[min(surplus, _indent(line)) :] for line in spaced[first:end]]
            lines[first:end] = spaced[first:end]
    return "\n".join(_dedented(lines, spaced, columns, str.lstrip))


def _dedented(
    lines: list[str], spaced: list[str], columns: list[int], as_text: Callable[[str], str]
) -> list[str]:
    """Return `lines` with those of indented code as text of the list item that they are in.

    spaced: the lines indented by spaces only; with tabs, the engine's positions are wrong.
    columns: where the text of the list item of each line begins.
    """
    top = tree.parse(sanitiser.bounded(commonmark.to_html("\n".join(spaced), _READ)))
    for block in top.css("pre[data-sourcepos]"):
        position = _POSITION.match(block.attributes["data-sourcepos"] or "")
        first, column = map(int, position.groups()) if position else (1, 1)
        if _FENCE.match(spaced[first - 1], column - 1):
            continue
        prefix = spaced[first - 1][: max(column - 5, 0)]
        if not prefix.strip():
            prefix = " " * columns[first - 1]
        # The last line, as the engine has it, is often wrong.
        for number in range(first - 1, first - 1 + block.text(deep=True).count("\n")):
            text = as_text(spaced[number][len(prefix) :].strip())
            lines[number] = prefix + text if text else ""
    return lines


def _content_columns(lines: list[str], blocks: list[tuple[int, int]]) -> list[int]:
    """Return for each line the column of the text of its list item or footnote, or 0.

    blocks: the fenced ones, whose content does not count.
    """
    inside = {number for first, end in blocks for number in range(first + 1, end)}
    columns: list[int] = []
    items: list[int] = []
    for number, line in enumerate(lines):
        indent = _indent(line)
        counts = indent < len(line) and number not in inside
        while counts and items and indent < items[-1]:
            items.pop()
        columns.append(items[-1] if items else 0)
        if counts and (marker := _MARKER.match(line, indent)):
            items.append(indent + _CODE if marker["note"] else marker.end())
    return columns


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _without_tabs(text: str) -> list[str]:
    lines = text.split("\n")
    if "\t" not in text:
        return lines
    return [line[: _indent(line)].expandtabs(4) + line.lstrip() for line in lines]


def _as_text(text: str) -> str:
    """Return a line that begins no block."""
    text = _NUMBER.sub(r"\1\\\2", text, count=1)
    return f"\\{text}" if _BLOCK_START.match(text) else text
