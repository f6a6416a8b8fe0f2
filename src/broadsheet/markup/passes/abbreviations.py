"""Abbreviations: `*[HTML]: HyperText Markup Language` (PHP Markdown Extra, kramdown)."""

from __future__ import annotations

import re

from broadsheet.markup.passes.context import Context
from broadsheet.markup.tree import Node, element, replace_text, text_nodes

_DEFINITION = re.compile(r"(?:\A|\n)\*\[([^\]\n]+)\]:[ \t]*([^\n]*)")
_OUTSIDE = frozenset({"pre", "code", "abbr"})
_MOST = 500  # definitions; no real article has more


def mark_abbreviations(body: Node, context: Context) -> None:
    """Remove the definitions, and mark up each word that they explain."""
    if "*[" not in context.html:
        return
    meanings: dict[str, str] = {}
    for paragraph in body.css("p"):
        for node in paragraph.iter(include_text=True):
            text = node.text_content if node.is_text_node else None
            if text and "*[" in text and (found := _DEFINITION.findall(text)):
                meanings |= found
                node.replace_with(_DEFINITION.sub("", text))
        if not (paragraph.inner_html or "").strip():
            paragraph.decompose()
    if meanings:
        _mark_up(body, dict([*meanings.items()][:_MOST]))


def _mark_up(body: Node, meanings: dict[str, str]) -> None:
    longest_first = sorted(meanings, key=len, reverse=True)
    word = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")
    for node in text_nodes(body, word.search, _OUTSIDE):
        words = word.finditer(node.text_content or "")
        marks = (
            (*each.span(), element(node, "abbr", each[0], title=meanings[each[0]]))
            for each in words
        )
        replace_text(node, marks)
