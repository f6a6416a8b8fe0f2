"""The policy of pages (CSP): it is in each, lets nothing run, and breaks nothing."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

import browser
import letters
from broadsheet.digests.html_mail import mail_html
from broadsheet.pages import policy
from broadsheet.pages import script as our_script
from browser import Browser
from newsroom import Newsroom, contents

LISTS = {"feeds/index.html", "feeds/digests/weekly/index.html"}
META = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">')
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)
RUNS = "new Promise(done => setTimeout(done, 50)).then(() => top.ran || 0)"
WIDTHS = """
Promise.all([...document.images].map(image => {
  image.loading = 'eager';
  return image.decode().then(() => image.naturalWidth, () => 0);
}))
"""
LENGTHS = """
[...document.querySelectorAll('iframe')].map(each => each.contentDocument.body.innerText.length)
"""
EVIL = "<script>top.ran=1</script><img src=x onerror=top.ran=1>"

in_a_browser = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(browser.MISSING), reason=browser.MISSING),
]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Newsroom:
    """Every page: feeds, a released issue, previews of it and of the next."""
    newsroom = Newsroom.open(
        tmp_path_factory.mktemp("pages"),
        '[digests.weekly]\ntitle = "Weekly"\n[delivery]\nsender = "N <n@example.org>"\n',
    )
    newsroom.write("static/a b.png", PNG)
    newsroom.article("a.md", date="2025-06-20", main_topics=["AI"], image="/a b.png")
    newsroom.article("b.md", date="2025-06-25", main_topics=["AI"], image="/a b.png")
    assert newsroom.run("digest", now="2025-06-23T09:00:00+08:00").code == 0
    for command in ("build", "preview"):
        assert newsroom.run(command).code == 0
    return newsroom


def pages(newsroom: Newsroom) -> dict[str, str]:
    found = contents(newsroom.folder)
    return {path: data.decode() for path, data in found.items() if path.endswith(".html")}


def test_every_page_that_is_written_has_one_policy(published: Newsroom) -> None:
    """At the top of its head, so that it applies to all; only lists of feeds have a script."""
    found = pages(published)
    names = {Path(path).name for path in found}
    assert {"index.html", "email.html", "view.html", "web.html", "preview.html"} <= names
    for path, text in found.items():
        (each,) = META.findall(text)
        assert each.startswith("default-src 'none'; "), path
        scripts = re.findall(r"script-src ([^;]*);", unescape(each))
        assert scripts == ([policy.of_script(our_script("copy"))] if path in LISTS else []), path
        before = text[: text.index("Content-Security-Policy")]
        assert set(re.findall(r"<([a-z]+)", before)) <= {"html", "head", "meta"}, path


def test_the_mail_that_is_sent_has_none(published: Newsroom) -> None:
    """The policy is for browsers that open the file; otherwise email.html equals the mail."""
    for path, data in contents(published.folder).items():
        if path.endswith("message.eml"):
            assert b"Content-Security-Policy" not in data
            page = contents(published.folder)[path.replace("message.eml", "email.html")].decode()
            assert policy.unguarded(page) == META.sub("", page).replace("<head>\n\n", "<head>\n")


@pytest.mark.parametrize(
    "html",
    [
        "<!DOCTYPE html>\n<html lang='en'>\n<head>\n<title>a</title></head><body>b</body></html>",
        "<!-- <head> -->\n<!DOCTYPE html><HTML><HEAD profile='x'><title>a</title>",
        "<html><body>a</body></html>",
        "<p>a</p>",
        "",
    ],
)
def test_a_policy_can_be_added_and_removed(html: str) -> None:
    """Whatever the document looks like; removing it restores every byte."""
    guarded = policy.guarded(html)
    assert guarded.count("Content-Security-Policy") == 1
    assert policy.unguarded(guarded) == html
    assert policy.unguarded(html) == html
    shown = policy.previewed(guarded)
    assert META.findall(shown)[0].count("file:") == shown.count("Content-Security-Policy") == 1
    mail = mail_html(letters.make(), {})
    assert policy.unguarded(policy.guarded(mail)) == mail


class TestInABrowser:
    """How a real browser treats these pages."""

    pytestmark = in_a_browser

    def test_a_script_that_got_in_does_not_run(
        self, chromium: Browser, published: Newsroom, tmp_path: Path
    ) -> None:
        """Neither an element nor a handler, in any page; without the policy both would."""
        for path, text in pages(published).items():
            place = tmp_path / "page.html"
            for page, expected in ((text, 0), (META.sub("", text), 1)):
                place.write_text(page.replace("</body>", f"{EVIL}</body>"), encoding="utf-8")
                assert chromium.evaluate(place, RUNS) == expected, path

    def test_images_on_disk_are_shown(self, chromium: Browser, published: Newsroom) -> None:
        """In the view of the mail and in the web version, both of which have a policy."""
        for name in ("view.html", "web.html"):
            found = sorted(published.folder.glob(f"previews/**/{name}"))
            assert found
            for place in found:
                assert chromium.evaluate(place, WIDTHS) == [1], place

    def test_the_mail_is_shown_in_its_frames(self, chromium: Browser, published: Newsroom) -> None:
        """The surrounding page allows the frames, and they are not empty."""
        for place in sorted(published.folder.glob("previews/**/preview.html")):
            assert min(chromium.evaluate(place, LENGTHS)) > 100, place

    def test_the_one_script_of_a_live_preview_runs(self, chromium: Browser, tmp_path: Path) -> None:
        """The policy allows its hash, and no other."""
        before = "<script>window.EventSource = class { constructor(at) { top.at = at } }</script>"
        rule = policy.of_script(our_script("live"))
        meta = f'<meta http-equiv="Content-Security-Policy" content="script-src {rule}">'
        place = tmp_path / "live.html"
        for script, expected in ((our_script("live"), "/events"), (our_script("live") + " ", None)):
            text = f"<!DOCTYPE html>{before}{meta}<body><script>{script}</script>{EVIL}"
            place.write_text(text, encoding="utf-8")
            assert chromium.evaluate(place, "top.at || null") == expected
            assert chromium.evaluate(place, RUNS) == 0
