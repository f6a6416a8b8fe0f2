"""Rendering many articles: from the cache where they stand, the rest on all cores."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from broadsheet.articles import Article
from broadsheet.cache import Cache, key
from broadsheet.markup import Library, Links, Rendition, render

_WORTH_A_WORKER = 40
"""Articles. Starting a worker costs about as long as rendering this many."""


def renditions(
    articles: Sequence[Article],
    library: Library,
    cache: Cache,
    *,
    workers: int | None = None,
    step: Callable[[], object] = lambda: None,
) -> dict[str, Rendition]:
    """The rendition of each of `articles`, by article id.

    workers: how many processes may render; None: as many as there are cores. No count changes
    the outcome. step: called after each article that had to be rendered.
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
    for article, rendition in zip(missing, _render(missing, library, workers), strict=True):
        made[article.id] = rendition
        step()
    fresh = {keys[article.id]: made[article.id] for article in missing}
    if fresh or len(cached) != len(set(keys.values())):
        cache.replace(fresh, keys.values())
    return made


def _still_holds(rendition: Rendition, article: Article, library: Library) -> bool:
    links = Links(library, article.source, article.url)
    return all(links.resolve(ref) == url for ref, url in rendition.references.items())


def _render(
    articles: Sequence[Article], library: Library, workers: int | None
) -> Iterable[Rendition]:
    most = len(articles) // _WORTH_A_WORKER
    count = min(workers or os.cpu_count() or 1, most)
    if count <= 1:
        return map(partial(_render_one, library), articles)
    return _render_on(count, articles, library)


def _render_on(count: int, articles: Sequence[Article], library: Library) -> Iterator[Rendition]:
    """In `count` processes; a worker gets the library once, when it starts."""
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if "fork" in methods else "spawn")
    with ProcessPoolExecutor(count, context, _start_worker, (library,)) as pool:
        yield from pool.map(_render_in_worker, articles, chunksize=16)


_worker_library: Library


def _start_worker(library: Library) -> None:
    global _worker_library
    _worker_library = library


def _render_in_worker(article: Article) -> Rendition:
    return _render_one(_worker_library, article)


def _render_one(library: Library, article: Article) -> Rendition:
    return render(article.body, Links(library, article.source, article.url), mdx=article.is_mdx)
