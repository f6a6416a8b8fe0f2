"""Eleventy's markdown-it (https://www.11ty.dev/docs/languages/markdown)."""

from __future__ import annotations

from broadsheet.markup.dialects import Dialect

DIALECT = Dialect(
    "commonmark",
    frozenset({"alerts", "attributes", "containers"}),
    templates="liquid",
    note="fn",
    note_ref="fnref",
)
