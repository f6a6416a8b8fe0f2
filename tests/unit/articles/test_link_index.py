"""Link targets, and where they are served."""

from __future__ import annotations

import pytest

from broadsheet.articles.link_index import File, link_index
from broadsheet.markup import LinkIndex, Links
from broadsheet.model.publication import BaseUrl, Publication
from broadsheet.model.settings import ArticleSettings
from broadsheet.model.values import Permalink
from newsroom import article, dated

PUBLICATION = Publication(title="A", url=BaseUrl("https://example.org/blog/"))


def made(
    *paths: str, permalink: str = "/posts/{slug}/", assets: tuple[str, ...] = ("static",)
) -> LinkIndex:
    """Return the link index of files of 7 bytes and two articles, one of them a bundle."""
    settings = ArticleSettings(permalink=Permalink(permalink), assets=assets)
    given = {"url": PUBLICATION.url, "permalink": settings.permalink}
    articles = [
        article(dated(), path, **given) for path in ("content/flat.md", "content/bundle/index.md")
    ]
    return link_index(
        [File(path, 7) for path in paths],
        {each.source: each.url for each in articles},
        PUBLICATION,
        settings,
    )


def url(found: LinkIndex, reference: str, source: str = "content/flat.md") -> str | None:
    asset = Links(found, source, found.pages[source]).asset(reference)
    return asset.url if asset else None


@pytest.mark.parametrize("assets", [("static",), ("/static/",), ("./static",)])
def test_an_assets_folder_is_the_root_of_the_site(assets: tuple[str, ...]) -> None:
    """However the config spells the folder, its files are served from the site's root."""
    found = made("static/images/a.png", assets=assets)
    assert url(found, "/images/a.png") == "https://example.org/blog/images/a.png"
    assert url(found, "images/a.png") == "https://example.org/blog/images/a.png"
    assert found.rooted["images/a.png"].length == 7


def test_a_bundle_s_files_are_served_with_its_article() -> None:
    """As in Hugo; so are files in its subfolders."""
    found = made("content/bundle/a.png", "content/bundle/deep/b.png")
    bundle = "content/bundle/index.md"
    assert url(found, "a.png", bundle) == "https://example.org/blog/posts/bundle/a.png"
    assert url(found, "deep/b.png", bundle) == "https://example.org/blog/posts/bundle/deep/b.png"


@pytest.mark.parametrize("permalink", ["/posts/{slug}.html", "/posts/{slug}"])
def test_a_bundle_s_files_have_a_folder_whatever_the_permalink(permalink: str) -> None:
    """A page that is served as a file still has its images in a folder of its name."""
    found = made("content/bundle/a.png", permalink=permalink)
    bundle = "content/bundle/index.md"
    assert url(found, "a.png", bundle) == "https://example.org/blog/posts/bundle/a.png"


def test_other_files_are_served_at_their_path() -> None:
    """A file beside a plain article keeps its path below the articles folder."""
    found = made("content/images/a.png")
    assert url(found, "images/a.png") == "https://example.org/blog/images/a.png"


@pytest.mark.parametrize(
    ("name", "encoded"),
    [
        ("default (19).png", "default%20(19).png"),
        ("a#b?c.png", "a%23b%3Fc.png"),
        ("100%.png", "100%25.png"),
        ("a%20b.png", "a%2520b.png"),
        ("图.png", "%E5%9B%BE.png"),
        ("x:y.png", "x:y.png"),
        ("a\\b.png", "a%5Cb.png"),
    ],
)
def test_the_name_of_a_file_is_encoded_once(name: str, encoded: str) -> None:
    """In a file name nothing is an escape, a query or a fragment yet."""
    for folder, place in (("static", ""), ("content/bundle", "posts/bundle/"), ("content", "")):
        (asset,) = {
            *made(f"{folder}/{name}").rooted.values(),
            *made(f"{folder}/{name}").beside.values(),
        }
        assert asset.url == f"https://example.org/blog/{place}{encoded}"


def test_a_link_to_an_article_s_file_is_its_address() -> None:
    """Pages are found by their paths."""
    found = made()
    links = Links(found, "content/flat.md", found.pages["content/flat.md"])
    assert links.resolve("bundle/index.md#x") == "https://example.org/blog/posts/bundle/#x"


def test_files_elsewhere_are_not_assets() -> None:
    """A file outside of all folders is not served, and a folder with the same prefix is another
    one."""
    assert url(made("static-old/a.png"), "/a.png") is None


def test_a_bundle_s_files_have_a_url_in_each_language() -> None:
    """The page `index.md` gives the first; a link from another page may name any."""
    settings = ArticleSettings()
    pages = {
        "content/1-b/index.fr.md": "https://example.org/blog/fr/b/",
        "content/1-b/index.md": "https://example.org/blog/b/",
        "content/c/index.fr.md": "https://example.org/blog/fr/c/",
    }
    index = link_index([File("content/1-b/x.svg", 7)], pages, PUBLICATION, settings)
    assert url(index, "x.svg", "content/1-b/index.fr.md") == "https://example.org/blog/b/x.svg"
    assert url(index, "../b/x.svg", "content/c/index.fr.md") == (
        "https://example.org/blog/fr/b/x.svg"
    )


def test_an_image_is_found_by_its_name_alone_if_it_is_the_only_one() -> None:
    """Themes put the folder in front of a featured image."""
    index = made("static/covers/a.png", "static/1/b.png", "static/2/b.png")
    links = Links(index, "content/flat.md", index.pages["content/flat.md"])
    assert (links.featured("a.png"), links.featured("b.png")) == (
        index.rooted["covers/a.png"],
        None,
    )
    assert links.asset("a.png") is None, "only a featured image"
