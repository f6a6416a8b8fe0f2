"""Zola's pulldown-cmark with its defaults (https://www.getzola.org/documentation/content/overview)."""

from __future__ import annotations

from broadsheet.markup.dialects import Dialect

DIALECT = Dialect(
    "commonmark",
    frozenset({"alerts", "attributes", "definitions", "single-tildes"}),
    templates="zola",
    note="fn-{label}",
    note_ref="fr-{label}-1",
    note_again="fr-{label}-{nth}",
)
