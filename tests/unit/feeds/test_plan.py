"""Which feeds exist, and which articles are in each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from broadsheet.articles import Article
from broadsheet.articles.catalogue import Catalogue
from broadsheet.feeds.membership import memberships
from broadsheet.feeds.plan import NEVER, Feed, plan
from broadsheet.model.publication import BaseUrl, Publication
from broadsheet.model.settings import FeedSettings, NamedFeed, Selection, TopicSettings
from newsroom import article, dated

PUBLICATION = Publication(
    title="A", url=BaseUrl("https://example.org/"), timezone=ZoneInfo("Asia/Shanghai")
)


def made(name: str, date: str, **fields: object) -> Article:
    return article(dated(date=date, **fields), f"content/{name}.md")


def planned(*articles: Article, **given: object) -> dict[str, Feed]:
    """Return the feeds by their paths."""
    now = datetime(2100, 1, 1, tzinfo=UTC)
    catalogue = Catalogue.at(now, articles, TopicSettings())
    settings = FeedSettings(**given)  # type: ignore[arg-type]
    return {feed.head.path: feed for feed in plan(catalogue, settings, PUBLICATION)}


def names(feed: Feed) -> list[str]:
    return [held.id.split("/")[-2] for held in feed.articles]


def test_no_articles_make_one_empty_feed() -> None:
    """Its date must not come from the clock."""
    feeds = planned()
    assert list(feeds) == [""]
    assert feeds[""].head.updated == NEVER


def test_each_topic_has_a_feed_and_tags_on_request() -> None:
    """Topics by default, tags if configured; each contains the newest articles only."""
    articles = [
        made(f"a{day}", f"2025-06-1{day}", categories=["大模型"], tags=["C#"]) for day in range(5)
    ]
    assert [path for path in planned(*articles) if path] == ["topics/大模型/"]
    feeds = planned(*articles, by=("topics", "tags"), entries=2, archive="none")
    topic, tag = (feed for path, feed in feeds.items() if path)
    assert (topic.head.kind, topic.head.name, topic.total) == ("topics", "大模型", 5)
    assert names(topic) == ["a4", "a3"]
    assert (tag.head.kind, tag.head.name, tag.head.path[:7]) == ("tags", "C#", "tags/c~")
    assert set(planned(*articles, by=())) == {""}


@pytest.fixture(scope="module")
def multilingual() -> tuple[Article, ...]:
    """Articles of two authors in three languages."""
    return (
        made("zh", "2025-06-04", author=["Ann Lee", "Bo"], lang="zh-CN", tags=["x"]),
        made("gb", "2025-06-03", author="ANN LEE", lang="en-GB", categories=["C#"]),
        made("en", "2025-06-02", author="Bo", lang="en", categories=["c#"], tags=["x"]),
        made("none", "2025-06-01"),
    )


def test_each_author_and_language_has_a_feed_on_request(
    multilingual: tuple[Article, ...],
) -> None:
    """The spellings of a name are one author; a language has its tag and its own name."""
    feeds = planned(*multilingual, by=("authors", "languages"), archive="none")
    assert {path: names(feed) for path, feed in feeds.items() if path} == {
        "authors/ann-lee/": ["zh", "gb"],
        "authors/bo/": ["zh", "en"],
        "languages/en/": ["en", "none"],
        "languages/en-gb/": ["gb"],
        "languages/zh-cn/": ["zh"],
    }
    head = feeds["languages/zh-cn/"].head
    assert (head.language, head.name, head.title) == (
        "zh-CN",
        "中文 (简体, 中国)",
        "A: 中文 (简体, 中国)",
    )
    assert feeds["authors/bo/"].head.language == "en"


@pytest.mark.parametrize(
    ("selection", "held"),
    [
        ({}, ["zh", "gb", "en", "none"]),
        ({"languages": ("en",)}, ["gb", "en", "none"]),
        ({"languages": ("en-gb", "ZH")}, ["zh", "gb"]),
        ({"authors": ("ann lee",)}, ["zh", "gb"]),
        ({"authors": ("Bo",), "tags": ("X",)}, ["zh", "en"]),
        ({"authors": ("Bo",), "tags": ("x",), "languages": ("en",)}, ["en"]),
        ({"topics": ("C#", "none"), "tags": ("y",)}, []),
    ],
)
def test_a_feed_holds_what_matches_every_key_of_its_selection(
    multilingual: tuple[Article, ...], selection: dict[str, tuple[str, ...]], held: list[str]
) -> None:
    """Any value of a key will do. So it is for `[feeds.NAME]`, the main feed and its archives."""
    named = NamedFeed(title="Mine", formats=("rss",), **selection)
    main = Selection(**selection)
    feeds = planned(*multilingual, named={"mine": named}, main=main, entries=1)
    assert names(feeds["mine/"]) == held[:1]
    assert (feeds["mine/"].total, feeds["mine/"].head.formats) == (len(held), ("rss",))
    assert feeds["mine/"].head.title == "Mine"
    assert names(feeds[""]) == held
    whole = planned(*multilingual, main=main, entries=1, archive="none")
    assert (names(whole[""]), whole[""].total) == (held[:1], len(held))


def test_a_feed_of_one_language_says_so(multilingual: tuple[Article, ...]) -> None:
    """The language of a feed is that of its articles, if it selects only one."""
    one, two = Selection(languages=("zh-CN",)), NamedFeed(languages=("zh-CN", "en"))
    feeds = planned(*multilingual, main=one, named={"two": two})
    assert (feeds[""].head.language, feeds["two/"].head.language) == ("zh-CN", "en")
    assert feeds["two/"].head.title == "A: two"


def test_membership_names_the_key_that_keeps_an_article_out(
    multilingual: tuple[Article, ...],
) -> None:
    """`explain` says why, for selections as for groups."""
    catalogue = Catalogue.at(datetime(2100, 1, 1, tzinfo=UTC), multilingual, TopicSettings())
    settings = FeedSettings(
        by=("authors",), named={"z": NamedFeed(languages=("zh",))}, entries=1, archive="none"
    )
    feeds = plan(catalogue, settings, PUBLICATION)
    article = next(each for each in multilingual if "/en/" in each.url)
    assert {each.path: each.why for each in memberships(article, catalogue, feeds)} == {
        "": "the 1 newest of 4 are, and it is older",
        "z/": "none of its languages is among the languages of this feed",
        "authors/ann-lee/": "'ANN LEE' is not one of its authors",
        "authors/bo/": "the 1 newest of 2 are, and it is older",
    }


def test_a_feed_is_as_new_as_its_newest_change() -> None:
    """An edit of an older article is a change of the feed."""
    feeds = planned(made("a", "2025-06-10", lastmod="2025-06-20"), made("b", "2025-06-15"))
    assert feeds[""].head.updated == datetime(2025, 6, 20, tzinfo=UTC)


def test_months_are_the_publication_s() -> None:
    """The last evening of a month in UTC is the first morning of the next in Shanghai."""
    feeds = planned(
        made("may", "2025-05-31T15:59:00Z"),
        made("june", "2025-05-31T16:00:00Z"),
        made("july", "2025-07-01"),
        entries=1,
    )
    assert [(path, names(feed)) for path, feed in feeds.items()] == [
        ("", ["july"]),
        ("archive/2025-06/", ["june"]),
        ("archive/2025-05/", ["may"]),
    ]
    assert feeds[""].head.older == "archive/2025-06/"
    assert feeds["archive/2025-06/"].head.older == "archive/2025-05/"
    assert feeds["archive/2025-05/"].head.older is None


def test_the_feed_holds_the_rest_of_its_oldest_period() -> None:
    """A period is archived as a whole or not at all, so that an archive never changes."""
    articles = [made(f"a{day}", f"2025-06-1{day}") for day in range(5)]
    feeds = planned(*articles, made("old", "2025-05-01"), entries=2)
    assert names(feeds[""]) == ["a4", "a3", "a2", "a1", "a0"]
    assert names(feeds["archive/2025-05/"]) == ["old"]


@pytest.mark.parametrize(("archive", "period"), [("year", "2024"), ("month", "2024-12")])
def test_periods_are_months_or_years(archive: str, period: str) -> None:
    """The archive's folder is named after its period; `none` truncates the feed and archives
    nothing."""
    articles = [made("new", "2025-06-01"), made("old", "2024-12-01")]
    main, held = planned(*articles, entries=1, archive=archive).values()
    assert (held.head.kind, held.head.name, held.head.path) == (
        "archive",
        period,
        f"archive/{period}/",
    )
    assert main.head.older == held.head.path
    (cut,) = planned(*articles, entries=1, archive="none").values()
    assert (cut.total, names(cut), cut.head.older) == (2, ["new"], None)


_ZONES = ("Asia/Shanghai", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu", "UTC")
_START = datetime(2025, 4, 1, tzinfo=UTC)
# Some in a few months, for ties and ends of months, and some in any of 200 years.
_MOMENTS = (
    st.timedeltas(timedelta(), timedelta(days=90))
    | st.timedeltas(timedelta(days=-50_000), timedelta(days=20_000))
).map(lambda passed: _START + passed)


def made_at(number: int, moment: datetime) -> Article:
    return made(f"a{number}", moment.isoformat())


@given(st.lists(_MOMENTS, max_size=12), st.sampled_from(_ZONES), st.sampled_from([7, 4]))
def test_an_archive_has_the_articles_of_its_period(
    moments: list[datetime], zone: str, digits: int
) -> None:
    """They are dated in it in the publication's time zone, whose offset may change."""
    articles = tuple(made_at(number, moment) for number, moment in enumerate(moments))
    publication = replace(PUBLICATION, timezone=ZoneInfo(zone))
    catalogue = Catalogue.at(datetime(2100, 1, 1, tzinfo=UTC), articles, TopicSettings())
    archive = "month" if digits == 7 else "year"
    settings = FeedSettings(entries=1, archive=archive, by=())  # type: ignore[arg-type]
    for feed in plan(catalogue, settings, publication)[1:]:
        dates = {each.date.astimezone(publication.timezone) for each in feed.articles}
        assert {date.isoformat()[:digits] for date in dates} == {feed.head.name}


@given(
    st.lists(_MOMENTS, max_size=12),
    st.integers(1, 6),
    st.sampled_from(["month", "year"]),
    st.data(),
)
def test_every_article_is_in_one_document_and_archives_do_not_change(
    moments: list[datetime], entries: int, archive: str, data: st.DataObject
) -> None:
    """Feed and archives contain each article exactly once; a newer one changes no archive."""
    articles = [made_at(number, moment) for number, moment in enumerate(moments)]
    feeds = planned(*articles, entries=entries, archive=archive, by=())
    held = [name for feed in feeds.values() for name in names(feed)]
    assert sorted(held) == sorted(f"a{number}" for number in range(len(moments)))
    assert len(feeds[""].articles) >= min(entries, len(moments))
    walked, path = [], feeds[""].head.older
    while path is not None:
        walked.append(path)
        path = feeds[path].head.older
    assert walked == [path for path in feeds if path]
    newest = max(moments, default=_START)
    later = newest + data.draw(st.timedeltas(timedelta(), timedelta(days=800)))
    after = planned(*articles, made_at(99, later), entries=entries, archive=archive, by=())
    for path, feed in feeds.items():
        if feed.head.kind == "archive":
            assert after[path] == feed
