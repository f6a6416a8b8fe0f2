"""Hugo's goldmark with its defaults (https://gohugo.io/configuration/markup)."""

from __future__ import annotations

from broadsheet.markup.dialects import Dialect

DIALECT = Dialect(
    "commonmark",
    frozenset({"alerts", "attributes", "definitions", "single-tildes", "smart"}),
    templates="hugo",
    note="fn:{number}",
    note_ref="fnref:{number}",
    note_again="fnref{again}:{number}",
)
