"""Which runs of `deliver` live, so that no other touches what they have in hand.

A lease alone cannot tell a run that was killed from one that was stopped for a while: the first
has lost what it had in hand, the second will go on and send it. So each run holds a lock that the
system takes from it when it dies, and only then: a file lock beside an SQLite database, an
advisory lock on a PostgreSQL server. The lease decides only where a lock cannot be asked after.
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
from broadsheet.delivery.private import MODE, create_folder
from broadsheet.errors import DatabaseError, Problem

_CLASS: Final = 0x62726F61  # "broa": keeps our advisory locks apart from others'


class Senders:
    """This run among the others. id: its row in `senders`."""

    def __init__(self, database: Database, connection: Connection, now: datetime) -> None:
        """Registers this run; `connection` stays open for as long as it lives."""
        self._folder = lock_folder(database.file)
        self._connection = connection
        self._lock: FileLock | None = None
        name = f"{socket.gethostname()}:{os.getpid()}"
        with connection.begin():
            query = sql.insert(senders).values(name=name, begun=stamp(now)).returning(senders.c.id)
            self.id = int(connection.execute(query).scalar_one())
            # Before the transaction ends: nobody sees this run without its lock.
            self._hold()

    def lives(self, sender: int) -> bool | None:
        """Whether another run still lives; None where that cannot be told."""
        return lives(self._folder, self._connection, sender)

    def leave(self, now: datetime) -> None:
        """This run ends, with nothing in hand."""
        with self._connection.begin():
            query = sql.update(senders).where(senders.c.id == self.id).values(ended=stamp(now))
            self._connection.execute(query)
        self.let_go()

    def let_go(self) -> None:
        """Gives up the lock, as the end of the process would."""
        if self._lock is not None:
            self._lock.release()
            Path(self._lock.lock_file).unlink(missing_ok=True)

    def _hold(self) -> None:
        if self._folder is None:
            self._connection.execute(sql.select(sql.func.pg_advisory_lock(_CLASS, self.id)))
            return
        _check_locks(self._folder)
        try:
            create_folder(self._folder)
            self._lock = FileLock(self._folder / f"{self.id}.lock", mode=MODE)
            self._lock.acquire()
        except (OSError, NotImplementedError) as error:
            raise _no_lock(self._folder, getattr(error, "strerror", "") or str(error)) from error


def lives(folder: Path | None, connection: Connection, sender: int) -> bool | None:
    """Whether the run with this id still lives; None where that cannot be told.

    folder: of the locks (`lock_folder`); None for a server, which is asked by `connection`.
    """
    if folder is None:
        return not _free_on_server(connection, sender)
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


def can_lock(database: Database) -> None:
    """Raise DatabaseError if no run could hold its lock beside an SQLite `database`."""
    folder = lock_folder(database.file)
    if folder is not None:
        _check_locks(folder)


def _check_locks(folder: Path) -> None:
    """Raise DatabaseError if there can be no files in `folder`, which need not be there yet."""
    if folder.exists() and not folder.is_dir():
        raise _no_lock(folder, "it is not a folder")
    if not os.access(folder if folder.exists() else folder.parent, os.W_OK | os.X_OK):
        raise _no_lock(folder, "it cannot be written")


def _no_lock(folder: Path, why: str) -> DatabaseError:
    return DatabaseError(
        Problem(
            f"no lock can be held there: {why}",
            "keep the database on a disk of this machine, in a folder that can be written",
            folder.name,
        )
    )


def lock_folder(file: Path | None) -> Path | None:
    """Where the locks of the runs on the SQLite database `file` are; None for a server's."""
    return None if file is None else file.with_name(f"{file.name}-senders")


def _free_on_server(connection: Connection, sender: int) -> bool:
    took = connection.execute(sql.select(sql.func.pg_try_advisory_lock(_CLASS, sender)))
    free = bool(took.scalar_one())
    if free:
        connection.execute(sql.select(sql.func.pg_advisory_unlock(_CLASS, sender)))
    return free
