"""The catalogue: every article that may be published at `now`, in one total order."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache, cached_property, partial
from itertools import chain, takewhile
from operator import attrgetter
from typing import Final

from msgspec import Struct

from broadsheet.articles import Article
from broadsheet.articles.topics import Topic, TopicNames, topic_key
from broadsheet.errors import Problem
from broadsheet.model.settings import Grouping, Selection, TopicSettings

TERMS: Final[Mapping[Grouping, Callable[[Article], tuple[str, ...]]]] = {
    "topics": attrgetter("topics"),
    "tags": attrgetter("tags"),
    "authors": lambda article: tuple(author.name for author in article.authors),
    "languages": lambda article: (article.language,),
}
"""What an article has of each grouping, as written: one entry for each key of a `Selection`."""

Span = tuple[datetime | None, datetime | None]
"""From when until when, half open; None: always."""

_CATALOGUES = 4  # each takes memory, and repeated requests for one come in a row


class Catalogue(Struct, frozen=True, dict=True):
    """The articles that may be published.

    articles: newest first by date, ties by id; the same on every machine. absent: the others, such
    as drafts and expired articles, in no order.
    """

    articles: tuple[Article, ...]
    settings: TopicSettings
    absent: tuple[Article, ...] = ()

    @classmethod
    def at(cls, now: datetime, articles: Iterable[Article], settings: TopicSettings) -> Catalogue:
        """Return the catalogue at `now` (aware), without those whose id an earlier one has."""
        given = tuple(articles)
        taken = duplicates(given, now)
        published: list[Article] = []
        absent: list[Article] = []
        for article in given:
            is_public = absence(article, now) is None and article.source not in taken
            (published if is_public else absent).append(article)
        published.sort(key=_newest_first)
        return cls(tuple(published), settings, tuple(absent))

    def dated_after(self, date: datetime) -> Iterator[Article]:
        """Yield the articles with a later date than `date`, newest first."""
        return takewhile(lambda article: article.date > date, self.articles)

    @cached_property
    def _names(self) -> dict[Grouping, TopicNames]:
        return {}

    def names(self, by: Grouping) -> TopicNames:
        """Return the names of all topics, or of another grouping; only topics have aliases."""
        if by not in self._names:
            spellings = chain.from_iterable(map(TERMS[by], reversed(self.articles)))
            aliases = self.settings.aliases if by == "topics" else None
            self._names[by] = TopicNames(spellings, aliases)
        return self._names[by]

    @cached_property
    def _groups(self) -> dict[Grouping, Mapping[Topic, tuple[Article, ...]]]:
        return {}

    def groups(self, by: Grouping) -> Mapping[Topic, tuple[Article, ...]]:
        """Return the articles of each topic, or of another grouping, newest first; sorted by
        name."""
        if by not in self._groups:
            self._groups[by] = _grouped(self.articles, TERMS[by], self.names(by))
        return self._groups[by]

    def topics_of(self, article: Article) -> tuple[Topic, ...]:
        """Return the topics of one of the articles, in the order written."""
        return self.names("topics")(article.topics)

    def tags_of(self, article: Article) -> tuple[Topic, ...]:
        """Return the tags of one of the articles, in the order written."""
        return self.names("tags")(article.tags)

    def topic_name(self, spelling: str) -> str:
        """Return the name of the topic spelled `spelling`; `spelling` if it is unknown."""
        return self.names("topics").name_of(spelling)

    def unmet(self, article: Article, selection: Selection) -> Grouping | None:
        """Return the first key of `selection` that `article` does not match; None if it is in."""
        for by, terms in TERMS.items():
            wanted: tuple[str, ...] = getattr(selection, by)
            if wanted and not self.matches(by, terms(article), wanted):
                return by
        return None

    def matches(self, by: Grouping, terms: Iterable[str], wanted: Iterable[str]) -> bool:
        """Whether one of `terms`, as articles have them, is one of those `wanted`."""
        if by == "languages":
            return any(_speaks(language, wanted) for language in terms)
        name_of = self.names(by).name_of
        keys = {topic_key(name_of(each)) for each in wanted}
        return any(topic_key(name_of(each)) in keys for each in terms)


class Catalogues:
    """The catalogue of `articles` at any time."""

    def __init__(self, articles: Sequence[Article], settings: TopicSettings) -> None:
        self._articles, self._settings = articles, settings
        self._made: deque[tuple[datetime, Catalogue]] = deque(maxlen=_CATALOGUES)
        self._span = cache(partial(steady, articles))

    def __call__(self, now: datetime) -> Catalogue:
        """Return the catalogue at `now` (aware); that of another time if it is the same."""
        for then, made in self._made:
            if now == then or self._holds(then, now):
                return made
        made = Catalogue.at(now, self._articles, self._settings)
        self._made.append((now, made))
        return made

    def _holds(self, then: datetime, now: datetime) -> bool:
        """Whether the catalogues of `then` and `now` are the same."""
        since, until = self._span(then)
        return (since is None or since <= now) and (until is None or now < until)


def steady(articles: Iterable[Article], now: datetime) -> Span:
    """Return the span in which the catalogue is the same as at `now`."""
    past = coming = None
    for article in articles:
        if article.hidden:
            continue
        for step in (article.date, article.publish, article.expires):
            if step is None:
                continue
            if step > now:
                if coming is None or step < coming:
                    coming = step
            elif past is None or step > past:
                past = step
    return past, coming


def absence(article: Article, now: datetime) -> str | None:
    """Return why `article` is not in the catalogue at `now`, as a clause; None if it is."""
    if article.hidden:
        return article.hidden
    if article.date > now:
        return f"it is dated {article.date:%Y-%m-%d %H:%M %z}, which is in the future"
    if article.publish is not None and article.publish > now:
        return f"it is to be published at {article.publish:%Y-%m-%d %H:%M %z}"
    if article.expires is not None and article.expires <= now:
        return f"it expired at {article.expires:%Y-%m-%d %H:%M %z}"
    return None


def _speaks(language: str, wanted: Iterable[str]) -> bool:
    """Whether `language` is one of `wanted`, or a variety of one (RFC 4647, section 3.3.1)."""
    tag = language.casefold()
    ranges = (each.casefold() for each in wanted)
    return any(tag == each or tag.startswith(f"{each}-") for each in ranges)


def _grouped(
    articles: Iterable[Article], spellings: Callable[[Article], tuple[str, ...]], names: TopicNames
) -> dict[Topic, tuple[Article, ...]]:
    """The articles of each topic, each once. articles: newest first."""
    # By spelling first: there are few, and each is looked up once.
    by_spelling: defaultdict[str, list[Article]] = defaultdict(list)
    for article in articles:
        for spelling in spellings(article):
            by_spelling[spelling].append(article)
    groups: defaultdict[Topic, list[list[Article]]] = defaultdict(list)
    for spelling, group in by_spelling.items():
        (topic,) = names([spelling])
        groups[topic].append(group)
    return {topic: _merged(groups[topic]) for topic in sorted(groups)}


def _merged(groups: Sequence[Sequence[Article]]) -> tuple[Article, ...]:
    """The articles of all `groups`, each once, newest first."""
    if len(groups) == 1:
        return tuple(groups[0])
    every = {article.id: article for group in groups for article in group}
    return tuple(sorted(every.values(), key=_newest_first))


def _newest_first(article: Article) -> tuple[float, str]:
    """By seconds, since two times in different zones take long to compare."""
    return -article.date.timestamp(), article.id


def duplicates(articles: Sequence[Article], now: datetime) -> dict[str, Article]:
    """Return the path of each article whose id is taken -> the article that has it.

    Of the articles with one id that may be published at `now`, the one with the earliest date has
    it; of these, the first by path.
    """
    if len({article.id for article in articles}) == len(articles):
        return {}
    first: dict[str, Article] = {}
    later: dict[str, Article] = {}
    shared = Counter(article.id for article in articles)
    candidates = (each for each in articles if shared[each.id] > 1 and absence(each, now) is None)
    for article in sorted(candidates, key=lambda each: (each.date, each.source)):
        if first.setdefault(article.id, article) is not article:
            later[article.source] = first[article.id]
    return later


def duplicate_problems(articles: Sequence[Article], now: datetime) -> list[Problem]:
    """Return a problem for each article that is left out, by path."""
    return [
        Problem(
            f"its id {first.id} is also that of {first.source}, which is older",
            "give it a slug or id of its own",
            path,
        )
        for path, first in sorted(duplicates(articles, now).items())
    ]
