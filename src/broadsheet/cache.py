"""The cache of renditions: one SQLite file that can go at any time without changing an output.

An entry is found by what it was made from and holds what its links resolved to; it is used only
while both still hold. Whatever is wrong with the file, it is put aside and made anew.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from broadsheet import __version__, markup
from broadsheet.articles import Article
from broadsheet.markup import Rendition

FILE_NAME = "cache.sqlite3"
_MADE_WITH = ("markdown", "nh3", "pymdown-extensions")
# A broken file may even break the words of SQLite's own message (UnicodeDecodeError).
_FAULTS = (sqlite3.Error, ValueError, OverflowError, MemoryError)
_IN_USE = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
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
        except _FAULTS as error:
            # Where another process is at work on it, this run does without.
            if getattr(error, "sqlite_errorcode", None) not in _IN_USE:
                self._discard()
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

    def get(self, keys: Iterable[str]) -> dict[str, Rendition]:
        """The renditions that are there, by key. Those that cannot be read are not there."""
        wanted = list(keys)
        found: dict[str, Rendition] = {}
        with suppress(*_FAULTS):
            for start in range(0, len(wanted), _BATCH):
                batch = wanted[start : start + _BATCH]
                marks = ",".join("?" * len(batch))
                query = f"SELECT key, value FROM renditions WHERE key IN ({marks})"  # noqa: S608 - marks only
                for key, value in self._connection.execute(query, batch):
                    with suppress(msgspec.MsgspecError, TypeError, ValueError):
                        found[key] = _unseal(key, value)
        return found

    def replace(self, renditions: Mapping[str, Rendition], used: Iterable[str]) -> None:
        """Adds `renditions` and forgets whatever else is neither in them nor in `used`."""
        rows = [(key, _seal(key, made)) for key, made in renditions.items()]
        with suppress(*_FAULTS), self._connection as database:
            database.executemany("INSERT OR REPLACE INTO renditions VALUES (?, ?)", rows)
            database.execute("CREATE TEMP TABLE IF NOT EXISTS used (key TEXT PRIMARY KEY)")
            database.execute("DELETE FROM used")
            kept = ((key,) for key in {*renditions, *used})
            database.executemany("INSERT OR IGNORE INTO used VALUES (?)", kept)
            database.execute("DELETE FROM renditions WHERE key NOT IN (SELECT key FROM used)")

    def _discard(self) -> None:
        for ending in ("", "-wal", "-shm"):
            with suppress(OSError):
                self._path.with_name(self._path.name + ending).unlink(missing_ok=True)

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
            columns = [row[1] for row in database.execute("PRAGMA table_info(renditions)")]
            if columns != ["key", "value"]:
                raise sqlite3.DatabaseError("the cache is another program's")
        except _FAULTS:
            database.close()
            raise
        return database


def _seal(key: str, rendition: Rendition) -> bytes:
    """What is kept: a digest, and the rendition. SQLite does not notice a byte that has changed."""
    packed = msgspec.msgpack.encode(rendition)
    return hashlib.sha256(key.encode() + packed).digest() + packed


def _unseal(key: str, value: bytes) -> Rendition:
    """Raises ValueError, TypeError or MsgspecError when `value` is not what was kept as `key`."""
    digest, packed = value[:32], value[32:]
    if hashlib.sha256(key.encode() + packed).digest() != digest:
        raise ValueError("the rendition has changed since it was kept")
    return msgspec.msgpack.decode(packed, type=Rendition)


def key(article: Article) -> str:
    """What the rendition of `article` is made from, but for what its links resolve to."""
    parts = (_made_with(), article.source, article.url, article.body)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


@cache
def _made_with() -> str:
    """What renders. With its own source, since between two versions that changes too."""
    sources = (file for file in files(markup).iterdir() if file.name.endswith(".py"))
    digest = hashlib.sha256()
    for file in sorted(sources, key=lambda file: file.name):
        digest.update(file.read_bytes())
    return " ".join([__version__, digest.hexdigest(), *map(version, _MADE_WITH)])
