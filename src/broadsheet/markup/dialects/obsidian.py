"""Obsidian (https://help.obsidian.md/syntax, https://help.obsidian.md/obsidian-flavored-markdown)."""

from __future__ import annotations

from broadsheet.markup.dialects import Dialect

DIALECT = Dialect(
    "commonmark",
    frozenset({"alerts", "comments", "inline-notes", "mark", "math", "wikilinks"}),
    templates="none",
)
