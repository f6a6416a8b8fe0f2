"""The issues of a digest as a page and as feeds."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from time import struct_time

import feedparser
import html5lib
import pytest

from broadsheet.digests import archive
from broadsheet.digests.issue import Issue, IssuedArticle, Section
from broadsheet.model.publication import BaseUrl, Person, Publication
from broadsheet.model.settings import DigestSettings
from newsletters import at
from newsroom import Newsroom, contents

PUBLICATION = Publication(
    title="AI 前沿",
    url=BaseUrl("https://example.org/"),
    language="zh-CN",  # type: ignore[arg-type]
    author=Person("编辑部"),
)
WEEKLY = DigestSettings(title="周报", description="一周一封。")
ISSUE = Issue(
    digest="weekly",
    key="2025-06-23",
    number=7,
    tick=at("2025-06-23 08:00"),
    since=at("2025-06-16 08:00"),
    sections=(
        Section(
            "A & B", (IssuedArticle("urn:1", "https://example.org/1/?a=1&b=2", "一 <二>", "0"),)
        ),
        Section("", (IssuedArticle("urn:2", "https://example.org/2/", "Two", "0"),)),
    ),
)


def test_an_entry_says_what_the_record_says() -> None:
    """Address under feeds/, id under id_base, the tick as date, each article as a link."""
    entry = archive.issue_entry(ISSUE, WEEKLY, PUBLICATION)
    assert entry.url == "https://example.org/feeds/digests/weekly/2025-06-23/"
    assert entry.id == entry.url
    assert entry.published == entry.updated == ISSUE.tick
    assert entry.authors == (Person("编辑部"),)
    assert "周报" in entry.title
    assert "7" in entry.title
    assert "一 <二>" in entry.title
    tree = html5lib.parseFragment(entry.content, namespaceHTMLElements=False)
    assert [heading.text for heading in tree.iter("h2")] == ["A & B"]
    assert [(a.get("href"), a.text) for a in tree.iter("a")] == [
        ("https://example.org/1/?a=1&b=2", "一 <二>"),
        ("https://example.org/2/", "Two"),
    ]


def test_ids_stay_when_the_domain_moves() -> None:
    """An issue's id is made under id_base, its address under feeds_url."""
    moved = Publication(
        title="A",
        url=BaseUrl("https://new.example/"),
        given_id_base=BaseUrl("https://example.org/"),
        given_feeds_url=BaseUrl("https://cdn.example/f/"),
    )
    entry = archive.issue_entry(ISSUE, WEEKLY, moved)
    assert entry.id == archive.issue_entry(ISSUE, WEEKLY, PUBLICATION).id
    assert entry.url == "https://cdn.example/f/digests/weekly/2025-06-23/"


@pytest.mark.parametrize(
    ("language", "title"), [("en", "W no. 7: 一 <二>"), (None, "W第 7 期：一 <二>")]
)
def test_the_title_is_in_the_language_of_the_digest(language: str | None, title: str) -> None:
    """It may differ from the publication's."""
    digest = DigestSettings(title="W", language=language)  # type: ignore[arg-type]
    assert archive.issue_title(ISSUE, digest, PUBLICATION) == title


def test_the_page_lists_every_issue_with_its_sections() -> None:
    """For people: title, date, count, topics and titles, escaped, in the digest's language."""
    page = archive.archive_page([ISSUE], WEEKLY, PUBLICATION, []).decode()
    tree = html5lib.parse(page, namespaceHTMLElements=False)
    assert tree.get("lang") == "zh-CN"
    text = "".join(tree.find("body").itertext())
    assert "A & B" in text
    assert "一 <二>" in text
    assert "2025年6月23日" in text
    links = [a.get("href") for a in tree.iter("a")]
    assert archive.issue_url(ISSUE, PUBLICATION) in links


def test_a_page_without_issues_is_complete() -> None:
    """It exists before the first issue, for links and subscriptions."""
    page = archive.archive_page([], WEEKLY, PUBLICATION, []).decode()
    assert html5lib.parse(page, namespaceHTMLElements=False).find("body") is not None
    assert "周报" in page


def test_the_digests_feed_is_read_by_readers(newsroom: Newsroom) -> None:
    """Each issue is an entry, newest first, in all three formats, with the same facts."""
    newsroom.configure('\n[digests.weekly]\ntitle = "周报"\n')
    newsroom.article("a.md", title="甲", date="2025-06-20", main_topics=["AI"])
    newsroom.article("b.md", title="乙", date="2025-06-26", main_topics=["AI"])
    for now in ("2025-06-23T09:00:00+08:00", "2025-06-30T09:00:00+08:00"):
        assert newsroom.run("digest", now=now).code == 0
    files = newsroom.published()
    atom, rss = (feedparser.parse(files[f"digests/weekly/{name}.xml"]) for name in ("atom", "rss"))
    data = json.loads(files["digests/weekly/feed.json"])
    ids = [
        f"https://example.org/feeds/digests/weekly/{key}/" for key in ("2025-06-30", "2025-06-23")
    ]
    for feed in (atom, rss):
        assert not feed.bozo
        assert [entry.id for entry in feed.entries] == ids
        assert [_moment(entry.published_parsed) for entry in feed.entries] == [
            datetime(2025, 6, 30, tzinfo=UTC),
            datetime(2025, 6, 23, tzinfo=UTC),
        ]
    assert [item["id"] for item in data["items"]] == ids
    titles = [[entry.title for entry in feed.entries] for feed in (atom, rss)]
    assert titles == [[item["title"] for item in data["items"]]] * 2


def _moment(parsed: struct_time) -> datetime:
    return datetime(*parsed[:6], tzinfo=UTC)


def test_the_overview_names_every_digest(newsroom: Newsroom) -> None:
    """feeds/index.html and the OPML link to each digest, even before its first issue."""
    newsroom.configure('\n[digests.weekly]\ntitle = "周报"\n[digests.daily]\ntitle = "日报"\n')
    newsroom.article("a.md", date="2025-06-20")
    files = newsroom.build()
    page = files["index.html"].decode()
    assert "周报" in page
    assert "日报" in page
    opml = files["feeds.opml"].decode()
    assert "digests/weekly/atom.xml" in opml
    assert "digests/daily/atom.xml" in opml
    assert "digests/daily/index.html" in files


def test_build_and_digest_make_the_same_pages(newsroom: Newsroom) -> None:
    """`digest` after `build`, or `build` after `digest`: the same bytes."""
    newsroom.configure('\n[digests.weekly]\ntitle = "周报"\n')
    newsroom.article("a.md", date="2025-06-20")
    newsroom.build()
    assert newsroom.run("digest").code == 0
    after_digest = contents(newsroom.folder / "feeds")
    assert newsroom.build() == after_digest
