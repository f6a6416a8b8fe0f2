"""Docusaurus: https://docusaurus.io/docs/markdown-features."""

from __future__ import annotations

from broadsheet.markup.dialects import GITHUB_ANCHORS, by_commonmark

DIALECT = by_commonmark(
    "alerts attributes containers emoji math single-tildes",
    templates="none",
    mdx=True,
    **GITHUB_ANCHORS,
)
