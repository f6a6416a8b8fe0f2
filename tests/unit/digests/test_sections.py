"""The sections of an issue: few and full, in a predictable order."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.articles import Article
from broadsheet.articles.topics import Topic, topic_key, topic_slug
from broadsheet.digests.sections import NO_TOPIC, group_by_topic
from broadsheet.model.settings import DigestSettings
from newsletters import story

GROUPS = ("shared", "first", "every")
NAMES = ("AI", "Chips", "Feeds", "Open Source", "编辑部", "创新")


def _sections(topics: dict[str, str], /, **settings: object) -> list[tuple[str, list[str]]]:
    """Return the layout of articles whose topics are given as `name: "one, two"`."""
    articles = [
        story(name, topics=tuple(each.strip() for each in given.split(",") if each.strip()))
        for name, given in topics.items()
    ]
    return _laid_out(articles, DigestSettings(title="W", **settings))  # type: ignore[arg-type]


def _laid_out(articles: list[Article], settings: DigestSettings) -> list[tuple[str, list[str]]]:
    topics_of = {
        article.id: tuple(Topic(name, topic_slug(name)) for name in article.topics)
        for article in articles
    }
    made = group_by_topic(articles, topics_of, settings)
    return [(topic.name, [article.title for article in placed]) for topic, placed in made]


def test_shared_takes_the_topic_with_most_articles_then_the_next() -> None:
    """Few, full sections: an article in the largest topic counts for no other."""
    assert _sections(
        {"a": "AI, Chips", "b": "Chips, AI", "c": "Chips", "d": "AI", "e": "Chips"}
    ) == [
        ("Chips", ["a", "b", "c", "e"]),
        ("AI", ["d"]),
    ]


def test_shared_counts_what_is_left() -> None:
    """A large topic loses to a smaller one when its articles are placed already."""
    topics = {
        "a": "X, Y",
        "b": "X, Y",
        "c": "X, Y",
        "d": "X",
        "e": "Z",
        "f": "Z",
        "g": "Y",
    }
    assert _sections(topics) == [("X", ["a", "b", "c", "d"]), ("Z", ["e", "f"]), ("Y", ["g"])]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ((), [("Chips", ["a"])]),  # the articles name it first
        (("AI",), [("AI", ["a"])]),
        (("ai",), [("AI", ["a"])]),
        (("AI", "Chips"), [("AI", ["a"])]),
        (("Feeds", "AI"), [("AI", ["a"])]),
    ],
)
def test_ties_go_by_topic_order_then_by_the_order_in_the_articles(
    order: tuple[str, ...], expected: list[tuple[str, list[str]]]
) -> None:
    """Topics of the same size follow the config's order, otherwise the articles'."""
    assert _sections({"a": "Chips, AI"}, topic_order=order) == expected


def test_the_last_tie_goes_by_name() -> None:
    """If the articles disagree about the order, the name decides."""
    assert _sections({"a": "B, A", "b": "A, B"}) == [("A", ["a", "b"])]


def test_first_takes_the_first_topic_of_each_article() -> None:
    """`first` ignores the other topics, however many articles they would have."""
    topics = {"a": "AI, Chips", "b": "Feeds, Chips", "c": "Chips, AI"}
    assert _sections(topics, group="first") == [("AI", ["a"]), ("Chips", ["c"]), ("Feeds", ["b"])]


def test_every_repeats_an_article_under_each_of_its_topics() -> None:
    """`every` is an index: no topic lacks an article of its own."""
    assert _sections({"a": "AI, Chips", "b": "Chips"}, group="every") == [
        ("Chips", ["a", "b"]),
        ("AI", ["a"]),
    ]


@pytest.mark.parametrize("group", GROUPS)
def test_articles_without_a_topic_come_last(group: str) -> None:
    """They are in a section without a name, after all others, in their order."""
    topics = {"a": "", "b": "AI", "c": "", "d": ""}
    assert _sections(topics, group=group) == [("AI", ["b"]), (NO_TOPIC.name, ["a", "c", "d"])]
    assert _sections({"a": ""}, group=group) == [("", ["a"])]


@pytest.mark.parametrize("group", GROUPS)
def test_topic_order_comes_before_the_fuller_section(group: str) -> None:
    """Topics listed in the config come first, then the largest."""
    topics = {"a": "AI", "b": "Chips", "c": "Chips", "d": "Feeds", "e": "Feeds", "f": "Feeds"}
    made = _sections(topics, group=group, topic_order=("AI", "Nothing of it"))
    assert [topic for topic, _ in made] == ["AI", "Feeds", "Chips"]


@pytest.mark.parametrize("group", GROUPS)
def test_with_chosen_topics_only_those_are_sections(group: str) -> None:
    """A digest of one topic has one section, whatever else its articles are about."""
    topics = {"a": "AI, Chips", "b": "Chips, AI", "c": "AI"}
    assert _sections(topics, group=group, topics=("ai",)) == [("AI", ["a", "b", "c"])]


_ARTICLES = st.lists(
    st.lists(st.sampled_from(NAMES), unique=True, max_size=4), min_size=1, max_size=12
)
_SETTINGS = st.builds(
    DigestSettings,
    title=st.just("W"),
    group=st.sampled_from(GROUPS),
    topic_order=st.lists(st.sampled_from(NAMES), unique=True, max_size=3).map(tuple),
)


@given(topics=_ARTICLES, settings=_SETTINGS)
def test_every_article_is_placed_and_only_every_repeats_one(
    topics: list[list[str]], settings: DigestSettings
) -> None:
    """Each article is placed once, under a topic of its own; with `every` once under each."""
    articles = [story(str(number), topics=tuple(names)) for number, names in enumerate(topics)]
    made = _laid_out(articles, settings)
    stands = Counter(title for _, titles in made for title in titles)
    for article in articles:
        times = len(article.topics) if settings.group == "every" else 1
        assert stands[article.title] == max(times, 1)
    for topic, titles in made:
        assert titles, "a section has articles"
        assert titles == sorted(titles, key=int), "they keep their order"
        assert all(topic in articles[int(title)].topics or not topic for title in titles)
    found = [topic for topic, _ in made]
    assert len(found) == len(set(found))
    assert "" not in found[:-1]


@given(topics=_ARTICLES, settings=_SETTINGS, seed=st.integers(0, 2**32))
def test_the_order_of_the_articles_changes_no_section_but_the_order_in_it(
    topics: list[list[str]], settings: DigestSettings, seed: int
) -> None:
    """The same articles in another order give the same sections in the same order, as sets."""
    articles = [story(str(number), topics=tuple(names)) for number, names in enumerate(topics)]
    shuffled = articles[:]
    random.Random(seed).shuffle(shuffled)
    one, other = _laid_out(articles, settings), _laid_out(shuffled, settings)
    assert [(t, set(titles)) for t, titles in one] == [(t, set(titles)) for t, titles in other]
    place = {article.title: number for number, article in enumerate(shuffled)}
    assert all(titles == sorted(titles, key=place.__getitem__) for _, titles in other)


@given(topics=_ARTICLES, order=st.lists(st.sampled_from(NAMES), unique=True, max_size=4))
def test_sections_are_in_the_documented_order(topics: list[list[str]], order: list[str]) -> None:
    """Those of topic_order in its order; then by size; articles without a topic last."""
    articles = [story(str(number), topics=tuple(names)) for number, names in enumerate(topics)]
    settings = DigestSettings(title="W", topic_order=tuple(order))
    made = [(topic, titles) for topic, titles in _laid_out(articles, settings) if topic]
    ranks = [
        (order.index(topic) if topic in order else len(order), -len(titles))
        for topic, titles in made
    ]
    assert ranks == sorted(ranks)


@given(topics=_ARTICLES)
def test_shared_is_greedy(topics: list[list[str]]) -> None:
    """No topic has more of the remaining articles than the one that takes them."""
    articles = [story(str(number), topics=tuple(names)) for number, names in enumerate(topics)]
    made = {t: set(titles) for t, titles in _laid_out(articles, DigestSettings(title="W")) if t}
    left = {article.title: article.topics for article in articles if article.topics}
    while left:
        counts = Counter(topic for names in left.values() for topic in names)
        most = max(counts.values())
        taker = [
            topic
            for topic, titles in made.items()
            if counts[topic] == most
            and titles == {t for t, names in left.items() if topic in names}
        ]
        assert taker, (left, made)
        left = {title: names for title, names in left.items() if taker[0] not in names}


def test_topics_are_compared_by_key() -> None:
    """topic_order finds a topic whatever its case and hyphens."""
    assert topic_key("Open Source") == topic_key("open-source")
    topics = {"a": "AI", "b": "Open Source"}
    assert _sections(topics, topic_order=("open-source",))[0][0] == "Open Source"
