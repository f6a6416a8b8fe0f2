"""Python-Markdown: https://python-markdown.github.io."""

from __future__ import annotations

from broadsheet.markup.dialects import BY_PYTHON_MARKDOWN

DIALECT = BY_PYTHON_MARKDOWN
