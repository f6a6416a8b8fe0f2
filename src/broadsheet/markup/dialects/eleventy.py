"""Eleventy, by markdown-it: https://www.11ty.dev/docs/languages/markdown."""

from __future__ import annotations

from broadsheet.markup.dialects import anchors, by_commonmark

DIALECT = by_commonmark(
    "alerts attributes containers definitions indented-text inline-notes",
    templates="liquid",
    **anchors("fn{number}", "fnref{number}", "fnref{number}:{again}"),
)
