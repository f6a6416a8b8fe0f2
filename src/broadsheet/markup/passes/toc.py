"""`[[toc]]` alone in a paragraph, where VuePress and VitePress put a table of contents.

Feeds have no ids that it could lead to (https://vitepress.dev/guide/markdown#table-of-contents).
"""

from __future__ import annotations

from broadsheet.markup.passes.context import Context
from broadsheet.markup.tree import Node


def remove_toc(body: Node, context: Context) -> None:
    """Take the mark out."""
    if "[[toc]]" in context.html.lower():
        for paragraph in body.css("p"):
            if paragraph.text(deep=True).strip().lower() == "[[toc]]":
                paragraph.decompose()
