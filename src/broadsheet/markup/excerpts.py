"""The start of an article as plain text, used if its front matter has no summary."""

from __future__ import annotations

import re
from itertools import chain
from typing import Final

from broadsheet.markup import tree
from broadsheet.markup.passes.alerts import ALERT
from broadsheet.markup.tree import Node
from broadsheet.text.plain import plain

_MORE = re.compile(r"<!--\s*more\s*-->", re.IGNORECASE)
_DROPPED: Final = (
    *(f"blockquote[{ALERT}]", "[data-footnotes]", ".footnote", "pre", "table"),
    *("script", "style", "template", "svg", "math", "title"),
)
_DROPPED_PARAGRAPHS = ",".join(f"{each} p" for each in _DROPPED)
_PARAGRAPHS = f"p:not(blockquote p,{_DROPPED_PARAGRAPHS})"
_QUOTED = f"blockquote p:not({_DROPPED_PARAGRAPHS})"


def excerpt_of(body: Node, html: str) -> str:
    """Return the text before `<!--more-->`; else the first paragraph with text, preferably outside
    quotes; else all text. On one line. Never an alert or a footnote.

    html: what `body` was made from.
    """
    if _MORE.search(html):
        before, *after = _MORE.split(body.inner_html or "", maxsplit=1)
        if after and (words := _words(before)):
            return words
    paragraphs = chain(body.css(_PARAGRAPHS), body.css(_QUOTED))
    texts = (plain(paragraph.inner_html or "") for paragraph in paragraphs)
    return next(filter(None, texts), "") or _words(body.inner_html or "")


def _words(html: str) -> str:
    top = tree.parse(html)
    for each in top.css(",".join(_DROPPED)):
        each.decompose()
    return plain(top.inner_html or "")
