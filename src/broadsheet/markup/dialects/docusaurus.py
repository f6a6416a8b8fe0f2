"""Docusaurus (https://docusaurus.io/docs/markdown-features)."""

from __future__ import annotations

from broadsheet.markup.dialects import Dialect

DIALECT = Dialect(
    "commonmark",
    frozenset({"alerts", "attributes", "containers", "emoji", "math", "single-tildes"}),
    templates="none",
    mdx=True,
    note="user-content-fn-{label}",
    note_ref="user-content-fnref-{label}",
    note_again="user-content-fnref-{label}-{nth}",
)
