"""Astro and Starlight, by remark: https://docs.astro.build/en/guides/markdown-content,
https://starlight.astro.build/guides/authoring-content.
"""

from __future__ import annotations

from broadsheet.markup.dialects import GITHUB_ANCHORS, by_commonmark

DIALECT = by_commonmark(
    "alerts attributes containers single-tildes smart", templates="none", **GITHUB_ANCHORS
)
