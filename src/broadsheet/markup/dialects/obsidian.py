"""Obsidian: https://help.obsidian.md/syntax, https://help.obsidian.md/obsidian-flavored-markdown."""

from __future__ import annotations

from broadsheet.markup.dialects import by_commonmark

DIALECT = by_commonmark("alerts comments inline-notes mark math wikilinks", templates="none")
