"""Rewrites of an article's Markdown before an engine reads it, one per module.

Each keeps the number of lines, so that the engine's positions are those of the article.
"""

from __future__ import annotations

from collections.abc import Callable

from broadsheet.markup.dialects import Dialect
from broadsheet.markup.rewrites import (
    comments,
    containers,
    html_blocks,
    indented_text,
    math,
    nested_lists,
    quotes,
    raw_text,
    urls,
)

Rewrite = Callable[[str], str]

REWRITES: tuple[tuple[str, Rewrite], ...] = (
    ("comments", comments.rewrite),
    ("containers", containers.rewrite),
    ("kramdown", html_blocks.rewrite),
    ("kramdown", raw_text.rewrite),
    ("kramdown", nested_lists.rewrite),
    ("indented-text", indented_text.rewrite),
    ("math", math.rewrite),
    ("math-blocks", math.rewrite_blocks),
    ("smart", quotes.rewrite),
    ("", urls.rewrite),
)
"""Each rewrite, and the extension of a dialect that asks for it; "" for every dialect."""

_OF_MDX = frozenset({"indented-text"})  # https://mdxjs.com/docs/what-is-mdx/#markdown


def run(text: str, dialect: Dialect, *, mdx: bool = False) -> str:
    """Apply the rewrites that a CommonMark dialect asks for to the Markdown `text`."""
    if dialect.engine == "commonmark":
        extensions = dialect.extensions | (_OF_MDX if mdx or dialect.mdx else frozenset())
        for extension, rewrite in REWRITES:
            if not extension or extension in extensions:
                text = rewrite(text)
    return text
