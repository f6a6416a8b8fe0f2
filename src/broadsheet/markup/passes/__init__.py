"""Passes over the tree of an article, one per module, in the order given here.

The engines differ and leave gaps, and feeds and mails have no scripts, styles or ids; each pass
handles one such case. URLs come last, so that a pass may write any reference.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

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
    _pass("", "sub", strike_out),
    _pass("", "", take_attributes),
    _pass("definitions", "dt", split_terms),
    _pass("containers", "div", open_containers),
    _pass("alerts", "blockquote div", title_alerts),
    _pass("toc", "p", remove_toc),
    _pass("wikilinks", "", resolve_wikilinks),
    _pass("abbreviations", "p", mark_abbreviations),
    _pass("", "input iframe noscript td th", replace_controls),
    _pass("", "", link_bare_urls),
    _pass("", "", join_lines),
)


def run(body: Node, context: Context) -> None:
    """Apply every pass that the dialect asks for to the tree below `body`."""
    for each in PASSES:
        is_asked_for = not each.extension or each.extension in context.dialect.extensions
        if is_asked_for and (not each.tags or each.tags & context.tags):
            each.apply(body, context)
