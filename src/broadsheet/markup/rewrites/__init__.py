"""Rewrites of an article's Markdown before an engine reads it.

Each keeps the number of lines, so that the engine's positions are those of the article.
"""

from __future__ import annotations

from collections.abc import Callable

from broadsheet.markup.dialects import Dialect
from broadsheet.markup.rewrites.cells import rewrite_cells
from broadsheet.markup.rewrites.comments import remove_comments
from broadsheet.markup.rewrites.indented_text import dedent_mdx, dedent_text
from broadsheet.markup.rewrites.inline import escape_marks
from broadsheet.markup.rewrites.kramdown import rewrite_kramdown

Rewrite = Callable[[str], str]

REWRITES: dict[str, Rewrite] = {
    "cells": rewrite_cells,
    "comments": remove_comments,
    "kramdown": rewrite_kramdown,
    "indented-text": dedent_text,
    "mdx": dedent_mdx,
}
"""Each rewrite by the extension of a dialect that asks for it, in order; `mdx` for MDX files."""


def run(text: str, dialect: Dialect, *, mdx: bool = False) -> str:
    """Apply the rewrites that a CommonMark dialect asks for to the Markdown `text`."""
    if dialect.engine != "commonmark":
        return text
    extensions = dialect.extensions | ({"mdx"} if mdx or dialect.mdx else set())
    for extension, rewrite in REWRITES.items():
        if extension in extensions:
            text = rewrite(text)
    return escape_marks(text, extensions)
