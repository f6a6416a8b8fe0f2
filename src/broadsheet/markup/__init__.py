"""Markdown to HTML that any reader may be given: rendered, sanitised, with absolute links."""

from __future__ import annotations

from broadsheet.markup.dialects import Dialect, dialect
from broadsheet.markup.errors import TooComplex
from broadsheet.markup.links import Asset, LinkIndex, Links
from broadsheet.markup.render import Rendition, prepare, render, render_page

__all__ = [
    "Asset",
    "Dialect",
    "LinkIndex",
    "Links",
    "Rendition",
    "TooComplex",
    "dialect",
    "prepare",
    "render",
    "render_page",
]
