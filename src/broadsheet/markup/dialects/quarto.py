"""Quarto, by Pandoc: https://quarto.org/docs/authoring/markdown-basics.html."""

from __future__ import annotations

from broadsheet.markup.dialects import anchors, by_commonmark

DIALECT = by_commonmark(
    "attributes cells containers definitions inline-notes math smart",
    templates="hugo",
    **anchors("fn{number}", "fnref{number}", "fnref{number}"),
)
