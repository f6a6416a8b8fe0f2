"""HTML: `.html` articles of Hugo, Jekyll and Eleventy."""

from __future__ import annotations

from broadsheet.markup.dialects import Dialect

DIALECT = Dialect("html")
