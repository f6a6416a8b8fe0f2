"""A PostgreSQL server for the tests, on a socket that only they know."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql

from broadsheet.delivery import database
from broadsheet.delivery.database import open_database
from broadsheet.errors import DatabaseError
from deliveries import Post
from newsroom import NOW
from processes import retry


def programs() -> Path | None:
    """Return the folder of PostgreSQL's own programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    path = shutil.which("initdb")
    return Path(path).parent if path else None


@dataclass
class PostgreSQL:
    """A server that can be stopped and started."""

    folder: Path
    programs: Path
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def url(self) -> str:
        """The URL for the config."""
        return f"postgresql+psycopg://broadsheet@/postgres?host={self.folder}"

    def start(self) -> None:
        """Start, and wait until it answers."""
        self.process = self._run("postgres", "-k", str(self.folder), "-c", "listen_addresses=")
        retry(lambda: open_database(self.url, self.folder), DatabaseError).close()

    def stop(self) -> None:
        """Stop at once; clients lose their connections."""
        assert self.process is not None
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait()

    def empty(self) -> None:
        """Start over with an empty database."""
        database = open_database(self.url, self.folder)
        with database.writing() as connection:
            connection.execute(sql.text("DROP SCHEMA public CASCADE"))
            connection.execute(sql.text("CREATE SCHEMA public"))
        database.close()

    def run(self, statement: str) -> list[Any]:
        """Run an SQL statement, and return its rows."""
        database = open_database(self.url, self.folder)
        try:
            with database.writing() as connection:
                result = connection.execute(sql.text(statement))
                return list(result.all()) if result.returns_rows else []
        finally:
            database.close()

    def drop_connections(self) -> None:
        """Close the connections of all clients."""
        self.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid != pg_backend_pid() AND datname = 'postgres'"
        )

    def restart(self) -> None:
        """Stop at once, and start again."""
        self.stop()
        self.start()

    def has_waiting(self) -> bool:
        """Whether a client waits for a lock."""
        return bool(self.run("SELECT 1 FROM pg_locks WHERE NOT granted"))

    def make(self) -> None:
        """Create its data, with one user who needs no password."""
        init = self._run("initdb", "-U", "broadsheet", "--auth=trust", "--no-sync")
        assert init.wait() == 0

    def _run(self, name: str, *args: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [str(self.programs / name), "-D", str(self.folder / "data"), *args],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user="postgres" if os.geteuid() == 0 else None,  # it refuses to run as root
        )


@contextmanager
def running_server(found: Path) -> Iterator[PostgreSQL]:
    """A running server. found: the folder of its programs."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o777)
        server = PostgreSQL(Path(name), found)
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def postgresql() -> Iterator[PostgreSQL]:
    """A running server. The test is skipped if PostgreSQL is not installed."""
    found = programs()
    if found is None:
        pytest.skip("PostgreSQL is not installed")
    with running_server(found) as server:
        yield server


class OnPostgres(Post):
    """A newsroom whose database is on a PostgreSQL server."""

    url = ""

    def open(self) -> database.Database:
        """Open the delivery database, once the server has started."""
        return retry(lambda: open_database(self.url, self.newsroom.folder), DatabaseError)

    def is_locked(self) -> bool:
        """A run that is stopped in the middle of a transaction blocks no other."""
        return False

    def work(self, now: str = NOW) -> int:
        """Start a worker in a fork of this process, and return its id."""
        return self.begin(now=now, command="worker")

    def states(self) -> Counter[str]:
        db = self.open()
        with db.reading() as connection:
            found = Counter(connection.execute(sql.select(database.deliveries.c.state)).scalars())
        db.close()
        return found


def on_postgres(office: Post, server: PostgreSQL) -> OnPostgres:
    """Return `office` with its database on that server, emptied."""
    server.empty()
    moved = OnPostgres(office.newsroom, office.server, office.children)
    moved.url = server.url
    moved.configure(database=server.url)
    return moved
