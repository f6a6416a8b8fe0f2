"""Which runs of `deliver` are alive, so that no run touches what another one is sending.

A lease alone cannot distinguish a killed run from a stopped one: the first has lost its claims, but
the second will continue and send them. So beside an SQLite database, each run holds a file lock,
which the system releases only when the process ends. On a server, and if a lock cannot be tested,
the lease decides.
"""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import sqlalchemy as sql
from filelock import FileLock, Timeout
from sqlalchemy import Connection

from broadsheet.delivery.database import Database, senders, stamp
from broadsheet.delivery.files import MODE, create_folder
from broadsheet.errors import DatabaseError, Problem

LEASE_MARGIN: Final = timedelta(seconds=30)
"""How long after its lease a claim is free, where only leases decide: clocks may differ."""


class RunLock:
    """The lock of this run. id: its row in `senders`."""

    def __init__(self, database: Database, connection: Connection, now: datetime) -> None:
        """Register this run. Raises DatabaseError if it cannot hold a lock."""
        self._folder = lock_folder(database.file)
        self._lock: FileLock | None = None
        name = f"{socket.gethostname()}:{os.getpid()}"
        with connection.begin():
            query = sql.insert(senders).values(name=name, begun=stamp(now)).returning(senders.c.id)
            self.id = int(connection.execute(query).scalar_one())
            # Before the commit: no other run sees this one without its lock.
            if self._folder is not None:
                self._acquire(self._folder)

    def has_lost(self, sender: int, lease: str, now: datetime) -> bool:
        """Whether the run `sender` has lost its claims."""
        return has_lost(self._folder, sender, lease, now)

    def end(self, connection: Connection, now: datetime) -> None:
        """Record that this run has ended without claims, and release the lock."""
        with connection.begin():
            query = sql.update(senders).where(senders.c.id == self.id).values(ended=stamp(now))
            connection.execute(query)
        self.release()

    def release(self) -> None:
        """Release the lock, as the end of the process would."""
        if self._lock is not None:
            self._lock.release()
            Path(self._lock.lock_file).unlink(missing_ok=True)

    def _acquire(self, folder: Path) -> None:
        _check_folder(folder)
        try:
            create_folder(folder)
            self._lock = FileLock(folder / f"{self.id}.lock", mode=MODE)
            self._lock.acquire()
        except (OSError, NotImplementedError) as error:
            raise _no_lock(folder, getattr(error, "strerror", "") or str(error)) from error


def has_lost(folder: Path | None, sender: int, lease: str, now: datetime) -> bool:
    """Whether the run `sender` has lost its claims with this lease.

    folder: `lock_folder`. If a run's lock cannot be tested, its lease decides.
    """
    lives = None if folder is None else _holds_lock(folder / f"{sender}.lock")
    return lease < stamp(now - LEASE_MARGIN) if lives is None else not lives


def _holds_lock(path: Path) -> bool | None:
    """Whether a run holds its lock; None if that cannot be tested."""
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
