"""The sections of an issue: its articles grouped by topic, in few and full sections.

A value of `digests.NAME.group` is a function in `_GROUPINGS`; its name is also in the type of the
setting (model/settings.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from broadsheet.articles import Article
from broadsheet.articles.topics import Topic, topic_key
from broadsheet.model.settings import DigestSettings

NO_TOPIC = Topic("", "")
"""The section of articles without a topic; it comes last."""


def group_by_topic(
    articles: Sequence[Article],
    topics_of: Mapping[str, tuple[Topic, ...]],
    digest: DigestSettings,
) -> list[tuple[Topic, list[Article]]]:
    """Return the sections of an issue in order; articles keep theirs.

    topics_of: the topics of each article, by its id. If the config has `topics`, only those are
    sections.
    """
    wanted = {topic_key(name) for name in digest.topics}
    topics = {
        article.id: tuple(
            topic
            for topic in topics_of[article.id]
            if not wanted or topic_key(topic.name) in wanted
        )
        for article in articles
    }
    order = _Order(articles, topics, digest.topic_order)
    placed = _GROUPINGS[digest.group](articles, topics, order)
    rest = [article for article in articles if not topics[article.id]]
    ordered = sorted(placed.items(), key=lambda section: order.of_section(*section))
    return [*ordered, *([(NO_TOPIC, rest)] if rest else [])]


class _Order:
    """The order of topics with the same number of articles."""

    def __init__(
        self,
        articles: Iterable[Article],
        topics: Mapping[str, tuple[Topic, ...]],
        given: Sequence[str],
    ) -> None:
        self._given = {topic_key(name): place for place, name in enumerate(given)}
        self._place: dict[Topic, int] = {}
        for article in articles:
            for place, topic in enumerate(topics[article.id]):
                self._place[topic] = min(place, self._place.get(topic, place))

    def given(self, topic: Topic) -> int:
        """The place of `topic` in the config's `topic_order`; the last if it is not there."""
        return self._given.get(topic_key(topic.name), len(self._given))

    def of_tie(self, topic: Topic) -> tuple[int, int, str]:
        """`topic_order`, then how early articles name it, then its name."""
        return self.given(topic), self._place[topic], topic.name

    def of_section(self, topic: Topic, articles: Sequence[Article]) -> tuple[object, ...]:
        """`topic_order`, then the fuller section, then as `of_tie`."""
        return self.given(topic), -len(articles), *self.of_tie(topic)


_Placed = dict[Topic, list[Article]]


def _shared(
    articles: Sequence[Article], topics: Mapping[str, tuple[Topic, ...]], order: _Order
) -> _Placed:
    """Give the topic with most articles all of them, then the next topic of the others."""
    left = [article for article in articles if topics[article.id]]
    placed: _Placed = {}
    while left:
        counts = Counter(topic for article in left for topic in topics[article.id])
        best = min(counts, key=lambda topic: (-counts[topic], *order.of_tie(topic)))
        placed[best] = [article for article in left if best in topics[article.id]]
        left = [article for article in left if best not in topics[article.id]]
    return placed


def _first(
    articles: Sequence[Article], topics: Mapping[str, tuple[Topic, ...]], _: _Order
) -> _Placed:
    """Each article under its first topic."""
    placed: _Placed = {}
    for article in articles:
        for topic in topics[article.id][:1]:
            placed.setdefault(topic, []).append(article)
    return placed


def _every(
    articles: Sequence[Article], topics: Mapping[str, tuple[Topic, ...]], _: _Order
) -> _Placed:
    """Each article under every one of its topics."""
    placed: _Placed = {}
    for article in articles:
        for topic in topics[article.id]:
            placed.setdefault(topic, []).append(article)
    return placed


_GROUPINGS = {"shared": _shared, "first": _first, "every": _every}
