"""Attributes in braces after headings, images, links and blocks: `## Title {#id .class}`.

As in Hugo (https://gohugo.io/content-management/markdown-attributes) and Pandoc; in kramdown they
begin with a colon, `{: #id .class}`, and may have names of lists defined elsewhere
(https://kramdown.gettalong.org/syntax.html). `check` uses the ids; widths
and heights are kept; classes mean nothing without the site's stylesheet.
"""

from __future__ import annotations

import re

from broadsheet.markup.passes.context import Context
from broadsheet.markup.sanitiser import TAGS
from broadsheet.markup.tree import Node, text_nodes

_VALUE = r"""(?:"[^"]*"|'[^']*'|“[^”]*”|[^\s{}"'“”]+)"""
_TOKEN = rf"(?:[#.][\w:./-]+|[A-Za-z][\w-]*={_VALUE})"
_PLAIN = rf"\{{[ \t]*(?P<tokens>{_TOKEN}(?:[ \t]+{_TOKEN})*)[ \t]*\}}"
_KRAMDOWN = r"\{:(?P<tokens>[^{}]*)\}"
_MAY_BE_ATTRIBUTES = re.compile(r"\{:|\{[ \t]*(?:[#.][\w:./-]|[A-Za-z][\w-]*=)")
_SPLIT = re.compile(_TOKEN)
_KEPT = {"img": {"width", "height", "alt", "title"}}

HEADINGS = "h1,h2,h3,h4,h5,h6"
_BLOCKS = f"{HEADINGS},p,li,dd,dt,td,th"
_INLINE = "a,code,del,em,img,mark,span,strong,sup"
_EXTENSION = re.compile(
    r"\{::(?:comment|options|nomarkdown)[^{}]*/\}|\{::comment\}.{0,2000}?\{:/(?:comment)?\}"
    r"|\{::nomarkdown\}|\{:/(?:nomarkdown)?\}",
    re.DOTALL,
)
_TABLE_OF_CONTENTS = re.compile(r"\{:[^{}]*\btoc\b[^{}]*\}")


def take_attributes(body: Node, context: Context) -> None:
    """Remove the attributes from the text; set the ids of headings and the sizes of images."""
    if "{" not in context.html or not _MAY_BE_ATTRIBUTES.search(context.html):
        return
    if "kramdown" in context.dialect.extensions and "{:" in context.html:
        _remove_extensions(body)
        _take(body, _KRAMDOWN)
    if "attributes" in context.dialect.extensions:
        for heading in body.css(HEADINGS):
            _unwrap_components(heading)
            _cut(heading.last_child, re.compile(rf"[ \t]*{_PLAIN}[ \t]*\Z"), heading)
        for row in body.css("tr"):
            _remove_row(row)
        _take(body, _PLAIN)


def _take(body: Node, attributes: str) -> None:
    first = re.compile(rf"\A[ \t]*{attributes}[ \t]*(?:\n|\Z)")
    last = re.compile(rf"(?:\A|\n)[ \t]*{attributes}[ \t]*\Z")
    after = re.compile(rf"\A{attributes}")
    for inline in body.css(_INLINE):
        _cut(inline.next, after, inline)
    for block in body.css(_BLOCKS):
        is_cut = _cut(block.last_child, last, block)
        is_cut = _cut(block.first_child, first, block) or is_cut
        if is_cut and block.tag == "p" and not (block.inner_html or "").strip():
            block.decompose()


def _remove_extensions(body: Node) -> None:
    """Remove kramdown's `{::comment}` and the like, and the list that `{:toc}` would replace."""
    for item in body.css("li"):
        if _TABLE_OF_CONTENTS.search(item.text(deep=True)) and item.parent is not None:
            item.parent.decompose()
    for text in text_nodes(body, _EXTENSION.search, frozenset({"code", "pre"})):
        text.replace_with(_EXTENSION.sub("", text.text_content or ""))


def _remove_row(row: Node) -> None:
    """Remove `row` where it has nothing but the attributes of its table."""
    if re.fullmatch(rf"\s*{_PLAIN}\s*", row.text(deep=True)):
        row.decompose()


def _unwrap_components(heading: Node) -> None:
    """Move what follows a tag like `<Badge />` out of it: HTML has no such empty element."""
    last = heading.last_child
    while last is not None and last.is_element_node and last.tag not in TAGS:
        last.unwrap(delete_empty=True)
        last = heading.last_child


def _cut(node: Node | None, pattern: re.Pattern[str], target: Node) -> bool:
    """Cut the match of `pattern` from the text `node`, and set it on `target`; False for none."""
    text = node.text_content if node is not None and node.is_text_node else None
    if node is None or not text or not (found := pattern.search(text)):
        return False
    _set_attributes(target, found["tokens"])
    node.replace_with(text[: found.start()] + text[found.end() :])
    return True


def _set_attributes(node: Node, tokens: str) -> None:
    """Set the id in `tokens`, and the width and height of an image."""
    for token in _SPLIT.findall(tokens):
        name, is_named, value = token.partition("=")
        if token.startswith("#"):
            node.attrs["id"] = token[1:]
        elif is_named and name.lower() in _KEPT.get(node.tag or "", ()):
            node.attrs[name.lower()] = value.strip("\"'“”")
