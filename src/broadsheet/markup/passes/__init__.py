"""Passes over the tree of an article, one per module, in the order given here.

The engines differ and leave gaps, and feeds and mails have no scripts, styles or ids; each pass
handles one such case. URLs come last, so that a pass may write any reference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from broadsheet.markup.passes.abbreviations import mark_abbreviations
from broadsheet.markup.passes.alerts import open_containers, title_alerts
from broadsheet.markup.passes.attributes import take_attributes
from broadsheet.markup.passes.bare_urls import link_bare_urls
from broadsheet.markup.passes.context import Context
from broadsheet.markup.passes.controls import replace_controls
from broadsheet.markup.passes.definitions import split_terms
from broadsheet.markup.passes.line_ends import join_lines
from broadsheet.markup.passes.strikethrough import strike_out
from broadsheet.markup.passes.toc import remove_toc
from broadsheet.markup.passes.wikilinks import resolve_wikilinks
from broadsheet.markup.tree import Node

__all__ = ["PASSES", "Context", "run"]


PASSES: Final[Sequence[tuple[str, str, Callable[[Node, Context], None]]]] = (
    ("", "sub", strike_out),
    ("", "", take_attributes),
    ("definitions", "dt", split_terms),
    ("containers", "div", open_containers),
    ("alerts", "blockquote div", title_alerts),
    ("toc", "p", remove_toc),
    ("wikilinks", "", resolve_wikilinks),
    ("abbreviations", "p", mark_abbreviations),
    ("", "input iframe noscript td th", replace_controls),
    ("", "", link_bare_urls),
    ("", "", join_lines),
)
"""The extension of a dialect that asks for a pass, "" for all dialects; the elements that it
changes, without any of which it is skipped, "" for any; and its function."""


def run(body: Node, context: Context) -> None:
    """Apply every pass that the dialect asks for to the tree below `body`."""
    for extension, tags, apply in PASSES:
        is_asked_for = not extension or extension in context.dialect.extensions
        if is_asked_for and (not tags or not context.tags.isdisjoint(tags.split())):
            apply(body, context)
