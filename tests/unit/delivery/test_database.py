"""The delivery database: its schema, and what may be in its URL."""

from __future__ import annotations

import random
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest
import sqlalchemy as sql

from broadsheet.delivery import database, files
from broadsheet.errors import ConfigError, DatabaseError
from processes import exit_code, fork, kill, within

URL = "sqlite:///a.db"


@pytest.mark.parametrize("version", [1, 99])
def test_a_database_of_another_version_is_refused(tmp_path: Path, version: int) -> None:
    """It is not changed, and the message says what to do."""
    database.open_database(URL, tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "a.db")) as other, other:
        other.execute("UPDATE schema_versions SET version = ?", [version])
    for opening in (database.open_database, database.open_existing):
        with pytest.raises(DatabaseError, match=f"its schema has version {version}; this"):
            opening(URL, tmp_path)


def test_a_kill_during_creation_leaves_no_half_database(tmp_path: Path) -> None:
    """At any instant it is empty or complete; the next run creates it."""
    dice = random.Random(5)
    for _ in range(12):
        for file in tmp_path.glob("a.db*"):
            file.unlink()
        kill(fork(lambda: database.open_database(URL, tmp_path)), dice.random() * 0.05)
        with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        whole = database.open_existing(URL, tmp_path)
        assert bool(tables) == bool(whole)
        if whole:
            whole.close()
        database.open_database(URL, tmp_path).close()


def test_two_processes_create_one_database(tmp_path: Path) -> None:
    """Both can use it."""
    children = [fork(lambda: database.open_database(URL, tmp_path).close()) for _ in range(4)]
    assert [exit_code(child) for child in children] == [0] * 4


def test_a_database_that_another_process_is_creating_is_waited_for(tmp_path: Path) -> None:
    """Until its first transaction ends, the file has no write-ahead log."""
    opened: list[database.Database] = []
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        opening = Thread(target=lambda: opened.append(database.open_database(URL, tmp_path)))
        opening.start()
        assert not within(0.2, lambda: not opening.is_alive())
        other.execute("ROLLBACK")
    opening.join()
    (made,) = opened
    made.close()


def test_sqlite_is_set_up_for_the_ledger(tmp_path: Path) -> None:
    """Write-ahead log, durable commits, foreign keys."""
    db = database.open_database(URL, tmp_path)
    with db.reading() as connection:
        found = {
            name: connection.execute(sql.text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    with pytest.raises(DatabaseError, match="FOREIGN KEY"), db.writing() as connection:
        connection.execute(sql.text("INSERT INTO changes VALUES (1, 7, '', '', '', '', '')"))
    db.close()


def test_a_locked_database_has_a_clear_message(tmp_path: Path) -> None:
    """Neither SQL nor a parameter is shown."""
    database.open_database(URL, tmp_path).close()
    db = database.open_database(URL, tmp_path, timeout_s=0.05)
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseError) as caught, db.writing():
        pass
    assert str(caught.value).startswith("a.db: another program has it locked; ")
    other.close()
    db.close()


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("sqlite://", "it names no file"),
        ("sqlite:///:memory:", "it names no file"),
        ("nonsense", "this is not a URL"),
        ("mysql://host/db", "'mysql' is not a supported database"),
        ("postgresql+psycopg://me:hunter2@host/db", "a password does not belong in"),
        (
            "postgresql+psycopg://host/db?password=hunter2",
            "a password does not belong in",
        ),
        (
            "postgresql+psycopg://h/d?sslpassword=hunter2",
            "a password does not belong in",
        ),
    ],
)
def test_an_invalid_database_url_is_refused(tmp_path: Path, url: str, what: str) -> None:
    """The message says what is wrong, and never repeats a password."""
    with pytest.raises(ConfigError, match=re.escape(what)) as caught:
        database.open_database(url, tmp_path)
    assert "hunter2" not in str(caught.value)


def test_testing_for_a_database_does_not_create_one(tmp_path: Path) -> None:
    """`--dry-run` and `status` write nothing."""
    assert not files.exists(URL, tmp_path)
    assert database.open_existing(URL, tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "a.db").touch()  # left by a run that is killed while it creates one
    assert database.open_existing(URL, tmp_path) is None
    database.open_database(URL, tmp_path).close()
    assert files.exists(URL, tmp_path)


def test_a_connection_waits_for_a_lock(tmp_path: Path) -> None:
    """A writer retries often, for as long as configured; detached connections too."""
    db = database.open_database("sqlite:///a.db", tmp_path, timeout_s=0.2)
    with db.engine.connect() as held, db.engine.connect() as connection:
        held.begin()
        connection.detach()
        database.set_lock_timeout(connection, 0.1)
        with pytest.raises(sql.exc.OperationalError, match="locked"):
            connection.begin()
        held.rollback()
        with connection.begin():
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 100
    db.close()
