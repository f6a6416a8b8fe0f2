"""Attributes in braces after headings, images, links and blocks: `## Title {#id .class}`.

As in Hugo (https://gohugo.io/content-management/markdown-attributes) and Pandoc. `check` uses the
ids; widths and heights are kept; classes mean nothing without the site's stylesheet.
"""

from __future__ import annotations

import re

from broadsheet.markup.passes.context import Context
from broadsheet.markup.sanitiser import TAGS
from broadsheet.markup.tree import Node

_VALUE = r"""(?:"[^"]*"|'[^']*'|“[^”]*”|[^\s{}"'“”]+)"""
_TOKEN = rf"(?:[#.][\w:./-]+|[A-Za-z][\w-]*={_VALUE})"
ATTRIBUTES = rf"\{{[ \t]*(?P<tokens>{_TOKEN}(?:[ \t]+{_TOKEN})*)[ \t]*\}}"
_MAY_BE_ATTRIBUTES = re.compile(r"\{[ \t]*(?:[#.][\w:./-]|[A-Za-z][\w-]*=)")
_AT_END = re.compile(rf"[ \t]*{ATTRIBUTES}[ \t]*\Z")
_LAST_LINE = re.compile(rf"(?:\A|\n)[ \t]*{ATTRIBUTES}[ \t]*\Z")
_AT_START = re.compile(rf"\A{ATTRIBUTES}")
_ALONE = re.compile(rf"\s*{ATTRIBUTES}\s*")
_SPLIT = re.compile(_TOKEN)
_KEPT = {"img": {"width", "height", "alt", "title"}}

HEADINGS = "h1,h2,h3,h4,h5,h6"
_BLOCKS = "p,li,dd,dt,td,th"


def take_attributes(body: Node, context: Context) -> None:
    """Remove the attributes from the text; set the ids of headings and the sizes of images."""
    if not _MAY_BE_ATTRIBUTES.search(context.html):
        return
    for heading in body.css(HEADINGS):
        _unwrap_components(heading)
        cut(heading.last_child, _AT_END, heading)
    for inline in body.css("img,a,code,strong,em,del,mark"):
        cut(inline.next, _AT_START, inline)
    for row in body.css("tr"):
        _remove_row(row)
    for block in body.css(_BLOCKS):
        if cut(block.last_child, _LAST_LINE, block) and not block.inner_html:
            block.decompose()


def _remove_row(row: Node) -> None:
    """Remove `row` where it has nothing but the attributes of its table."""
    if _ALONE.fullmatch(row.text(deep=True)):
        row.decompose()


def _unwrap_components(heading: Node) -> None:
    """Move what follows a tag like `<Badge />` out of it: HTML has no such empty element."""
    last = heading.last_child
    while last is not None and last.is_element_node and last.tag not in TAGS:
        last.unwrap(delete_empty=True)
        last = heading.last_child


def cut(node: Node | None, pattern: re.Pattern[str], target: Node) -> bool:
    """Cut the match of `pattern` from the text `node`, and set it on `target`; False for none."""
    text = node.text_content if node is not None and node.is_text_node else None
    if node is None or not text or not (found := pattern.search(text)):
        return False
    set_attributes(target, found["tokens"])
    node.replace_with(text[: found.start()] + text[found.end() :])
    return True


def set_attributes(node: Node, tokens: str) -> None:
    """Set the id in `tokens`, and the width and height of an image."""
    for token in _SPLIT.findall(tokens):
        name, is_named, value = token.partition("=")
        if token.startswith("#"):
            node.attrs["id"] = token[1:]
        elif is_named and name.lower() in _KEPT.get(node.tag or "", ()):
            node.attrs[name.lower()] = value.strip("\"'“”")
