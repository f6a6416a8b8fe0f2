"""What is rewritten in the Markdown of an article before an engine reads it, one module each.

Each keeps the number of lines, so that a position in what the engine reads is one in the article.
"""

from __future__ import annotations

from collections.abc import Callable

from broadsheet.markup.dialects import Dialect
from broadsheet.markup.rewrites import containers, html_blocks, math, urls

Rewrite = Callable[[str], str]

REWRITES: tuple[tuple[str, Rewrite], ...] = (
    ("containers", containers.rewrite),
    ("kramdown", html_blocks.rewrite),
    ("math", math.rewrite),
    ("math-blocks", math.rewrite_blocks),
    ("", urls.rewrite),
)
"""Each rewrite, and the extension of a dialect that asks for it; "" for every dialect."""


def run(text: str, dialect: Dialect) -> str:
    """Apply the rewrites that a CommonMark dialect asks for to the Markdown `text`."""
    if dialect.engine == "commonmark":
        for extension, rewrite in REWRITES:
            if not extension or extension in dialect.extensions:
                text = rewrite(text)
    return text
