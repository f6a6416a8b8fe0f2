"""Which articles may be published at a given time, and in which order."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.articles import Article
from broadsheet.articles.catalogue import Catalogue, Catalogues, absence, duplicate_problems
from broadsheet.model.settings import TopicSettings
from newsroom import MOMENT, article, dated

NO_ALIASES = TopicSettings()


def made(slug: str, **fields: object) -> Article:
    return article(dated(slug=slug, **fields), f"content/{slug}.md")


def catalogue(*articles: Article, now: datetime = MOMENT) -> Catalogue:
    return Catalogue.at(now, articles, NO_ALIASES)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, None),
        ({"draft": True}, "draft"),
        ({"date": "2025-06-30T09:00:00+08:00"}, None),
        ({"date": "2025-06-30T01:00:01Z"}, "in the future"),
        ({"publishDate": "2025-06-30T09:00:01+08:00"}, "to be published"),
        ({"publishDate": "2025-06-30T09:00:00+08:00"}, None),
        ({"expiryDate": "2025-06-30T09:00:00+08:00"}, "expired"),
        ({"expiryDate": "2025-06-30T09:00:01+08:00"}, None),
        ({"expiryDate": "9999-12-31"}, None),
    ],
)
def test_drafts_future_and_expired_articles_are_out(
    fields: dict[str, object], reason: str | None
) -> None:
    """Articles that may not be published now are left out, each with its reason."""
    one = made("a", **fields)
    assert (reason is None) is (absence(one, MOMENT) is None)
    assert reason is None or reason in str(absence(one, MOMENT))
    assert catalogue(one).articles == ((one,) if reason is None else ())


@given(st.permutations([("a", 1), ("b", 1), ("c", 2), ("d", 3), ("e", 1)]))
def test_the_order_is_total(given: list[tuple[str, int]]) -> None:
    """Newest first, ties by id, whatever the order in which the files were read."""
    articles = [made(slug, date=f"2025-06-0{day}") for slug, day in given]
    slugs = [one.id.split("/")[-2] for one in catalogue(*articles).articles]
    assert slugs == ["d", "c", "a", "b", "e"]


DAYS = st.integers(0, 9).map(lambda day: f"2025-06-1{day}")


@given(
    st.lists(
        st.fixed_dictionaries({"date": DAYS}, optional={"publishDate": DAYS, "expiryDate": DAYS})
    ),
    st.lists(st.integers(-1, 240), min_size=1, max_size=12),
)
def test_a_catalogue_that_was_made_for_another_time_is_the_same(
    fields: list[dict[str, str]], hours: list[int]
) -> None:
    """In whatever order the times come."""
    articles = [made(f"a{number % 7}", **each) for number, each in enumerate(fields)]
    catalogues = Catalogues(articles, NO_ALIASES)
    start = datetime.fromisoformat("2025-06-10T00:00:00+08:00")
    for each in hours:
        now = start + timedelta(hours=each)
        expected = Catalogue.at(now, articles, NO_ALIASES)
        assert catalogues(now).articles == expected.articles
        assert set(catalogues(now).absent) == set(expected.absent)


def test_one_moment_in_two_offsets_is_a_tie() -> None:
    """The order depends on the instant, not on its notation."""
    a = made("a", date="2025-06-19T00:00:00Z")
    b = made("b", date="2025-06-19T08:00:00+08:00")
    assert catalogue(b, a).articles == (a, b)


@given(st.permutations(range(3)))
def test_the_oldest_of_several_articles_keeps_their_id(order: list[int]) -> None:
    """Whatever order they are read in; the others are named and left out, and nothing else."""
    articles = [
        article(dated(id="x", date="2025-06-02"), "content/a.md"),
        article(dated(id="x", date="2025-06-01"), "content/z.md"),
        article(dated(id="x", date="2025-06-03"), "content/b.md"),
    ]
    other = article(dated(), "content/other.md")
    given_ = [*(articles[each] for each in order), other]
    assert {each.source for each in catalogue(*given_).articles} == {"content/z.md", other.source}
    told = duplicate_problems(given_, MOMENT)
    assert [each.path for each in told] == ["content/a.md", "content/b.md"]
    assert all("content/z.md" in each.what for each in told)


def test_a_draft_may_share_an_id() -> None:
    """A copy in progress, kept as a draft, does no harm until it is published."""
    draft = article(dated(id="x", draft=True), "content/draft.md")
    assert len(catalogue(draft, article(dated(id="x"))).articles) == 1


def test_topics_and_tags_group_the_articles() -> None:
    """Each topic's articles are newest first, and its name is the oldest spelling."""
    old = made("old", date="2025-06-01", categories=["Open Source", "AI"], tags="x")
    new = made("new", date="2025-06-02", categories=["open-source"], tags="X, y")
    both = catalogue(old, new)
    assert {topic.name: len(found) for topic, found in both.groups("topics").items()} == {
        "AI": 1,
        "Open Source": 2,
    }
    assert [topic.name for topic in both.topics_of(new)] == ["Open Source"]
    assert both.groups("topics")[both.topics_of(new)[0]] == (new, old)
    assert {tag.name: len(found) for tag, found in both.groups("tags").items()} == {"x": 2, "y": 1}


def test_aliases_are_for_topics_alone() -> None:
    """Aliases in the config apply to topics; tags stay as they were written."""
    one = made("a", categories=["LLM"], tags=["llm", "x"])
    names = Catalogue.at(MOMENT, [one], TopicSettings(aliases={"大模型": ("LLM",)}))
    assert [topic.name for topic in names.topics_of(one)] == ["大模型"]
    assert [tag.name for tag in names.tags_of(one)] == ["llm", "x"]


def test_articles_are_in_from_their_date_until_they_expire() -> None:
    """An article is in the catalogue from its date until it expires."""
    one = made("a", date="2025-06-19T00:00:00Z", expiryDate="2025-06-20T00:00:00Z")
    inside = [
        catalogue(one, now=one.date + timedelta(hours=h)).articles != () for h in (-1, 0, 23, 24)
    ]
    assert inside == [False, True, True, False]
