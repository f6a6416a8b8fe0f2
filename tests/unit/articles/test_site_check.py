"""Addresses and ids compared with those of the site as its generator built it."""

from __future__ import annotations

import pytest

from broadsheet.articles.site_check import BuiltSite, differences, path_of, problems
from broadsheet.model.publication import BaseUrl
from broadsheet.model.values import Permalink
from newsroom import article, dated

BASE = "https://example.org/blog/"


def remarks(site: BuiltSite, *paths: str, pattern: str = "/{slug}/", **fields: object) -> list[str]:
    """Return the remarks on the articles at these paths in content/."""
    settings = {"url": BaseUrl(BASE), "permalink": Permalink(pattern)}
    articles = [article(dated(**fields), f"content/{path}", **settings) for path in paths]
    return [str(each) for each in problems(differences(articles, site, BASE), site)]


def built(*paths: str, **ids: str) -> BuiltSite:
    return BuiltSite("_site", frozenset(paths), ids)


def test_the_same_addresses_and_ids_are_no_difference() -> None:
    """Neither escapes nor entries that no feed of the site has count."""
    assert remarks(built("a/", "中/"), "a.md", "中.md") == []
    assert remarks(built("a/", a=f"{BASE}a/"), "a.md") == []
    assert path_of("https://example.org/blog/%E4%B8%AD/?x", BASE) == "中/"


@pytest.mark.parametrize(
    ("theirs", "path", "pattern"),
    [
        ("posts/a/", "a.md", "/posts/{filename}/"),
        ("2025/06/19/a.html", "a.md", "/{year}/{month}/{day}/{filename}.html"),
        ("a", "a.md", "/{filename}"),
        ("x/a/", "2025-06-19-a.md", "/x/{slug}/"),
        ("x/2025-06-19-a/", "2025-06-19-a.md", "/x/{filename}/"),
        ("x/a/", "a/index.md", "/x/{filename}/"),
    ],
)
def test_another_address_is_named_with_the_pattern(theirs: str, path: str, pattern: str) -> None:
    """The page with the same name shows the site's pattern."""
    (said,) = remarks(built(theirs), path)
    assert f"and in _site it is /{theirs}" in said
    assert f'permalink = "{pattern}"' in said


@pytest.mark.parametrize("paths", [("other/",), ("x/a/", "y/a/")])
def test_without_one_page_of_that_name_nothing_is_guessed(paths: tuple[str, ...]) -> None:
    """With no such page, or several, the address is only reported as missing."""
    (said,) = remarks(built(*paths), "a.md")
    assert "_site has no page at its address /a/" in said


def test_an_id_of_an_old_feed_is_named() -> None:
    """Readers of that feed would see the article as new."""
    (said,) = remarks(built("a/", a="tag:old,2020:a"), "a.md")
    assert "the feed of _site is tag:old,2020:a; set articles.id" in said


def test_drafts_and_articles_elsewhere_are_not_compared() -> None:
    """The site does not show drafts, and its generator does not know other folders."""
    assert remarks(built("x/"), "a.md", draft=True) == []
    assert remarks(built("x/"), "a.md", url="https://other.example/a") == []
