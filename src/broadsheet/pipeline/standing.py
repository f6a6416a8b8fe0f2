"""What the last build came to, and whether it still stands.

Two things are remembered in the cache: of each file that was published what it was made of, so that
a run makes only those that would be new; and of the whole run all that went in and came out, so
that a run after which nothing changed does nothing. Any doubt, and the run goes its full way.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from broadsheet.errors import ArticleError, OutputError, Problem
from broadsheet.model.document import Document
from broadsheet.pipeline.cache import Cache, libraries
from broadsheet.storage import folders
from broadsheet.storage.folders import Stamp
from broadsheet.storage.outputs import MANIFEST, Changes

_T = TypeVar("_T")

STATE = ".broadsheet"
CONFIG_NAME = "broadsheet.toml"  # as in `config`, which a run that changes nothing does not import
_LAST = "last"
_UNKNOWN: Stamp = (0, 0, 0, 0)
_EVER = datetime(1, 1, 1, tzinfo=UTC)
_PUBLISHED = "published"
_LOOKS = 5  # at the disk's clock
_PATIENCE = 50_000_000  # nanoseconds


class Summary(NamedTuple):
    """What a build has to say.

    folder: the feeds folder, as messages call it. articles, feeds, files: how many.
    pages: why -> the files that are no articles.
    """

    folder: str
    articles: int
    feeds: int
    files: int
    pages: dict[str, list[str]]


class Scope(NamedTuple):
    """What a build looks at, beside its config and the clock.

    searched: the folders that it reads; needed: those of them that must be there; but: those in
    them that it does not read; feeds: the folder that it writes; all relative to the project.
    others: further files, absolute.
    """

    searched: list[str]
    needed: list[str]
    but: list[str]
    feeds: str
    others: list[str]


class View(NamedTuple):
    """All of that at one moment, as far as stamps tell. Two that are equal: nothing changed.

    inputs, feeds: of the files in the folders that are read, and of the feeds folder, in parts.
    """

    config: str
    inputs: list[str]
    feeds: list[str]
    others: list[Stamp | None]
    code: str
    user: int


class Last(NamedTuple):
    """The last build. since, until: for which moments it would come to the same; half open.

    Both as texts; `until` is empty where it would for ever.
    """

    scope: Scope
    view: View
    since: str
    until: str
    summary: Summary


class Look(NamedTuple):
    """What was found on disk before the run had the lock.

    stamps: of the files in the folders `searched`, `but` for those in these, after the disk time
    `before`. there: of those in the feeds folder. view: of all this. last: the last build, if
    nothing but those `stamps` is other than it was.
    """

    searched: list[str]
    but: list[str]
    before: int
    stamps: dict[str, Stamp]
    there: dict[str, Stamp]
    view: View
    last: Last | None


def last(
    root: Path, state: Path, config: bytes, moment: Callable[[], datetime]
) -> Summary | Look | None:
    """What a build would say, if it is sure that nothing would change.

    Where it is not, what it saw on the way, so that nobody need look again; None if nothing.
    moment: gives `now`, aware; asked only when all else stands.
    """
    if not state.is_dir():
        return None
    look = None
    with Cache(state) as cache, suppress(ValueError, TypeError, KeyError, ArticleError):
        kept = _unpacked(cache.get("runs", [_LAST])[_LAST])
        if sha256(config).hexdigest() != kept.view.config:
            return None
        now = moment()
        if not datetime.fromisoformat(kept.since) <= now:
            return None
        if kept.until and now >= datetime.fromisoformat(kept.until):
            return None
        scope, before = kept.scope, folders.disk_time(state)
        if not all((root / folder).is_dir() for folder in scope.needed):
            return None
        stamps = folders.listing(root, scope.searched, but=scope.but)
        there = published(root / scope.feeds)
        seen = view(scope, config, stamps, there)
        if seen == kept.view:
            return kept.summary
        rest_stands = seen._replace(inputs=kept.view.inputs) == kept.view
        done = kept if rest_stands else None
        look = Look(scope.searched, scope.but, before, stamps, there, seen, done)
    return look


def edited(cache: Cache, look: Look) -> dict[str, Stamp] | None:
    """The files that are other than at the last build, where none has come or gone, with the
    stamps that they had.

    None where it cannot tell, or where more is other than it was. To be asked under the lock.
    """
    found: dict[str, Stamp] = {}
    with suppress(ValueError, TypeError, KeyError):
        if look.last is None or _unpacked(cache.get("runs", [_LAST])[_LAST]) != look.last:
            return None
        if len(look.view.inputs) != len(look.last.view.inputs):
            return None
        parts = _changed(look, look.last)
        kept = cache.get("stamps", parts)
        for number, part in parts.items():
            then: folders.Part = [(path, tuple(each)) for path, each in json.loads(kept[number])]
            if [path for path, _ in then] != [path for path, _ in part]:
                return None
            found.update(old for new, old in zip(part, then, strict=True) if new != old)
        return found
    return None


def _changed(look: Look, last: Last) -> dict[str, folders.Part]:
    """The parts of what is read that are other than they were, as many as they are, by number."""
    digests = zip(look.view.inputs, last.view.inputs, strict=True)
    parts = folders.parts(look.stamps)
    return {str(n): parts[n] for n, (now, then) in enumerate(digests) if now != then}


def view(
    scope: Scope, config: bytes, inputs: Mapping[str, Stamp], there: Mapping[str, Stamp]
) -> View:
    """How things stand, with these files in the folders that are read and in the feeds folder."""
    code = folders.listing(Path(__file__).parents[1], ["."])
    return View(
        config=sha256(config).hexdigest(),
        inputs=[*map(folders.digest, folders.parts(inputs))],
        feeds=[*map(folders.digest, folders.parts(there))],
        others=[_stamp(Path(path)) for path in scope.others],
        code=f"{folders.digest(sorted(code.items()))} {libraries()}",
        user=os.geteuid() if hasattr(os, "geteuid") else 0,
    )


def published(folder: Path) -> dict[str, Stamp]:
    """Every file in the feeds folder, by its path there. Raises OutputError where it is none."""
    if folder.is_file():
        what = "this is a file, and a folder of this name is to be written"
        raise OutputError(Problem(what, "move it, or set feeds.folder to another", folder.name))
    return dict(folders.walk(folder, ".", everything=True))


class Published:
    """The files of the feeds folder as this run finds and leaves them.

    folder: where they are. settings: all that documents depend on beside what they are made of.
    """

    def __init__(self, folder: Path, settings: str, state: Path, cache: Cache) -> None:
        self.folder, self.state, self._cache = folder, state, cache
        self._settings = sha256(settings.encode("utf-8", "surrogatepass")).digest()
        self.before = folders.disk_time(state)
        self.there = published(folder)
        self._held: dict[str, tuple[str, str, Stamp]] = {}
        self._prints: dict[str, str] = {}

    def standing(
        self, documents: Mapping[str, Document], *, others: bool = False
    ) -> frozenset[str]:
        """Those of `documents` that lie in the folder as they would be made.

        others: whether all other files are what they would be if they are what they were.
        """
        self._prints = {path: self._print(each) for path, each in documents.items()}
        for path, (made_of, sum_, stamp) in self._remembered().items():
            if others and path not in documents:
                self._prints[path] = made_of
            if self._prints.get(path) != made_of:
                continue
            if stamp != self.there.get(path):  # perhaps the same file from a backup, or too new
                stamp, found = _sum(self.folder / path)
                if found != sum_:
                    continue
            self._held[path] = made_of, sum_, stamp
        return frozenset(self._held)

    def remember(self, changes: Changes, work: Callable[[dict[str, Stamp]], _T]) -> _T | None:
        """Remembers the files after they were published.

        work: made of every file of the folder, while the disk's clock goes on. Returns what it
        made, where it is sure that none but this run has changed any file since it began; otherwise
        None.
        """
        for path, (stamp, sum_) in changes.held.items():
            self._held[path] = self._prints[path], sum_, stamp
        after = published(self.folder)
        made = work(after)
        settled = self._when_settled()
        kept = {
            path: (made_of, sum_, stamp if folders.is_settled(stamp, settled) else _UNKNOWN)
            for path, (made_of, sum_, stamp) in self._held.items()
        }
        packed = json.dumps(kept).encode()
        if self._cache.get("runs", [_PUBLISHED]).get(_PUBLISHED) != packed:
            self._cache.put("runs", {_PUBLISHED: packed})
        ours = {path: stamp for path, (_, _, stamp) in self._held.items()}
        mine = {*ours, *changes.removed, MANIFEST}
        theirs = {path: stamp for path, stamp in self.there.items() if path not in mine}
        manifest = {MANIFEST: after[MANIFEST]} if MANIFEST in after else {}
        sure = (
            after == {**theirs, **ours, **manifest}
            and all(folders.is_settled(stamp, self.before) for stamp in theirs.values())
            and all(folders.is_settled(stamp, settled) for stamp in after.values())
        )
        return made if sure else None

    def _print(self, document: Document) -> str:
        made_of = document.made_of.encode("utf-8", "surrogatepass")
        return sha256(self._settings + made_of).hexdigest()

    def _remembered(self) -> dict[str, tuple[str, str, Stamp]]:
        with suppress(KeyError, ValueError):
            packed = self._cache.get("runs", [_PUBLISHED])[_PUBLISHED]
            return {
                path: (a, b, tuple(stamp)) for path, (a, b, stamp) in json.loads(packed).items()
            }
        return {}

    def _when_settled(self) -> int:
        """The disk's time, if need be a moment later, when what was just written can be trusted."""
        newest = max((max(stamp[1:3]) for _, _, stamp in self._held.values()), default=0)
        now = folders.disk_time(self.state)
        for _ in range(_LOOKS):
            left = newest - now
            if not 0 <= left < _PATIENCE:  # nothing to wait for, or too much
                break
            time.sleep(left / 1_000_000_000 + 0.001)
            now = folders.disk_time(self.state)
        return now


def remember(cache: Cache, done: Last, inputs: Mapping[str, Stamp]) -> None:
    """Remembers a build that has just been done, and the files in the folders that it read."""
    cache.put("runs", {_LAST: json.dumps(done).encode()})
    cache.fill("stamps", {str(n): _packed(each) for n, each in enumerate(folders.parts(inputs))})


def amended(look: Look, last: Last, there: Mapping[str, Stamp]) -> Last:
    """The `last` build, made good for what `look` saw, with these files in the feeds folder."""
    feeds = [*map(folders.digest, folders.parts(there))]
    return last._replace(view=look.view._replace(feeds=feeds))


def amend(cache: Cache, look: Look, last: Last, done: Last) -> None:
    """Remembers that the `last` build was made good for what `look` saw, and has become `done`."""
    cache.put("runs", {_LAST: json.dumps(done).encode()})
    cache.put("stamps", {number: _packed(each) for number, each in _changed(look, last).items()})


def span(since: datetime | None, until: datetime | None) -> tuple[str, str]:
    """`since` and `until` of a build, as they are remembered."""
    return (since or _EVER).isoformat(), until.isoformat() if until else ""


def _packed(part: folders.Part) -> bytes:
    """For the cache. Names that are no text (PEP 383) stay the bytes that they are."""
    return json.dumps(part).encode()


def _unpacked(packed: bytes) -> Last:
    scope, view, since, until, summary = json.loads(packed)
    seen = View(*view)
    others: list[Any] = [tuple(stamp) if stamp else None for stamp in seen.others]
    return Last(Scope(*scope), seen._replace(others=others), since, until, Summary(*summary))


def _sum(path: Path) -> tuple[Stamp, str]:
    """Stamp and sum of a file; an empty sum where it cannot be read."""
    try:
        with folders.opened(path) as file:
            return folders.stamp_of(os.fstat(file.fileno())), sha256(file.read()).hexdigest()
    except OSError:
        return _UNKNOWN, ""


def _stamp(path: Path) -> Stamp | None:
    try:
        return folders.stamp_of(path.stat())
    except OSError:
        return None
