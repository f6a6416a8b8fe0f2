"""Hugo's goldmark with its defaults (https://gohugo.io/configuration/markup)."""

from __future__ import annotations

from broadsheet.markup.dialects import Dialect

DIALECT = Dialect(
    "commonmark",
    frozenset({"alerts", "attributes", "smart"}),
    templates="hugo",
)
