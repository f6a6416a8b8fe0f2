"""MkDocs and Material for MkDocs, which read Python-Markdown (https://www.mkdocs.org/user-guide/writing-your-docs)."""

from __future__ import annotations

from broadsheet.markup.dialects import Dialect

DIALECT = Dialect("python-markdown", frozenset({"alerts"}))
