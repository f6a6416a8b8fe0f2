"""GitHub (https://docs.github.com/en/get-started/writing-on-github)."""

from __future__ import annotations

from broadsheet.markup.dialects import Dialect

DIALECT = Dialect(
    "commonmark",
    frozenset({"alerts", "emoji", "math", "single-tildes"}),
    note="user-content-fn-{label}",
    note_ref="user-content-fnref-{label}",
    note_again="user-content-fnref-{label}-{nth}",
)
