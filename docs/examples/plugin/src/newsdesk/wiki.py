"""A Markdown dialect: CommonMark with wiki links, highlights and typographic quotes."""

from __future__ import annotations

from broadsheet.markup.dialects import by_commonmark

DIALECT = by_commonmark("wikilinks mark smart")
