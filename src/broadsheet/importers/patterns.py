"""Turns another generator's address pattern into one of broadsheet.toml."""

from __future__ import annotations

import re
from collections.abc import Mapping

# In the order of likelihood; the folder, section or collection that holds the articles.
ARTICLE_FOLDERS = ("posts", "post", "blog", "articles", "article", "news")

_TELLING = re.compile(r"\{(slug|filename|slug_or_filename|path|title)\}")


def translate(template: str, token: str, tokens: Mapping[str, str]) -> tuple[str, list[str]]:
    """`template` with each match of the pattern `token` replaced, and the tokens without a match.

    The first group of `token` is the name that `tokens` maps to what broadsheet.toml says.
    """
    unknown: list[str] = []

    def replace(found: re.Match[str]) -> str:
        if found[1] not in tokens:
            unknown.append(found[0])
        return tokens.get(found[1], found[0])

    pattern = re.sub(token, replace, template)
    return tidy(pattern), unknown


def tidy(pattern: str) -> str:
    """`pattern` from the root, with no empty segment and no index.html at its end."""
    pattern = re.sub(r"/{2,}", "/", f"/{pattern.strip()}")
    return re.sub(r"/index\.html?$", "/", pattern)


def tells_articles_apart(pattern: str) -> bool:
    """Whether the pattern gives two articles of one day two addresses."""
    return _TELLING.search(pattern) is not None
