"""Python-Markdown with its own extensions and pymdown-extensions (https://python-markdown.github.io)."""

from __future__ import annotations

from broadsheet.markup.dialects import Dialect

DIALECT = Dialect("python-markdown", frozenset({"alerts"}))
