"""A build after an edit that moves nothing: only the feeds that hold the article are made.

What it makes of these is what a build of all would make, by the same steps; it only knows already
that all the rest stands. Wherever it is not sure of that, it says so, and all is made.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import TypeVar

from msgspec import Struct

from broadsheet import feeds
from broadsheet.articles import Article
from broadsheet.articles.entries import Held
from broadsheet.articles.link_index import link_index
from broadsheet.cli.making import renditions_from
from broadsheet.cli.project import Project
from broadsheet.errors import RenderError
from broadsheet.markup import LinkIndex
from broadsheet.model.document import Document
from broadsheet.pipeline import plans, reading, rendering, standing
from broadsheet.pipeline.cache import Cache
from broadsheet.pipeline.plans import Plan, Row
from broadsheet.pipeline.reading import Reader
from broadsheet.pipeline.standing import Last, Look
from broadsheet.pipeline.workers import Elsewhere
from broadsheet.storage import folders, sources
from broadsheet.storage.folders import Stamp

_T = TypeVar("_T")


class Amendment(Struct, frozen=True):
    """What there is to make; every other file stands.

    edited: the articles that were edited. held: those of them that are in some feed. former: the
    same as they were. settled: whether their files have been as they are for long enough to be
    trusted. look, last: what was seen of the folders, and the build that is amended.
    """

    documents: dict[str, Document]
    edited: tuple[Article, ...]
    held: tuple[Held, ...]
    former: tuple[Held, ...]
    settled: bool
    look: Look
    last: Last

    def amended(self, published: Mapping[str, Stamp]) -> Last | None:
        """What a build that has left the feeds folder as `published` is remembered by; None where
        what it read may have changed since, and nothing would show it."""
        return standing.amended(self.look, self.last, published) if self.settled else None

    def remember(self, reader: Reader, kept: Cache, last: Last) -> None:
        """Remembers such a build."""
        with kept.together():
            reading.remember(reader, self.edited, self.look.stamps, kept)
            standing.amend(kept, self.look, self.last, last)
            plans.keep_edited(kept, self.held)
        rendering.forget(kept, _articles(self.former), but=_articles(self.held))


def amendment(project: Project, kept: Cache) -> Amendment | None:
    """What there is to make where nothing was moved since the last build; None for all.

    To be asked under the lock, of a project whose look at the folders still counts.
    """
    look = project.seen
    if look is None or look.last is None:
        return None
    before, plan = standing.edited(kept, look), plans.load(kept)
    if before is None or plan is None:
        return None
    stamps = {path: look.stamps[path] for path in before}
    edited = _edited(project, reading.remembered(project.reader, before, kept), stamps)
    rows = plan.holding(edited.keys()) if edited else []
    held = plans.held(kept, {source for row in rows for source in row.articles})
    if edited is None or held is None or _heads_a_feed_anew(edited, held, rows):
        return None
    try:
        documents, now = _made(project, look, plan, kept, rows, held, edited)
    except RenderError:  # the whole way leaves out what cannot be rendered, and says so
        return None
    former = tuple(held[source] for source in now)
    settled = all(folders.is_settled(stamp, look.before) for stamp in stamps.values())
    return Amendment(
        documents, tuple(edited.values()), tuple(now.values()), former, settled, look, look.last
    )


def _edited(
    project: Project, before: Mapping[str, Article], stamps: Mapping[str, Stamp]
) -> dict[str, Article] | None:
    """The files of these stamps as articles; None where one is none, or does not stand where it
    stood `before`."""
    found = sources.find(project.root, project.settings.articles, listed=stamps)
    edited: dict[str, Article] = {}
    for path, folder in found.articles:
        article = project.reader.outcome((path, folder)).article
        then = before.get(path)
        if article and then and plans.place(article) == plans.place(then):
            edited[path] = article
    return edited if edited.keys() == stamps.keys() else None


def _heads_a_feed_anew(
    edited: Mapping[str, Article], held: Mapping[str, Held], rows: Sequence[Row]
) -> bool:
    """Whether the page of feeds, which names the newest of each, would tell another title."""
    first = (row.articles[0] for row in rows)
    return any(edited[s].title != held[s].article.title for s in first if s in edited)


def _made(
    project: Project,
    look: Look,
    plan: Plan,
    kept: Cache,
    rows: Sequence[Row],
    held: Mapping[str, Held],
    edited: Mapping[str, Article],
) -> tuple[dict[str, Document], dict[str, Held]]:
    """The documents of the feeds in `rows`, and those that were edited as they stand in these."""
    settings = project.settings
    articles = {source: edited.get(source, each.article) for source, each in held.items()}
    theirs = [plans.feed(row, articles) for row in rows]
    wanted = feeds.to_render(theirs, settings.feeds)
    others = [article for article in wanted if article.source not in edited]
    marks = {article.id: mark for article in others if (mark := held[article.source].mark)}
    known = _link_index(project, look, plan, kept, edited)
    rendered = renditions_from(project, others, known, kept, marks=marks)
    copy = feeds.Copy(settings.publication, settings.feeds)

    def meanwhile() -> None:
        feeds.prepare(settings.feeds)
        rendered.fetch()
        for article in others:
            copy.set(article, rendered[article.id], held[article.source].around)

    anew = [article for article in wanted if article.source in edited]
    rendered_anew = renditions_from(project, anew, known, kept, meanwhile=meanwhile, aside=True)
    rendered.fetch()
    now = {
        source: Held(edited[source], each.around, rendered_anew.marks.get(each.article.id))
        for source, each in held.items()
        if source in edited
    }
    all_now = {each.article.id: each for each in {**held, **now}.values()}
    every = {**rendered, **rendered_anew}
    made = feeds.documents(theirs, all_now, every, settings.publication, settings.feeds, copy=copy)
    return made, now


def _articles(held: Sequence[Held]) -> list[Article]:
    return [each.article for each in held]


def _link_index(
    project: Project, look: Look, plan: Plan, kept: Cache, edited: Mapping[str, Article]
) -> LinkIndex:
    """What articles can link to, gathered when the first link is met that needs it."""
    publication, settings = project.settings.publication, project.settings.articles
    here = os.getpid()

    @cache
    def whole() -> LinkIndex:
        if os.getpid() != here:  # a process that was forked must not touch the open cache
            raise Elsewhere
        others = {path: stamp for path, stamp in look.stamps.items() if path not in edited}
        articles = {**edited, **reading.remembered(project.reader, others, kept)}
        if len(articles) != plan.articles:
            return project.link_index
        pages = {source: article.url for source, article in articles.items()}
        return link_index(project.found.files, pages, publication, settings)

    if len(edited) >= rendering.WORTH_A_WORKER:
        return whole()
    return LinkIndex(
        publication.url,
        _Later(lambda: whole().pages),
        _Later(lambda: whole().beside),
        _Later(lambda: whole().rooted),
        shortcodes=project.settings.articles.shortcodes,
    )


class _Later(Mapping[str, _T]):
    """A mapping that is made when it is first asked for something."""

    def __init__(self, make: Callable[[], Mapping[str, _T]]) -> None:
        self._make = make

    def __getitem__(self, key: str) -> _T:
        return self._make()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._make())

    def __len__(self) -> int:
        return len(self._make())

    def __reduce__(self) -> tuple[type[dict[str, _T]], tuple[dict[str, _T]]]:
        """To another process it goes as it is."""
        return dict, (dict(self._make()),)
