"""Recognises articles that were issued before and whose id has changed since.

The id is the first evidence. If a rename has changed it, the records of the issues still identify
the article by its former URLs, title, body, date and file (docs/decisions/0020).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from posixpath import dirname, join, normpath
from urllib.parse import unquote

from msgspec import Struct

from broadsheet.articles import Article
from broadsheet.articles.catalogue import Catalogue
from broadsheet.digests.issue import Issue, IssuedArticle
from broadsheet.text.characters import composed

_HOST = re.compile(r"\Ahttps?://[^/?#]*", re.IGNORECASE)  # urlsplit refuses some addresses
_INDEX = re.compile(r"(?:^|/)index\.html?$|\.html?$")
_BY_ALIAS, _BY_PATH = 20, 10  # points; more than all other evidence together has


class KnownArticle(Struct, frozen=True):
    """An article as an issue's record describes it.

    first: the id under which it was issued. issue: the issue that has it. paths: its URL relative
    to the site and to the host, as `_key` writes them.
    """

    first: str
    issue: Issue
    placed: IssuedArticle
    paths: tuple[str, str]


class Match(Struct, frozen=True):
    """The issued article that an article is. copy: whether the issued one still exists too."""

    known: KnownArticle
    copy: bool


class IssuedArticles(Struct, frozen=True, dict=True):
    """The articles in the issues of a digest, oldest first, with their later changes."""

    issues: tuple[Issue, ...]

    @cached_property
    def by_id(self) -> dict[str, KnownArticle]:
        """Each article by every id that it has had."""
        return {known.placed.id: known for known in reversed(self.known)}

    @cached_property
    def latest(self) -> dict[str, IssuedArticle]:
        """The newest description of each article, by the id under which it was issued."""
        return {known.first: known.placed for known in self.known}

    @cached_property
    def known(self) -> tuple[KnownArticle, ...]:
        """Every description of every article."""
        issued: dict[str, Issue] = {}
        found: list[KnownArticle] = []
        for issue in self.issues:
            described = [(placed.id, placed) for placed in issue.articles]
            issued.update((id_, issue) for id_, _ in described)
            described += [(each.first, each.now) for each in issue.changed if each.first in issued]
            found += (
                KnownArticle(first, issued[first], placed, relative_paths(placed.url, issue.site))
                for first, placed in described
            )
        return tuple(found)

    def moved(
        self, catalogue: Catalogue, articles: Sequence[Article], site: str
    ) -> dict[str, Match]:
        """Return the issued articles among `articles`, by present id.

        articles: none of them has a known id. site: `publication.url`. An issued article that is
        gone matches at most one, by the best evidence.
        """
        if not articles:
            return {}
        hidden = self._holders(catalogue.absent, published=False)
        there = hidden | self._holders(catalogue.articles, published=True)
        found: dict[str, Match] = {}
        taken: dict[str, _Holder] = {}
        candidates = [_Candidate.of(article, site) for article in articles]
        for candidate, known in self._ranked(candidates, there):
            id_, first = candidate.article.id, known.first
            if id_ in found or first in taken:
                continue
            found[id_] = Match(known, copy=first in there)
            if first not in there:
                taken[first] = _Holder(candidate.article, published=True)
        for candidate in candidates if taken else ():
            for known in self._near(candidate):
                holder = taken.get(known.first)
                if candidate.article.id not in found and holder and candidate.copies(known, holder):
                    found[candidate.article.id] = Match(known, copy=True)
        return found

    def _holders(self, articles: Iterable[Article], *, published: bool) -> dict[str, _Holder]:
        return {
            known.first: _Holder(article, published)
            for article in articles
            if (known := self.by_id.get(article.id))
        }

    def _ranked(
        self, candidates: Iterable[_Candidate], there: Mapping[str, _Holder]
    ) -> list[tuple[_Candidate, KnownArticle]]:
        """Pairs of a candidate and an issued article that may be the same, best evidence first."""
        pairs = [
            (points, candidate, known)
            for candidate in candidates
            for known in self._near(candidate)
            if (points := candidate.points(known, there.get(known.first)))
        ]
        pairs.sort(key=lambda pair: -pair[0])  # stable, so the order of the input breaks ties
        return [(candidate, known) for _, candidate, known in pairs]

    def _near(self, candidate: _Candidate) -> Iterator[KnownArticle]:
        """The issued articles that share any evidence with `candidate`, each once."""
        places = {place for clue in candidate.clues for place in self._index.get(clue, ())}
        return (self.known[place] for place in sorted(places))

    @cached_property
    def _index(self) -> dict[Hashable, list[int]]:
        index: defaultdict[Hashable, list[int]] = defaultdict(list)
        for place, known in enumerate(self.known):
            placed = known.placed
            for clue in {*known.paths, *_clues(placed.title, placed.source, placed.date)}:
                index[clue].append(place)
        return index


class _Holder(Struct, frozen=True):
    """The present form of an issued article. published: whether it is in the catalogue."""

    article: Article
    published: bool

    def shows(self, body_sha256: str) -> bool:
        """Whether readers find this text there."""
        return self.published and self.article.body_sha256 == body_sha256


class _Candidate(Struct, frozen=True):
    """An article with an unknown id. aliases, path: as `_key` writes addresses."""

    article: Article
    aliases: frozenset[str]
    path: str

    @classmethod
    def of(cls, article: Article, site: str) -> _Candidate:
        path = relative_paths(article.url, site)[0]
        aliases = (key for alias in article.aliases for key in _alias(alias, path, site))
        return cls(article, frozenset(aliases) - {""}, path)

    @property
    def clues(self) -> set[Hashable]:
        mine = self.article
        return {*self.aliases, self.path, *_clues(mine.title, mine.source, mine.date)} - {""}

    def points(self, known: KnownArticle, holder: _Holder | None) -> int:
        """Return the points of evidence that this is the article `known`; 0 if not enough.

        holder: the article that still has one of its ids; None if it is gone. If there is one, an
        alias alone does not count: people copy front matter, and in Obsidian aliases are names.
        """
        title, source, date, text = self._agreement(known)
        agreed = title + source + date + text
        named = not self.aliases.isdisjoint(known.paths)
        if named and (holder is None or agreed):
            return _BY_ALIAS + agreed
        if holder is not None:
            return agreed if self.copies(known, holder) else 0
        if self.path and self.path == known.paths[0]:
            return _BY_PATH + agreed
        return agreed if (text and agreed > 1) or (date and (title or source)) else 0

    def copies(self, known: KnownArticle, holder: _Holder) -> bool:
        """Whether this has the title and text of `known`, and the text is not a recurring one.

        While `holder` still has that text, the same text with another date is a new article.
        """
        title, _, date, text = self._agreement(known)
        return title and text and (date or not holder.shows(known.placed.body_sha256))

    def _agreement(self, known: KnownArticle) -> tuple[bool, bool, bool, bool]:
        """Whether title, source file, date and body are the same."""
        mine, old = self.article, known.placed
        return (
            composed(mine.title) == composed(old.title),
            bool(old.source) and composed(mine.source) == composed(old.source),
            mine.date == old.date,
            bool(old.body_sha256) and mine.body_sha256 == old.body_sha256,
        )


def _clues(title: str, source: str, date: object) -> tuple[Hashable, ...]:
    """The keys to look an article up by. The body alone is not evidence."""
    return ("title", composed(title)), ("source", composed(source)), ("date", date)


@lru_cache(1 << 16)  # the same for every issue of a run that makes several
def relative_paths(url: str, site: str) -> tuple[str, str]:
    """Return the path of `url` under `site` and under its host, as `_key` writes them."""
    whole = _key(_HOST.sub("", url))
    return (_key(url[len(site) :]) if site and url.startswith(site) else whole), whole


def _alias(alias: str, path: str, site: str) -> Iterator[str]:
    """The paths that `alias` may mean: under the host or the site, or beside the article."""
    if _HOST.match(alias):
        yield from relative_paths(alias, site)
        return
    yield _key(alias)
    if not alias.startswith("/"):
        yield _key(normpath(join(dirname(path), alias)))


def _key(path: str) -> str:
    """The normal form of a path; "" is the home page."""
    plain = composed(unquote(path.partition("#")[0])).casefold().strip("/")
    return _INDEX.sub("", plain).rstrip("/")
