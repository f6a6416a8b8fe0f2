"""The results of steps in one SQLite file, which may be deleted at any time.

A result is found by the digest of its content, and a trace by the key of what was run. Whatever is
wrong with the file is found when it is read: SQLite checks its structure, digests the content.

Values are JSON: MessagePack drops the UTC offset of a time, and a run that finds nothing changed
reads them with the standard library.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Final
from zlib import crc32

from broadsheet.storage.folders import walk

FILE_NAME: Final = "memo.sqlite3"

Digest = bytes
"""The first 16 bytes of a SHA-256 sum."""

_SCHEMA = """
    PRAGMA page_size = 32768;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA cache_size = -8000;
    CREATE TABLE IF NOT EXISTS trace (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS result (digest BLOB PRIMARY KEY, value BLOB);
"""
# Temporary views hide the tables of the same name.
_WITH_BASE = """
    CREATE TEMP VIEW trace AS SELECT * FROM main.trace UNION ALL SELECT * FROM base.trace;
    CREATE TEMP VIEW result AS SELECT * FROM main.result UNION ALL SELECT * FROM base.result;
"""
SOURCE_SUFFIXES = (".py", ".toml", ".j2", ".css")
LOCK_TIMEOUT_S = 10
_MANY = 1_000  # keys
_DIGEST, _SEAL = 16, 4  # bytes; a trace is a seal, the digest of the result, and the reads
# A damaged file may even break the text of SQLite's own message (UnicodeDecodeError).
_FAULTS = (sqlite3.Error, ValueError, TypeError, OverflowError, MemoryError)


_IN_USE = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


class StoreError(Exception):
    """The store is damaged, full or locked, so nothing can be found or kept in it."""

    @property
    def is_in_use(self) -> bool:
        """Whether another process has it."""
        return getattr(self.__cause__, "sqlite_errorcode", None) in _IN_USE


def digest(data: bytes) -> Digest:
    """Return the digest of `data`, by which it is found in a store."""
    return hashlib.sha256(data).digest()[:_DIGEST]


def _seal(key: Digest, trace: bytes) -> bytes:
    return crc32(trace, crc32(key)).to_bytes(_SEAL)


def _opened(key: Digest, value: bytes) -> tuple[Digest, bytes] | None:
    """Return the digest of the result and the reads; None if the trace under `key` is damaged."""
    trace = value[_SEAL:]
    is_whole = value.startswith(_seal(key, trace))
    return (trace[:_DIGEST], trace[_DIGEST:]) if is_whole else None


class Store:
    """Results and traces. Every method raises StoreError.

    base: another one, which is only read; what is in it is found here too.
    """

    def __init__(self, path: Path, base: Path | None = None) -> None:
        with _faults():
            self._database = sqlite3.connect(path, timeout=LOCK_TIMEOUT_S, uri=True)
            try:
                self._database.executescript(_SCHEMA)
                if base:
                    # "immutable", since SQLite writes beside a file that it only reads.
                    self._database.execute(
                        "ATTACH ? AS base", (f"{base.resolve().as_uri()}?immutable=1",)
                    )
                    self._database.executescript(_WITH_BASE)
            except BaseException:
                self._database.close()
                raise

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def trace(self, key: Digest) -> tuple[Digest, bytes] | None:
        """Return the digest of the result under `key`, and the reads; None if there is none."""
        with _faults():
            query = "SELECT value FROM trace WHERE key = ?"
            row = self._database.execute(query, (key,)).fetchone()
            return _opened(key, row[0]) if row else None

    def traces(self, keys: Collection[Digest]) -> dict[Digest, tuple[Digest, bytes]]:
        """Return what `trace` does, for each of `keys` that has a trace; they should be near."""
        if len(keys) < _MANY:
            return {key: found for key in keys if (found := self.trace(key))}
        wanted = {*keys}
        with _faults():  # reading all between them takes less time than finding each
            query = "SELECT key, value FROM trace WHERE key BETWEEN ? AND ?"
            rows = self._database.execute(query, (min(keys), max(keys)))
            return {
                key: found
                for key, value in rows
                if key in wanted and (found := _opened(key, value))
            }

    def result(self, address: Digest) -> bytes:
        """Return the value whose digest is `address`."""
        return self.results([address])[0]

    def results(self, addresses: Sequence[Digest]) -> list[bytes]:
        """Return the value at each of `addresses`, of which there may be some thousands."""
        query = f"SELECT value FROM result WHERE digest IN ({','.join('?' * len(addresses))})"  # noqa: S608
        with _faults():
            found = {digest(value): value for (value,) in self._database.execute(query, addresses)}
            if not found.keys() >= {*addresses}:
                raise sqlite3.DatabaseError("a result is missing or damaged")
        return [found[address] for address in addresses]

    def add(self, rows: Collection[tuple[Digest, Digest, bytes, bytes]]) -> None:
        """Store rows of key, digest of the value, reads and value, all of them or none."""
        results = ((address, value) for _, address, _, value in rows)
        given = ((key, address + reads) for key, address, reads, _ in rows)
        traces = ((key, _seal(key, trace) + trace) for key, trace in given)
        with _faults(), self._database:
            self._database.executemany("INSERT OR IGNORE INTO main.result VALUES (?, ?)", results)
            self._database.executemany("INSERT OR REPLACE INTO main.trace VALUES (?, ?)", traces)

    def keep_only(self, used: Iterable[Digest]) -> None:
        """Delete every trace whose key is not in `used`, and the results of none."""
        with _faults(), self._database:
            self._database.execute("CREATE TEMP TABLE used (key BLOB PRIMARY KEY)")
            self._database.executemany("INSERT INTO used VALUES (?)", ((key,) for key in used))
            self._database.execute("DELETE FROM trace WHERE key NOT IN used")
            kept = f"SELECT substr(value, {_SEAL + 1}, {_DIGEST}) FROM trace"  # noqa: S608
            self._database.execute(f"DELETE FROM result WHERE digest NOT IN ({kept})")  # noqa: S608

    def count(self) -> int:
        """Return how many traces there are."""
        with _faults():
            row = self._database.execute("SELECT count(*) FROM trace").fetchone()
            return int(row[0])


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except _FAULTS as error:
        raise StoreError(str(error)) from error


def discard(state: Path) -> None:
    """Delete the store in the folder `state`."""
    for ending in ("", "-wal", "-shm"):
        with suppress(OSError):
            (state / (FILE_NAME + ending)).unlink(missing_ok=True)


def state_key(name: str) -> Digest:
    """Return the key of what a run leaves under `name` for the next."""
    return digest(f"{version()}\0{name}".encode())


@cache
def version() -> str:
    """Identify the code, the Python and the libraries that results come from, importing none."""
    found = hashlib.sha256(f"{sys.version}\0{libraries()}\0".encode())
    package = Path(__file__).parents[1]
    # In an editable install the mail templates are beside the package.
    for folder in (package, package.parents[1] / "email_templates"):
        for path, _ in sorted(walk(folder, ".")):
            if path.endswith(SOURCE_SUFFIXES):
                found.update(f"{path}\0".encode() + (folder / path).read_bytes())
    return found.hexdigest()


def libraries() -> str:
    """Return the installed libraries with their versions: any may make a difference.

    By the names of their folders, which takes a tenth of the time of importlib.metadata.
    """
    found: list[str] = []
    for folder in sys.path:
        with suppress(OSError), os.scandir(folder or ".") as items:
            found += (i.name for i in items if i.name.endswith((".dist-info", ".egg-info")))
    return " ".join(sorted(found))
