"""The context of an article that passes get beside its tree."""

from __future__ import annotations

from msgspec import Struct

from broadsheet.markup.dialects import Dialect


class Context(Struct, frozen=True):
    """Facts about the whole article.

    dialect: the one it is written in. language: a tag such as `zh-CN`.
    html: the HTML that the tree was built from. A pass whose marks are not in it can return early.
    tags: the names of the elements in it, in lower case.
    positions: whether the elements that the engine wrote have a `data-sourcepos`.
    is_ours: whether the engine wrote every tag, so that all is nested as HTML asks.
    has_references: whether the text may have numeric character references, which may become any
    character; `&#1;` is one that XML forbids.
    """

    dialect: Dialect
    language: str
    html: str
    tags: frozenset[str]
    positions: bool
    is_ours: bool = False
    has_references: bool = True
