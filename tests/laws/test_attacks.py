"""Attack strings in every field and every output, with a real browser that watches for scripts.

Each string would set `top.ran` if it ran. All fields of an article contain them; the results are
opened as readers, mail clients and editors open them, and once more without any policy (CSP), as a
careless reader would show them.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

import browser
from attacks import ATTACKS, CODE, EVIL
from broadsheet.articles import fields
from broadsheet.digests.lint import lint_mail
from broadsheet.markup import LinkIndex, Links, dialect, render
from broadsheet.pages import script
from broadsheet.pages.policy import of_script
from broadsheet.pipeline import preview
from broadsheet.pipeline.preview import Shown
from browser import Browser
from newsroom import Newsroom, contents

CONFIG = """
[feeds]
by = ["topics", "tags"]
entries = 1000
[digests.weekly]
title = "Weekly <script>top.ran=1</script>"
max_bytes = 10000000
[delivery]
sender = "News <news@example.org>"
"""

# Everything that a reader may be lured to do to an element, and what would have run then.
PROVOKED = """
(async () => {
  const later = ms => new Promise(done => setTimeout(done, ms));
  const frames = [window, ...[...document.querySelectorAll('iframe')].map(f => f.contentWindow)];
  for (const frame of frames) {
    let all = [];
    try { all = [...frame.document.querySelectorAll('*')]; } catch (error) { continue; }
    frame.document.addEventListener('click', event => event.preventDefault(), true);
    frame.document.addEventListener('submit', event => event.preventDefault(), true);
    for (const element of all) {
      const names = ['load', 'error', 'mouseover', 'focus', 'click', 'toggle', 'animationstart',
                     'mousemove', 'pageshow', 'begin', 'start', 'input', 'change', 'submit'];
      for (const name of names) element.dispatchEvent(new Event(name, {bubbles: false}));
    }
  }
  await later(150);
  return typeof top.ran === 'number' ? top.ran : 0;
})()
"""
WAITED = """
new Promise(done => setTimeout(done, 50)).then(() => typeof top.ran === 'number' ? top.ran : 0)
"""
LOADED = "performance.getEntriesByType('resource').map(e => e.name)"
# The state of a page: what ran, what it requested, and what could run.
SEEN = f"""
(async ours => ({{
  handlers: [...document.querySelectorAll('*')].flatMap(e => [...e.attributes])
    .filter(a => a.name.startsWith('on')).map(a => a.name),
  elements: [...document.querySelectorAll('script, iframe, object, embed, form, base')]
    .filter(e => e.textContent !== ours)
    .map(e => e.outerHTML),
  addresses: [...document.querySelectorAll('*')]
    .flatMap(e => ['href', 'src', 'action', 'formaction', 'data', 'poster']
      .map(name => e.getAttribute(name)))
    .filter(Boolean),
  ran: await {PROVOKED},
  loaded: {LOADED},
}}))({json.dumps(script("copy"))})
"""

pytestmark = [
    pytest.mark.long,
    pytest.mark.browser,
    pytest.mark.skipif(bool(browser.MISSING), reason=browser.MISSING),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser with a new tab for each page: an attack may open windows or load other pages."""
    with browser.browser(keeps_tab=False) as running:
        yield running


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Newsroom:
    """One article per attack, with the attack in all of its fields, published every way."""
    newsroom = Newsroom.open(tmp_path_factory.mktemp("attacked"), CONFIG)
    for number, attack in enumerate(ATTACKS):
        newsroom.article(
            f"{number:03}.md",
            f"Before.\n\n{attack}\n\nBetween {attack} words.\n\nAfter.\n",
            **dict.fromkeys(("title", "summary", "author", "image", "image_alt", "lang"), attack),
            main_topics=[attack],
            tags=[attack],
            aliases=[attack],
            id=f"https://example.org/{number}/",
            url=f"/{number}/{attack}",
            date=f"2025-06-{24 + number % 6}T07:00:00+08:00",
        )
    for command in ("digest", "build", "preview"):
        ran = newsroom.run(command)
        assert (ran.code, ran.err) == (0, ""), ran.err
    return newsroom


def pages(newsroom: Newsroom) -> list[Path]:
    """Every HTML page that was written."""
    found = [*newsroom.folder.glob("feeds/**/*.html"), *newsroom.folder.glob("previews/**/*.html")]
    assert len(found) >= 8
    return sorted(found)


def page(folder: Path, name: str, content: str) -> Path:
    """Return a page without a policy that shows `content`."""
    place = folder / name
    place.write_text(f"<!DOCTYPE html><meta charset=utf-8><body>{content}", encoding="utf-8")
    return place


def preview_files(newsroom: Newsroom, *, live: bool) -> dict[str, str]:
    """Return the pages of a preview of the released issues: path -> text."""
    folders = sorted(newsroom.folder.glob("feeds/digests/weekly/2*"))
    written = preview.files([*map(_released, folders)], {}, "en", live=live)
    return {path: data.decode() for path, data in written.items() if path.endswith(".html")}


def _released(folder: Path) -> Shown:
    names = "email.html", "email.txt", "message.eml", "index.html"
    files = {name: (folder / name).read_bytes() for name in names}
    mail = lint_mail(*(files[name] for name in names[:3]))
    return Shown("weekly", "Weekly", folder.name, "", upcoming=False, files=files, mail=mail)


def without_policy(text: str) -> str:
    return re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)


def nothing_ran(chromium: Browser, place: Path) -> None:
    """No script ran, even when every element is touched, and nothing was requested from the
    attacker's host."""
    seen = chromium.evaluate(place, SEEN)
    assert seen["ran"] == 0, place
    assert seen["handlers"] == [], place
    if place.name != "preview.html":  # it shows the mail in frames
        assert seen["elements"] == [], place
    asked = {name for name in seen["loaded"] if name.startswith(EVIL)}
    assert [name for name in asked if not name.endswith(".png")] == []
    for address in seen["addresses"]:
        scheme = re.match(r"[\s\x00-\x1f]*([a-z][a-z0-9+.-]*):", address, re.IGNORECASE)
        assert not scheme or scheme[1].lower() in {"http", "https", "mailto", "data", "tel", "xmpp"}
        if scheme and scheme[1].lower() == "data":
            assert re.match(r"data:image/(png|jpeg|gif|webp|avif);base64,", address)


def test_the_attacks_work_in_an_unprotected_page(chromium: Browser, tmp_path: Path) -> None:
    """In a page without sanitiser and policy many of them run, so the check can fail."""
    assert len(set(ATTACKS)) >= 180
    ran = 0
    tried = [attack for attack in ATTACKS[::6] if "refresh" not in attack]
    for number, attack in enumerate(tried):
        ran += bool(chromium.evaluate(page(tmp_path, f"{number}.html", attack), PROVOKED))
    assert ran > len(tried) // 3
    image = page(tmp_path, "image.html", f'<img src="{EVIL}/a.png">')
    loaded = "new Promise(done => setTimeout(done, 100)).then(() => " + LOADED + ")"
    assert set(chromium.evaluate(image, loaded)) == {f"{EVIL}/a.png"}


def test_no_published_page_runs_an_attack(chromium: Browser, attacked: Newsroom) -> None:
    """Overviews, issues, mails, previews: nothing runs, and no element could run."""
    for place in pages(attacked):
        nothing_ran(chromium, place)


def test_every_attack_is_shown_as_text(attacked: Newsroom) -> None:
    """Titles are shown as written, with their character references resolved: nothing is lost, and
    nothing becomes a tag."""
    feed = json.loads(attacked.published()["feed.json"])
    titles = {item["title"] for item in feed["items"]}
    assert titles == {fields.title(attack) for attack in ATTACKS}
    assert not [title for title in titles if title != " ".join(title.split())]
    shown = (attacked.folder / "feeds/digests/weekly/2025-06-30/index.html").read_text("utf-8")
    missing = [
        title for title in titles if html.escape(title) not in html.escape(html.unescape(shown))
    ]
    assert missing == []


def _shown(attacked: Newsroom) -> dict[str, list[str]]:
    """Yield what readers show as HTML: the content, and whatever else each format declares as
    HTML."""
    published = attacked.published()
    feed = json.loads(published["feed.json"])
    atom = etree.fromstring(published["atom.xml"])
    rss = etree.fromstring(published["rss.xml"])
    encoded = "{http://purl.org/rss/1.0/modules/content/}encoded"
    return {
        "json": [item["content_html"] for item in feed["items"]],
        "atom": [each.text or "" for each in atom.iter() if each.get("type") == "html"],
        "rss content": [each.text or "" for each in rss.iter(encoded)],
        "rss description": [each.text or "" for each in rss.iter("description")],
    }


@pytest.mark.parametrize("kind", ["json", "atom", "rss content", "rss description"])
def test_no_entry_runs_an_attack_without_a_policy(
    chromium: Browser, attacked: Newsroom, tmp_path: Path, kind: str
) -> None:
    """Each entry alone, since one could close what another opens, and all together."""
    entries = _shown(attacked)[kind]
    assert len(entries) >= len(ATTACKS)
    nothing_ran(chromium, page(tmp_path, "all.html", "\n".join(entries)))
    # By innerHTML, as readers written in JavaScript do, in pages of their own kind.
    script = f"""
    (async () => {{
      for (const entry of {json.dumps(entries)}) {{
        const box = document.createElement('div');
        document.body.append(box);
        box.innerHTML = entry;
        box.innerHTML = box.innerHTML;  // once more: what was written may be read otherwise
      }}
      await new Promise(done => setTimeout(done, 200));
      return typeof top.ran === 'number' ? top.ran : 0;
    }})()
    """
    assert chromium.evaluate(page(tmp_path, "empty.html", ""), script) == 0


def test_a_feed_opened_as_a_page_runs_nothing(chromium: Browser, attacked: Newsroom) -> None:
    """A browser shows the XML itself; HTML in it is ours: the part in the head, and the links of
    titles, which lead to web pages."""
    for place in sorted(attacked.folder.glob("feeds/*.xml")):
        assert chromium.evaluate(place, "typeof top.ran") == "undefined"
        elements = chromium.evaluate(
            place,
            "[...document.querySelectorAll('*')]"
            ".filter(e => /xhtml|svg|MathML/.test(e.namespaceURI))"
            ".filter(e => !e.closest('channel > div, feed > div'))"
            ".map(e => [e.parentNode.localName, e.localName, e.href.slice(0, 4)])",
        )
        assert elements, "no title is a link"
        assert all(each == ["title", "a", "http"] for each in elements)


def test_every_page_has_a_strict_policy(attacked: Newsroom) -> None:
    """No script but ours, and no other host except for images; the mail as a page has one too."""
    found: dict[str, set[str]] = {}
    for place in pages(attacked):
        text = place.read_text(encoding="utf-8")
        policies = re.findall(
            r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', text
        )
        assert len(policies) == 1, place
        # It applies only to what follows it.
        before = text[: text.index("Content-Security-Policy")]
        assert set(re.findall(r"<([a-z]+)", before)) <= {"html", "head", "meta"}
        found.setdefault(place.name, set()).add(policies[0])
    assert {"index.html", "email.html", "view.html", "web.html", "preview.html"} <= set(found)
    for policy in set.union(*found.values()):
        rules = dict(rule.strip().partition(" ")[::2] for rule in html.unescape(policy).split(";"))
        assert rules.pop("script-src", "") in {"", of_script(script("copy"))}
        assert rules.pop("default-src") == "'none'"
        assert rules.pop("base-uri") == rules.pop("form-action") == "'none'"
        assert rules.pop("style-src") == "'unsafe-inline'"
        assert set(rules) <= {"img-src", "frame-src"}
        assert rules.get("frame-src", "'self'") == "'self'"
        assert set(rules.get("img-src", "").split()) <= {
            *("https:", "http:", "data:", "'self'", "file:")
        }


def test_a_script_in_any_page_is_stopped_by_its_policy(
    chromium: Browser, attacked: Newsroom, tmp_path: Path
) -> None:
    """If a script got into a page after all, as an element or a handler, the browser would not run
    it."""
    live = preview_files(attacked, live=True)
    everything = {
        **{place.relative_to(attacked.folder).as_posix(): place for place in pages(attacked)},
        **{f"live/{path}": place for path, place in live.items()},
    }
    for path, source in everything.items():
        text = source if isinstance(source, str) else source.read_text(encoding="utf-8")
        injected = f"<script>{CODE}</script><img src=x onerror={CODE}><svg onload={CODE}></svg>"
        assert text.count("</body>") == 1, path
        place = tmp_path / "injected.html"
        for evil, expected in ((text, 0), (without_policy(text), 1)):
            place.write_text(evil.replace("</body>", f"{injected}</body>"), encoding="utf-8")
            assert min(chromium.evaluate(place, WAITED), 1) == expected, path


def test_the_mail_is_shown_in_a_frame_that_runs_nothing(attacked: Newsroom) -> None:
    """A preview shows the mail in sandboxed frames that run no script."""
    previews = list(attacked.folder.glob("previews/**/preview.html"))
    assert previews
    for place in previews:
        frames = re.findall(r"<iframe\b[^>]*>", place.read_text(encoding="utf-8"))
        assert frames
        for frame in frames:
            (sandbox,) = re.findall(r'sandbox(?:="([^"]*)")?', frame)
            assert set(sandbox.split()) <= {"allow-same-origin", "allow-popups"}, frame


@pytest.mark.parametrize("part", range(4))
def test_pairs_of_attacks_do_not_run(chromium: Browser, tmp_path: Path, part: int) -> None:
    """One attack around another, and the start of one with the end of another."""
    links = Links(LinkIndex("https://example.org/"), "a.md", "https://example.org/a/")
    pairs: list[str] = []
    for number, one in enumerate(ATTACKS[part::4]):
        other = ATTACKS[(number * 37 + 11 * part) % len(ATTACKS)]
        middle = len(one) // 2
        pairs += [one[:middle] + other + one[middle:], one[:middle] + other[len(other) // 2 :]]
    made = [
        render(f"Text {pair} text.\n\n{pair}\n", links, dialect(name)).html
        for pair in pairs
        for name in ("commonmark", "python-markdown")
    ]
    nothing_ran(chromium, page(tmp_path, "pairs.html", "\n".join(made)))


def test_check_reports_removed_scripts(attacked: Newsroom) -> None:
    """`check` names each article with a script or handler, and ends without a traceback."""
    ran = attacked.run("check", "--json")
    assert ran.err == ""
    found: list[dict[str, Any]] = json.loads(ran.out)
    named = {each["path"] for each in found if each["rule"] in {"raw-html", "link-scheme"}}
    scripts = [n for n, attack in enumerate(ATTACKS) if attack.startswith("<script")]
    assert {f"content/{number:03}.md" for number in scripts} <= named
    assert len(named) > 100
    assert "\x1b" not in attacked.run("check", "--all").out
    assert contents(attacked.folder / "feeds")
