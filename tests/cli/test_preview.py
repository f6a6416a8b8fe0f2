"""`broadsheet preview` shows what `digest` writes."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import unquote

import html5lib
import pytest

import browser
from browser import Browser
from newsroom import Newsroom, contents, stamps

CONFIG = """
[digests.weekly]
title = "周报"

[digests.daily]
title = "日报"
schedule = "0 8 * * *"
"""
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8"
    "ffff3f0005fe02fea7d8f0a30000000049454e44ae426082"
)
MADE_OF_IT = ("email.html", "email.txt", "message.eml")


@pytest.fixture
def project(newsroom: Newsroom) -> Newsroom:
    """One article for the issue that is due, one for the next; with a local image."""
    newsroom.configure(CONFIG)
    newsroom.write("content/图 1.png", PNG)
    newsroom.article("a.md", title="甲", date="2025-06-26", image="图 1.png")
    newsroom.article("b.md", title="乙", date="2025-06-30T08:30:00+08:00")
    return newsroom


def _previews(newsroom: Newsroom) -> dict[str, bytes]:
    return contents(newsroom.folder / "previews")


def test_the_preview_of_a_due_issue_has_the_same_bytes(project: Newsroom) -> None:
    """Before `digest` makes an issue, its preview has the same files, byte for byte."""
    ran = project.run("preview")
    assert (ran.code, ran.err) == (0, "")
    previews = _previews(project)
    project.run("digest")
    published = project.published()
    for name in MADE_OF_IT:
        expected = published[f"digests/weekly/2025-06-30/{name}"]
        assert previews[f"weekly/2025-06-30/{name}"] == expected


def test_the_preview_of_the_next_issue_has_the_same_bytes(project: Newsroom) -> None:
    """The preview for the next tick is what a run at that tick makes if nothing changes."""
    project.run("digest")
    project.run("preview")
    previews = _previews(project)
    project.run("digest", now="2025-07-07T08:00:00+08:00")
    for name in MADE_OF_IT:
        expected = project.published()[f"digests/weekly/2025-07-07/{name}"]
        assert previews[f"weekly/2025-07-07/{name}"] == expected


def test_released_issues_are_shown_unchanged(project: Newsroom) -> None:
    """Later edits do not change the preview of a released issue."""
    project.run("digest")
    project.article("a.md", title="Another", date="2025-06-26")
    project.run("preview")
    for name in MADE_OF_IT:
        expected = project.published()[f"digests/weekly/2025-06-30/{name}"]
        assert _previews(project)[f"weekly/2025-06-30/{name}"] == expected


def test_the_pages_work_from_the_disk(project: Newsroom) -> None:
    """Every link, frame and image of the pages exists on disk."""
    ran = project.run("preview")
    folder = project.folder / "previews"
    assert ran.out == "previews/index.html shows 3 issues\n"
    pages = [path for path in folder.rglob("*.html") if path.name != "email.html"]
    assert len(pages) == 2 + 3 * 3
    local = []
    for page in pages:
        tree = html5lib.parse(page.read_text(encoding="utf-8"), namespaceHTMLElements=False)
        for element in tree.iter():
            if not isinstance(element.tag, str):
                continue
            link = element.get("href") or element.get("src") or ""
            if link and "://" not in link and not link.startswith(("#", "mailto:")):
                assert (page.parent / unquote(link)).exists(), (page, link)
                local.append(Path(unquote(link)).name)
    assert "图 1.png" in local


def test_outdated_previews_are_removed(project: Newsroom) -> None:
    """The folder has the current previews; files of others stay."""
    project.run("preview")
    mine = project.write("previews/notes.txt", "mine")
    (project.folder / "content/b.md").unlink()
    project.run("preview")
    assert "weekly/2025-07-07/preview.html" not in _previews(project)
    assert mine.read_text() == "mine"


def test_a_preview_makes_no_issue(project: Newsroom) -> None:
    """Previewing leaves the feeds folder unchanged."""
    project.run("preview")
    assert not (project.folder / "feeds").exists()
    project.build()
    before = stamps(project.folder / "feeds")
    project.run("preview")
    assert stamps(project.folder / "feeds") == before


def test_open_opens_the_gallery(project: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    """--open passes the gallery's file URL to the browser; without one, it shows the URL."""
    opened: list[str] = []
    address = (project.folder / "previews/index.html").resolve().as_uri()
    monkeypatch.setattr("webbrowser.open", lambda url: not opened.append(url))
    assert project.run("preview", "--open").err == ""
    assert opened == [address]
    monkeypatch.setattr("webbrowser.open", lambda _: False)
    assert project.run("preview", "--open").err == f"no browser was found; open {address}\n"


def test_serve_without_its_extra_says_what_to_install(
    project: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 2 and the command to type, if uvicorn is not installed."""
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "broadsheet.pipeline.live", raising=False)
    monkeypatch.delattr("broadsheet.pipeline.live", raising=False)
    ran = project.run("preview", "--serve")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "preview --serve needs uvicorn, which is not installed; install Broadsheet "
        'with it: pip install "broadsheet[serve]"\n'
    )


def test_an_invalid_article_is_reported_if_a_preview_may_lack_it(project: Newsroom) -> None:
    """An editor who misses an article in the preview learns why."""
    project.write("content/bad.md", "---\ntitle: Bad\ndate: 06/07/2025\n---\n")
    ran = project.run("preview", "--quiet")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("content/bad.md:3: date: ")
    assert "index.html" in _previews(project)


def test_an_article_that_cannot_be_rendered_is_left_out(newsroom: Newsroom) -> None:
    """It is named, with exit 1; the issue is shown with the others."""
    newsroom.configure('\n[digests.weekly]\ntitle = "周报"\n')
    newsroom.article("good.md", title="甲", date="2025-06-26")
    newsroom.article("deep.md", title="乙", date="2025-06-27", body="- " * 2_000 + "x")
    ran = newsroom.run("preview")
    assert ran.code == 1
    assert "content/deep.md: nested too deeply" in ran.err
    (page,) = (newsroom.folder / "previews").glob("weekly/*/email.html")
    assert "甲" in page.read_text("utf-8")
    assert "乙" not in page.read_text("utf-8")


@pytest.mark.browser
@pytest.mark.skipif(bool(browser.MISSING), reason=browser.MISSING)
def test_entries_are_shown_as_in_feed_readers(project: Newsroom, chromium: Browser) -> None:
    """The title, the image from disk, the whole text, and footnotes."""
    body = "The whole text.[^1]\n\nMore of it.\n\n[^1]: A footnote.\n"
    project.article("c.md", body, title="丙", date="2025-06-27", image="图 1.png")
    assert project.run("preview").code == 0
    page = project.folder / "previews/readers.html"
    shown = chromium.evaluate(
        page,
        """
        [...document.querySelectorAll('article')].map(article => ({
          title: article.querySelector('h2').textContent,
          text: article.innerText,
          images: [...article.querySelectorAll('img')].map(image => image.naturalWidth),
        }))
        """,
    )
    assert [each["title"] for each in shown] == ["乙", "丙", "甲"]
    assert "More of it." in shown[1]["text"]
    assert "A footnote." in shown[1]["text"]
    assert shown[1]["images"] == [1]
