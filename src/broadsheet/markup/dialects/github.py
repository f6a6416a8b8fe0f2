"""GitHub (https://docs.github.com/en/get-started/writing-on-github)."""

from __future__ import annotations

from broadsheet.markup.dialects import Dialect

DIALECT = Dialect(
    "commonmark",
    frozenset({"alerts", "emoji", "math"}),
    note="user-content-fn-",
    note_ref="user-content-fnref-",
)
