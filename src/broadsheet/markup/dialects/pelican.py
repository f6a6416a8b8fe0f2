"""Pelican: https://docs.getpelican.com/en/latest/content.html."""

from __future__ import annotations

from broadsheet.markup.dialects import BY_PYTHON_MARKDOWN

DIALECT = BY_PYTHON_MARKDOWN
