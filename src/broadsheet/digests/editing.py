"""What an editor's note and `pin` change about the articles of an issue, and their order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from broadsheet.articles import Article
from broadsheet.articles.topics import Topic, topic_key
from broadsheet.digests.notes import Note, ambiguous, find_named, missing
from broadsheet.errors import Problem

Sections = list[tuple[Topic, list[Article]]]


class Edited(Struct, frozen=True):
    """The articles of an issue as its editor wants them.

    articles: in the order of the catalogue. included: the ids of those that the digest does not
    select. excluded: the ids of those left to the next issue. places: the place of each article, by
    id, and of each topic, by key, that has one. problems: of the note.
    """

    articles: tuple[Article, ...]
    included: frozenset[str]
    excluded: tuple[str, ...]
    places: Mapping[str, int]
    problems: tuple[Problem, ...]

    def arranged(self, sections: Sections) -> Sections:
        """Return `sections` with what has a place first."""
        last = len(self.places)

        def place(article: Article) -> int:
            return self.places.get(article.id, last)

        def section_place(section: tuple[Topic, list[Article]]) -> int:
            topic, articles = section
            return min(self.places.get(topic_key(topic.name), last), *map(place, articles))

        return [
            (topic, sorted(articles, key=place))
            for topic, articles in sorted(sections, key=section_place)
        ]


class Editing(Struct, frozen=True):
    """What is needed to apply a note.

    selected: the articles that the digest selects. catalogue, absent: those that are public at the
    tick, newest first, and the others. barred: why an article cannot be in the issue at all, as a
    clause; None if the note may include it. left: why it is not selected.
    """

    note: Note
    selected: Sequence[Article]
    catalogue: Sequence[Article]
    absent: Sequence[Article]
    barred: Callable[[Article], str | None]
    left: Callable[[Article], str | None]

    def edited(self, topic_keys: Callable[[Article], Iterable[str]]) -> Edited:
        """Return the articles of the issue. topic_keys: returns those of an article."""
        note, problems = self.note, [*self.note.problems]
        excluded = {each.id for each in self._find("exclude", note.exclude, problems)}
        included = {each.id for each in self._included(problems)}
        inside = ({each.id for each in self.selected} | included) - excluded
        articles = tuple(each for each in self.catalogue if each.id in inside)
        topics = {key for article in articles for key in topic_keys(article)}
        return Edited(
            articles,
            frozenset(included),
            tuple(each.id for each in self.catalogue if each.id in excluded),
            self._places(articles, topics, excluded, problems),
            tuple(problems),
        )

    def _places(
        self,
        articles: Sequence[Article],
        topics: set[str],
        excluded: set[str],
        problems: list[Problem],
    ) -> dict[str, int]:
        named: list[str] = []
        for key, names in (("lead", filter(None, [self.note.lead])), ("order", self.note.order)):
            for name in names:
                found = find_named(name, articles)
                if len(found) == 1:
                    named.append(found[0].id)
                elif key == "order" and topic_key(name) in topics:
                    named.append(topic_key(name))
                else:
                    problems.append(self._unfound(key, name, found, excluded))
        pinned = (article.id for article in articles if article.pin)
        return {each: place for place, each in enumerate(dict.fromkeys((*named, *pinned)))}

    def _find(self, key: str, names: Iterable[str], problems: list[Problem]) -> Iterator[Article]:
        """Yield the selected articles that the note names under `key`."""
        for name in names:
            found = find_named(name, self.selected)
            if len(found) == 1:
                yield found[0]
            else:
                problems.append(self._unfound(key, name, found, ()))

    def _included(self, problems: list[Problem]) -> Iterator[Article]:
        for name in self.note.include:
            found = find_named(name, (*self.catalogue, *self.absent))
            if len(found) != 1:
                problems.append(self._unfound("include", name, found, ()))
            elif why := self.barred(found[0]):
                problems.append(self._impossible("include", name, found[0], why))
            elif found[0] not in self.selected:
                yield found[0]

    def _unfound(
        self, key: str, name: str, found: Sequence[Article], excluded: Iterable[str]
    ) -> Problem:
        """Return the problem of a name that does not mean one article of the issue."""
        if found:
            return ambiguous(self.note, key, name, found)
        everything = (*self.catalogue, *self.absent)
        others = find_named(name, everything)
        if not others:
            return missing(self.note, key, name, everything)
        article = others[0]
        why = "this note excludes it" if article.id in excluded else None
        why = why or self.barred(article) or self.left(article)
        return self._impossible(key, name, article, why or "it is not selected")

    def _impossible(self, key: str, name: str, article: Article, why: str) -> Problem:
        what = f"{article.source} cannot be in this issue: {why}"
        if key != "include" and not self.barred(article):
            what, todo = f"{article.source} is not in this issue: {why}", "include it, or remove it"
        else:
            todo = "remove it"
        return self.note.problem(key, name, what, todo)
