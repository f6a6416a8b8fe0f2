"""Passes over the tree of an article, one per module, in the order given here.

The engines differ and leave gaps, and feeds and mails have no scripts, styles or ids; each pass
handles one such case. URLs come last, so that a pass may write any reference.
"""

from __future__ import annotations

from collections.abc import Callable

from broadsheet.markup.passes import (
    abbreviations,
    alerts,
    attributes,
    bare_urls,
    controls,
    definitions,
    footnotes,
    kramdown,
    line_ends,
    strikethrough,
    styles,
    toc,
    wikilinks,
)
from broadsheet.markup.passes.context import Context
from broadsheet.markup.tree import Node

__all__ = ["PASSES", "Context", "Pass", "run"]

Pass = Callable[[Node, Context], None]

PASSES: tuple[tuple[str, Pass], ...] = (
    ("", strikethrough.apply),
    ("kramdown", kramdown.apply),
    ("attributes", attributes.apply),
    ("definitions", definitions.apply),
    ("alerts", alerts.apply),
    ("toc", toc.apply),
    ("wikilinks", wikilinks.apply),
    ("abbreviations", abbreviations.apply),
    ("", footnotes.apply),
    ("", controls.apply),
    ("", styles.apply),
    ("", bare_urls.apply),
    ("", line_ends.apply),
)
"""Each pass, and the extension of a dialect that asks for it; "" for all dialects."""


def run(body: Node, context: Context) -> None:
    """Apply every pass that the dialect asks for to the tree below `body`."""
    for extension, apply in PASSES:
        if not extension or extension in context.dialect.extensions:
            apply(body, context)
