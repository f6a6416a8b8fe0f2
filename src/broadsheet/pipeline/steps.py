"""The steps that read and render an article; imported when one of them runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

from broadsheet.articles import Article, NotAnArticle, cascade, parsing, rendered
from broadsheet.articles.site_check import page_name
from broadsheet.articles.titles import without_title
from broadsheet.digests.note_parsing import parse_note, with_introduction
from broadsheet.digests.notes import Note
from broadsheet.errors import ArticleError, Problem, RenderError, unforeseen
from broadsheet.markup import (
    Dialect,
    Links,
    Rendition,
    TooComplex,
    dialect,
    prepare,
    render,
    render_page,
)
from broadsheet.pipeline.memo import StepContext
from broadsheet.pipeline.reading import Page, ParseSettings, StampedFile
from broadsheet.pipeline.rendering import NoteFile, RenderSettings, recorded
from broadsheet.pipeline.store import Digest
from broadsheet.pipeline.time_limit import time_limit
from broadsheet.storage import folders, sources

TIME_LIMIT_S: Final = 8.0  # of CPU; a long article takes 0.1


def parse_file(file: StampedFile, given: ParseSettings, context: StepContext) -> Article | Page:
    """Return what a file turns out to be (a step). Raises ArticleError."""
    source = sources.read(context.root, file.path, file.folder, file.section)
    try:
        return parsing.parse(
            source,
            given.publication,
            given.articles,
            with_body=False,
            added=file.added,
            authors=given.authors,
        )
    except NotAnArticle as reason:
        cascades = cascade.cascades(source.text, file.path, given.articles.public)
        return Page(str(reason), reason.url, cascades)
    except ArticleError:
        raise
    except Exception as error:  # whatever one holds, it must not keep back the others
        raise ArticleError(Problem(*unforeseen(error), path=file.path)) from error


def find_page(address: Digest, given: ParseSettings, context: StepContext) -> Article:
    """Return the article at `address` as its page in the built site has it (a step).

    Without a page it stays as it is. A page at another URL is taken if no other has its name, and
    it shows the title.
    """
    article = context.result(address, Article)
    mine, pattern = given.publication, given.articles.rendered
    at_address = rendered.page_files(article.url, mine.url, pattern)
    names = dict.fromkeys((page_name(at_address[0]), page_name(article.source)))
    named = (context.read("page named", name) for name in names)
    for file in () if article.hidden else (*at_address, *named):
        if file and context.read("stamp", file):
            page = rendered.read_page(_page(file, context))
            if file in at_address or page.shows(article.title):
                return rendered.on_page(article, file, page, mine, pattern)
    return article


def _page(file: str, context: StepContext) -> str:
    return folders.content(context.root / file).decode("utf-8", "replace")


def measure_image(file: StampedFile, _: None, context: StepContext) -> tuple[int, ...]:
    """Return the width and height of an image; () if it cannot be measured (a step)."""
    return sources.image_size(context.root / file.path)


def render_body(address: Digest, settings: RenderSettings, context: StepContext) -> Rendition:
    """Return the rendered body of the article at `address` (a step); reads the link targets.

    Raises RenderError, and ArticleError if its file has changed since it was read.
    """
    article = context.result(address, Article)
    if settings.rendered:
        return _from_page(article, settings, context)
    written = parsing.body(sources.read_again(context.root, article.source, article.sha256))
    text = without_title(written, article.title)
    targets = recorded(context, settings.site, settings.shortcodes)
    return _rendered(article, text, Links(targets, article.source, article.url))


def _from_page(article: Article, settings: RenderSettings, context: StepContext) -> Rendition:
    """Return the body of an article as its page in the built site has it. Raises RenderError."""
    if not article.rendered or not context.read("stamp", article.rendered):
        what = f"the built site, {settings.rendered}, has no page at its address {article.url}"
        todo = "build the site again; if it is elsewhere there, set articles.permalink"
        raise RenderError(Problem(what, todo, article.source))
    links = rendered.PageLinks(
        recorded(context, settings.site, settings.shortcodes), article.source, article.url
    )
    try:
        html = rendered.article_html(
            _page(article.rendered, context), settings.selector, article.title
        )
        with time_limit(TIME_LIMIT_S):
            return render_page(html, links, language=article.language, excerpt=not article.summary)
    except rendered.NoText as reason:
        what = f"no text of an article was found in {article.rendered}: {reason}"
        todo = "set articles.rendered_selector to the element that has it"
        raise RenderError(Problem(what, todo, article.source)) from None


def _rendered(article: Article, text: str, links: Links) -> Rendition:
    read_as = _prepared(article.markdown)
    with _bounded(article.source):
        return render(
            text,
            links,
            read_as,
            language=article.language,
            mdx=article.is_mdx or read_as.mdx,
            excerpt=not article.summary,
            values={"page": article.page},
        )


def read_note(file: NoteFile, settings: RenderSettings, context: StepContext) -> Note:
    """Return an editor's note with its rendered body (a step); reads the link targets.

    Raises ArticleError.
    """
    note = parse_note(sources.read(context.root, file.path, "").text, file.path)
    links = Links(recorded(context, settings.site, settings.shortcodes), note.path, file.url)
    read_as = _prepared(file.markdown)
    with _bounded(note.path):
        made = render(note.body, links, read_as, language=file.language, excerpt=False)
    return with_introduction(note, made.html, links)


@cache
def _prepared(markdown: str) -> Dialect:
    """Return a dialect, with all that it needs imported.

    Not while the clock of an article runs: an import that is stopped may leave halves behind.
    """
    found = dialect(markdown)
    prepare([found])
    return found


@contextmanager
def _bounded(path: str) -> Iterator[None]:
    """Raise RenderError, with `path`, for whatever goes wrong or takes too long in the block."""
    try:
        with time_limit(TIME_LIMIT_S):
            yield
            return
    except TooComplex as error:
        wrong = error.what, error.fix
    except TimeoutError:
        what = f"its Markdown cannot be read within {TIME_LIMIT_S:.0f} seconds"
        wrong = what, "look for long runs of brackets or other marks in it"
    except Exception as error:  # whatever one holds, it must not keep back the others
        wrong = unforeseen(error)
    raise RenderError(Problem(*wrong, path=path))
