"""The built site beside the articles: pages, sitemaps and feeds."""

from __future__ import annotations

from pathlib import Path

import pytest

from broadsheet.storage.built_site import find_built_site

BASE = "https://example.org/b/"
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>tag:1</id>
<link rel="self" href="x"/><link href="https://example.org/b/a/"/></entry></feed>"""
RSS = """<rss><channel><item><link>https://example.org/b/a/</link><guid>1</guid></item></channel>
</rss>"""
JSON = '{"items": [{"id": "1", "url": "https://example.org/b/a/"}]}'
SITEMAP = """<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
<url><loc>https://example.org/b/%E4%B8%AD/</loc></url></urlset>"""


def write(root: Path, path: str, text: str = "") -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, "utf-8")


@pytest.mark.parametrize("folder", ["public", "_site", "dist", "docs/.vuepress/dist"])
def test_the_pages_of_an_output_folder(tmp_path: Path, folder: str) -> None:
    """Under each URL that a server may use; other files are not pages."""
    for name in ("index.html", "a/index.html", "c.html", "d.css"):
        write(tmp_path, f"{folder}/{name}")
    site = find_built_site(tmp_path, BASE)
    assert site is not None
    assert site.source == folder
    assert site.paths == {"", "a/", "a", "c.html", "c"}


def test_a_folder_of_files_to_copy_is_no_built_site(tmp_path: Path) -> None:
    """Astro's and Eleventy's public/ has no start page."""
    write(tmp_path, "public/page.html")
    assert find_built_site(tmp_path, BASE) is None


def test_a_sitemap_beside_the_articles(tmp_path: Path) -> None:
    """Its URLs are decoded and relative to the publication."""
    write(tmp_path, "static/sitemap.xml", SITEMAP)
    site = find_built_site(tmp_path, BASE)
    assert site is not None
    assert (site.source, site.paths) == ("static/sitemap.xml", {"中/"})


@pytest.mark.parametrize(
    ("name", "text", "id_"),
    [("atom.xml", ATOM, "tag:1"), ("rss.xml", RSS, "1"), ("feed.json", JSON, "1")],
)
def test_the_ids_of_a_feed(tmp_path: Path, name: str, text: str, id_: str) -> None:
    """In each format; a link of another kind is not the entry's."""
    write(tmp_path, name, text)
    site = find_built_site(tmp_path, BASE)
    assert site is not None
    assert (site.ids, site.paths) == ({"a": id_}, frozenset())


@pytest.mark.parametrize("name", ["atom.xml", "feed.json", "sitemap.xml"])
@pytest.mark.parametrize("text", ["", "<", "{", "[]", '{"items": 3}', "<!DOCTYPE x><x>&y;</x>"])
def test_a_broken_file_is_ignored(tmp_path: Path, name: str, text: str) -> None:
    """It belongs to another program and is not reported."""
    write(tmp_path, name, text)
    assert find_built_site(tmp_path, BASE) is None
