"""Obsidian's links by name: `[[Page]]`, `[[Page#Heading|text]]`, `![[image.png|300]]`."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from broadsheet.markup.links import INTERNAL
from broadsheet.markup.passes.context import Context
from broadsheet.markup.tree import Node, element, replace_text, text_nodes

_EMBED = re.compile(r"!\[\[([^\[\]|\n]+)(?:\|([^\[\]\n]*))?\]\]")
_IMAGE = re.compile(r"\.(?:avif|bmp|gif|jpe?g|png|svg|webp)\Z", re.IGNORECASE)
_OUTSIDE = frozenset({"pre", "code", "a"})
_BLOCK_ID = re.compile(r"(?:\A|\s)\^[A-Za-z0-9-]+\s*\Z")
_SIZE = re.compile(r"(\d+)(?:x(\d+))?\Z")


def resolve_wikilinks(body: Node, context: Context) -> None:
    """Turn links and embeds into references by name, which are resolved like any other."""
    for link in body.css("a[data-wikilink]"):
        link.attrs["href"] = _reference(unquote(link.attrs["href"] or ""))
    if "^" in context.html:
        _remove_block_ids(body)
    if "![[" not in context.html:
        return
    for node in text_nodes(body, _EMBED.search, _OUTSIDE):
        embeds = _EMBED.finditer(node.text_content or "")
        replace_text(node, ((*each.span(), _embedded(node, each)) for each in embeds))


def _remove_block_ids(body: Node) -> None:
    """Take out the names that paragraphs and items end with, as in `Text. ^name`."""
    for block in body.css("p,li,h1,h2,h3,h4,h5,h6"):
        last = block.last_child
        if last is None or not last.is_text_node:
            continue
        text = last.text_content or ""
        if found := _BLOCK_ID.search(text):
            last.replace_with(text[: found.start()])
            if not (block.inner_html or "").strip():
                block.decompose()


def _reference(target: str) -> str:
    """Return the reference to the page `target`, or to a heading of it."""
    page, mark, heading = target.partition("#")
    anchor = "-".join(heading.lower().split()) if mark else ""
    return (INTERNAL + quote(page.strip()) if page.strip() else "") + mark + quote(anchor)


def _embedded(near: Node, found: re.Match[str]) -> Node:
    """Return the image that is named, or a link to the page that the site would embed here."""
    target, text = found[1].strip(), (found[2] or "").strip()
    if not _IMAGE.search(target):
        return element(near, "a", text or target, href=_reference(target))
    image = element(near, "img", src=INTERNAL + quote(target))
    if size := _SIZE.match(text):
        image.attrs["width"] = size[1]
        if size[2]:
            image.attrs["height"] = size[2]
    image.attrs["alt"] = "" if size else text
    return image
