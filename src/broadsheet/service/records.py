"""The delivery database as a service needs it, which outlives what happens to its file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Lock

import sqlalchemy as sql
from sqlalchemy import Connection

from broadsheet.delivery.database import Database
from broadsheet.errors import DatabaseError, Problem


@dataclass(slots=True)
class Records:
    """A database that is open for months.

    An SQLite file may be moved away, or put back from a backup, meanwhile. Whoever goes on writing
    to the old one loses every wish to leave; whoever connects again makes an empty one.
    """

    database: Database
    _seen: tuple[int, int] | None = None
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __post_init__(self) -> None:
        with suppress(DatabaseError):  # it is told to whoever asks first
            self._look()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """As Database.reading. Raises DatabaseError."""
        self._look()
        with self.database.reading() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """As Database.writing. Raises DatabaseError."""
        self._look()
        with self.database.writing() as connection:
            yield connection

    def check_writable(self, connection: Connection) -> None:
        """Raises DatabaseError where nothing could be written, without writing anything."""
        file = self.database.file
        if file is None:
            read_only = connection.execute(sql.text("SHOW transaction_read_only")).scalar() == "on"
        else:
            # Beside the file, SQLite has two others while it works.
            read_only = not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK))
        if read_only:
            raise DatabaseError(
                Problem("it can be read only", "let this user write to it", self.database.shown)
            )

    def _look(self) -> None:
        """Opens the file anew where it is another one."""
        file = self.database.file
        if file is None:
            return
        try:
            found = file.stat()
        except OSError as error:
            what = f"it cannot be reached: {error.strerror}"
            raise DatabaseError(
                Problem(what, "put it back; nothing else is needed", self.database.shown)
            ) from error
        now = (found.st_dev, found.st_ino)
        with self._lock:
            if self._seen not in {None, now}:
                self.database.close()
            self._seen = now
