"""Backups of the database: complete, private, and not restored over something newer."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from broadsheet.delivery import backups
from broadsheet.delivery.database import open_database
from newsroom import Newsroom
from processes import until

CONFIG = '[digests.weekly]\ntitle = "W"\n'
LATER = "2025-07-01T09:00:00+08:00"


@pytest.fixture
def project(newsroom: Newsroom) -> Newsroom:
    newsroom.configure(CONFIG)
    newsroom.run("subscribers", "add", "ann@example.com")
    return newsroom


def addresses(newsroom: Newsroom) -> list[str]:
    listed = json.loads(newsroom.run("subscribers", "list", "--json").out)
    return sorted(each["address"] for each in listed)


@contextmanager
def opened(file: Path) -> Iterator[sqlite3.Connection]:
    """Hold the database open, as `serve` does between requests."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("SELECT count(*) FROM subscribers").fetchall()
        yield connection


def test_what_is_restored_is_what_was_backed_up(project: Newsroom, tmp_path: Path) -> None:
    """Into a project without a database, for example on another machine."""
    backup = tmp_path / "copy.db"
    ran = project.run("backup", str(backup))
    assert (ran.code, "1 subscriber" in ran.out) == (0, True)
    assert backup.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.glob("*copy.db*")) == ["copy.db"]
    database = project.folder / "broadsheet.db"
    for file in project.folder.glob("broadsheet.db*"):
        file.unlink()
    assert project.run("restore", str(backup)).code == 0
    assert addresses(project) == ["ann@example.com"]
    assert database.stat().st_mode & 0o777 == 0o600


def test_a_backup_has_what_is_only_in_the_write_ahead_log(
    project: Newsroom, tmp_path: Path
) -> None:
    """A copy of the file would not; here the log is not yet in the file."""
    file = project.folder / "broadsheet.db"
    with opened(file) as other:
        other.execute("PRAGMA wal_autocheckpoint = 0")
        project.run("subscribers", "add", "ben@example.com")
        assert b"ben@example.com" not in file.read_bytes()
        assert project.run("backup", str(tmp_path / "copy.db")).code == 0
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("SELECT count(*) FROM subscribers").fetchone() == (2,)


def test_a_backup_is_one_state_while_others_write(project: Newsroom, tmp_path: Path) -> None:
    """Each row of `changes` has its subscriber, and no one waits for the backup."""
    file, end = project.folder / "broadsheet.db", threading.Event()
    added: list[int] = []

    def write() -> None:
        with closing(sqlite3.connect(file, timeout=30)) as connection:
            while not end.is_set():
                with connection:
                    made = connection.execute(
                        "INSERT INTO subscribers (address, address_key, status, since, cause)"
                        " VALUES (?1, ?1, 'active', '2025', 'x')", (f"{len(added)}@x.example",)
                    )  # fmt: skip
                    connection.execute(
                        "INSERT INTO changes (subscriber, at, what, before, after, cause)"
                        " VALUES (?, '2025', 'status', '', 'active', 'x')", (made.lastrowid,)
                    )  # fmt: skip
                added.append(1)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(10):
            target = tmp_path / f"{number}.db"
            found = backups.back_up(file, target)
            with closing(sqlite3.connect(target)) as copy:
                (changes,) = copy.execute("SELECT count(*) FROM changes").fetchone()
                assert changes == found.subscribers
    finally:
        end.set()
        writer.join()
    assert added


def test_a_newer_database_is_not_replaced(project: Newsroom, tmp_path: Path) -> None:
    """Someone may have unsubscribed since; --force says that this may be lost."""
    backup = tmp_path / "copy.db"
    project.run("backup", str(backup))
    project.run("subscribers", "remove", "ann@example.com", now=LATER)
    ran = project.run("restore", str(backup))
    assert (ran.code, "--force" in ran.err) == (1, True)
    assert '"unsubscribed"' in project.run("subscribers", "list", "--json").out
    assert project.run("restore", "--force", str(backup)).code == 0
    assert '"active"' in project.run("subscribers", "list", "--json").out


def test_what_an_earlier_clock_has_recorded_is_not_lost(project: Newsroom, tmp_path: Path) -> None:
    """Each row is compared, not the last time of all: a machine's clock may be behind."""
    backup = tmp_path / "copy.db"
    project.run("subscribers", "add", "ben@example.com", now=LATER)
    project.run("backup", str(backup))
    project.run("subscribers", "remove", "ann@example.com")
    ran = project.run("restore", str(backup))
    assert (ran.code, "does not have" in ran.err) == (1, True)
    assert '"unsubscribed"' in project.run("subscribers", "list", "--json").out


def test_a_database_that_is_in_use_is_not_replaced(project: Newsroom, tmp_path: Path) -> None:
    """With --force it is, in one transaction, and the other program sees the new content."""
    backup = tmp_path / "copy.db"
    project.run("subscribers", "add", "ben@example.com")
    project.run("backup", str(backup))
    with opened(project.folder / "broadsheet.db") as other:
        ran = project.run("restore", str(backup))
        assert (ran.code, "has it open" in ran.err) == (1, True)
        with other:
            other.execute("DELETE FROM changes")
        assert project.run("restore", "--force", str(backup)).code == 0
        assert other.execute("SELECT count(*) FROM changes").fetchone() == (2,)


def test_restoring_twice_changes_nothing(project: Newsroom, tmp_path: Path) -> None:
    """It needs no --force either: nothing is lost."""
    backup = tmp_path / "copy.db"
    project.run("backup", str(backup))
    for _ in range(2):
        assert project.run("restore", str(backup)).code == 0
    assert addresses(project) == ["ann@example.com"]
    open_database("sqlite:///broadsheet.db", project.folder).close()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"not a database, but long enough to be looked at as one" * 20, "not a database"),
        (b"", "not a backup"),
        (None, "no such file"),
    ],
)
def test_what_is_no_backup_is_refused(
    project: Newsroom, tmp_path: Path, content: bytes | None, why: str
) -> None:
    """And the database stays as it is."""
    file = tmp_path / "copy.db"
    if content is not None:
        file.write_bytes(content)
    ran = project.run("restore", "--force", str(file))
    assert (ran.code, why in ran.err) == (1, True)
    assert addresses(project) == ["ann@example.com"]


def test_a_damaged_backup_is_refused(project: Newsroom, tmp_path: Path) -> None:
    """Bytes in the middle were overwritten."""
    backup = tmp_path / "copy.db"
    project.run("backup", str(backup))
    data = bytearray(backup.read_bytes())
    data[4096 * 2 : 4096 * 8] = b"\xff" * 4096 * 6
    backup.write_bytes(data)
    ran = project.run("restore", "--force", str(backup))
    assert ran.code == 1
    assert addresses(project) == ["ann@example.com"]


def test_another_version_is_refused(project: Newsroom, tmp_path: Path) -> None:
    """A database belongs to one version of the tables."""
    backup = tmp_path / "copy.db"
    project.run("backup", str(backup))
    with closing(sqlite3.connect(backup)) as connection, connection:
        connection.execute("UPDATE schema_versions SET version = 999")
    ran = project.run("restore", "--force", str(backup))
    assert (ran.code, "version 999" in ran.err) == (1, True)


def test_the_database_is_not_backed_up_onto_itself(project: Newsroom) -> None:
    """Nor restored from itself."""
    file = str(project.folder / "broadsheet.db")
    assert project.run("backup", file).code == 2
    assert project.run("restore", "--force", file).code == 2
    assert addresses(project) == ["ann@example.com"]


def test_a_server_has_its_own_tools(newsroom: Newsroom) -> None:
    """The message names them."""
    newsroom.configure('[delivery]\ndatabase = "postgresql+psycopg://me@localhost/news"\n')
    for command in ("backup", "restore"):
        ran = newsroom.run(command, "copy.db")
        assert (ran.code, "pg_dump" in ran.err) == (2, True)


def test_an_unwritable_folder_is_reported(project: Newsroom, tmp_path: Path) -> None:
    """By its name, and nothing is left behind."""
    ran = project.run("backup", str(tmp_path / "missing" / "copy.db"))
    assert (ran.code, "missing" in ran.err) == (1, True)


@pytest.mark.long
def test_a_killed_restore_leaves_all_or_nothing(project: Newsroom, tmp_path: Path) -> None:
    """Killed at any moment, the database has the old content or the new one, and is not damaged."""
    small, large = str(tmp_path / "small.db"), tmp_path / "large.db"
    project.run("backup", small)
    project.run("backup", str(large))
    with closing(sqlite3.connect(large)) as connection, connection:
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) "
            "INSERT INTO subscribers (address, address_key, status, since, cause) "
            "SELECT i || '@x.example', i || '@x.example', 'active', '2025', 'x' FROM n"
        )
    file = project.folder / "broadsheet.db"
    command = [sys.executable, "-m", "broadsheet", "-C", str(project.folder), "restore", "--force"]
    unchanged = 0
    for megabytes in (*range(0, 60, 6), 1_000):
        project.run("restore", "--force", small)
        log = Path(f"{file}-wal")
        with subprocess.Popen([*command, str(large)]) as restoring:
            until(
                lambda log=log, megabytes=megabytes, restoring=restoring: (  # type: ignore[misc]
                    restoring.poll() is not None
                    or (log.exists() and log.stat().st_size > megabytes * 1_000_000)
                ),
                60,
            )
            restoring.kill()
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            (number,) = connection.execute("SELECT count(*) FROM subscribers").fetchone()
        # A kill can also come after the last byte, before the process has ended.
        assert number in ({1, 300_001} if restoring.returncode else {300_001})
        unchanged += number == 1
    assert unchanged
