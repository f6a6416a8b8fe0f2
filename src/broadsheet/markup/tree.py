"""The tree of an article's HTML, built and written as the HTML Standard says (by Lexbor).

Passes change it in place. A node's `parser` makes new nodes; `move=True` puts one into the tree.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Final, cast

from selectolax.lexbor import LexborHTMLParser, LexborNode

Node = LexborNode

_BLOCKS = """
    address article aside blockquote body br center dd details div dl dt figcaption figure footer h1
    h2 h3 h4 h5 h6 header hr img li main ol p pre section summary table tbody td tfoot th thead tr
    ul audio video
"""
BLOCKS = frozenset(_BLOCKS.split())
"""Elements that separate the words on their two sides."""

_FIRST_OF_PRE = re.compile(r"(<pre\b[^>]*>)\n")

# While the last tree is alive, its memory does not go back to the system, which would take a tenth
# of the time to give it out again for the next one.
_LAST: Final[deque[Node]] = deque(maxlen=1)


def parse(html: str) -> Node:
    """Return the `body` of the tree of `html`, a fragment."""
    # Without a doctype, a table would not end a paragraph (HTML Standard, 13.2.6.4.7). With this
    # start tag, no later one can replace the body (13.2.6.4.6).
    body = cast("Node", LexborHTMLParser("<!DOCTYPE html><body>" + html).body)
    _LAST.append(body)
    return body


def tag_names(body: Node) -> frozenset[str]:
    """Return the names of the elements in `body`."""
    return frozenset([node.tag or "" for node in body.traverse()])


def to_html(body: Node) -> str:
    """Return the HTML of the content of `body`."""
    return keep_line_ends(body.inner_html or "")


def keep_line_ends(html: str) -> str:
    """Double the line end that begins a `pre`: parsers drop the first, serialisers write one."""
    return _FIRST_OF_PRE.sub(r"\1\n\n", html) if "<pre" in html else html


def element(near: Node, tag: str, text: str = "", **attributes: str) -> Node:
    """Return a new element for the tree of `near`."""
    made = near.parser.create_node(tag)
    for name, value in attributes.items():
        made.attrs[name] = value
    if text:
        made.insert_child(text)
    return made


def rename(node: Node, tag: str) -> Node:
    """Replace `node` by an element `tag` without attributes, with the same content."""
    made = element(node, tag)
    for child in children(node):
        made.insert_child(child, move=True)
    node.replace_with(made, move=True)
    return made


def children(node: Node) -> Iterator[Node]:
    """Yield every child of `node`, including text, even if the previous one is removed."""
    child = node.first_child
    while child is not None:
        following = child.next
        yield child
        child = following


def remove_comments(body: Node) -> None:
    """Remove all that is neither element nor text, and lines that it leaves empty."""
    nodes = body.traverse(include_text=True)
    for comment in [node for node in nodes if not (node.is_element_node or node.is_text_node)]:
        following = comment.next
        text = following.text_content if following is not None else None
        if following is not None and text and text.isspace() and "\n" in text:
            following.decompose()
        comment.decompose()


def text_nodes(
    body: Node, is_wanted: Callable[[str], object], outside: frozenset[str]
) -> list[Node]:
    """Return the text nodes of `body` outside the elements `outside` whose text is wanted."""
    return [
        node
        for node in body.traverse(include_text=True)
        if (text := node.text_content) and is_wanted(text) and not _is_in(node, outside)
    ]


def replace_text(node: Node, found: Iterable[tuple[int, int, Node]]) -> None:
    """Replace ranges of the text `node` by elements; `found`: start, end and element, in order."""
    text, end = node.text_content or "", 0
    for start, stop, made in found:
        node.insert_before(text[end:start])
        node.insert_before(made, move=True)
        end = stop
    if end:
        node.replace_with(text[end:])


def _is_in(node: Node, tags: frozenset[str]) -> bool:
    above = node.parent
    while above is not None and above.tag != "body":
        if above.tag in tags:
            return True
        above = above.parent
    return False
