"""Pelican, which reads Python-Markdown (https://docs.getpelican.com/en/latest/content.html)."""

from __future__ import annotations

from broadsheet.markup.dialects import Dialect

DIALECT = Dialect("python-markdown", frozenset({"alerts"}))
