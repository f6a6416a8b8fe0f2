"""A rule for `check`: titles that mail clients cut off."""

from __future__ import annotations

from collections.abc import Iterator

from broadsheet.checks.article import ArticleView
from broadsheet.checks.rule import article_rule
from broadsheet.errors import Problem

_MOST = 60  # characters


@article_rule("newsdesk-long-title", "warning", "Mail clients on phones cut long titles.")
def long_title(view: ArticleView) -> Iterator[Problem]:
    """Yield a problem for a title of more than 60 characters."""
    if (length := len(view.article.title)) > _MOST:
        what = f"its title has {length} characters"
        yield Problem(what, f"use at most {_MOST}", view.path, view.line("title"), "title")
