"""The cache: one SQLite file that can go at any time without changing an output.

It has shelves of sealed values by key. A value is found as it was kept or not at all: its seal
holds its place and all of Broadsheet and its libraries, so what another version made is not there.
Whatever is wrong with the file, it is put aside and made anew.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self, get_args

from broadsheet.storage.folders import walk

FILE_NAME: Final = "cache.sqlite3"
Shelf = Literal["articles", "former", "held", "links", "renditions", "runs", "stamps"]
_SHELVES: tuple[Shelf, ...] = get_args(Shelf)
_COLUMNS = ["key", "value"]
_SOURCES = (".py", ".toml", ".j2", ".css")
# A broken file may even break the words of SQLite's own message (UnicodeDecodeError).
_FAULTS = (sqlite3.Error, ValueError, OverflowError, MemoryError)
_IN_USE = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_SEAL = 32  # bytes
_PAGE = 16_384  # bytes
_BATCH = 500  # SQLite takes at least 999 parameters in one statement


class Cache:
    """Values by shelf and key. A context manager; outside of it nothing is open."""

    def __init__(self, state: Path) -> None:
        """`state` is the folder `.broadsheet`; where there is none, nothing is kept."""
        self._path = state / FILE_NAME
        self._database: sqlite3.Connection | None = None
        self._together = False

    def __enter__(self) -> Self:
        try:
            self._database = self._open()
        except _FAULTS as error:
            self._put_aside(error)
            if not _is_in_use(error):
                with suppress(*_FAULTS):
                    self._database = self._open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def get(self, shelf: Shelf, keys: Iterable[str]) -> dict[str, bytes]:
        """The values that are there, by key. Those that are not as they were kept are not there."""
        wanted = list(keys)
        found: dict[str, bytes] = {}
        for start in range(0, len(wanted), _BATCH):
            batch = wanted[start : start + _BATCH]
            marks = ",".join("?" * len(batch))
            query = f"SELECT key, value FROM {shelf} WHERE key IN ({marks})"  # noqa: S608 - marks only
            found.update(self._select(shelf, query, batch))
        return found

    def all(self, shelf: Shelf) -> dict[str, bytes]:
        """All values of a shelf, by key."""
        return dict(self._select(shelf, f"SELECT key, value FROM {shelf}", ()))  # noqa: S608

    def keys(self, shelf: Shelf) -> frozenset[str]:
        """The keys of a shelf, whatever their values have become."""
        return frozenset(key for (key,) in self._rows(f"SELECT key FROM {shelf}", ()))  # noqa: S608

    def put(self, shelf: Shelf, values: Mapping[str, bytes]) -> None:
        """Keeps `values`, in the place of those with their keys."""
        rows = [(key, _seal(shelf, key, value) + value) for key, value in values.items()]
        self._change(f"INSERT OR REPLACE INTO {shelf} VALUES (?, ?)", rows)  # noqa: S608

    def fill(self, shelf: Shelf, values: Mapping[str, bytes]) -> None:
        """Keeps `values` and nothing else on a shelf; writes only what is new."""
        there = self.all(shelf)
        self.put(shelf, {key: each for key, each in values.items() if there.get(key) != each})
        self.forget_all_but(shelf, values)

    def forget_all_but(self, shelf: Shelf, keys: Iterable[str]) -> None:
        """Forgets all other keys, so that the cache does not grow with every edit."""
        self.forget(shelf, self.keys(shelf) - set(keys))

    def forget(self, shelf: Shelf, keys: Iterable[str]) -> None:
        """Forgets these keys."""
        if gone := [(key,) for key in keys]:
            self._change(f"DELETE FROM {shelf} WHERE key = ?", gone)  # noqa: S608

    @contextmanager
    def together(self) -> Iterator[None]:
        """What changes within is there as a whole, or not at all; not to be nested."""
        self._together = True
        try:
            yield
            self._end("COMMIT")
        finally:
            self._end("ROLLBACK")
            self._together = False

    def _select(
        self, shelf: Shelf, query: str, given: Iterable[str]
    ) -> Iterator[tuple[str, bytes]]:
        for key, value in self._rows(query, given):
            with suppress(TypeError, ValueError, AttributeError):
                if value[:_SEAL] == _seal(shelf, key, value[_SEAL:]):
                    yield key, value[_SEAL:]

    def _rows(self, query: str, given: Iterable[str]) -> Iterator[tuple[Any, ...]]:
        if self._database is None:
            return
        try:
            yield from self._database.execute(query, tuple(given))
        except _FAULTS as error:
            self._put_aside(error)

    def _change(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        if self._database is None:
            return
        try:
            with nullcontext() if self._together else self._database:
                self._database.executemany(statement, rows)
        except _FAULTS as error:
            self._put_aside(error)

    def _end(self, how: str) -> None:
        """Ends what has been begun, if anything was."""
        try:
            if self._database is not None and self._database.in_transaction:
                self._database.execute(how)
        except _FAULTS as error:
            self._put_aside(error)

    def _put_aside(self, error: Exception) -> None:
        """Goes on without the cache; a broken file goes, one that others are at work on stays."""
        if self._database is not None:
            self._database.close()
            self._database = None
        if _is_in_use(error):
            return
        for ending in ("", "-wal", "-shm"):
            with suppress(OSError):
                self._path.with_name(self._path.name + ending).unlink(missing_ok=True)

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=10)
        try:
            # Most values have tens of kilobytes: large pages take half the time of small ones. What
            # is written goes from the log to its place every four megabytes, not all at the end.
            database.execute(f"PRAGMA page_size={_PAGE}")
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA wal_autocheckpoint=256")
            database.execute("PRAGMA synchronous=NORMAL")
            if database.execute("PRAGMA page_size").fetchone() != (_PAGE,):
                raise sqlite3.DatabaseError("the cache is of another version, with other pages")
            for shelf in _SHELVES:
                database.execute(
                    f"CREATE TABLE IF NOT EXISTS {shelf} (key TEXT PRIMARY KEY, value BLOB)"
                )
                columns = [row[1] for row in database.execute(f"PRAGMA table_info({shelf})")]
                if columns != _COLUMNS:
                    raise sqlite3.DatabaseError("the cache is another program's")
        except _FAULTS:
            database.close()
            raise
        return database


def _is_in_use(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", None) in _IN_USE


def _seal(shelf: Shelf, key: str, value: bytes) -> bytes:
    """What `value` must begin with. SQLite does not notice a byte that has changed."""
    place = f"{made_with()}\0{shelf}\0{key}\0".encode("utf-8", "surrogatepass")
    return hashlib.sha256(place + value).digest()


@cache
def made_with() -> str:
    """All that makes values. The sources count, since between two versions they change too."""
    made = hashlib.sha256(f"{sys.version}\0{libraries()}\0".encode())
    package = Path(__file__).parents[1]
    for path, _ in sorted(walk(package, ".")):
        if path.endswith(_SOURCES):
            made.update(f"{path}\0".encode() + (package / path).read_bytes())
    return made.hexdigest()


def libraries() -> str:
    """The installed libraries with their versions: all, since any of them may make outputs.

    By the names of their folders, which takes a tenth of the time of importlib.metadata.
    """
    found: list[str] = []
    for folder in sys.path:
        with suppress(OSError), os.scandir(folder or ".") as items:
            found += (i.name for i in items if i.name.endswith((".dist-info", ".egg-info")))
    return " ".join(sorted(found))
