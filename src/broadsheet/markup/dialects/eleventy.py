"""Eleventy's markdown-it (https://www.11ty.dev/docs/languages/markdown)."""

from __future__ import annotations

from broadsheet.markup.dialects import Dialect

DIALECT = Dialect(
    "commonmark",
    frozenset(
        {"alerts", "attributes", "containers", "definitions", "indented-text", "inline-notes"}
    ),
    templates="liquid",
    note="fn{number}",
    note_ref="fnref{number}",
    note_again="fnref{number}:{again}",
)
