"""Feeds from the built site (`articles.rendered`), by the real command."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from newsroom import Newsroom

CONFIG = '[articles]\nrendered = "public/"\n'


def page(text: str, title: str = "a", head: str = "") -> str:
    return f"<html><head><title>{title}</title>{head}</head><article>{text}</article></html>"


@pytest.fixture
def site(newsroom: Newsroom) -> Newsroom:
    """An article with its page in public/."""
    newsroom.configure(CONFIG)
    newsroom.article("a.md", "From {{< source >}}.\n")
    newsroom.write("public/posts/a/index.html", page('<p>From the <a href="../b/">page</a>.</p>'))
    return newsroom


def items(newsroom: Newsroom) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(newsroom.build()["feed.json"])["items"]
    return found


def test_the_text_is_that_of_the_page(site: Newsroom) -> None:
    """Sanitised and absolute, in every feed; `explain` names the file."""
    (item,) = items(site)
    text = '<p>From the <a href="https://example.org/posts/b/">page</a>.</p>'
    assert (item["content_html"], item["summary"]) == (text, "From the page.")
    assert "page    public/posts/a/index.html" in site.run("explain", "content/a.md").out
    assert [*json.loads(site.run("check", "--json").out)] == [
        each for each in json.loads(site.run("check", "--json").out) if each["rule"] == "no-summary"
    ]


def test_the_page_is_read_again_when_it_changes(site: Newsroom) -> None:
    """Whatever changes of it, and if it comes or goes; without a change nothing is written."""
    items(site)
    assert "0 files written" in site.run("build").out
    site.write("public/posts/a/index.html", page("<p>New {{ braces }}.</p>"))
    assert items(site)[0]["content_html"] == "<p>New {{ braces }}.</p>"
    canonical = '<link rel="canonical" href="https://example.org/posts/a">'
    site.write("public/posts/a/index.html", page("<p>New.</p>", head=canonical))
    assert items(site)[0]["url"] == "https://example.org/posts/a"
    (site.folder / "public/posts/a/index.html").rename(site.folder / "public/moved.html")
    ran = site.run("build")
    assert ran.code == 1
    assert "content/a.md: the built site, public/, has no page at its address" in ran.err
    site.write("public/posts/a.html", page("<p>Back.</p>"))
    assert items(site)[0]["content_html"] == "<p>Back.</p>"
    site.configure(CONFIG + 'rendered_selector = "p"\n')
    assert items(site)[0]["content_html"] == "Back."
    site.configure(CONFIG + 'rendered_selector = ".x"\n')
    told = site.run("build").err
    assert (
        "no text of an article was found in public/posts/a.html: nothing in it matches '.x'" in told
    )


def test_a_page_at_another_address_is_found_by_its_name_and_title(site: Newsroom) -> None:
    """If only one has the name, and it shows the title; a list of a tag does not."""
    for path, title in (("blog/2025/b", "b"), ("tags/c", "Tag c"), ("x/d", "d"), ("y/d", "d")):
        site.write(f"public/{path}/index.html", page(f"<p>{path}</p>", f"{title} | Site"))
    site.article("b.md")
    assert {each["url"] for each in items(site)} == {
        "https://example.org/posts/a/",
        "https://example.org/blog/2025/b/",
    }
    site.article("c.md", title="Cats")
    site.article("d.md", title="d")
    told = site.run("build").err
    assert told.count("has no page at its address") == 2
    assert "posts/c/" in told
    assert "posts/d/" in told


@pytest.mark.parametrize("rendered", ["public", "./public/", "public/{path}/index.html"])
def test_the_built_site_holds_no_articles(site: Newsroom, rendered: str) -> None:
    """Whatever is in it, and however it is written, if the whole project is searched."""
    site.configure(f'[articles]\nfolders = ["."]\nrendered = "{rendered}"\n')
    site.write("public/copy.md", "---\ntitle: Copy\ndate: 2025-06-01\n---\n")
    assert [each["title"] for each in items(site)] == ["a"]


def test_drafts_and_future_articles_need_no_page(site: Newsroom) -> None:
    """The generator has built none, and none is asked for."""
    site.article("draft.md", draft=True)
    site.article("later.md", date="2099-01-01")
    assert len(items(site)) == 1


def test_an_article_that_is_newer_than_its_page_is_told(site: Newsroom) -> None:
    """By `build` and `check`; the output does not depend on it."""
    before = site.build()
    set_time(site.folder / "content/a.md", 2_000_000_000)
    told = "content/a.md: it was changed after its page public/posts/a/index.html was built"
    ran = site.run("build")
    assert (ran.code, told in ran.err) == (0, True)
    assert site.published() == before
    (found,) = [e for e in json.loads(site.run("check", "--json").out) if e["rule"] == "stale-page"]
    assert (found["severity"], found["path"]) == ("warning", "content/a.md")
    set_time(site.folder / "public/posts/a/index.html", 2_000_000_001)
    assert told not in site.run("build").err


def set_time(path: Path, seconds: int) -> None:
    os.utime(path, (seconds, seconds))


def test_renamed_images_have_their_size(site: Newsroom) -> None:
    """The file that the page names lies in the built site."""
    png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x02\0\0\0\x03" + bytes(9)
    site.write("public/_astro/i.x1.png", png)
    head = '<meta property="og:image" content="https://example.org/_astro/i.x1.png">'
    site.write("public/posts/a/index.html", page("<p>x</p>", head=head))
    site.article("a.md", image="./i.png")
    assert items(site)[0]["attachments"] == [
        {
            "url": "https://example.org/_astro/i.x1.png",
            "mime_type": "image/png",
            "size_in_bytes": len(png),
        }
    ]


@pytest.mark.parametrize("folder", ["public", "_site", "dist"])
def test_init_offers_the_built_site(tmp_path: Path, folder: str) -> None:
    """As a comment in the config, and in its report; it sets nothing."""
    newsroom = Newsroom(tmp_path)
    newsroom.article("a.md")
    newsroom.write(f"{folder}/index.html", page(""))
    ran = newsroom.run("init", "--url", "https://a.example/")
    assert f'set articles.rendered = "{folder}/"' in ran.out
    assert f'\n# rendered = "{folder}/"\n' in (tmp_path / "broadsheet.toml").read_text("utf-8")


def test_one_cause_for_all_articles_is_not_told_for_each(newsroom: Newsroom) -> None:
    """As when no page has the element that is asked for; the rest is counted."""
    newsroom.configure(CONFIG)
    for number in range(60):
        newsroom.article(f"{number}.md")
    ran = newsroom.run("build")
    assert ran.err.count("has no page at its address") == 50
    assert "\nand 10 more; --verbose shows them\n" in ran.err
    assert newsroom.run("build", "--verbose").err.count("has no page at its address") == 60
