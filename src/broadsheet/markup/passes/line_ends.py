"""Line ends within Chinese and Japanese text, which HTML would show as spaces."""

from __future__ import annotations

import re
from functools import partial

from broadsheet.markup.passes.context import Context
from broadsheet.markup.tree import BLOCKS, Node, text_nodes
from broadsheet.text.plain import is_unspaced

_UNSPACED = re.compile("[\u2e80-\U0003ffff]")  # any such script, and a few others
_LINE_END = re.compile(r"[ \t]*\n[ \t]*")
_INLINE_ENDS = ("</a>", "</code>", "</del>", "</em>", "</mark>", "</span>", "</strong>", "</sup>")
# A line end that may be in the middle of such text: after it, or after an inline element.
_BEFORE = "|".join(rf"(?<={before}\n)" for before in (r"[^!-~\n]", *_INLINE_ENDS))
_MAY_BE_IN_TEXT = re.compile(rf"\n(?:{_BEFORE})")
_PRESERVED = frozenset({"pre", "code", "textarea"})


def join_lines(body: Node, context: Context) -> None:
    """Remove the line ends between two characters of scripts that are written without spaces."""
    if context.html.isascii() or not _UNSPACED.search(context.html):
        return
    if not _MAY_BE_IN_TEXT.search(context.html):
        return
    for node in text_nodes(body, _has_line_end, _PRESERVED):
        text = node.text_content or ""
        joined = _LINE_END.sub(partial(_between, node), text)
        if joined != text:
            node.replace_with(joined)


def _has_line_end(text: str) -> bool:
    return "\n" in text


def _between(node: Node, found: re.Match[str]) -> str:
    """Return what stays of the line end `found` in the text `node`: nothing, or all of it."""
    text = found.string
    before = text[found.start() - 1] if found.start() else _neighbour(node, -1)
    after = text[found.end()] if found.end() < len(text) else _neighbour(node, 0)
    return "" if before and after and is_unspaced(before, after) else found[0]


def _neighbour(node: Node, place: int) -> str:
    """Return the last character before `node` (place -1), or the first after it (0).

    "" where a block begins or ends between them.
    """
    each: Node | None = node
    while each is not None and each.tag not in BLOCKS:
        beside = each.prev if place else each.next
        if beside is not None:
            return _edge(beside, place)
        each = each.parent
    return ""


def _edge(node: Node, place: int) -> str:
    """Return the first or last character in `node`; "" for a block, or without text."""
    each: Node | None = node
    while each is not None and not each.is_text_node:
        if each.tag in BLOCKS:
            return ""
        each = each.last_child if place else each.first_child
    text = each.text_content if each is not None else ""
    return text[place] if text else ""
