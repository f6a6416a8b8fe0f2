"""The steps that read and render an article; imported when one of them runs."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final, NoReturn

from broadsheet.articles import Article, NotAnArticle, Source, cascade, parsing
from broadsheet.articles.titles import without_title
from broadsheet.errors import ArticleError, Problem, RenderError, unforeseen
from broadsheet.markup import Dialect, Links, Rendition, TooComplex, dialect, prepare, render
from broadsheet.pipeline.memo import StepContext
from broadsheet.pipeline.reading import Page, ParseSettings, StampedFile
from broadsheet.pipeline.rendering import Body, RenderSettings, recorded
from broadsheet.storage import sources

_TIME_LIMIT_S: Final = 8.0  # of CPU; a long article takes 0.1


def parse_file(file: StampedFile, given: ParseSettings, context: StepContext) -> Article | Page:
    """Return what a file turns out to be (a step). Raises ArticleError."""
    source = sources.read(context.root, file.path, file.folder)
    try:
        return parsing.parse(source, given.publication, given.articles, with_body=False)
    except NotAnArticle as reason:
        return Page(str(reason), cascade.cascades(source.text, file.path, given.articles.public))
    except ArticleError:
        raise
    except Exception as error:  # whatever one holds, it must not keep back the others
        raise ArticleError(Problem(*unforeseen(error), path=file.path)) from error


def measure_image(file: StampedFile, _: None, context: StepContext) -> tuple[int, ...]:
    """Return the width and height of an image; () if it cannot be measured (a step)."""
    return sources.image_size(context.root / file.path)


def render_body(body: Body, settings: RenderSettings, context: StepContext) -> Rendition:
    """Return the rendered body of an article (a step); reads the link targets.

    Raises RenderError, and ArticleError if its file has changed since it was read.
    """
    article = context.result(body.article, Article)
    written = parsing.body(source_of(article, context))
    text = without_title(written, article.title)
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


def source_of(article: Article, context: StepContext) -> Source:
    """Return the source of `article`.

    Raises ArticleError if its file has changed since it was read: what is stored of an article must
    never be what another text has made.
    """
    source = sources.read(context.root, article.source, "")
    if source.sha256 != article.sha256:
        what = "it changed while it was being read, and nothing has been written"
        raise ArticleError(Problem(what, "run again", article.source))
    return source


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

    _prepare_timer()
    signal.setitimer(signal.ITIMER_PROF, _TIME_LIMIT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


@cache  # once in each process, since it takes longer than the timer itself
def _prepare_timer() -> None:
    def stop(*_: object) -> NoReturn:
        raise TimeoutError

    signal.signal(signal.SIGPROF, stop)
