"""CommonMark and GFM, for plain folders (https://spec.commonmark.org, https://github.github.com/gfm)."""

from __future__ import annotations

from broadsheet.markup.dialects import Dialect

DIALECT = Dialect(
    "commonmark",
    frozenset(
        {
            "alerts",
            "attributes",
            "containers",
            "definitions",
            "inline-notes",
            "math",
            "single-tildes",
        }
    ),
)
