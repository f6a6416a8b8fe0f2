"""Reading many articles: remembered where the file stands as it was, the rest on all cores.

Only the front matter of an article is remembered. Its body is read again when it is rendered.
"""

from __future__ import annotations

import hashlib
import zoneinfo
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from broadsheet import folders, inputs
from broadsheet.articles import Article, NotAnArticle, body, parse
from broadsheet.cache import Cache
from broadsheet.errors import ArticleError, Problem
from broadsheet.folders import Stamp
from broadsheet.inputs import Found
from broadsheet.publication import Publication
from broadsheet.settings import ArticleSettings
from broadsheet.workers import spread

WORTH_A_WORKER = 200
"""Articles. Starting a worker costs about as long as reading this many."""


@dataclass(frozen=True, slots=True)
class Articles:
    """What the article files turned out to be.

    read: in no order that means anything, without their bodies. pages: path -> why it is no
    article. problems: what is wrong with the files that are neither.
    """

    read: tuple[Article, ...]
    pages: dict[str, str]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one file turned out to be; exactly one of the three says something."""

    article: Article | None = None
    page: str = ""
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Kept:
    """An outcome as it is kept: with the stamp of its file, and what else it depends on."""

    stamp: Stamp
    reader: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the articles of a project. `root` is its folder."""

    root: Path
    publication: Publication
    settings: ArticleSettings

    def outcome(self, place: tuple[str, str]) -> Outcome:
        """What the file at a path, in an articles folder, turns out to be."""
        path, folder = place
        try:
            source = inputs.read(self.root, path, folder)
            made = parse(source, self.publication, self.settings)
        except NotAnArticle as reason:
            return Outcome(page=str(reason))
        except ArticleError as error:
            return Outcome(problems=error.problems)
        return Outcome(made.without_body())

    def body(self, article: Article) -> str:
        """The body of an article that was read without.

        Raises ArticleError when the file has changed in the meantime: what is remembered of it
        must never be what another text has made.
        """
        if article.body is not None:
            return article.body
        text = body(inputs.read(self.root, article.source, ""))
        if hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() != article.body_sha256:
            what = "it changed while it was being read, and nothing has been written"
            raise ArticleError(Problem(what, "run again", article.source))
        return text

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
    reader: Reader, found: Found, cache: Cache, *, before: int, workers: int | None = None
) -> Articles:
    """The articles among the files that were `found`.

    before: `folders.disk_time` from before they were found. workers: how many processes may read;
    None: as many as there are cores. No count and no cache changes the outcome.
    """
    context = hashlib.sha256(reader.fingerprint.encode("utf-8", "surrogatepass")).hexdigest()
    outcomes = _remembered(cache, found, context)
    missing = [place for place in found.articles if place[0] not in outcomes]
    fresh: dict[str, bytes] = {}
    made = spread(partial(_packed, reader), missing, worth_a_worker=WORTH_A_WORKER, workers=workers)
    for (path, _), packed in zip(missing, made, strict=True):
        outcomes[path] = _OUTCOME.decode(packed)
        stamp = found.stamps[path]
        # What could not be read at all may be readable next time without any change.
        if folders.is_settled(stamp, before) and not outcomes[path].problems:
            kept = _Kept(stamp, context, outcomes[path])
            fresh[path] = _ENCODER.encode(kept)
    if fresh:
        cache.put("articles", fresh)
    cache.forget_all_but("articles", (path for path, _ in found.articles))
    return _sorted_out(found.articles, outcomes)


def _as_text(value: object) -> str:
    """A text of a type of its own, such as a language, for JSON."""
    if isinstance(value, str):
        return str(value)
    raise NotImplementedError


_ENCODER = msgspec.json.Encoder(enc_hook=_as_text)
_OUTCOME = msgspec.json.Decoder(Outcome)
_KEPT = msgspec.json.Decoder(_Kept)


def _packed(reader: Reader, place: tuple[str, str]) -> bytes:
    """JSON, since msgspec's other form loses the offset of a time."""
    return _ENCODER.encode(reader.outcome(place))


def _remembered(cache: Cache, found: Found, context: str) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    for path, value in cache.all("articles").items():
        with suppress(msgspec.MsgspecError, ValueError):
            kept = _KEPT.decode(value)
            if kept.stamp == found.stamps.get(path) and kept.reader == context:
                outcomes[path] = kept.outcome
    return outcomes


def _sorted_out(places: Sequence[tuple[str, str]], outcomes: dict[str, Outcome]) -> Articles:
    read: list[Article] = []
    pages: dict[str, str] = {}
    problems: list[Problem] = []
    for path, _ in places:
        outcome = outcomes[path]
        problems += outcome.problems
        if outcome.page:
            pages[path] = outcome.page
        if outcome.article is not None:
            read.append(outcome.article)
    return Articles(tuple(read), pages, tuple(problems))
