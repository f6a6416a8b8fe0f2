"""The start of an article as plain text, used if its front matter has no summary."""

from __future__ import annotations

import re
from collections.abc import Iterable

from broadsheet.markup.passes.alerts import ALERT
from broadsheet.markup.tree import Node
from broadsheet.text.plain import one_line

_READ_MORE = re.compile(r"\s*more\s*\Z", re.IGNORECASE)
_POWER = re.compile(r"[0-9+-]+\Z")
_POWERS = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
_NO_WORDS = "pre,table,script,style,template,svg,math,title,section[data-footnotes],div.footnote"


def excerpt_of(body: Node) -> str:
    """Return the text before `<!--more-->`; else the first paragraph with text, preferably outside
    quotes; else all text. On one line. Never an alert or a footnote.
    """
    nodes = list(body.traverse(include_text=True))
    dropped = _inside(body.css(f"{_NO_WORDS},blockquote[{ALERT}]"))
    kept = [node for node in nodes if node.mem_id not in dropped]
    if before := _before_mark(kept):
        return before
    quoted = _inside(body.css("blockquote"))
    paragraphs = [node for node in kept if node.tag == "p"]
    own = (_words_in(each, dropped) for each in paragraphs if each.mem_id not in quoted)
    others = (_words_in(each, dropped) for each in paragraphs if each.mem_id in quoted)
    return next(filter(None, own), "") or next(filter(None, others), "") or _words(kept)


def _inside(elements: Iterable[Node]) -> set[int]:
    return {node.mem_id for each in elements for node in each.traverse(include_text=True)}


def _before_mark(nodes: list[Node]) -> str:
    for place, node in enumerate(nodes):
        if node.is_comment_node and _READ_MORE.match(node.comment_content or ""):
            return _words(nodes[:place])
    return ""


def _words_in(element: Node, dropped: set[int]) -> str:
    return _words(
        node for node in element.traverse(include_text=True) if node.mem_id not in dropped
    )


def _words(nodes: Iterable[Node]) -> str:
    return one_line("".join(_text(node) for node in nodes))


def _text(node: Node) -> str:
    """Return the text of `node` itself, without its children; a space for a line break."""
    if node.tag == "br":
        return " "
    if not node.is_text_node:
        return "\n" if node.tag in {"p", "li", "div", "td", "dd", "dt"} else ""
    text = node.text_content or ""
    above = node.parent
    if above is not None and above.tag == "sup" and _POWER.match(text):
        return text.translate(_POWERS)
    is_note_mark = above is not None and above.tag == "a" and _is_in_sup(above)
    return "" if is_note_mark else text


def _is_in_sup(link: Node) -> bool:
    return link.parent is not None and link.parent.tag == "sup"
