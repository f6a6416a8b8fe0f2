"""The preview pages: plain files with the same bytes as the mail, and nothing external."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import html5lib
import pytest

from broadsheet.digests.lint import lint_mail
from broadsheet.pipeline.preview import Shown, files

MAIL = (
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>T</title></head><body>'
    '<div class="preheader">Before &amp; after</div>'
    '<img src="https://example.org/images/a.png" alt="a" width="600">'
    '<img src="https://example.org/b.png" alt="" width="600">'
    '<a href="https://example.org/">x</a></body></html>'
)
FILES = {
    "email.html": MAIL.encode(),
    "email.txt": "Text <b>, 文\n".encode(),
    "index.html": MAIL.replace("<title>T", "<title>Web").encode(),
    "message.eml": (
        b"Subject: =?utf-8?b?PGI+5ZGo5oql?=\r\nFrom: News <news@example.org>\r\n"
        b"List-Unsubscribe: <mailto:news@example.org>\r\nMIME-Version: 1.0\r\n\r\nx\r\n"
    ),
}
IMAGES = {"https://example.org/images/a.png": "../static/images/a%20b.png"}


def _shown(**given: object) -> Shown:
    usual = {
        "digest": "weekly",
        "title": "The <weekly>",
        "key": "2025-06-30",
        "date": "30 June 2025",
        "upcoming": True,
        "files": FILES,
    }
    whole: dict[str, Any] = {**usual, **given}
    whole["mail"] = lint_mail(
        *(whole["files"][name] for name in ("email.html", "email.txt", "message.eml"))
    )
    return Shown(**whole)


def _tree(page: bytes):  # type: ignore[no-untyped-def]
    """Return the page as a browser parses it; an error in its HTML fails the test."""
    parser = html5lib.HTMLParser(strict=False, namespaceHTMLElements=False)
    tree = parser.parse(page.decode())
    assert not parser.errors, parser.errors
    return tree


def _text(tree) -> str:  # type: ignore[no-untyped-def]
    return " ".join("".join(tree.find("body").itertext()).split())


@pytest.fixture
def made() -> dict[str, bytes]:
    return files([_shown()], IMAGES, "en")


def test_the_files_of_the_issue_are_there_byte_for_byte(made: dict[str, bytes]) -> None:
    """The files in the preview are those that `digest` writes."""
    for name in ("email.html", "email.txt", "message.eml"):
        assert made[f"weekly/2025-06-30/{name}"] == FILES[name]


def test_only_images_on_disk_are_shown_from_there(made: dict[str, bytes]) -> None:
    """In the view and the web version; except for the policy every other byte is the mail's."""
    view = made["weekly/2025-06-30/view.html"].decode()
    local = "../../../static/images/a%20b.png"
    policy = re.compile("\n<meta http-equiv[^>]*>")
    assert policy.sub("", view) == MAIL.replace("https://example.org/images/a.png", local)
    assert local in made["weekly/2025-06-30/web.html"].decode()


def test_the_page_shows_all_that_an_editor_asks(made: dict[str, bytes]) -> None:
    """Subject, sender, preheader, size, remarks, text and source, escaped."""
    tree = _tree(made["weekly/2025-06-30/preview.html"])
    text = _text(tree)
    assert "<b>周报" in text
    assert "News <news@example.org>" in text
    assert "Before & after" in text
    assert "Text <b>, 文" in text
    assert "<!DOCTYPE html>" in text, "the source"
    assert f"{len(MAIL):,}" in text


def test_the_mail_is_shown_at_both_widths_in_light_and_dark(made: dict[str, bytes]) -> None:
    """Four frames of the same view, without scripts, each with a title for screen readers."""
    frames = list(_tree(made["weekly/2025-06-30/preview.html"]).iter("iframe"))
    assert [frame.get("class") for frame in frames] == [
        "phone light",
        "phone dark",
        "desktop light",
        "desktop dark",
    ]
    assert {frame.get("src") for frame in frames} == {"view.html"}
    assert all("allow-scripts" not in frame.get("sandbox") for frame in frames)
    assert len({frame.get("title") for frame in frames}) == 4


def test_the_remarks_are_shown_with_their_names() -> None:
    """The findings of the mail checks are on the page, and their number in the gallery."""
    wrong = MAIL.replace(' alt="a"', ' style="float:left"')
    bad = {**FILES, "email.html": wrong.encode()}
    made = files([_shown(files=bad)], {}, "en")
    tree = _tree(made["weekly/2025-06-30/preview.html"])
    assert "mail-image-alt" in _text(tree)
    assert "image_alt" in _text(tree)
    assert "mail-css" in _text(tree)
    assert "mail-image-alt" not in _text(_tree(files([_shown()], {}, "en")["index.html"]))
    assert "1" in _text(_tree(made["index.html"]))


def test_the_gallery_leads_to_each_issue() -> None:
    """One card per issue, in the given order, with its subject; the links work from disk."""
    issues = [_shown(), _shown(key="2025-06-23", upcoming=False), _shown(digest="daily")]
    made = files(issues, {}, "en")
    tree = _tree(made["index.html"])
    links = [link.get("href") for link in tree.iter("a")]
    assert links == [
        "readers.html",
        "weekly/2025-06-30/preview.html",
        "weekly/2025-06-23/preview.html",
        "daily/2025-06-30/preview.html",
    ]
    assert all(link in made for link in links[1:]), "the first one is made from the articles"
    for path, data in made.items():
        if path.endswith("preview.html"):
            _leads_somewhere(path, data, made)


def _leads_somewhere(path: str, data: bytes, made: dict[str, bytes]) -> None:
    tree = _tree(data)
    links = [a.get("href") for a in tree.iter("a")] + [f.get("src") for f in tree.iter("iframe")]
    for link in links:
        target = Path("/", path).parent / link
        assert Path(*_resolved(target)).as_posix() in made, link


def _resolved(path: Path) -> list[str]:
    parts: list[str] = []
    for part in path.parts[1:]:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return parts


@pytest.mark.parametrize("live", [False, True])
def test_no_page_takes_anything_from_the_network(live: bool) -> None:
    """A policy forbids it (CSP), and no page refers to a script, font or stylesheet."""
    made = files([_shown(), _shown(key="2")], IMAGES, "en", live=live)
    for path, page in made.items():
        if not path.endswith(("preview.html", "index.html")):
            continue
        tree = _tree(page)
        (policy,) = [
            meta.get("content")
            for meta in tree.iter("meta")
            if meta.get("http-equiv") == "Content-Security-Policy"
        ]
        assert policy.startswith("default-src 'none'; ")
        assert ("script-src" in policy) == live
        assert "unsafe-inline" not in policy.replace("style-src 'unsafe-inline'", "")
        assert not list(tree.iter("link"))
        scripts = list(tree.iter("script"))
        assert bool(scripts) == live
        assert not any(script.get("src") for script in scripts)
        for script in scripts:
            digest = hashlib.sha256((script.text or "").encode()).digest()
            assert f"script-src 'sha256-{base64.b64encode(digest).decode()}';" in policy
        assert not list(tree.iter("img"))
        assert not re.search(r"url\(|@import|@font-face", page.decode().partition("</style>")[0])


def test_only_a_live_page_reloads() -> None:
    """The files on disk have no script; the served pages listen for changes."""
    still, live = (files([_shown()], {}, "en", live=live) for live in (False, True))
    assert b"<script" not in still["weekly/2025-06-30/preview.html"]
    assert b"EventSource" in live["weekly/2025-06-30/preview.html"]
    assert b"EventSource" in live["index.html"]


@pytest.mark.parametrize("language", ["en", "zh-CN", "de"])
def test_the_pages_are_in_the_publications_language(language: str) -> None:
    """Every text of a page exists in each language; others get English."""
    page = files([_shown()], {}, language)["weekly/2025-06-30/preview.html"]
    assert _tree(page).get("lang") == language


def test_without_issues_the_gallery_says_so() -> None:
    """One page that explains why it is empty."""
    made = files([], {}, "en")
    assert list(made) == ["index.html"]
    assert _text(_tree(made["index.html"]))


def test_the_same_issues_give_the_same_pages() -> None:
    """Nothing in a preview depends on the clock or on chance."""
    assert files([_shown()], IMAGES, "en") == files([_shown()], IMAGES, "en")
