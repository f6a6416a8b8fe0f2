"""Jekyll, by kramdown: https://kramdown.gettalong.org/syntax.html."""

from __future__ import annotations

from broadsheet.markup.dialects import anchors, by_commonmark

DIALECT = by_commonmark(
    "abbreviations alerts attributes definitions kramdown math-blocks smart",
    templates="liquid",
    **anchors("fn:{label}", "fnref:{label}", "fnref:{label}:{again}"),
)
