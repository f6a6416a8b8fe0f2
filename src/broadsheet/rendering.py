"""Rendering many articles: from the cache where they stand, the rest on all cores."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import NoReturn

from broadsheet.articles import Article
from broadsheet.cache import Cache, key
from broadsheet.errors import Problem, RenderError
from broadsheet.markup import Library, Links, Rendition, TooDeep, render

WORTH_A_WORKER = 40
"""Articles. Starting a worker costs about as long as rendering this many."""

_LONGEST = 8.0  # seconds; a long article takes a tenth of one

Outcome = Rendition | tuple[str, str]
"""A rendition, or what is wrong and what to do."""


def renditions(
    articles: Sequence[Article],
    library: Library,
    cache: Cache,
    *,
    workers: int | None = None,
    worth_a_worker: int = WORTH_A_WORKER,
    step: Callable[[], object] = lambda: None,
) -> dict[str, Rendition]:
    """The rendition of each of `articles`, by article id.

    workers: how many processes may render; None: as many as there are cores. worth_a_worker: how
    many articles each must have at least. No count changes the outcome. step: called after each
    article that had to be rendered.

    Raises RenderError, naming all of them, when some cannot be rendered; the others are then in
    the cache.
    """
    keys = {article.id: key(article) for article in articles}
    cached = cache.get(keys.values())
    made: dict[str, Rendition] = {}
    missing: list[Article] = []
    for article in articles:
        kept = cached.get(keys[article.id])
        if kept is not None and _still_holds(kept, article, library):
            made[article.id] = kept
        else:
            missing.append(article)
    count = min(workers or os.cpu_count() or 1, len(missing) // worth_a_worker)
    problems: list[Problem] = []
    for article, rendered in zip(missing, _render(missing, library, count), strict=True):
        if isinstance(rendered, Rendition):
            made[article.id] = rendered
        else:
            problems.append(Problem(*rendered, path=article.source))
        step()
    fresh = {keys[article.id]: made[article.id] for article in missing if article.id in made}
    if fresh or len(cached) != len(set(keys.values())):
        cache.replace(fresh, keys.values())
    if problems:
        raise RenderError(*problems)
    return made


def _still_holds(rendition: Rendition, article: Article, library: Library) -> bool:
    links = Links(library, article.source, article.url)
    return all(links.resolve(ref) == url for ref, url in rendition.references.items())


def _render(articles: Sequence[Article], library: Library, count: int) -> Iterable[Outcome]:
    if count <= 1:
        return map(partial(_render_one, library), articles)
    return _render_on(count, articles, library)


def _render_on(count: int, articles: Sequence[Article], library: Library) -> Iterator[Outcome]:
    """In `count` processes; a worker gets the library once, when it starts."""
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if "fork" in methods else "spawn")
    with ProcessPoolExecutor(count, context, _start_worker, (library,)) as pool:
        yield from pool.map(_render_in_worker, articles, chunksize=16)


_worker_library: Library


def _start_worker(library: Library) -> None:
    global _worker_library
    _worker_library = library


def _render_in_worker(article: Article) -> Outcome:
    return _render_one(_worker_library, article)


def _render_one(library: Library, article: Article) -> Outcome:
    links = Links(library, article.source, article.url)
    try:
        with _time_limit():
            return render(article.body, links, mdx=article.is_mdx)
    except TooDeep as error:
        return str(error), "no reader shows more than a few levels"
    except TimeoutError:
        return (
            f"its Markdown cannot be read within {_LONGEST:.0f} seconds",
            "look for long runs of brackets or other marks in it",
        )


@contextmanager
def _time_limit() -> Iterator[None]:
    """Raises TimeoutError within when it takes too long, where the platform can tell.

    Python-Markdown's time grows with the square of some texts, such as a run of brackets.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() != threading.main_thread():
        yield
        return

    def stop(*_: object) -> NoReturn:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, _LONGEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
