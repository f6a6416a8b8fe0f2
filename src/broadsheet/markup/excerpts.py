"""The start of an article as plain text, used if its front matter has no summary."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from broadsheet.markup.passes.alerts import ALERT
from broadsheet.markup.tree import Node, children
from broadsheet.text.plain import one_line

_MORE = re.compile(r"<!--\s*more\s*-->", re.IGNORECASE)
_READ_MORE = re.compile(r"\s*more\s*\Z", re.IGNORECASE)
_POWER = re.compile(r"[0-9+-]+\Z")
_POWERS = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
_NO_WORDS = frozenset({"pre", "table", "script", "style", "template", "svg", "math", "title"})
_WORDS_APART = frozenset({"p", "li", "div", "td", "dd", "dt"})


def excerpt_of(body: Node, html: str) -> str:
    """Return the text before `<!--more-->`; else the first paragraph with text, preferably outside
    quotes; else all text. On one line. Never an alert or a footnote.

    html: what `body` was made from.
    """
    if _MORE.search(html) and (before := _words_before_mark(body)):
        return before
    quoted = []
    for paragraph in body.css("p"):
        around = [*_around(paragraph)]
        if any(map(_is_dropped, around)):
            continue
        if any(node.tag == "blockquote" for node in around):
            quoted.append(paragraph)
        elif words := _words(paragraph):
            return words
    return next(filter(None, map(_words, quoted)), "") or _words(body)


def _around(node: Node) -> Iterator[Node]:
    """Yield each element around `node`, from the inside out."""
    above = node.parent
    while above is not None and above.tag != "body":
        yield above
        above = above.parent


def _is_dropped(node: Node) -> bool:
    """Whether the content of `node` belongs in no excerpt: code, an alert, footnotes."""
    if node.tag in _NO_WORDS:
        return True
    given = node.attributes
    if node.tag == "blockquote":
        return ALERT in given
    return "data-footnotes" in given or "footnote" in (given.get("class") or "").split()


def _words(top: Node) -> str:
    parts: list[str] = []
    _collect(top, parts, is_end=lambda _: False)
    return one_line("".join(parts))


def _words_before_mark(body: Node) -> str:
    """Return the text before `<!--more-->`; "" if there is none."""
    parts: list[str] = []
    return one_line("".join(parts)) if _collect(body, parts, is_end=_is_mark) else ""


def _is_mark(node: Node) -> bool:
    return node.is_comment_node and _READ_MORE.match(node.comment_content or "") is not None


def _collect(top: Node, parts: list[str], is_end: Callable[[Node], bool]) -> bool:
    """Add the text below `top` to `parts`, up to an end; return whether there was one."""
    for node in children(top):
        if is_end(node):
            return True
        parts.append(_text(node))
        if node.is_element_node and not _is_dropped(node) and _collect(node, parts, is_end):
            return True
    return False


def _text(node: Node) -> str:
    """Return the text of `node` itself, without its children; a space for a line break."""
    if node.tag == "br":
        return " "
    if not node.is_text_node:
        return "\n" if node.tag in _WORDS_APART else ""
    text = node.text_content or ""
    above = node.parent
    if above is not None and above.tag == "sup" and _POWER.match(text):
        return text.translate(_POWERS)
    is_note_mark = above is not None and above.tag == "a" and _is_in_sup(above)
    return "" if is_note_mark else text


def _is_in_sup(link: Node) -> bool:
    return link.parent is not None and link.parent.tag == "sup"
