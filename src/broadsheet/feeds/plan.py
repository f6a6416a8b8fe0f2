"""Which feeds there are, and which articles are in each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Literal

from msgspec import Struct

from broadsheet.articles import Article
from broadsheet.articles.catalogue import Catalogue
from broadsheet.articles.topics import Topic
from broadsheet.model.publication import Publication
from broadsheet.model.settings import FeedSettings

Kind = Literal["all", "topic", "tag", "archive"]

NEVER = datetime(2000, 1, 1, tzinfo=UTC)
"""When a feed with no entries was updated: its date may not come from the clock.

Validators believe no date of before 1990.
"""


class FeedHead(Struct, frozen=True):
    """A feed without its articles; updated: when the newest change of an entry was."""

    path: str
    kind: Kind
    name: str
    updated: datetime
    older: str | None


class FeedLine(Struct, frozen=True):
    """A feed in the lists of all feeds; newest_*: of its newest article, "" and None if none."""

    path: str
    kind: Kind
    name: str
    total: int
    newest_title: str
    newest_url: str
    newest_date: datetime | None


class Feed(Struct, frozen=True):
    """One feed, in whatever formats: its place and its articles.

    path: its folder under the feeds folder, "" or ending in a slash, not percent-encoded.
    name: what tells it from the others: a topic, a tag, a period; "" for the main feed.
    articles: newest first.
    total: how many articles there are for it, in the feed or not.
    older: the path of the archive that goes before (RFC 5005, section 4), or None.
    """

    path: str
    kind: Kind
    name: str
    articles: tuple[Article, ...]
    total: int
    older: str | None = None

    @property
    def head(self) -> FeedHead:
        """The feed without its articles."""
        updated = max((article.updated for article in self.articles), default=NEVER)
        return FeedHead(self.path, self.kind, self.name, updated, self.older)

    @property
    def line(self) -> FeedLine:
        """The feed as a list of all feeds shows it."""
        newest = self.articles[0] if self.articles else None
        return FeedLine(
            self.path,
            self.kind,
            self.name,
            self.total,
            newest.title if newest else "",
            newest.url if newest else "",
            newest.date if newest else None,
        )


def plan(
    catalogue: Catalogue, settings: FeedSettings, publication: Publication
) -> tuple[Feed, ...]:
    """Every feed of the catalogue: the main one, then topics, tags and archives."""
    groups: dict[str, tuple[Kind, dict[Topic, tuple[Article, ...]]]] = {
        "topics": ("topic", catalogue.topics),
        "tags": ("tag", catalogue.tags),
    }
    grouped = (
        Feed(
            f"{folder}/{topic.slug}/", kind, topic.name, articles[: settings.entries], len(articles)
        )
        for folder, (kind, topics) in groups.items()
        if folder in settings.by
        for topic, articles in topics.items()
    )
    main, archives = _with_archives(catalogue.articles, settings, publication)
    return (main, *grouped, *archives)


def _with_archives(
    articles: tuple[Article, ...], settings: FeedSettings, publication: Publication
) -> tuple[Feed, tuple[Feed, ...]]:
    """The main feed and its archives, which together hold every article exactly once.

    Whole periods move from the feed to the archive, so that an archive never changes: the
    feed holds the newest `entries` and the rest of the oldest one's period. No archive links to
    its successor, since that would change it.
    """
    total = len(articles)
    if settings.archive == "none":
        return Feed("", "all", "", articles[: settings.entries], total), ()
    periods = list(_periods(articles, settings.archive, publication))
    current: list[Article] = []
    while periods and len(current) < settings.entries:
        current += periods.pop(0)[1]
    paths = [f"archive/{name}/" for name, _ in periods]
    archives = tuple(
        Feed(path, "archive", name, held, len(held), older)
        for path, older, (name, held) in zip(paths, [*paths[1:], None], periods, strict=False)
    )
    return Feed("", "all", "", tuple(current), total, next(iter(paths), None)), archives


def _periods(
    articles: tuple[Article, ...], length: Literal["month", "year"], publication: Publication
) -> Iterator[tuple[str, tuple[Article, ...]]]:
    """The articles of each month or year in the publication's time zone, newest first."""
    zone, digits = publication.timezone, {"month": 7, "year": 4}[length]
    for name, held in groupby(articles, lambda a: a.date.astimezone(zone).isoformat()[:digits]):
        yield name, tuple(held)
