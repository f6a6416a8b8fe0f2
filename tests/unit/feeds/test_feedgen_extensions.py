"""What feedgen leaves out or gets wrong is right in our feeds.

Each test first shows the fact on feedgen itself, if it can: when that half fails, the extension for
it can be removed.
"""

from __future__ import annotations

import locale
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import lxml.etree as etree
import pytest
from feedgen.feed import FeedGenerator

from newsroom import Newsroom

ATOM = "{http://www.w3.org/2005/Atom}"
DC = "{http://purl.org/dc/elements/1.1/}"
HISTORY = "{http://purl.org/syndication/history/1.0}"
MEDIA = "{http://search.yahoo.com/mrss/}"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
HUB = 'hub = "https://hub.example/"\n'


def built(newsroom: Newsroom, *path: str) -> tuple[etree._Element, etree._Element]:
    """The Atom feed and the RSS channel of a newsroom with an old article and a new one."""
    newsroom.configure(f"[feeds]\nentries = 1\n{HUB}")
    newsroom.article("old.md", date="2025-05-01")
    newsroom.article(
        "new.md",
        "A < B & C ]]> D\n",
        date="2025-06-01T08:00:00.123456+08:00",
        image="i.png",
        image_alt="Alt",
        author=["Ann"],
        language="en",
        categories=["T"],
    )
    newsroom.write("content/i.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x02\0\0\0\x03" + bytes(9))
    published = newsroom.build()
    folder = "".join(f"{part}/" for part in path)
    rss = etree.fromstring(published[folder + "rss.xml"])
    return etree.fromstring(published[folder + "atom.xml"]), rss[0]


def generated(change: Callable[[FeedGenerator], object] = lambda _: None) -> FeedGenerator:
    """Return a feed made by feedgen alone."""
    feed = FeedGenerator()
    feed.id("https://example.org/")
    feed.title("A")
    feed.description("A")
    feed.link(href="https://example.org/")
    change(feed)
    return feed


def with_entry(change: Callable[[object], object]) -> FeedGenerator:
    def add(feed: FeedGenerator) -> None:
        entry = feed.add_entry()
        entry.id("https://example.org/a")
        entry.title("A")
        change(entry)

    return generated(add)


def links(parent: etree._Element) -> dict[str | None, str | None]:
    return {link.get("rel"): link.get("href") for link in parent.findall(f"{ATOM}link")}


def test_no_date_comes_from_the_clock(newsroom: Newsroom) -> None:
    """feedgen's `updated` and `lastBuildDate` are now, with microseconds; ours an entry's."""
    assert "." in etree.fromstring(generated().atom_str()).findtext(f"{ATOM}updated")
    atom, channel = built(newsroom)
    assert {node.text for node in atom.iter(f"{ATOM}updated")} == {"2025-06-01T08:00:00+08:00"}
    assert channel.findtext("lastBuildDate") == "Sun, 01 Jun 2025 08:00:00 +0800"


def test_entries_are_newest_first(newsroom: Newsroom) -> None:
    """feedgen's `add_entry` inserts each before the last."""
    newsroom.article("a.md", date="2025-06-01")
    newsroom.article("b.md", date="2025-06-02")
    published = newsroom.build()
    for name, tag in (("atom.xml", f"{ATOM}entry/{ATOM}title"), ("rss.xml", "channel/item/title")):
        assert [t.text for t in etree.fromstring(published[name]).findall(tag)] == ["b", "a"]


def test_an_enclosure_is_no_second_alternate(newsroom: Newsroom) -> None:
    """feedgen drops rel, type and length of an entry's Atom links."""
    feed = with_entry(
        lambda e: (
            e.link(href="https://example.org/a", rel="alternate"),
            e.link(href="https://example.org/i.png", rel="enclosure", type="image/png", length="9"),
        )
    )
    shown = etree.fromstring(feed.atom_str()).findall(f"{ATOM}entry/{ATOM}link")
    assert [link.get("rel") for link in shown] != ["alternate", "enclosure"]
    atom, _ = built(newsroom)
    found = [dict(link.attrib) for link in atom.findall(f"{ATOM}entry/{ATOM}link")]
    # A link without a rel is an alternate (RFC 4287, section 4.2.7.2).
    assert sorted(link.get("rel", "alternate") for link in found) == ["alternate", "enclosure"]
    (enclosure,) = (link for link in found if link.get("rel") == "enclosure")
    assert (enclosure["type"], enclosure["length"]) == ("image/png", "33")
    assert enclosure["href"] == "https://example.org/i.png"


def test_the_channel_s_link_is_the_site(newsroom: Newsroom) -> None:
    """feedgen takes the last link of any rel, even the hub's."""

    def add_hub(feed: FeedGenerator) -> None:
        feed.link(href="https://hub.example/", rel="hub")

    shown = etree.fromstring(generated(add_hub).rss_str())
    assert shown.findtext("channel/link") == "https://hub.example/"
    _, channel = built(newsroom)
    assert [link.text for link in channel.findall("link")] == ["https://example.org/"]


def test_rss_has_self_hub_and_archive_links(newsroom: Newsroom) -> None:
    """feedgen's RSS has no links but `self`; our Atom and RSS have the same links."""
    atom, channel = built(newsroom)
    assert links(channel) == {
        "self": "https://example.org/feeds/rss.xml",
        "hub": "https://hub.example/",
        "prev-archive": "https://example.org/feeds/archive/2025-05/rss.xml",
    }
    assert {**links(atom), "alternate": None} == {
        "self": "https://example.org/feeds/atom.xml",
        "hub": "https://hub.example/",
        "prev-archive": "https://example.org/feeds/archive/2025-05/atom.xml",
        "alternate": None,
    }


def test_archives_are_marked(newsroom: Newsroom) -> None:
    """feedgen has no fh:archive (RFC 5005, section 4)."""
    for parent in built(newsroom, "archive", "2025-05"):
        assert parent.find(f"{HISTORY}archive") is not None
        assert str(links(parent)["current"]).startswith("https://example.org/feeds/")
    for parent in built(newsroom):
        assert parent.find(f"{HISTORY}archive") is None


def test_content_is_html_and_nothing_else(newsroom: Newsroom) -> None:
    """feedgen's `CDATA` shows up as a type in Atom; `html` keeps `]]>` and markup."""
    feed = with_entry(lambda e: e.content("x", type="CDATA"))
    assert b'type="CDATA"' in feed.atom_str()
    atom, channel = built(newsroom)
    content = atom.find(f"{ATOM}entry/{ATOM}content")
    assert content is not None
    assert content.get("type") == "html"
    encoded = channel.findtext("item/{http://purl.org/rss/1.0/modules/content/}encoded")
    assert content.text == encoded == "<p>A &lt; B &amp; C ]]&gt; D</p>"


def test_an_author_needs_no_mail_address(newsroom: Newsroom) -> None:
    """feedgen's RSS drops authors without one; readers reject a bare name in `author`."""
    feed = with_entry(lambda e: e.author({"name": "Ann"}))
    assert b"Ann" not in feed.rss_str()
    atom, channel = built(newsroom)
    assert channel.findtext(f"item/{DC}creator") == "Ann"
    assert channel.find("item/author") is None
    assert atom.findtext(f"{ATOM}entry/{ATOM}author/{ATOM}name") == "Ann"


def test_one_image_is_no_group(newsroom: Newsroom) -> None:
    """feedgen's media extension groups a single item and accepts no numbers."""
    for parent in built(newsroom):
        (media,) = parent.iter(f"{MEDIA}content")
        assert media.getparent().tag in {"item", f"{ATOM}entry"}
        assert (media.get("width"), media.get("height"), media.get("fileSize")) == ("2", "3", "33")
        assert media.findtext(f"{MEDIA}description") == "Alt"


def test_an_entry_has_its_language(newsroom: Newsroom) -> None:
    """feedgen cannot write xml:lang of an entry."""
    atom, channel = built(newsroom)
    entry = atom.find(f"{ATOM}entry")
    assert entry is not None
    assert entry.get(LANG) == "en"
    assert atom.get(LANG) == "zh-CN"
    assert channel.findtext(f"item/{DC}language") == "en"


def test_feeds_have_a_stylesheet(newsroom: Newsroom) -> None:
    """feedgen writes no processing instructions; without one a browser shows a tree of tags."""
    newsroom.article("a.md")
    for name in ("atom.xml", "rss.xml"):
        lines = newsroom.build()[name].splitlines()
        assert lines[0].startswith(b"<?xml version=")
        assert lines[1].startswith(b"<?xml-stylesheet href=")


@pytest.mark.parametrize("character", ["\x01", "\x0b", "\ufffe", "\uffff"])
def test_characters_that_xml_forbids_are_dropped(newsroom: Newsroom, character: str) -> None:
    """feedgen raises ValueError for such characters, which are common in real articles."""
    with pytest.raises(ValueError, match="XML compatible"):
        with_entry(lambda e: e.content(character, type="html")).atom_str()
    fields = dict.fromkeys(["title", "summary", "tags", "categories", "author"], f"a{character}b")
    newsroom.configure('[feeds]\nby = ["topics", "tags"]\n')
    newsroom.article("a.md", f"a{character}b [x]({character})\n\n&#1;&#xb;\n", **fields)
    published = newsroom.build()
    for path, data in published.items():
        assert character.encode() not in data, path
        if path.endswith("xml"):
            etree.fromstring(data)
    assert b"ab</title>" in published["atom.xml"]


def test_entries_dates_are_written_without_the_locale(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """feedgen's RFC 2822 helper switches the whole process's locale, twice per date."""
    switches: list[str] = []
    real = locale.setlocale

    def recording(category: int, to: str | None = None) -> str:
        switches.extend([] if to is None else [to])
        return real(category, to)

    monkeypatch.setattr(locale, "setlocale", recording)
    with_entry(lambda entry: entry.published("2025-06-19T07:20:04Z")).rss_str()
    assert len(switches) > 2
    switches.clear()
    for number in range(10):
        newsroom.article(f"a{number}.md")
    published = newsroom.build()
    assert published["rss.xml"].count(b"<pubDate>Thu, 19 Jun 2025 07:20:04 +0800</pubDate>") == 10
    assert len(switches) <= 2  # for the channel's own date


def test_feedgen_is_imported_in_an_order_that_works() -> None:
    """`import feedgen.util` fails unless lxml.etree is imported first; ours works in a new
    process."""
    program = "import broadsheet.feeds.formats.atom_feed"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_dates_before_1901_are_written(newsroom: Newsroom) -> None:
    """Local mean time has seconds in its offset, which no feed format can write."""
    newsroom.article("a.md", date="1899-06-19")
    newsroom.configure('[feeds]\narchive = "none"\n')
    published = newsroom.build()
    updated = etree.fromstring(published["atom.xml"]).findtext(f"{ATOM}updated")
    assert datetime.fromisoformat(str(updated)) == datetime(1899, 6, 18, 15, 54, 17, tzinfo=UTC)
    assert "+08:05" not in published["atom.xml"].decode() + published["rss.xml"].decode()
