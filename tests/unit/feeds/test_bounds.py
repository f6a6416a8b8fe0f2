"""Bounds of an entry's length are known before it is made."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.articles import Article
from broadsheet.articles.entries import article_entry
from broadsheet.articles.topics import Topic
from broadsheet.feeds.bounds import entry_bounds
from broadsheet.feeds.formats import feed_format
from broadsheet.markup import Rendition
from broadsheet.model.publication import BaseUrl, Person, Publication
from broadsheet.model.settings import FEED_FORMATS

WHEN = datetime(2025, 6, 19, 7, 20, 4, tzinfo=UTC)
SITE = Publication(title="A", url=BaseUrl("https://example.org/"))
TEXTS = st.text(st.sampled_from("ab<>&\"'\\\n\t é文🦀]"), max_size=400)
LINES = TEXTS.map(lambda text: " ".join(text.split()))
NAMES = st.lists(LINES.filter(bool), max_size=60).map(tuple)


@given(LINES, LINES, NAMES, NAMES, TEXTS, st.integers(0, 3))
def test_the_length_of_an_entry_is_within_its_bounds(
    title: str, summary: str, topics: tuple[str, ...], tags: tuple[str, ...], html: str, times: int
) -> None:
    """Whatever must be escaped in its text, and however many topics it has."""
    html *= 10**times
    article = Article(
        source="content/a.md",
        url="https://example.org/a/",
        id="https://example.org/a/",
        title=title or "T",
        date=WHEN,
        updated=WHEN,
        publish=None,
        expires=None,
        hidden="",
        authors=(Person("编辑部", "a@example.org", "https://example.org/"),),
        topics=topics,
        tags=tags,
        image="",
        image_alt="",
        summary=summary,
        language="zh-CN",
        aliases=(),
        body=None,
        sha256="0" * 64,
        markdown="commonmark",
    )
    named = [tuple(Topic(each, each) for each in names) for names in (topics, tags)]
    entry = article_entry(article, Rendition(html, ""), *named, None, SITE)
    least, most = entry_bounds(len(msgspec.json.encode(article, enc_hook=str)), html)
    lengths = {each: len(feed_format(each).item(entry)) for each in FEED_FORMATS}
    assert max(lengths.values()) <= most
    assert least <= min(lengths[each] for each in lengths if each != "podcast")
