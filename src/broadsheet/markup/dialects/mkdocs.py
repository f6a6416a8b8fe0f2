"""MkDocs: https://www.mkdocs.org/user-guide/writing-your-docs."""

from __future__ import annotations

from broadsheet.markup.dialects import BY_PYTHON_MARKDOWN

DIALECT = BY_PYTHON_MARKDOWN
