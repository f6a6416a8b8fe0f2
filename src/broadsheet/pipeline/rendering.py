"""Rendering many articles: from the cache where they stand, the rest on all cores.

A rendition is found by what it was made from, and used only while all that it refers to still
resolves to the same addresses. Those are looked at first; the text is fetched when it is needed.
"""

from __future__ import annotations

import hashlib
import re
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from types import MappingProxyType
from typing import NoReturn

import msgspec
from msgspec import Struct

from broadsheet.articles import Article
from broadsheet.errors import Problem, RenderError, unforeseen
from broadsheet.markup import LinkIndex, Links, Rendition, TooComplex, dialect, prepare, render
from broadsheet.pipeline.cache import Cache
from broadsheet.pipeline.workers import spread

WORTH_A_WORKER = 40
"""Articles. Starting a worker costs about as long as rendering this many."""

_KEPT_TOGETHER = 64  # renditions
_FIXED = re.compile(r"https?://[^/]|#")
_LONGEST = 8.0  # seconds of CPU time; a long article takes 0.1

Outcome = Rendition | tuple[str, str]
"""A rendition, or what is wrong and what to do."""


def own_body(article: Article) -> str:
    """The body that `article` carries."""
    return article.body or ""


class _Renderer(Struct, frozen=True):
    """Renders one article. body: where its body comes from."""

    link_index: LinkIndex
    body: Callable[[Article], str]

    def __call__(self, article: Article) -> Outcome:
        text = self.body(article)
        links = Links(self.link_index, article.source, article.url)
        excerpt = not article.summary
        try:
            read_as = dialect(article.markdown)
            # Before the clock runs: an import that it stops may leave halves behind.
            prepare([read_as])
            with _time_limit():
                return render(
                    text,
                    links,
                    read_as,
                    language=article.language,
                    mdx=article.is_mdx or read_as.mdx,
                    excerpt=excerpt,
                    values={"page": article.page},
                )
        except TooComplex as error:
            return error.what, error.fix
        except TimeoutError:
            return (
                f"its Markdown cannot be read within {_LONGEST:.0f} seconds",
                "look for long runs of brackets or other marks in it",
            )
        except Exception as error:  # whatever one holds, it must not keep back the others
            return unforeseen(error)


class Renditions(Mapping[str, Rendition]):
    """The renditions of articles, by article id.

    marks: for each what changes when the rendition does; to ask for it fetches no text.
    """

    def __init__(self, kept: Mapping[str, Article], cache: Cache, renderer: _Renderer) -> None:
        self.marks: dict[str, str] = {}
        self._kept, self._cache, self._renderer = kept, cache, renderer
        self._made: dict[str, Rendition] = {}

    def add(self, article: Article, rendition: Rendition) -> None:
        """Adds one that is at hand."""
        self._made[article.id] = rendition
        self.mark(article, _movable(rendition))

    def mark(self, article: Article, references: Mapping[str, str]) -> None:
        """Makes the mark of a rendition that refers to these."""
        mark = hashlib.sha256(f"{key(article)}{references!r}".encode("utf-8", "surrogatepass"))
        self.marks[article.id] = mark.hexdigest()

    def fetch(self) -> None:
        """Fetches all that are kept, which takes less time than one by one."""
        keys = {key(self._kept[id_]): id_ for id_ in self.marks if id_ not in self._made}
        for name, found in _unpacked(self._cache.get("renditions", keys)).items():
            self._made[keys[name]] = found

    def __getitem__(self, id_: str) -> Rendition:
        if id_ not in self._made:
            article = self._kept[id_]
            found = _unpacked(self._cache.get("renditions", [key(article)]))
            rendition = found.get(key(article)) or self._renderer(article)
            if not isinstance(rendition, Rendition):
                raise RenderError(Problem(*rendition, path=article.source))
            self._made[id_] = rendition
        return self._made[id_]

    def __iter__(self) -> Iterator[str]:
        return iter(self.marks)

    def __len__(self) -> int:
        return len(self.marks)


def renditions(
    articles: Sequence[Article],
    link_index: LinkIndex,
    cache: Cache,
    *,
    body: Callable[[Article], str] = own_body,
    marks: Mapping[str, str] = MappingProxyType({}),
    forget: bool = False,
    workers: int | None = None,
    worth_a_worker: int = WORTH_A_WORKER,
    made_one: Callable[[Article, Rendition], object] = lambda _article, _rendition: None,
    step: Callable[[], object] = lambda: None,
    meanwhile: Callable[[], object] = lambda: None,
    aside: bool = False,
) -> Renditions:
    """The rendition of each of `articles`; good for as long as `cache` is open.

    body: where the body of an article comes from. marks: by id, of those whose renditions are known
    to hold. forget: whether renditions of others may go.
    workers: how many processes may render; None: as many as there are cores. worth_a_worker: how
    many articles each must have at least. No count changes the outcome.
    made_one: called with each article that had to be rendered, while others are. step: called after
    each of these. meanwhile: called while others render, if several do; aside: or one, of however
    few articles.

    Raises RenderError, naming all of them, when some cannot be rendered; the others are then in
    the cache.
    """
    renderer = _Renderer(link_index, body)
    keys = {article.id: key(article) for article in articles if article.id not in marks}
    references = _references(cache.get("links", keys.values()))
    made = Renditions({article.id: article for article in articles}, cache, renderer)
    missing: list[Article] = []
    for article in articles:
        if article.id in marks:
            made.marks[article.id] = marks[article.id]
            continue
        kept = references.get(keys[article.id])
        if kept is not None and _still_holds(kept, article, link_index):
            made.mark(article, kept)
        else:
            missing.append(article)
    fresh: dict[str, Rendition] = {}
    problems: list[Problem] = []
    outcomes = spread(
        renderer,
        missing,
        worth_a_worker=worth_a_worker,
        workers=workers,
        before=partial(_prepare, frozenset(article.markdown for article in missing)),
        meanwhile=meanwhile,
        aside=aside,
    )
    for article, rendered in zip(missing, outcomes, strict=True):
        if isinstance(rendered, Rendition):
            made.add(article, rendered)
            fresh[keys[article.id]] = rendered
            made_one(article, rendered)
            if len(fresh) == _KEPT_TOGETHER:  # while others are rendered
                _keep(cache, fresh)
                fresh = {}
        else:
            problems.append(Problem(*rendered, path=article.source))
        step()
    _keep(cache, fresh)
    if forget:
        every = [*map(key, articles)]
        cache.forget_all_but("links", every)
        cache.forget_all_but("renditions", every)
    if problems:
        raise RenderError(*problems)
    return made


def forget(cache: Cache, articles: Iterable[Article], *, but: Iterable[Article]) -> None:
    """Forgets the renditions of `articles`, `but` for those of these."""
    gone = {*map(key, articles)} - {*map(key, but)}
    cache.forget("links", gone)
    cache.forget("renditions", gone)


def key(article: Article) -> str:
    """What the rendition of `article` is made from, but for what its links resolve to."""
    parts = (article.source, article.url, article.sha256, article.markdown, article.language)
    return "\0".join(parts)


def _prepare(dialects: Iterable[str]) -> None:
    prepare(map(dialect, dialects))


def _keep(cache: Cache, fresh: Mapping[str, Rendition]) -> None:
    """The text first: references tell a later run that it is there."""
    if fresh:
        packed = {name: msgspec.msgpack.encode(made) for name, made in fresh.items()}
        cache.put("renditions", packed)
        packed = {name: msgspec.msgpack.encode(_movable(made)) for name, made in fresh.items()}
        cache.put("links", packed)


def _movable(rendition: Rendition) -> dict[str, str]:
    """The references that may resolve to something else one day.

    A whole web address does not, nor does a place in the article itself: the key has its address.
    """
    return {ref: url for ref, url in rendition.references.items() if not _FIXED.match(ref)}


def _unpacked(values: Mapping[str, bytes]) -> dict[str, Rendition]:
    found: dict[str, Rendition] = {}
    for name, value in values.items():
        with suppress(msgspec.MsgspecError, ValueError):
            found[name] = msgspec.msgpack.decode(value, type=Rendition)
    return found


def _references(values: Mapping[str, bytes]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name, value in values.items():
        with suppress(msgspec.MsgspecError, ValueError):
            found[name] = msgspec.msgpack.decode(value, type=dict[str, str])
    return found


def _still_holds(references: Mapping[str, str], article: Article, link_index: LinkIndex) -> bool:
    links = Links(link_index, article.source, article.url)
    return all(links.resolve(ref) == url for ref, url in references.items())


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
    signal.setitimer(signal.ITIMER_PROF, _LONGEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
