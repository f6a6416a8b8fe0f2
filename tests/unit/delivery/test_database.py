"""The delivery database: its schema, from every earlier version, and what may be in its URL."""

from __future__ import annotations

import os
import random
import re
import signal
import sqlite3
import time
from pathlib import Path

import pytest
import sqlalchemy as sql

from broadsheet.delivery import database, migrating, place
from broadsheet.errors import ConfigError, DatabaseError
from newsroom import TESTS

URL = "sqlite:///a.db"
NEXT = "ALTER TABLE subscribers ADD COLUMN shoe_size INTEGER NOT NULL DEFAULT 42;"


def _columns(db: database.Database) -> dict[str, set[str]]:
    found = sql.inspect(db.engine)
    return {
        name: {column["name"] for column in found.get_columns(name)}
        for name in found.get_table_names()
    }


def test_the_tables_in_the_code_are_those_of_the_schema(tmp_path: Path) -> None:
    """What SQLAlchemy is told and what the SQL makes is the same."""
    db = database.open_database(URL, tmp_path)
    found = _columns(db)
    db.close()
    del found["schema_versions"]
    told = database.metadata.tables
    assert found == {name: set(table.c.keys()) for name, table in told.items()}


@pytest.mark.parametrize("version", range(len(migrating.schema_pages()) + 1))
def test_each_earlier_version_is_brought_up_to_date(tmp_path: Path, version: int) -> None:
    """From nothing, and from every schema there ever was; and once more does nothing."""
    db = database._open(URL, tmp_path, 5.0)  # noqa: SLF001 - what open_database migrates
    migrating.migrate(db, migrating.schema_pages()[:version])
    migrating.migrate(db)
    migrating.migrate(db)
    with db.reading() as connection:
        versions = connection.execute(sql.text("SELECT version FROM schema_versions")).scalars()
        assert list(versions) == list(range(1, len(migrating.schema_pages()) + 1))
    db.close()


def test_a_new_version_keeps_what_is_there(tmp_path: Path) -> None:
    """The next page of SQL is applied once, to a database with people in it."""
    db = database.open_database(URL, tmp_path)
    with db.writing() as connection:
        connection.execute(
            sql.text(
                "INSERT INTO subscribers (address, address_key, status, since, cause) "
                "VALUES ('a@b.org', 'a@b.org', 'active', '', '')"
            )
        )
    pages = (*migrating.schema_pages(), NEXT)
    migrating.migrate(db, pages)
    migrating.migrate(db, pages)
    with db.reading() as connection:
        found = connection.execute(sql.text("SELECT address, shoe_size FROM subscribers")).one()
    assert tuple(found) == ("a@b.org", 42)
    db.close()
    with pytest.raises(DatabaseError, match="a newer Broadsheet has written it"):
        database.open_database(URL, tmp_path)


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    """All of a version is applied or none of it."""
    db = database.open_database(URL, tmp_path)
    before = _columns(db)
    with pytest.raises(DatabaseError):
        migrating.migrate(db, (*migrating.schema_pages(), NEXT + "CREATE NONSENSE;"))
    assert _columns(db) == before
    db.close()


LEDGERS = sorted((TESTS / "ledgers").glob("version*.sql"))
"""Databases as each earlier version left them: an issue half delivered."""


def _made(folder: Path, dump: Path) -> None:
    with sqlite3.connect(folder / "a.db") as connection:
        connection.executescript(dump.read_text())
    connection.close()


def _masters(file: Path) -> set[str]:
    """The SQL of all tables and indexes, without comments."""
    with sqlite3.connect(file) as connection:
        found = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    connection.close()
    return {" ".join(re.sub(r"--.*", "", text).split()) for (text,) in found}


def test_there_is_a_database_of_each_earlier_version() -> None:
    """Whoever adds a version adds the one before it."""
    names = [f"version{number}" for number in range(1, len(migrating.schema_pages()))]
    assert [path.stem for path in LEDGERS] == names


@pytest.mark.parametrize("dump", LEDGERS, ids=lambda path: path.stem)
def test_a_page_of_the_schema_never_changes(tmp_path: Path, dump: Path) -> None:
    """What an earlier version made is what its pages make today."""
    _made(tmp_path, dump)
    (tmp_path / "b").mkdir()
    db = database._open(URL, tmp_path / "b", 5.0)  # noqa: SLF001
    migrating.migrate(db, migrating.schema_pages()[: LEDGERS.index(dump) + 1])
    db.close()
    assert _masters(tmp_path / "a.db") == _masters(tmp_path / "b" / "a.db")


def test_killed_while_it_migrates_a_database_is_old_or_new(tmp_path: Path) -> None:
    """At any instant; and the next run brings it up to date."""
    _made(tmp_path, LEDGERS[0])
    rows = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
        "SELECT i, hex(randomblob(20)) FROM n"
    )
    slow = f"CREATE TABLE big (a, b); INSERT INTO big {rows}; CREATE INDEX c ON big (b);"
    pages = (migrating.schema_pages()[0], slow)
    dice = random.Random(5)
    for _ in range(12):
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            db = database._open(URL, tmp_path, 5.0)  # noqa: SLF001
            migrating.migrate(db, pages)
            os._exit(0)
        time.sleep(dice.random() * 0.06)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with sqlite3.connect(tmp_path / "a.db") as connection:
            version = connection.execute("SELECT max(version) FROM schema_versions").fetchone()[0]
            made = connection.execute(
                "SELECT count(*) FROM sqlite_master WHERE name IN ('big', 'c')"
            ).fetchone()[0]
            assert (version, made) in {(1, 0), (2, 2)}
            if version == 2:
                assert connection.execute("SELECT count(*) FROM big").fetchone()[0] == 20000
                connection.executescript(
                    "DROP TABLE big; DELETE FROM schema_versions WHERE version = 2"
                )
            assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        connection.close()
    database.open_database(URL, tmp_path).close()


def test_it_keeps_to_what_the_ledger_needs(tmp_path: Path) -> None:
    """Write-ahead log, commits that are on the disk, foreign keys."""
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


def test_a_locked_database_is_said_in_words(tmp_path: Path) -> None:
    """Neither SQL nor a parameter is shown."""
    database.open_database(URL, tmp_path).close()
    db = database.open_database(URL, tmp_path, patience=0.05)
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
        ("postgresql+psycopg://me:hunter2@host/db", "a password has no place in the config"),
        ("postgresql+psycopg://host/db?password=hunter2", "a password has no place in the config"),
        ("postgresql+psycopg://h/d?sslpassword=hunter2", "a password has no place in the config"),
    ],
)
def test_a_url_that_cannot_be_is_refused(tmp_path: Path, url: str, what: str) -> None:
    """The message says what is wrong, and never repeats a password."""
    with pytest.raises(ConfigError, match=re.escape(what)) as caught:
        database.open_database(url, tmp_path)
    assert "hunter2" not in str(caught.value)


def test_whether_there_is_a_database_is_asked_without_making_one(tmp_path: Path) -> None:
    """`--dry-run` and `status` write nothing."""
    assert not place.exists(URL, tmp_path)
    assert database.open_existing(URL, tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "a.db").touch()  # what a run leaves that is killed when it makes one
    assert database.open_existing(URL, tmp_path) is None
    database.open_database(URL, tmp_path).close()
    assert place.exists(URL, tmp_path)


def test_a_connection_keeps_its_patience(tmp_path: Path) -> None:
    """Whoever waits to write asks often, and for as long as was said; detached ones too."""
    db = database.open_database("sqlite:///a.db", tmp_path, patience=0.2)
    with db.engine.connect() as held, db.engine.connect() as connection:
        held.begin()
        connection.detach()
        database.hurry(connection, 0.1)
        with pytest.raises(sql.exc.OperationalError, match="locked"):
            connection.begin()
        held.rollback()
        with connection.begin():
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 100
    db.close()
