"""Hugo, by goldmark with its defaults: https://gohugo.io/configuration/markup."""

from __future__ import annotations

from broadsheet.markup.dialects import anchors, by_commonmark

DIALECT = by_commonmark(
    "alerts attributes definitions single-tildes smart",
    templates="hugo",
    **anchors("fn:{number}", "fnref:{number}", "fnref{again}:{number}"),
)
