"""A build after an edit that moves nothing: only the feeds that hold the article are made.

What it makes of these is what a build of all would make, by the same steps; it only knows already
that all the rest stands. Wherever it is not sure of that, it says so, and all is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import TypeVar

from msgspec import Struct

from broadsheet import feeds, folders, inputs, plans, rendering, standing
from broadsheet.articles import Article
from broadsheet.cache import Cache
from broadsheet.cli.making import renditions_from
from broadsheet.cli.project import Project
from broadsheet.document import Document
from broadsheet.entry import Held
from broadsheet.errors import RenderError
from broadsheet.folders import Stamp
from broadsheet.library import library
from broadsheet.markup import Library
from broadsheet.plans import Place, Plan, Row
from broadsheet.standing import Last, Look

_T = TypeVar("_T")


class Amendment(Struct, frozen=True):
    """What there is to make; every other file stands.

    held: the articles that were edited, where they are in some feed. former: the same as they
    were. settled: whether their files have been as they are for long enough to be trusted. look,
    last: what was seen of the folders, and the build that is amended.
    """

    documents: dict[str, Document]
    held: tuple[Held, ...]
    former: tuple[Held, ...]
    settled: bool
    look: Look
    last: Last

    def remember(self, kept: Cache, published: Mapping[str, Stamp]) -> None:
        """Remembers a build that has left the feeds folder as `published`, if it can be sure."""
        if not self.settled:
            return
        with kept.together():
            standing.amend(kept, self.look, self.last, published)
            plans.keep_edited(kept, self.held)
        rendering.forget(kept, _articles(self.former), but=_articles(self.held))


def amendment(project: Project, kept: Cache) -> Amendment | None:
    """What there is to make where nothing was moved since the last build; None for all.

    To be asked under the lock, of a project whose look at the folders still counts.
    """
    look = project.seen
    if look is None or look.last is None:
        return None
    paths, plan = standing.edited(kept, look), plans.load(kept)
    if paths is None or plan is None:
        return None
    stamps = {path: look.stamps[path] for path in paths}
    edited = _edited(project, plans.places(kept, stamps), stamps)
    rows = plan.holding(edited.keys()) if edited else []
    held = plans.held(kept, {source for row in rows for source in row.articles})
    if edited is None or held is None or _heads_a_feed_anew(edited, held, rows):
        return None
    try:
        documents, now = _made(project, plan, kept, rows, held, edited)
    except RenderError:  # the whole way leaves out what cannot be rendered, and says so
        return None
    former = tuple(held[source] for source in now)
    settled = all(folders.is_settled(stamp, look.before) for stamp in stamps.values())
    return Amendment(documents, tuple(now.values()), former, settled, look, look.last)


def _edited(
    project: Project, places: Mapping[str, Place], stamps: Mapping[str, Stamp]
) -> dict[str, Article] | None:
    """The files of these stamps as articles; None where one is none, or not in its place."""
    found = inputs.find(project.root, project.settings.articles, listed=stamps)
    edited: dict[str, Article] = {}
    for path, folder in found.articles:
        article = project.reader.outcome((path, folder)).article
        if article is not None and places.get(path) == plans.place(article):
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
    rendered = renditions_from(
        project,
        feeds.to_render(theirs, settings.feeds),
        _library(project, plan, kept),
        kept,
        marks={h.article.id: h.mark for s, h in held.items() if s not in edited and h.mark},
    )
    rendered.fetch()
    now = {
        source: Held(edited[source], each.around, rendered.marks.get(each.article.id))
        for source, each in held.items()
        if source in edited
    }
    all_now = {each.article.id: each for each in {**held, **now}.values()}
    made = feeds.documents(theirs, all_now, rendered, settings.publication, settings.feeds)
    return made, now


def _articles(held: Sequence[Held]) -> list[Article]:
    return [each.article for each in held]


def _library(project: Project, plan: Plan, kept: Cache) -> Library:
    """What articles can link to, gathered when the first link is met that needs it."""
    publication, settings = project.settings.publication, project.settings.articles

    @cache
    def whole() -> Library:
        places = plans.all_places(kept, plan)
        if places is None:
            return project.library
        pages = {source: place.url for source, place in places.items()}
        return library(project.found.files, pages, publication, settings)

    return Library(
        publication.url,
        _Later(lambda: whole().pages),
        _Later(lambda: whole().beside),
        _Later(lambda: whole().rooted),
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
