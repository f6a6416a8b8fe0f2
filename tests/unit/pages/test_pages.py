"""The pages of feeds/ as people see them, in a browser: phone, desktop, light and dark."""

from __future__ import annotations

import re
from pathlib import Path

import feedparser
import html5lib
import pytest

import browser
from browser import Browser
from newsroom import CONFIG, ROOT, Newsroom

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(browser.MISSING), reason=browser.MISSING),
]
DIGEST = '[digests.weekly]\ntitle = "Weekly"\n'
FEEDS = ROOT / "feeds"
PAGES = ("index.html", "digests/weekly/index.html", "digests/weekly/2025-06-30/index.html")

WIDEST = "document.documentElement.scrollWidth"
SMALLEST_TARGET = """
Math.min(...[...document.querySelectorAll('.address a, .address button, footer a')]
  .filter(a => !a.hidden).map(a => a.getBoundingClientRect().height))
"""
COPIED = """
(async () => {
  const button = document.querySelector('button[data-address]');
  const seen = done => new MutationObserver(done).observe(button, {childList: true});
  window.focus();
  const changed = new Promise(seen);
  button.click();
  await changed;
  const copied = await navigator.clipboard.readText();
  const shown = button.previousElementSibling.textContent;
  return [button.dataset.address, shown, button.textContent, copied];
})()
"""
CONTRASTS = """
(() => {
  const part = c => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = colour => {
    const [r, g, b] = numbers(colour).map(part);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (numbers(colour)[3] !== 0) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const texts = [...document.querySelectorAll('h1, h2, h3, p, a, time, li')]
    .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()));
  return texts.map(e => {
    const [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  });
})()
"""


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("width", [320, 375, 1000])
def test_a_page_fits_the_window(chromium: Browser, page: str, width: int) -> None:
    """No page scrolls sideways, at any width."""
    assert chromium.evaluate(FEEDS / page, WIDEST, width) <= width


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("dark", [False, True])
def test_every_text_has_enough_contrast(chromium: Browser, page: str, dark: bool) -> None:
    """At least 4.5 to 1 (WCAG 2.2, 1.4.3), in light and in dark mode."""
    contrasts = chromium.evaluate(FEEDS / page, CONTRASTS, 600, dark=dark)
    assert len(contrasts) > 5
    assert min(contrasts) >= 4.5


def test_the_dark_page_is_dark(chromium: Browser) -> None:
    """The dark page has a dark background."""
    ground = "getComputedStyle(document.body).backgroundColor"
    light = chromium.evaluate(FEEDS / "index.html", ground)
    dark = chromium.evaluate(FEEDS / "index.html", ground, dark=True)
    assert light == "rgb(251, 250, 247)"
    assert dark == "rgb(21, 24, 27)"


def test_subscribe_links_are_large_enough_for_a_thumb(chromium: Browser) -> None:
    """On a phone, a link to a feed is at least 44 pixels high (WCAG 2.2, 2.5.5)."""
    assert chromium.evaluate(FEEDS / "index.html", SMALLEST_TARGET, 375) >= 44


def test_the_index_loads_nothing(chromium: Browser) -> None:
    """The page has no image, font, external stylesheet or external script."""
    loaded = "performance.getEntriesByType('resource').length"
    assert chromium.evaluate(FEEDS / "index.html", loaded) == 0


@pytest.mark.parametrize("page", ["index.html", "digests/weekly/index.html"])
def test_an_address_is_copied_with_one_click(chromium: Browser, page: str) -> None:
    """The button says so; without scripts there is no button, and the address is shown."""
    chromium.allow_clipboard()
    address, shown, said, copied = chromium.evaluate(FEEDS / page, COPIED)
    assert copied == address == shown
    assert address.startswith("https://example.org/feeds/")
    assert said == "已复制"
    text = (FEEDS / page).read_text(encoding="utf-8")
    assert text.count("<button") == text.count('<button type="button" hidden') > 0


def test_the_pages_lead_to_the_form(newsroom: Newsroom) -> None:
    """The feeds page and a digest's post an address to the service; without one, nothing does."""
    newsroom.article("a.md", title="A", date="2025-06-20")
    newsroom.configure(DIGEST)
    newsroom.build()
    paths = ("index.html", "digests/weekly/index.html")
    assert not any(b"<form" in newsroom.published()[path] for path in paths)
    newsroom.configure(f'{DIGEST}[delivery]\nservice_url = "https://news.example.org/list/"\n')
    newsroom.build()
    for path in paths:
        tree = html5lib.parse(newsroom.published()[path], namespaceHTMLElements=False)
        form = tree.find(".//form")
        assert form.get("action") == "https://news.example.org/list/subscribe"
        digest = [("digest", "weekly")] if "weekly" in path else []
        fields = [(each.get("name"), each.get("value")) for each in form.iter("input")]
        assert fields == [*digest, ("address", None)]
        policy = tree.find(".//meta[@http-equiv='Content-Security-Policy']").get("content")
        assert policy.endswith(f"; form-action {form.get('action')}")


@pytest.mark.parametrize("is_near", [True, False])
@pytest.mark.parametrize("name", ["atom.xml", "rss.xml"])
def test_a_feed_in_a_browser_is_readable(
    chromium: Browser, name: str, tmp_path: Path, *, is_near: bool
) -> None:
    """It shows titles and summaries, and no markup, id or category, also without its stylesheet."""
    text = (FEEDS / name).read_text(encoding="utf-8")
    near = text.replace("https://example.org/feeds/feed.css", "feed.css") if is_near else text
    (tmp_path / name).write_text(near, encoding="utf-8")
    (tmp_path / "feed.css").write_bytes((FEEDS / "feed.css").read_bytes())
    shown = chromium.evaluate(
        tmp_path / name,
        """
        [...document.querySelectorAll('*')]
          .filter(e => !e.childElementCount && e.getClientRects().length && e.textContent.trim())
          .map(e => [e.localName, e.textContent])
        """,
        375,
    )
    names = {local for local, _ in shown}
    assert {"title", "a"} < names <= {
        "title", "subtitle", "description", "summary", "published", "pubDate", "name", "creator",
        "p", "a",
    }  # fmt: skip
    assert not any("<p>" in text or text.startswith("http") for _, text in shown)
    assert sum(local == "a" for local, _ in shown) > 5


FEED_LINKS = """
[...document.querySelectorAll('a')].filter(a => a.getBoundingClientRect().height > 40)
  .map(a => [a.closest('entry, item') ? 'entry' : 'feed', a.href, a.textContent])
"""


@pytest.mark.parametrize("name", ["atom.xml", "rss.xml", "digests/weekly/atom.xml"])
def test_the_links_of_a_feed_in_a_browser_can_be_followed(chromium: Browser, name: str) -> None:
    """Each title leads to its article, and a link to the page of all feeds."""
    found = chromium.evaluate(FEEDS / name, FEED_LINKS)
    entries = feedparser.parse((FEEDS / name).read_bytes()).entries
    assert found == [
        ["feed", "https://example.org/feeds/index.html", "全部订阅源"],
        *(["entry", each.link, each.title] for each in entries),
    ]


def test_a_feed_in_a_browser_runs_no_address(
    chromium: Browser, newsroom: Newsroom, tmp_path: Path
) -> None:
    """Only web addresses become links; the page fits a phone, and is in the feed's language."""
    newsroom.article("a.md", title="<b>A</b>", date="2025-06-20")
    newsroom.configure("", CONFIG.replace('"zh-CN"', '"ar"'))
    newsroom.build()
    text = newsroom.published()["rss.xml"].decode()
    path = tmp_path / "rss.xml"
    path.write_text(re.sub("<link>[^<]*/a/</link>", "<link>javascript:alert(1)</link>", text))
    assert "javascript:" in path.read_text()
    assert [kind for kind, *_ in chromium.evaluate(path, FEED_LINKS)] == ["feed"]
    assert chromium.evaluate(path, WIDEST, 320) <= 320
    assert chromium.evaluate(path, "getComputedStyle(document.documentElement).direction") == "rtl"
