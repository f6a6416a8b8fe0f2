"""Podcasts and link posts, as the real command publishes them."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import feedparser
import pytest
from lxml import etree

import feed_rules
from broadsheet.feeds.formats import podcast_feed
from broadsheet.feeds.formats.podcast_feed import ITUNES, PODCAST
from newsroom import Newsroom

SHOW = """
[feeds.podcast]
image = "/cover.png"
categories = ["Leisure > Home & Garden", "Leisure > Crafts", "Technology"]
owner = { name = "Ann & Co", email = "ann@example.org" }
media_url = "https://media.example/"
"""


def png(side: int) -> bytes:
    """The head of a square PNG."""
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + side.to_bytes(4, "big") * 2 + bytes(9)


@pytest.fixture
def show(newsroom: Newsroom) -> Newsroom:
    """Three episodes, one a video elsewhere, and an article that is none."""
    newsroom.configure(SHOW)
    newsroom.write("static/cover.png", png(1400))
    newsroom.write("static/audio/1 a.mp3", b"12345")
    newsroom.article("text.md", date="2025-06-04")
    newsroom.article("one.md", date="2025-06-01", audio="/audio/1 a.mp3", duration=61, tags=["x"])
    newsroom.article(
        "two.md",
        date="2025-06-02",
        title="Two <2>",
        episode={
            "filename": "2.m4a",
            "size": 7,
            "duration": "1:00:01",
            "seasonNumber": 1,
            "episodeNumber": 2,
            "explicit": True,
            "episodeType": "bonus",
            "image": "/two.jpg",
            "transcript": "/2.vtt",
            "chapters": "https://media.example/2.json",
        },
    )
    newsroom.article("three.md", date="2025-06-03", enclosure="https://v.example/3.mp4\n9\n")
    return newsroom


def wrong(data: bytes) -> list[object]:
    """What is wrong with a podcast as RSS, and by Apple's list of required tags."""
    root = etree.fromstring(data)
    channel = root[0]
    required = {"title", "description", "language", *(f"{{{ITUNES}}}{n}" for n in _REQUIRED)}
    missing: list[object] = [name for name in required if channel.find(name) is None]
    for item in channel.findall("item"):
        missing += [name for name in ("title", "enclosure", "guid") if item.find(name) is None]
    for element in list(root.iter(f"{{{ITUNES}}}*", f"{{{PODCAST}}}*")):
        if element.getparent() is not None:
            element.getparent().remove(element)
    plain = data
    for line in data.splitlines(keepends=True):
        if line.strip().startswith((b"<itunes:", b"</itunes:", b"<podcast:")):
            plain = plain.replace(line, b"", 1)
    for name, uri in (("itunes", ITUNES), ("podcast", PODCAST)):
        plain = plain.replace(f' xmlns:{name}="{uri}"'.encode(), b"")
    return missing + list(feed_rules.rss(plain))


_REQUIRED = ("image", "category", "explicit", "author", "type")


def test_a_podcast_has_every_episode_and_apple_s_tags(show: Newsroom) -> None:
    """It is valid RSS, and a parser that podcast apps use reads each fact."""
    show.configure(f"[feeds]\nentries = 1\n{SHOW}")
    data = show.build()["podcast.xml"]
    assert wrong(data) == []
    feed = feedparser.parse(data)
    assert not feed.bozo
    assert feed.feed.image.href == "https://example.org/cover.png"
    assert [each.term for each in feed.feed.tags] == [
        "Leisure",
        "Home & Garden",
        "Crafts",
        "Technology",
    ]
    assert feed.feed.publisher_detail == {"name": "Ann & Co", "email": "ann@example.org"}
    files = [[(e.href, e.type, e.length) for e in each.enclosures] for each in feed.entries]
    assert files == [
        [("https://v.example/3.mp4", "video/mp4", "9")],
        [("https://media.example/2.m4a", "audio/x-m4a", "7")],
        [("https://example.org/audio/1%20a.mp3", "audio/mpeg", "5")],
    ]
    two = etree.fromstring(data)[0].findall("item")[1]
    told = {etree.QName(each).localname: each for each in two if each.prefix == "itunes"}
    assert {name: each.text for name, each in told.items()} == {
        "author": "编辑部",
        "image": None,
        "duration": "3601",
        "season": "1",
        "episode": "2",
        "title": "Two <2>",
        "episodeType": "bonus",
        "explicit": "true",
    }
    assert told["image"].get("href") == "https://example.org/two.jpg"
    transcript = two.find(f"{{{PODCAST}}}transcript")
    assert dict(transcript.attrib) == {"url": "https://example.org/2.vtt", "type": "text/vtt"}


def test_other_feeds_have_the_file_too(show: Newsroom) -> None:
    """As the enclosure of Atom and RSS, and an attachment with its length in JSON Feed."""
    published = show.build()
    documents = [published[name] for name in ("atom.xml", "rss.xml", "feed.json")]
    assert not [*feed_rules.atom(documents[0]), *feed_rules.rss(documents[1])]
    assert not feed_rules.json_feed(documents[2])
    assert not feed_rules.agreement(*documents)
    two = next(e for e in json.loads(documents[2])["items"] if "two" in e["id"])
    assert two["attachments"] == [
        {
            "url": "https://media.example/2.m4a",
            "mime_type": "audio/x-m4a",
            "size_in_bytes": 7,
            "duration_in_seconds": 3601,
        }
    ]


def test_there_is_no_podcast_without_episodes(newsroom: Newsroom) -> None:
    """Whatever the config says of it."""
    newsroom.configure(SHOW)
    newsroom.article("a.md")
    assert "podcast.xml" not in newsroom.build()


def test_a_selection_can_be_a_show_of_its_own(show: Newsroom) -> None:
    """With its own facts; then there is no podcast of all articles unless one is asked for."""
    show.configure(
        f"{SHOW}[feeds.garden]\ntitle = 'G'\ntags = ['x']\nformats = ['rss', 'podcast']\n"
        "[feeds.garden.podcast]\nimage = 'https://example.org/g.jpg'\nexplicit = true\n"
        "new_feed_url = 'https://host.example/g.xml'\nguid = 'a'\ncomplete = true\n"
    )
    published = show.build()
    assert {path for path in published if path.endswith("podcast.xml")} == {"garden/podcast.xml"}
    channel = etree.fromstring(published["garden/podcast.xml"])[0]
    told = {each.tag.partition("}")[2]: each.text for each in channel if each.prefix == "itunes"}
    assert (told["explicit"], told["complete"]) == ("true", "yes")
    assert told["new-feed-url"] == "https://host.example/g.xml"
    assert (channel.findtext("title"), channel.findtext(f"{{{PODCAST}}}guid")) == ("G", "a")
    assert len(channel.findall("item")) == 1
    assert "garden/rss.xml" in published
    explained = show.run("explain", "content/two.md").out
    assert "not in  feeds/garden/podcast.xml: none of its tags is among the tags of this feed" in (
        show.run("explain", "content/two.md", "--verbose").out
    )
    assert "feeds/podcast.xml" not in explained


def test_explain_says_that_an_article_has_no_audio(show: Newsroom) -> None:
    """As for any other feed that it is not in."""
    told = show.run("explain", "content/text.md", "--verbose").out
    assert "not in  feeds/podcast.xml: it has no audio or video" in told


def test_the_guid_is_that_of_the_podcast_namespace(newsroom: Newsroom) -> None:
    """UUIDv5 of the URL without its scheme, as in the example of its documentation."""
    newsroom.configure("", '[publication]\ntitle = "A"\nurl = "https://a.example/"\n')
    newsroom.article("one.md", audio={"url": "https://m.example/a.mp3", "length": 1})
    channel = etree.fromstring(newsroom.build()["podcast.xml"])[0]
    guid = channel.findtext(f"{{{PODCAST}}}guid", "")
    assert UUID(guid).version == 5
    assert podcast_feed.podcast_guid("https://mp3s.nashownotes.com/pc20rss.xml") == (
        "917393e3-1b1e-5cef-ace4-edaa54e1f810"
    )
    assert guid == podcast_feed.podcast_guid("http://a.example/feeds/podcast.xml")


@pytest.mark.parametrize(
    ("moved", "follows"),
    [
        ('"podcast.xml" = "https://host.example/show.xml"', "https://host.example/show.xml"),
        ('"podcast.xml" = "other/podcast.xml"', "https://example.org/feeds/other/podcast.xml"),
        ("", None),
    ],
)
def test_apps_follow_a_podcast_that_has_moved(
    show: Newsroom, moved: str, follows: str | None
) -> None:
    """By `itunes:new-feed-url`, but never to a feed that is no podcast."""
    show.build()
    for name in ("one", "two", "three"):
        show.article(f"{name}.md", date="2025-06-01")
    show.configure(f"{SHOW}[feeds.moved]\n{moved}\n")
    data = show.build()["podcast.xml"]
    channel = etree.fromstring(data)[0]
    assert channel.findtext(f"{{{ITUNES}}}new-feed-url") == follows
    assert "#ended-" in channel.find("item").findtext("guid", "")
    assert show.build()["podcast.xml"] == data


@pytest.mark.parametrize("id_", ["", "https://old.example/1"])
def test_a_link_post_links_to_the_page_it_is_about(newsroom: Newsroom, id_: str) -> None:
    """Atom and JSON Feed give both addresses; RSS links there if its guid is the article's."""
    own, other = "https://example.org/posts/a/", "https://other.example/x%20y"
    newsroom.article("a.md", link="https://other.example/x y", **({"id": id_} if id_ else {}))
    published = newsroom.build()
    assert not [*feed_rules.atom(published["atom.xml"]), *feed_rules.rss(published["rss.xml"])]
    assert not feed_rules.json_feed(published["feed.json"])
    (item,) = json.loads(published["feed.json"])["items"]
    assert (item["url"], item["external_url"]) == (own, other)
    assert links(feedparser.parse(published["atom.xml"])) == {"alternate": own, "related": other}
    rss = etree.fromstring(published["rss.xml"])[0].find("item")
    assert (rss.findtext("link"), rss.findtext("guid")) == ((own, id_) if id_ else (other, own))


def links(feed: Any) -> dict[str, str]:
    return {each.rel: each.href for each in feed.entries[0].links}


def findings(newsroom: Newsroom, rule: str) -> list[tuple[str, str, str]]:
    found = json.loads(newsroom.run("check", "--json").out)
    return [(e["severity"], e["key"] or e["path"], e["what"]) for e in found if e["rule"] == rule]


def test_a_podcast_by_apple_s_rules_has_no_findings(show: Newsroom) -> None:
    """The show and its episodes."""
    show.configure(SHOW + 'description = "About gardens."\n')
    assert findings(show, "podcast") == findings(show, "episode") == []


@pytest.mark.parametrize(
    ("config", "files", "expected"),
    [
        (
            'image = "/c.png"\ncategories = ["Technolgy", "News"]\n',
            {"static/c.png": png(1399)},
            [
                ("error", "image", "the artwork is 1399 by 1399 pixels"),
                ("error", "categories", "Apple has no category 'Technolgy'"),
                ("error", "description", "the podcast has no description"),
            ],
        ),
        (
            'image = "https://e.example/c.webp"\ncategories = ["Arts > Food"]\n'
            'description = "' + "x" * 4001 + '"\nowner = { name = "Ann" }\n',
            {},
            [
                ("error", "description", "the description is over 4000 bytes"),
                ("error", "image", "the artwork is not JPEG or PNG"),
                ("error", "owner", "the owner has no mail address"),
            ],
        ),
        (
            None,
            {},
            [
                ("warning", "categories", "the podcast has no category"),
                ("warning", "description", "the podcast has no description"),
                ("warning", "image", "the podcast has no artwork"),
            ],
        ),
    ],
)
def test_what_apple_refuses_is_told(
    show: Newsroom,
    config: str | None,
    files: dict[str, bytes],
    expected: list[tuple[str, str, str]],
) -> None:
    """With the key to set; only a warning where nobody has asked for a podcast."""
    show.configure("" if config is None else f"[feeds.podcast]\n{config}")
    for path, data in files.items():
        show.write(path, data)
    found = findings(show, "podcast")
    assert sorted(found) == sorted(
        (severity, f"feeds.podcast.{key}", what) for severity, key, what in expected
    )


def test_an_episode_that_apps_cannot_play_is_told(show: Newsroom) -> None:
    """An unknown length, a format that Apple does not play, and a file that is used twice."""
    show.article("ogg.md", date="2025-05-01", audio="https://m.example/a.ogg")
    show.article("twice.md", date="2025-06-20", audio="/audio/1 a.mp3")
    assert findings(show, "episode") == [
        ("warning", "content/ogg.md", "Apple Podcasts does not play audio/ogg"),
        ("warning", "content/ogg.md", "the length of its media file is unknown"),
        ("warning", "content/twice.md", "its media file is also that of content/one.md"),
    ]
