"""Render the bodies of articles: each once, as long as all that it links to stays the same."""

from __future__ import annotations

import signal
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Final, NoReturn, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from broadsheet.articles import Article
from broadsheet.articles.link_index import link_index
from broadsheet.errors import ArticleError, BroadsheetError, Problem, RenderError, unforeseen
from broadsheet.markup import (
    Dialect,
    LinkIndex,
    Links,
    Rendition,
    TooComplex,
    dialect,
    prepare,
    render,
)
from broadsheet.pipeline.memo import Memo, Source, Step, StepContext
from broadsheet.pipeline.project import Project
from broadsheet.pipeline.reading import Articles, measure_images
from broadsheet.pipeline.store import Digest
from broadsheet.storage import sources

T = TypeVar("T")

_CHUNK: Final = 32
_TIME_LIMIT_S: Final = 8.0  # of CPU; a long article takes 0.1


class Body(Struct, frozen=True, array_like=True):
    """A body to render. article: the address of its `Article`."""

    source: str
    article: Digest


class RenderSettings(Struct, frozen=True):
    """site: `publication.url`. shortcodes: templates of the config, by name."""

    site: str
    shortcodes: Mapping[str, str]


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
    whole = link_index(articles.found.files, pages, settings.publication, settings.articles)
    named = (
        Links(whole, article.source, article.url).asset(article.image)
        for article in shown
        if article.image
    )
    sizes = measure_images(memo, articles, {asset.path for asset in named if asset})
    return replace(whole, sizes=sizes)


def render_articles(
    memo: Memo, wanted: Collection[Article], articles: Articles, index: LinkIndex
) -> Renderings:
    """Render the bodies of the articles `wanted`.

    Raises ArticleError if a file has changed since it was read.
    """
    bodies = [Body(article.source, articles.stored[article.source]) for article in wanted]
    settings = RenderSettings(index.site, index.shortcodes)
    step = Step("broadsheet.pipeline.rendering:render_body", settings, _CHUNK, "Rendering")
    addresses: dict[str, Digest] = {}
    problems: list[Problem] = []
    for body, made in zip(bodies, memo.attempt(step, bodies, lookups(index)), strict=True):
        if isinstance(made, RenderError):
            problems += made.problems
        elif isinstance(made, BroadsheetError):
            raise made
        else:
            addresses[body.source] = made
    return Renderings(addresses, tuple(problems))


def render_body(body: Body, settings: RenderSettings, context: StepContext) -> Rendition:
    """Return the rendered body of an article (a step); reads the link targets.

    Raises RenderError, and ArticleError if its file has changed since it was read.
    """
    article = context.result(body.article, Article)
    text = _text(article, context)
    targets = recorded(context, settings.site, settings.shortcodes)
    try:
        return _rendered(article, text, Links(targets, article.source, article.url))
    except TooComplex as error:
        wrong = error.what, error.fix
    except TimeoutError:
        what = f"its Markdown cannot be read within {_TIME_LIMIT_S:.0f} seconds"
        wrong = what, "look for long runs of brackets or other marks in it"
    except Exception as error:  # whatever one holds, it must not keep back the others
        wrong = unforeseen(error)
    raise RenderError(Problem(*wrong, path=article.source))


def _rendered(article: Article, text: str, links: Links) -> Rendition:
    read_as = _prepared(article.markdown)
    with _time_limit():
        return render(
            text,
            links,
            read_as,
            language=article.language,
            mdx=article.is_mdx or read_as.mdx,
            excerpt=not article.summary,
            values={"page": article.page},
        )


@cache
def _prepared(markdown: str) -> Dialect:
    """Return a dialect, with all that it needs imported.

    Not while the clock of an article runs: an import that is stopped may leave halves behind.
    """
    found = dialect(markdown)
    prepare([found])
    return found


def lookups(index: LinkIndex) -> dict[str, Source]:
    """Return the sources that `recorded` reads."""
    return {
        "page": index.pages.get,
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


def _text(article: Article, context: StepContext) -> str:
    """Return the body of `article`.

    Raises ArticleError if its file has changed since it was read: what is stored of an article must
    never be what another text has made.
    """
    source = sources.read(context.root, article.source, "")
    if source.sha256 != article.sha256:
        what = "it changed while it was being read, and nothing has been written"
        raise ArticleError(Problem(what, "run again", article.source))
    from broadsheet.articles.parsing import body  # 0.1 s, which a run that renders nothing saves

    return body(source)


@contextmanager
def _time_limit() -> Iterator[None]:
    """Raise TimeoutError in the block if it takes too long, on platforms with such timers.

    Python-Markdown's time grows with the square of some texts, such as a run of brackets. All CPU
    time counts, including the system's, since a large text costs page faults and copies (setitimer,
    ITIMER_PROF). Time in which the machine sleeps or is busy elsewhere does not count.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() != threading.main_thread():
        yield
        return

    def stop(*_: object) -> NoReturn:
        raise TimeoutError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, _TIME_LIMIT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
