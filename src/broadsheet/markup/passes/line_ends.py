"""Line ends within Chinese and Japanese text, which HTML would show as spaces."""

from __future__ import annotations

import re
from functools import partial

from broadsheet.markup.passes.context import Context
from broadsheet.markup.text import is_unspaced
from broadsheet.markup.tree import BLOCKS, Node

_LINE_END = re.compile(r"[ \t]*\n[ \t]*")
_INLINE_ENDS = ("</a>", "</code>", "</del>", "</em>", "</mark>", "</span>", "</strong>", "</sup>")
_PRESERVED = "pre,code,textarea"


def apply(body: Node, context: Context) -> None:
    """Remove the line ends between two characters of scripts that are written without spaces."""
    if not any(map(_is_within_text, context.html.split("\n"))):
        return
    kept = {
        inner.mem_id for each in body.css(_PRESERVED) for inner in each.traverse(include_text=True)
    }
    run: list[Node] = []  # the text nodes since the last block began or ended
    parent = -1
    for node in body.traverse(include_text=True):
        if not node.is_text_node:
            if node.tag in BLOCKS:
                _join(run)
                run = []
            continue
        block = _block_of(node)
        if block != parent:
            _join(run)
            run, parent = [], block
        if node.mem_id not in kept:
            run.append(node)
    _join(run)


def _is_within_text(line: str) -> bool:
    """Whether a line of HTML may end in the middle of such text."""
    end = line.rstrip(" \t")
    return end[-1:] > "\x7f" or end.endswith(_INLINE_ENDS)


def _block_of(node: Node) -> int:
    above = node.parent
    while above is not None and above.tag not in BLOCKS:
        above = above.parent
    return above.mem_id if above is not None else 0


def _join(run: list[Node]) -> None:
    texts = [node.text_content or "" for node in run]
    if not any("\n" in text for text in texts):
        return
    whole = "".join(texts)
    offset = 0
    for node, text in zip(run, texts, strict=True):
        start = offset
        changed = _LINE_END.sub(partial(_between, whole, start), text)
        offset += len(text)
        if changed != text:
            node.replace_with(changed) if changed else node.decompose()


def _between(whole: str, offset: int, found: re.Match[str]) -> str:
    """Return what stays of the line end `found`, at `offset` of `whole`: nothing, or all of it."""
    start, end = offset + found.start(), offset + found.end()
    if start and end < len(whole) and is_unspaced(whole[start - 1], whole[end]):
        return ""
    return found[0]
