"""GitHub: https://docs.github.com/en/get-started/writing-on-github."""

from __future__ import annotations

from broadsheet.markup.dialects import GITHUB_ANCHORS, by_commonmark

DIALECT = by_commonmark("alerts emoji math single-tildes", **GITHUB_ANCHORS)
