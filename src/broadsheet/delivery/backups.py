"""Back up and restore the SQLite database while it is in use.

A copy of the file alone is not a backup: with a write-ahead log (WAL), the newest changes are in
another file. SQLite's backup API copies one consistent state, and restores it in one transaction,
so that programs that have the database open see the old content or the new one.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from broadsheet.delivery.database import LOCK_TIMEOUT_S, SCHEMA_VERSION
from broadsheet.delivery.files import create, sqlite_file
from broadsheet.errors import ConflictingRestoreError, DatabaseError, Problem, UsageError

# The key of each table, and where it says when a row was last changed.
_TIMES: Final = (
    *(("subscribers", "id", "since"), ("changes", "id", "at"), ("issues", "id", "begun")),
    *(("deliveries", "id", "changed"), ("erasures", "hash", "at")),
)
# By row: one clock may be behind another, as with `--now`.
_NEWER: Final = """
SELECT max(ours.{time}) FROM {table} AS ours LEFT JOIN backup.{table} AS theirs USING ({key})
WHERE theirs.{time} IS NULL OR ours.{time} > theirs.{time}
"""


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a database. latest: the time of the last change, as stored; "" if there is none.

    size: bytes.
    """

    subscribers: int
    issues: int
    deliveries: int
    latest: str
    size: int


def database_file(url: str, root: Path) -> Path:
    """Return the file of the SQLite database at `url`. Raises UsageError for a server."""
    file = sqlite_file(url, root)
    if file is None:
        todo = "use pg_dump, and pg_restore into an empty database while nothing else runs"
        raise UsageError(Problem("the database is on a PostgreSQL server", todo))
    return file


def back_up(file: Path, target: Path) -> Contents:
    """Copy the database `file` to `target`, a new file or one that is replaced.

    Other programs can write meanwhile. The file is private, complete and needs no other. Raises
    DatabaseError.
    """
    if not file.is_file():
        raise DatabaseError(Problem("the database does not exist yet", "", str(file)))
    if target.exists() and target.samefile(file):
        raise UsageError(Problem("it is the database itself", "name another file", str(target)))
    with (
        _errors(target),
        _replacing(target) as new,
        closing(_opened(file)) as source,
        closing(_opened(new)) as copy,
    ):
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # else it needs files beside it
        return _contents(copy, new)


def restore(source: Path, file: Path, *, force: bool = False) -> Contents:
    """Replace the content of the database `file` by that of the backup `source`.

    force: also if another program has it open, or if it has changes since the backup. Raises
    DatabaseError, or ConflictingRestoreError without `force`.
    """
    if not source.is_file():
        raise DatabaseError(Problem("there is no such file", "", str(source)))
    if file.exists() and source.samefile(file):
        raise UsageError(Problem("it is the database itself", "name a backup", str(source)))
    with _errors(source), closing(_opened(source, "ro")) as backup:
        found = _checked(backup, source)
        with _errors(file):
            create(file)
            with closing(_opened(file)) as current:
                if not force:
                    _refuse_loss(current, file, source)
                backup.backup(current)
                current.execute("PRAGMA journal_mode = WAL")
    return found


def _checked(backup: sqlite3.Connection, source: Path) -> Contents:
    """Return what is in a backup. Raises DatabaseError if it is damaged or of another version."""
    damage = backup.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if damage != "ok":
        raise DatabaseError(Problem(f"it is damaged: {damage}", "use another", str(source)))
    has_version = "SELECT count(*) FROM sqlite_master WHERE name = 'schema_versions'"
    if not backup.execute(has_version).fetchone()[0]:
        raise DatabaseError(Problem("it is not a backup of a Broadsheet database", "", str(source)))
    version = backup.execute("SELECT max(version) FROM schema_versions").fetchone()[0]
    if version != SCHEMA_VERSION:
        what = f"its schema has version {version}; this Broadsheet needs version {SCHEMA_VERSION}"
        raise DatabaseError(Problem(what, "use the Broadsheet that wrote it", str(source)))
    return _contents(backup, source)


def _refuse_loss(current: sqlite3.Connection, file: Path, backup: Path) -> None:
    has_tables = "SELECT count(*) FROM sqlite_master WHERE name = 'schema_versions'"
    if not current.execute(has_tables).fetchone()[0]:
        return
    if latest := _last_lost(current, backup):
        what = f"it has changes that the backup does not have, the last one at {latest}"
        todo = (
            "to lose what happened between (people who left would get mail again, and issues be "
            "sent again): --force"
        )
        raise ConflictingRestoreError(Problem(what, todo, str(file)))
    current.execute("PRAGMA busy_timeout = 0")
    try:
        # Only possible if no other program has the database open.
        alone = current.execute("PRAGMA journal_mode = DELETE").fetchone()[0] == "delete"
    except sqlite3.OperationalError:
        alone = False
    if not alone:
        todo = "end `deliver`, `worker` and `serve`, or use --force"
        raise ConflictingRestoreError(Problem("another program has it open", todo, str(file)))
    current.execute(f"PRAGMA busy_timeout = {round(LOCK_TIMEOUT_S * 1000)}")


def _last_lost(current: sqlite3.Connection, backup: Path) -> str:
    """Return when the last change was made that `backup` does not have; "" if it has all."""
    current.execute("ATTACH ? AS backup", [f"file:{quote(str(backup))}?mode=ro"])
    try:
        found = [
            current.execute(_NEWER.format(table=table, key=key, time=time)).fetchone()[0]
            for table, key, time in _TIMES
        ]
    finally:
        current.execute("DETACH backup")
    return max(filter(None, found), default="")


def _contents(database: sqlite3.Connection, file: Path) -> Contents:
    subscribers, issues, deliveries = (
        database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - our names
        for table in ("subscribers", "issues", "deliveries")
    )
    times = (
        database.execute(f"SELECT max({column}) FROM {table}").fetchone()[0]  # noqa: S608
        for table, _, column in _TIMES
    )
    latest = max(filter(None, times), default="")
    return Contents(subscribers, issues, deliveries, latest, file.stat().st_size)


def _opened(file: Path, mode: str = "rw") -> sqlite3.Connection:
    url = f"file:{quote(str(file))}?mode={mode}"
    return sqlite3.connect(url, timeout=LOCK_TIMEOUT_S, isolation_level=None, uri=True)


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """Give a new private file that becomes `target` if the block succeeds."""
    with tempfile.NamedTemporaryFile(
        prefix=f".{target.name}.", dir=target.parent, delete=False
    ) as file:
        new = Path(file.name)
    try:
        yield new
        new.replace(target)
    finally:
        for name in (new, Path(f"{new}-wal"), Path(f"{new}-shm"), Path(f"{new}-journal")):
            with suppress(OSError):
                name.unlink()


@contextmanager
def _errors(file: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise DatabaseError(Problem(f"it cannot be used: {why}", "", str(file))) from error
