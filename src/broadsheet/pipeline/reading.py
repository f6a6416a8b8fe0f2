"""Reading many articles: remembered where the file stands as it was, the rest on all cores.

Only the front matter of an article is remembered. Its body is read again when it is rendered.
"""

from __future__ import annotations

import hashlib
import zoneinfo
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from zlib import crc32

import msgspec
from msgspec import Struct, structs

from broadsheet.articles import Article, NotAnArticle, body, cascade, parse, prepare
from broadsheet.articles.cascade import Cascade
from broadsheet.errors import ArticleError, Problem, unforeseen
from broadsheet.model.publication import Publication
from broadsheet.model.settings import ArticleSettings
from broadsheet.pipeline.cache import Cache
from broadsheet.pipeline.workers import spread
from broadsheet.storage import folders, sources
from broadsheet.storage.folders import Stamp
from broadsheet.storage.sources import Found

WORTH_A_WORKER = 256
"""Articles. Starting a worker costs about as long as reading this many."""

_BATCH = 128  # articles that a worker takes at a time
_DRAWERS = 256


class Articles(Struct, frozen=True):
    """The outcome of reading the article files.

    read: in no particular order, without their bodies. pages: path -> why it is not an article.
    problems: those of the other files, and unclear statements about visibility.
    """

    read: tuple[Article, ...]
    pages: dict[str, str]
    problems: tuple[Problem, ...]


class Outcome(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """The outcome of reading one file; exactly one of the first three fields is set.

    cascades: statements of a section page about the articles below it.
    """

    article: Article | None = None
    page: str = ""
    problems: tuple[Problem, ...] = ()
    cascades: tuple[Cascade, ...] = ()


Kept = dict[str, tuple[Stamp, msgspec.Raw]]
"""Outcomes by path, each as JSON, with the stamp of the file."""


class _Drawer(Struct, frozen=True):
    """What is kept in one piece; reader: what else it depends on."""

    reader: str
    kept: Kept


class Reader(Struct, frozen=True):
    """Reads the articles of a project. `root` is its folder."""

    root: Path
    publication: Publication
    settings: ArticleSettings

    def outcome(self, place: tuple[str, str]) -> Outcome:
        """What the file at a path, in an articles folder, turns out to be."""
        path, folder = place
        try:
            source = sources.read(self.root, path, folder)
            try:
                return Outcome(parse(source, self.publication, self.settings, with_body=False))
            except NotAnArticle as reason:
                return Outcome(
                    page=str(reason), cascades=cascade.read(source.text, path, self.settings.public)
                )
        except ArticleError as error:
            return Outcome(problems=error.problems)
        except Exception as error:  # whatever one holds, it must not keep back the others
            return Outcome(problems=(Problem(*unforeseen(error), path=path),))

    def body(self, article: Article) -> str:
        """The body of an article that was read without.

        Raises ArticleError when the file has changed in the meantime: what is remembered of it
        must never be what another text has made.
        """
        if article.body is not None:
            return article.body
        source = sources.read(self.root, article.source, "")
        if source.sha256 != article.sha256:
            what = "it changed while it was being read, and nothing has been written"
            raise ArticleError(Problem(what, "run again", article.source))
        return body(source)

    @property
    def fingerprint(self) -> str:
        """All that an outcome depends on beside its file and the code: settings and time zone."""
        rules = hashlib.sha256()
        for path in self.rules_of_time:
            with suppress(OSError):
                rules.update(path.read_bytes())
        return f"{self.publication!r} {self.settings!r} {rules.hexdigest()}"

    @property
    def rules_of_time(self) -> list[Path]:
        """The system's files that may say what the time zone's offsets are."""
        return [Path(folder) / self.publication.timezone.key for folder in zoneinfo.TZPATH]


def read(
    reader: Reader,
    found: Found,
    cache: Cache,
    *,
    before: int,
    workers: int | None = None,
    meanwhile: Callable[[], object] = lambda: None,
    later: Callable[[Callable[[Cache], None]], object] | None = None,
) -> Articles:
    """The articles among the files that were `found`.

    before: `folders.disk_time` from before they were found. workers: how many processes may read;
    None: as many as there are cores. No count and no cache changes the outcome. meanwhile: called
    while others read, if several do. later: given what remembers what was read, to be called when
    there is time; None: it is remembered at once.
    """
    drawers = _drawers(reader, cache.all("articles"))
    outcomes: dict[str, Outcome] = {}
    former: Kept = {}
    touched: set[str] = set()
    for name, drawer in drawers.items():
        standing = {p: each for p, each in drawer.items() if each[0] == found.stamps.get(p)}
        outcomes.update((path, _OUTCOME.decode(raw)) for path, (_, raw) in standing.items())
        if len(standing) < len(drawer):
            former.update((p, each) for p, each in drawer.items() if p not in standing)
            drawers[name] = standing
            touched.add(name)
    missing = [place for place in found.articles if place[0] not in outcomes]
    for path, raw in _made(reader, missing, workers, meanwhile):
        outcomes[path] = outcome = _OUTCOME.decode(raw)
        stamp = found.stamps[path]
        # What could not be read at all may be readable next time without any change.
        if folders.is_settled(stamp, before) and not outcome.problems:
            name = _drawer_of(path)
            drawers.setdefault(name, {})[path] = stamp, raw
            touched.add(name)
    if touched:
        put = partial(_put, reader, {name: drawers[name] for name in touched}, former)
        if later is None:
            put(cache)
        else:
            later(put)
    return _sorted_out(found, outcomes)


def remembered(reader: Reader, stamps: Mapping[str, Stamp], cache: Cache) -> dict[str, Article]:
    """The articles among the files at these paths that are remembered with these stamps: as they
    are now, or were at the last build."""
    now = _drawers(reader, cache.get("articles", {_drawer_of(path) for path in stamps}))
    former = _drawers(reader, cache.all("former"))
    return {
        path: article
        for drawer in (*now.values(), *former.values())
        for path, (stamp, raw) in drawer.items()
        if stamps.get(path) == stamp and (article := _OUTCOME.decode(raw).article)
    }


def remember(
    reader: Reader, articles: Iterable[Article], stamps: Mapping[str, Stamp], cache: Cache
) -> None:
    """Remembers `articles` in the place of what is known of their files, by the files' stamps."""
    by_drawer: dict[str, Kept] = {}
    for article in articles:
        raw = msgspec.Raw(_ENCODER.encode(Outcome(article)))
        drawer = by_drawer.setdefault(_drawer_of(article.source), {})
        drawer[article.source] = stamps[article.source], raw
    known = _drawers(reader, cache.get("articles", by_drawer))
    put = {name: known.get(name, {}) | kept for name, kept in by_drawer.items()}
    _put(reader, put, {}, cache)
    forget_former(cache)


def forget_former(cache: Cache) -> None:
    """Forgets how articles were that have been read anew: a build has now been made of them."""
    cache.forget_all_but("former", ())


def _made(
    reader: Reader,
    places: Sequence[tuple[str, str]],
    workers: int | None,
    meanwhile: Callable[[], object],
) -> Iterator[tuple[str, msgspec.Raw]]:
    """What each of the files turns out to be, as JSON, with its path."""
    batches = [places[start : start + _BATCH] for start in range(0, len(places), _BATCH)]
    worth = WORTH_A_WORKER // _BATCH
    packed = spread(
        partial(_packed, reader),
        batches,
        worth_a_worker=worth,
        workers=workers,
        before=prepare,
        meanwhile=meanwhile,
    )
    for batch, outcomes in zip(batches, packed, strict=True):
        for (path, _), outcome in zip(batch, _RAW_LIST.decode(outcomes), strict=True):
            yield path, outcome


def as_text(value: object) -> str:
    """A text of a type of its own, such as a language, for JSON."""
    if isinstance(value, str):
        return str(value)
    raise NotImplementedError


_ENCODER = msgspec.json.Encoder(enc_hook=as_text)
_OUTCOME = msgspec.json.Decoder(Outcome)
_RAW_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_DRAWER = msgspec.json.Decoder(_Drawer)


def _packed(reader: Reader, places: Sequence[tuple[str, str]]) -> bytes:
    """JSON, since msgspec's other form loses the offset of a time."""
    return _ENCODER.encode([reader.outcome(place) for place in places])


def _drawers(reader: Reader, values: Mapping[str, bytes]) -> dict[str, Kept]:
    """What can be taken out of drawers with these `values`."""
    context, drawers = _context(reader), {}
    for name, value in values.items():
        with suppress(msgspec.MsgspecError, ValueError):
            drawer = _DRAWER.decode(value)
            if drawer.reader == context:
                drawers[name] = drawer.kept
    return drawers


def _put(reader: Reader, drawers: Mapping[str, Kept], former: Kept, cache: Cache) -> None:
    """Keeps `drawers`, and of what is not in them any more what the last build was made of."""
    context = _context(reader)
    kept = {name: _ENCODER.encode(_Drawer(context, drawer)) for name, drawer in drawers.items()}
    cache.put("articles", kept)
    # Whoever reads an article anew before the next build, what that compares it with stays.
    if former:
        new = former.keys() - cache.keys("former")
        cache.put("former", {p: _ENCODER.encode(_Drawer(context, {p: former[p]})) for p in new})


def _context(reader: Reader) -> str:
    return hashlib.sha256(reader.fingerprint.encode("utf-8", "surrogatepass")).hexdigest()


def _drawer_of(path: str) -> str:
    """In which drawer what is known of the article at `path` is kept.

    Some in one piece take less time to find, to check and to unpack than one by one.
    """
    return f"{crc32(path.encode('utf-8', 'surrogatepass')) % _DRAWERS:02x}"


def _sorted_out(found: Found, outcomes: dict[str, Outcome]) -> Articles:
    read: list[Article] = []
    pages: dict[str, str] = {}
    problems = list(found.problems)
    cascades = [each for path, _ in found.articles for each in outcomes[path].cascades]
    for path, _ in found.articles:
        outcome = outcomes[path]
        problems += outcome.problems
        if outcome.page:
            pages[path] = outcome.page
        if outcome.article is not None:
            read.append(_below(cascades, outcome.article) if cascades else outcome.article)
            problems += outcome.article.unclear
    return Articles(tuple(read), pages, tuple(problems))


def _below(cascades: Sequence[Cascade], article: Article) -> Article:
    """`article`, hidden if a section page above it says so."""
    if article.hidden:
        return article
    over = next((each for each in cascades if each.covers(article.source)), None)
    return structs.replace(article, hidden=over.hidden) if over else article
