"""What passes know of an article beside its tree."""

from __future__ import annotations

from msgspec import Struct

from broadsheet.markup.dialects import Dialect


class Context(Struct, frozen=True):
    """What holds for the whole article.

    dialect: the one it is written in. language: a tag such as `zh-CN`.
    html: what the tree was built from. A pass that finds its marks nowhere in it has nothing to do.
    """

    dialect: Dialect
    language: str
    html: str
