"""Which feeds there are, and which articles are in each."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from broadsheet.articles import Article
from broadsheet.articles.catalogue import TERMS, Catalogue
from broadsheet.i18n import Words, language_name
from broadsheet.model.publication import Publication
from broadsheet.model.settings import FEED_FORMATS, FeedFormat, FeedSettings, Grouping, Selection

Kind = Grouping | Literal["all", "named", "podcast", "archive", "digest"]

NEVER = datetime(2000, 1, 1, tzinfo=UTC)
"""When a feed with no entries was updated: its date may not come from the clock.

Validators believe no date of before 1990.
"""


class FeedHead(Struct, frozen=True):
    """A feed without its articles.

    path: its folder under the feeds folder, "" or ending in a slash, not percent-encoded.
    kind: `digest` is the feed of a digest's issues, which `plan` does not make.
    title: as readers see it in their list. name: what distinguishes it from the others: a topic,
    an author, a period; "" for the main feed. language: of its articles (a BCP 47 tag).
    formats: those it is written in. older: the path of the archive that goes before (RFC 5005,
    section 4), or None. updated: when the newest change of an entry was.
    """

    path: str
    kind: Kind
    name: str
    title: str
    description: str
    language: str
    formats: tuple[FeedFormat, ...]
    older: str | None = None
    updated: datetime = NEVER

    @property
    def place(self) -> str:
        """What identifies the feed among all: its folder, or the file of a podcast."""
        file = FEED_FORMATS[self.formats[0]].file if self.kind == "podcast" else ""
        return self.path + file


class FeedLine(Struct, frozen=True):
    """A feed in the lists of all feeds.

    total: how many articles or issues there are. newest_*: of the newest; "" and None if none.
    """

    head: FeedHead
    total: int
    newest_title: str
    newest_url: str
    newest_date: datetime | None


class Feed(Struct, frozen=True):
    """One feed: its head, and its articles.

    articles: newest first. total: how many articles there are for it, in the feed or not.
    selection: what they have in common; None if it is only the topic, or whatever it is grouped by.
    """

    head: FeedHead
    articles: tuple[Article, ...]
    total: int
    selection: Selection | None = None

    @property
    def line(self) -> FeedLine:
        """The feed as a list of all feeds shows it."""
        newest = self.articles[0] if self.articles else None
        return FeedLine(
            self.head,
            self.total,
            newest.title if newest else "",
            newest.url if newest else "",
            newest.date if newest else None,
        )


def plan(
    catalogue: Catalogue, settings: FeedSettings, publication: Publication
) -> tuple[Feed, ...]:
    """Every feed of the catalogue: the main one, then those of selections and groups, archives."""
    planner = _Planner(catalogue, settings, publication)
    main, archives = planner.with_archives()
    return (main, *planner.named(), *planner.podcasts(), *planner.grouped(), *archives)


class _Planner(Struct, frozen=True):
    """What all feeds are planned from."""

    catalogue: Catalogue
    settings: FeedSettings
    publication: Publication

    def feed(
        self, head: FeedHead, articles: tuple[Article, ...], selection: Selection | None = None
    ) -> Feed:
        """Return a feed of the newest of `articles`."""
        return _feed(head, articles[: self.settings.entries], len(articles), selection)

    def head(self, path: str, kind: Kind, name: str, title: str) -> FeedHead:
        """Return the head of a feed with what most feeds have in common."""
        mine = self.publication
        return FeedHead(
            path, kind, name, title, mine.description, mine.language, self.settings.formats
        )

    def selected(self, selection: Selection) -> tuple[Article, ...]:
        """Return the articles that match every key of `selection`, newest first."""
        unmet, articles = self.catalogue.unmet, self.catalogue.articles
        if not any(getattr(selection, by) for by in TERMS):
            return articles
        return tuple(each for each in articles if unmet(each, selection) is None)

    def named(self) -> Iterator[Feed]:
        """Yield the feeds of `[feeds.NAME]`."""
        for name, given in self.settings.named.items():
            head = self.head(f"{name}/", "named", name, given.title or self.title("topic", name))
            head = replace(
                head,
                name=given.title or name,
                description=given.description or head.description,
                formats=tuple(e for e in given.formats or head.formats if e != "podcast"),
                language=_only(given.languages) or head.language,
            )
            if head.formats:
                yield self.feed(head, self.selected(given), given)

    def podcasts(self) -> Iterator[Feed]:
        """Yield the podcasts: those of `[feeds.NAME]`, else one of all articles.

        They have every episode, since apps show only those.
        """
        named: dict[str, Selection] = {
            f"{name}/": each
            for name, each in self.settings.named.items()
            if "podcast" in each.formats
        }
        for path, selection in (named or {"": Selection()}).items():
            episodes = tuple(each for each in self.selected(selection) if each.media)
            if episodes or path:
                yield _feed(self.podcast(path, selection), episodes, len(episodes), selection)

    def podcast(self, path: str, selection: Selection) -> FeedHead:
        """Return the head of the podcast in the folder `path`."""
        settings, named = self.settings.podcast_at(path), self.settings.named.get(path[:-1])
        title = settings.title or (named and named.title) or self.publication.title
        head = self.head(path, "podcast", title, title)
        about = settings.description or (named and named.description) or head.description
        language = _only(selection.languages) or head.language
        return replace(head, description=about, formats=("podcast",), language=language)

    def grouped(self) -> Iterator[Feed]:
        """Yield a feed for each topic, or whatever else `feeds.by` names."""
        for by in self.settings.by:
            for topic, articles in self.catalogue.groups(by).items():
                is_language = by == "languages"
                name = language_name(topic.name) if is_language else topic.name
                head = self.head(f"{by}/{topic.slug}/", by, name, self.title("topic", name))
                yield self.feed(
                    replace(head, language=topic.name) if is_language else head, articles
                )

    def title(self, kind: Literal["topic", "archive"], name: str) -> str:
        """Return the title of a part of the publication."""
        words = Words(self.publication.language, self.publication.texts)
        mine = self.publication.title
        if kind == "archive":
            return words("{publication}, {period}", publication=mine, period=name)
        return words("{publication}: {topic}", publication=mine, topic=name)

    def with_archives(self) -> tuple[Feed, tuple[Feed, ...]]:
        """Return the main feed and its archives, which together hold every article exactly once.

        Whole periods move from the feed to the archive, so that an archive never changes: the
        feed holds the newest `entries` and the rest of the oldest one's period. No archive links to
        its successor, since that would change it.
        """
        settings, selection = self.settings, self.settings.main
        main = self.head("", "all", "", self.publication.title)
        main = replace(main, language=_only(selection.languages) or main.language)
        articles = self.selected(selection)
        if settings.archive == "none":
            return self.feed(main, articles, selection), ()
        periods = list(_periods(articles, settings.archive, self.publication))
        current: list[Article] = []
        while periods and len(current) < settings.entries:
            current += periods.pop(0)[1]
        paths = [f"archive/{name}/" for name, _ in periods]
        archives = tuple(
            _feed(self.archive(path, name, main, older), held, len(held), selection)
            for path, older, (name, held) in zip(paths, [*paths[1:], None], periods, strict=False)
        )
        main = replace(main, older=next(iter(paths), None))
        return _feed(main, tuple(current), len(articles), selection), archives

    def archive(self, path: str, name: str, main: FeedHead, older: str | None) -> FeedHead:
        """Return the head of the archive of a period of the feed `main`."""
        head = self.head(path, "archive", name, self.title("archive", name))
        formats = self.settings.formats_of_archives
        return replace(head, formats=formats, older=older, language=main.language)


def _feed(
    head: FeedHead, articles: tuple[Article, ...], total: int, selection: Selection | None
) -> Feed:
    updated = max((article.updated for article in articles), default=NEVER)
    return Feed(replace(head, updated=updated), articles, total, selection)


def _only(languages: Sequence[str]) -> str:
    """The one language of a selection; "" if it has several or none."""
    return languages[0] if len(languages) == 1 else ""


def _periods(
    articles: tuple[Article, ...], length: Literal["month", "year"], publication: Publication
) -> Iterator[tuple[str, tuple[Article, ...]]]:
    """The articles of each month or year in the publication's time zone, newest first."""
    begin, digits = 0, {"month": 7, "year": 4}[length]
    while begin < len(articles):
        local = articles[begin].date.astimezone(publication.timezone)
        name = local.isoformat()[:digits]
        first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
        start = first if length == "month" else first.replace(month=1)
        # By halves, since it takes long to convert every date.
        end = bisect_right(articles, -start.timestamp(), begin, key=lambda a: -a.date.timestamp())
        yield name, articles[begin:end]
        begin = end
