"""Zola, by pulldown-cmark with its defaults:
https://www.getzola.org/documentation/content/overview.
"""

from __future__ import annotations

from broadsheet.markup.dialects import anchors, by_commonmark

DIALECT = by_commonmark(
    "alerts attributes definitions single-tildes",
    templates="zola",
    **anchors("fn-{label}", "fr-{label}-1", "fr-{label}-{nth}"),
)
