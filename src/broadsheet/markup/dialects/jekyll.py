"""Jekyll's kramdown (https://kramdown.gettalong.org/syntax.html)."""

from __future__ import annotations

from broadsheet.markup.dialects import Dialect

DIALECT = Dialect(
    "commonmark",
    frozenset(
        {"abbreviations", "alerts", "attributes", "definitions", "kramdown", "math-blocks", "smart"}
    ),
    templates="liquid",
    note_again="fnref:{label}:{again}",
)
