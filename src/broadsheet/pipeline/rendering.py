"""Render the bodies of articles: each once, as long as all that it links to stays the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from posixpath import normpath
from typing import Any, Final, NoReturn, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from broadsheet.articles import Article
from broadsheet.articles.entries import in_site
from broadsheet.articles.link_index import link_index
from broadsheet.digests.notes import Note
from broadsheet.errors import BroadsheetError, Problem, RenderError
from broadsheet.markup import (
    LinkIndex,
    Links,
)
from broadsheet.model.settings import ArticleSettings
from broadsheet.pipeline.memo import Memo, Source, Step, StepContext
from broadsheet.pipeline.project import Project
from broadsheet.pipeline.reading import Articles, measure_images
from broadsheet.pipeline.store import Digest
from broadsheet.storage.folders import Stamp

T = TypeVar("T")

_CHUNK: Final = 32


class NoteFile(Struct, frozen=True, array_like=True):
    """An editor's note to read; the stamp stands for its content. url: of its issue."""

    path: str
    stamp: Stamp
    url: str
    language: str
    markdown: str


class RenderSettings(Struct, frozen=True):
    """site: `publication.url`. shortcodes: templates of the config, by name. rendered, selector:
    `articles.rendered` and `articles.rendered_selector`."""

    site: str
    shortcodes: Mapping[str, str]
    rendered: str = ""
    selector: str = ""


class Renderings(Struct, frozen=True):
    """The rendered bodies of articles: source path -> address of the `Rendition`.

    problems: one for each article that cannot be rendered.
    """

    addresses: Mapping[str, Digest]
    problems: tuple[Problem, ...]


def link_targets(
    project: Project, memo: Memo, articles: Articles, shown: Sequence[Article]
) -> LinkIndex:
    """Return everything that articles can link to.

    shown: the articles whose featured images are measured.
    """
    settings = project.settings
    pages = {article.source: article.url for article in articles.read}
    whole = link_index(
        articles.found.files, pages, settings.publication, settings.articles, articles.page_urls
    )
    named = (
        Links(whole, article.source, article.url).asset(in_site(article.image, whole.site))
        for article in shown
        if article.image
    )
    artwork = whole.rooted.get(normpath(settings.feeds.podcast.image.lstrip("/")))
    images = {asset.path for asset in (artwork, *named) if asset}
    sizes = measure_images(memo, articles, images)
    return replace(whole, sizes=sizes)


def render_articles(
    memo: Memo,
    wanted: Collection[Article],
    articles: Articles,
    index: LinkIndex,
    settings: ArticleSettings,
) -> Renderings:
    """Render the bodies of the articles `wanted`.

    Raises ArticleError if a file has changed since it was read.
    """
    stored = [articles.stored[article.source] for article in wanted]
    given = RenderSettings(
        index.site, index.shortcodes, settings.rendered, settings.rendered_selector
    )
    step = Step("broadsheet.pipeline.steps:render_body", given, _CHUNK, "Rendering")
    reads = {**lookups(index), "stamp": articles.found.stamps.get}
    addresses: dict[str, Digest] = {}
    problems: list[Problem] = []
    for article, made in zip(wanted, memo.attempt(step, stored, reads), strict=True):
        if isinstance(made, RenderError):
            problems += made.problems
        elif isinstance(made, BroadsheetError):
            raise made
        else:
            addresses[article.source] = made
    return Renderings(addresses, tuple(problems))


def read_note(memo: Memo, file: NoteFile, index: LinkIndex) -> Note:
    """Return an editor's note with its rendered body; one that cannot be read has its problems."""
    settings = RenderSettings(index.site, index.shortcodes)
    step = Step("broadsheet.pipeline.steps:read_note", settings)
    (made,) = memo.attempt(step, [file], lookups(index))
    if isinstance(made, BroadsheetError):
        return Note(file.path, problems=made.problems)
    return memo.value(made, Note)


def image_sizes(
    memo: Memo, articles: Articles, index: LinkIndex, urls: Collection[str]
) -> dict[str, tuple[int, int]]:
    """Return the width and height of the images at `urls` that are files of the project."""
    assets = (*index.beside.values(), *index.rooted.values()) if urls else ()
    paths = {asset.url: asset.path for asset in assets if asset.url in urls}
    sizes = measure_images(memo, articles, {*paths.values()})
    return {url: sizes[path] for url, path in paths.items() if path in sizes}


def lookups(index: LinkIndex) -> dict[str, Source]:
    """Return the sources that `recorded` reads."""
    return {
        "page": index.page_at,
        "page end": index.page,
        "beside": index.beside.get,
        "rooted": index.rooted.get,
        "size": index.sizes.get,
    }


def recorded(context: StepContext, site: str, shortcodes: Mapping[str, str]) -> LinkIndex:
    """Return a link index whose every lookup, also one that finds nothing, is a recorded read."""
    return _RecordedIndex(
        site,
        _Recorded(context, "page"),
        _Recorded(context, "beside"),
        _Recorded(context, "rooted"),
        _Recorded(context, "size"),
        shortcodes,
    )


class _Recorded(Mapping[str, T]):
    """A mapping that reads a source of a context."""

    def __init__(self, context: StepContext, source: str) -> None:
        self.context, self._source = context, source

    def __getitem__(self, key: str) -> T:
        found: T | None = self.context.read(self._source, key)
        if found is None:
            raise KeyError(key)
        return found

    def __iter__(self) -> NoReturn:
        raise NotImplementedError("what is iterated cannot be recorded")

    def __len__(self) -> NoReturn:
        raise NotImplementedError("what is counted cannot be recorded")


class _RecordedIndex(LinkIndex, frozen=True):
    """A link index of `_Recorded` mappings."""

    def page(self, path: str) -> str | None:
        """See `LinkIndex.page`."""
        pages: Any = self.pages
        found: str | None = pages.context.read("page end", path)
        return found
