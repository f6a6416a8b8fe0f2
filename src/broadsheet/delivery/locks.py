"""Which runs of `deliver` are alive, so that no run touches what another one is sending.

A lease alone cannot distinguish a killed run from a stopped one: the first has lost its claims, but
the second will continue and send them. So each run holds a lock that the system releases only when
the process ends: a file lock beside an SQLite database, an advisory lock on a PostgreSQL server.
The lease only decides if a lock cannot be tested.
"""

from __future__ import annotations

import os
import socket
from datetime import datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sql
from filelock import FileLock, Timeout
from sqlalchemy import Connection

from broadsheet.delivery.database import Database, senders, stamp
from broadsheet.delivery.files import MODE, create_folder
from broadsheet.errors import DatabaseError, Problem

_LOCK_CLASS: Final = 0x62726F61  # "broa": distinguishes our advisory locks from others


class RunLock:
    """The lock of this run. id: its row in `senders`."""

    def __init__(self, database: Database, connection: Connection, now: datetime) -> None:
        """Register this run; `connection` must stay open until it ends.

        Raises DatabaseError if it cannot hold a lock.
        """
        self._folder = lock_folder(database.file)
        self._connection = connection
        self._lock: FileLock | None = None
        name = f"{socket.gethostname()}:{os.getpid()}"
        with connection.begin():
            query = sql.insert(senders).values(name=name, begun=stamp(now)).returning(senders.c.id)
            self.id = int(connection.execute(query).scalar_one())
            # Before the commit: no other run sees this one without its lock.
            self._acquire()

    def lives(self, sender: int) -> bool | None:
        """Whether the run `sender` is alive; None if unknown."""
        return lives(self._folder, self._connection, sender)

    def end(self, now: datetime) -> None:
        """Record that this run has ended without claims, and release the lock."""
        with self._connection.begin():
            query = sql.update(senders).where(senders.c.id == self.id).values(ended=stamp(now))
            self._connection.execute(query)
        self.release()

    def release(self) -> None:
        """Release the lock, as the end of the process would."""
        if self._lock is not None:
            self._lock.release()
            Path(self._lock.lock_file).unlink(missing_ok=True)

    def _acquire(self) -> None:
        if self._folder is None:
            self._connection.execute(sql.select(sql.func.pg_advisory_lock(_LOCK_CLASS, self.id)))
            return
        _check_folder(self._folder)
        try:
            create_folder(self._folder)
            self._lock = FileLock(self._folder / f"{self.id}.lock", mode=MODE)
            self._lock.acquire()
        except (OSError, NotImplementedError) as error:
            raise _no_lock(self._folder, getattr(error, "strerror", "") or str(error)) from error


def lives(folder: Path | None, connection: Connection, sender: int) -> bool | None:
    """Whether the run `sender` holds its lock; None if that cannot be tested.

    folder: `lock_folder`; None for a server, which is asked through `connection`.
    """
    if folder is None:
        return not _is_free_on_server(connection, sender)
    path = folder / f"{sender}.lock"
    if not path.exists():
        return False
    try:
        lock = FileLock(path, mode=MODE)
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except (OSError, NotImplementedError):
        return None
    lock.release()
    path.unlink(missing_ok=True)
    return False


def lock_folder(file: Path | None) -> Path | None:
    """Return the folder of the locks beside the SQLite database `file`; None for a server."""
    return None if file is None else file.with_name(f"{file.name}-senders")


def check_lockable(database: Database) -> None:
    """Raise DatabaseError if no run could hold its lock beside an SQLite `database`."""
    folder = lock_folder(database.file)
    if folder is not None:
        _check_folder(folder)


def _check_folder(folder: Path) -> None:
    """Raise DatabaseError if no file can be created in `folder`, which need not exist yet."""
    if folder.exists() and not folder.is_dir():
        raise _no_lock(folder, "it is not a folder")
    if not os.access(folder if folder.exists() else folder.parent, os.W_OK | os.X_OK):
        raise _no_lock(folder, "it cannot be written")


def _no_lock(folder: Path, why: str) -> DatabaseError:
    return DatabaseError(
        Problem(
            f"it cannot hold a lock: {why}",
            "keep the database on a local disk, in a folder that this user can write to",
            folder.name,
        )
    )


def _is_free_on_server(connection: Connection, sender: int) -> bool:
    tried = connection.execute(sql.select(sql.func.pg_try_advisory_lock(_LOCK_CLASS, sender)))
    free = bool(tried.scalar_one())
    if free:
        connection.execute(sql.select(sql.func.pg_advisory_unlock(_LOCK_CLASS, sender)))
    return free
