"""Zola's pulldown-cmark with its defaults (https://www.getzola.org/documentation/content/overview)."""

from __future__ import annotations

from broadsheet.markup.dialects import Dialect

DIALECT = Dialect(
    "commonmark",
    frozenset({"alerts", "attributes"}),
    templates="zola",
    note="fn-",
    note_ref="fr-",
)
