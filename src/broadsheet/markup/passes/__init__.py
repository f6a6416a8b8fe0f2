"""Passes over the tree of an article, one per module, in the order given here.

The engines differ and leave gaps, and feeds and mails have no scripts, styles or ids; each pass
handles one such case. URLs come last, so that a pass may write any reference.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

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


class Pass(NamedTuple):
    """A pass.

    extension: the extension of a dialect that asks for it; "" for all dialects.
    tags: elements it changes; it is skipped if none of them is there. Empty: any.
    """

    extension: str
    tags: frozenset[str]
    apply: Callable[[Node, Context], None]


def _pass(extension: str, tags: str, apply: Callable[[Node, Context], None]) -> Pass:
    return Pass(extension, frozenset(tags.split()), apply)


PASSES = (
    _pass("", "sub", strikethrough.apply),
    _pass("kramdown", "", kramdown.apply),
    _pass("attributes", "", attributes.apply),
    _pass("definitions", "dt", definitions.apply),
    _pass("alerts", "blockquote div", alerts.apply),
    _pass("toc", "p", toc.apply),
    _pass("wikilinks", "", wikilinks.apply),
    _pass("abbreviations", "p", abbreviations.apply),
    _pass("", "section sup", footnotes.apply),
    _pass("", "input iframe noscript", controls.apply),
    _pass("", "td th code", styles.apply),
    _pass("", "", bare_urls.apply),
    _pass("", "", line_ends.apply),
)


def run(body: Node, context: Context) -> None:
    """Apply every pass that the dialect asks for to the tree below `body`."""
    for each in PASSES:
        is_asked_for = not each.extension or each.extension in context.dialect.extensions
        if is_asked_for and (not each.tags or each.tags & context.tags):
            each.apply(body, context)
