"""Plain folders: https://spec.commonmark.org, with https://github.github.com/gfm."""

from __future__ import annotations

from broadsheet.markup.dialects import by_commonmark

DIALECT = by_commonmark("alerts attributes containers definitions inline-notes math single-tildes")
