"""Files with addresses in them are readable by their owner only, whatever the umask."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from broadsheet.delivery import files, subscribers
from broadsheet.delivery.database import open_database
from broadsheet.errors import DatabaseError
from deliveries import SECRET, post
from newsroom import MOMENT, Newsroom

UMASKS = (0o000, 0o002, 0o022, 0o027, 0o077, 0o177)
URL = "sqlite:///broadsheet.db"


@pytest.fixture(params=UMASKS, ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """This process has each of these in turn."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def modes(folder: Path, start: str = "broadsheet.db") -> dict[str, str]:
    """Return the mode of each file in `folder` and its subfolders with this prefix."""
    found = (path for path in folder.rglob("*") if start in str(path.relative_to(folder)))
    return {str(path.relative_to(folder)): oct(stat.S_IMODE(path.stat().st_mode)) for path in found}


@pytest.mark.usefixtures("umask")
def test_the_database_and_its_companions_are_private(tmp_path: Path) -> None:
    """The write-ahead log and the shared memory too, while they exist."""
    database = open_database(URL, tmp_path)
    with database.writing() as connection:
        subscribers.add(connection, "ann@example.org", cause="t", now=MOMENT)
        assert modes(tmp_path) == dict.fromkeys(
            ("broadsheet.db", "broadsheet.db-wal", "broadsheet.db-shm"), "0o600"
        )
    database.close()


@pytest.mark.usefixtures("umask")
def test_a_rollback_journal_is_private(tmp_path: Path) -> None:
    """On disks where SQLite cannot use a write-ahead log."""
    database = open_database(URL, tmp_path)
    with database.engine.connect() as connection:
        driver = connection.connection.cursor()
        driver.execute("PRAGMA journal_mode = DELETE")
        driver.execute("BEGIN IMMEDIATE")
        driver.execute("UPDATE pace SET next_at = 1")
        assert modes(tmp_path)["broadsheet.db-journal"] == "0o600"
        driver.execute("ROLLBACK")
    database.close()


def test_a_database_is_private_from_the_first_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is created private: no one can open it in between."""
    monkeypatch.setattr(os, "fchmod", lambda *_: None)
    before = os.umask(0)
    try:
        open_database(URL, tmp_path).close()
        files.create(tmp_path / "other")
    finally:
        os.umask(before)
    assert modes(tmp_path, "") == {"broadsheet.db": "0o600", "other": "0o600"}


def test_the_mode_of_an_existing_file_is_kept(tmp_path: Path) -> None:
    """There may be a reason for a wider mode; it is reported, not changed."""
    (tmp_path / "broadsheet.db").touch(0o644)
    (tmp_path / "broadsheet.db").chmod(0o644)
    open_database(URL, tmp_path).close()
    assert modes(tmp_path) == {"broadsheet.db": "0o644"}


@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
def test_a_delivery_leaves_nothing_that_others_can_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The locks of its senders included, while it runs."""
    monkeypatch.setenv("BROADSHEET_SECRET", SECRET)
    with post(tmp_path) as office:
        before = os.umask(0)
        try:
            office.subscribe(20)
            office.server.order(delay=0.05)
            child = office.begin()
            office.server.wait_for(3)
            found = modes(tmp_path)
            office.kill(child, 15)
            office.end(child)
        finally:
            os.umask(before)
    folder = found.pop("broadsheet.db-senders")
    assert folder == "0o700"
    assert len(found) == 4
    assert set(found.values()) == {"0o600"}


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("there", [None, 0o644, 0o666])
def test_an_export_to_a_file_is_private(newsroom: Newsroom, there: int | None) -> None:
    """Even if the file existed with another mode; it is replaced atomically."""
    newsroom.run("subscribers", "add", "ann@example.org")
    file = newsroom.folder / "readers.csv"
    if there is not None:
        file.write_text("old")
        file.chmod(there)
    ran = newsroom.run("subscribers", "export", "--output", str(file))
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert modes(newsroom.folder, "readers") == {"readers.csv": "0o600"}
    assert "ann@example.org" in file.read_text()


def test_an_export_that_cannot_be_written_leaves_the_old_one(newsroom: Newsroom) -> None:
    """No partial list is left beside it."""
    ran = newsroom.run("subscribers", "export", "--output", str(newsroom.folder / "no" / "x.csv"))
    assert ran.code == 2
    assert "x.csv: it cannot be written: No such file or directory; " in ran.err
    (newsroom.folder / "a.csv").write_text("old")

    def lines() -> Iterator[str]:
        yield "new"
        raise OSError(28, "No space left on device")

    with (
        pytest.raises(OSError, match="No space"),
        files.replacing(newsroom.folder / "a.csv") as f,
    ):
        f.writelines(lines())
    assert (newsroom.folder / "a.csv").read_text() == "old"
    assert list(modes(newsroom.folder, "a.csv")) == ["a.csv"]


def test_an_export_goes_through_links_and_pipes(newsroom: Newsroom) -> None:
    """A link stays one; a pipe is written to."""
    newsroom.run("subscribers", "add", "ann@example.org")
    (newsroom.folder / "real.csv").touch()
    (newsroom.folder / "link.csv").symlink_to("real.csv")
    newsroom.run("subscribers", "export", "--output", str(newsroom.folder / "link.csv"))
    assert (newsroom.folder / "link.csv").is_symlink()
    assert "ann@example.org" in (newsroom.folder / "real.csv").read_text()
    command = [sys.executable, "-m", "broadsheet", "-C", str(newsroom.folder), "subscribers"]
    ran = subprocess.run(
        [*command, "export", "--output", "/dev/stdout"], capture_output=True, check=True
    )
    assert b"ann@example.org" in ran.stdout


def test_a_redirected_export_that_others_can_read_is_named(newsroom: Newsroom) -> None:
    """The shell creates that file with the umask."""
    newsroom.run("subscribers", "add", "ann@example.org")
    command = [sys.executable, "-m", "broadsheet", "-C", str(newsroom.folder), "subscribers"]
    for mode, said in ((0o644, b"other users of this machine may be able to open"), (0o600, b"")):
        file = newsroom.folder / f"{mode}.csv"
        file.touch()
        file.chmod(mode)
        with file.open("wb") as out:
            ran = subprocess.run(
                [*command, "export"], stdout=out, stderr=subprocess.PIPE, check=True
            )
        assert said in ran.stderr
        assert bool(said) == bool(ran.stderr)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o666, 0o601])
@pytest.mark.parametrize("name", ["broadsheet.db", "broadsheet.db-wal", "broadsheet.db.bak"])
def test_an_exposed_database_is_reported(newsroom: Newsroom, name: str, mode: int) -> None:
    """With its companions and copies, and the command that fixes it."""
    database = open_database(URL, newsroom.folder)  # the log exists while the database is open
    file = newsroom.folder / name
    file.touch()
    file.chmod(mode)
    told = (
        f"{name}: it holds your subscribers, and other users of this machine can open it "
        f"(mode {mode:04o}); run: chmod 600 {name}\n"
    )
    assert told in newsroom.run("status").out
    assert told.strip() in newsroom.run("status", "--json").out
    ran = newsroom.run("subscribers", "list")
    assert (ran.code, ran.err) == (0, told)
    assert newsroom.run("-q", "subscribers", "list").err == ""
    file.chmod(0o600)
    assert "chmod" not in newsroom.run("status").out
    database.close()


def test_an_exposed_key_is_reported(newsroom: Newsroom) -> None:
    """Anyone who can read it can sign mail in the publisher's name."""
    newsroom.configure('[delivery]\ndkim_key = "dkim.pem"\n')
    newsroom.write("dkim.pem", "key").chmod(0o644)
    assert "dkim.pem: it holds the key that signs your mail, and " in newsroom.run("status").out


def test_reconnecting_creates_no_database(tmp_path: Path) -> None:
    """An empty one in the place of one that was moved away would hide that it is missing."""
    database = open_database(URL, tmp_path)
    database.close()
    (tmp_path / "broadsheet.db").rename(tmp_path / "moved")
    with pytest.raises(DatabaseError), database.reading():
        pass
    assert modes(tmp_path) == {}
    database.close()
