"""The cache of renditions: one SQLite file that can go at any time without changing an output.

An entry is found by what it was made from and holds what its links resolved to; it is used only
while both still hold. Whatever is wrong with the file, it is put aside and made anew.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from broadsheet import __version__
from broadsheet.articles import Article
from broadsheet.markup import Rendition

FILE_NAME = "cache.sqlite3"
_MADE_WITH = ("markdown", "nh3", "pymdown-extensions")
_BATCH = 500  # SQLite takes at least 999 parameters in one statement


class Cache:
    """Renditions by key. A context manager; outside of it nothing is open."""

    def __init__(self, state: Path) -> None:
        """`state` is the folder `.broadsheet`; it must exist."""
        self._path = state / FILE_NAME
        self._database: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        try:
            self._database = self._open()
        except sqlite3.Error:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
            with suppress(sqlite3.Error):
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

    def get(self, keys: Iterable[str]) -> dict[str, Rendition]:
        """The renditions that are there, by key. Those that cannot be read are not there."""
        wanted = list(keys)
        found: dict[str, Rendition] = {}
        with suppress(sqlite3.Error, AttributeError):
            for start in range(0, len(wanted), _BATCH):
                batch = wanted[start : start + _BATCH]
                marks = ",".join("?" * len(batch))
                query = f"SELECT key, value FROM renditions WHERE key IN ({marks})"  # noqa: S608 - marks only
                for key, value in self._connection.execute(query, batch):
                    with suppress(msgspec.DecodeError):
                        found[key] = msgspec.msgpack.decode(value, type=Rendition)
        return found

    def replace(self, renditions: Mapping[str, Rendition], used: Iterable[str]) -> None:
        """Adds `renditions` and forgets whatever else is neither in them nor in `used`."""
        rows = [(key, msgspec.msgpack.encode(made)) for key, made in renditions.items()]
        with suppress(sqlite3.Error, AttributeError), self._connection as database:
            database.executemany("INSERT OR REPLACE INTO renditions VALUES (?, ?)", rows)
            database.execute("CREATE TEMP TABLE IF NOT EXISTS used (key TEXT PRIMARY KEY)")
            database.execute("DELETE FROM used")
            kept = ((key,) for key in {*renditions, *used})
            database.executemany("INSERT OR IGNORE INTO used VALUES (?)", kept)
            database.execute("DELETE FROM renditions WHERE key NOT IN (SELECT key FROM used)")

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._database is None:
            raise sqlite3.OperationalError("the cache is not open")
        return self._database

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=10)
        try:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=NORMAL")
            database.execute(
                "CREATE TABLE IF NOT EXISTS renditions (key TEXT PRIMARY KEY, value BLOB)"
            )
            if database.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise sqlite3.DatabaseError("the cache is broken")
        except sqlite3.Error:
            database.close()
            raise
        return database


def key(article: Article) -> str:
    """What the rendition of `article` is made from, but for what its links resolve to."""
    parts = (_made_with(), article.source, article.url, article.body)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _made_with() -> str:
    return " ".join([__version__, *map(version, _MADE_WITH)])
