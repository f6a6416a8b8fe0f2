"""Translate another generator's permalink pattern into one of broadsheet.toml."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

ARTICLE_FOLDERS = ("posts", "post", "blog", "articles", "article", "news")
"""The likely names of the articles' folder, section or collection, the likeliest first."""

_TELLING = re.compile(r"\{(slug|filename|slug_or_filename|slug_or_title|path|title)\}")


def dated_below(folders: Collection[str], parent: str) -> list[str] | None:
    """Return the direct subfolders of `parent` with dated files; None if `folders` has no numbers.

    folders: as `recognise` takes them. parent: "." is the project.
    """
    if not isinstance(folders, Mapping):
        return None
    start = "" if parent == "." else f"{parent}/"
    inner = (name for name in folders if name.startswith(start) and name != parent)
    return [name for name in inner if folders[name] and "/" not in name.removeprefix(start)]


def translate(template: str, token: str, tokens: Mapping[str, str]) -> tuple[str, list[str]]:
    """Return `template` with its tokens replaced, and the unknown ones.

    token: matches a token; its first group is the name that `tokens` maps to one of
    broadsheet.toml.
    """
    unknown: list[str] = []

    def replace(found: re.Match[str]) -> str:
        if found[1] not in tokens:
            unknown.append(found[0])
        return tokens.get(found[1], found[0])

    pattern = re.sub(token, replace, template)
    return tidy(pattern), unknown


def tidy(pattern: str) -> str:
    """Return `pattern` from the root, without empty segments and a final index.html."""
    pattern = re.sub(r"/{2,}", "/", f"/{pattern.strip()}")
    return re.sub(r"/index\.html?$", "/", pattern)


def tells_articles_apart(pattern: str) -> bool:
    """Whether the pattern gives two articles of one day different URLs."""
    return _TELLING.search(pattern) is not None
