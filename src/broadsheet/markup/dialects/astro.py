"""Astro's remark, and Starlight (https://docs.astro.build/en/guides/markdown-content, https://starlight.astro.build/guides/authoring-content)."""

from __future__ import annotations

from broadsheet.markup.dialects import Dialect

DIALECT = Dialect(
    "commonmark",
    frozenset({"alerts", "attributes", "containers", "single-tildes", "smart"}),
    templates="none",
    note="user-content-fn-{label}",
    note_ref="user-content-fnref-{label}",
    note_again="user-content-fnref-{label}-{nth}",
)
