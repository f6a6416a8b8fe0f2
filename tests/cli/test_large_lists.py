"""Lists of a million: the memory stays the same, and no one else waits for long."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from newsroom import Newsroom

CONFIG = '[digests.weekly]\ntitle = "W"\n'


@pytest.fixture
def project(newsroom: Newsroom) -> Newsroom:
    newsroom.configure(CONFIG)
    return newsroom


def write_list(file: Path, lines: int, encoding: str = "utf-8") -> Path:
    """Write a list of so many people."""
    with file.open("w", encoding=encoding) as stream:
        stream.write("email,name,language,topics\n")
        for number in range(lines):
            domain = f"example{number % 977}.com"
            stream.write(f"reader{number:07}@{domain},读者 {number},zh-CN,开源;AI\n")
    return file


def used(newsroom: Newsroom, *args: str, output: Path | None = None) -> tuple[int, float]:
    """Run a command; return the most memory that it had, in kilobytes, and its CPU seconds."""
    command = [sys.executable, "-m", "broadsheet", "-C", str(newsroom.folder), *args]
    with (output or Path(os.devnull)).open("wb") as stream:
        process = subprocess.Popen(command, stdout=stream)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss, usage.ru_utime + usage.ru_stime


def longest_wait(file: Path, work: Callable[[], object]) -> float:
    """Return how long another writer had to wait at most while `work` is done, in seconds."""
    end, waits = threading.Event(), [0.0]

    def write() -> None:
        with closing(sqlite3.connect(file, timeout=60, isolation_level=None)) as connection:
            while not end.wait(0.05):
                start = time.monotonic()
                connection.execute("UPDATE pace SET next_at = next_at")
                waits.append(time.monotonic() - start)

    other = threading.Thread(target=write)
    other.start()
    try:
        work()
    finally:
        end.set()
        other.join()
    return max(waits)


@pytest.mark.long
@pytest.mark.measuring
def test_the_memory_does_not_grow_with_the_list(project: Newsroom, tmp_path: Path) -> None:
    """Neither for an import, in any encoding, nor for an export or the list as data."""
    small, large = write_list(tmp_path / "s.csv", 2_000), write_list(tmp_path / "l.csv", 80_000)
    wide = write_list(tmp_path / "w.csv", 80_000, "utf-16")
    little, _ = used(project, "subscribers", "import", str(small))
    for file in (large, wide):
        assert used(project, "subscribers", "import", str(file))[0] - little < 24_000
    for command in (["export"], ["list", "--json"], ["list"]):
        assert used(project, "subscribers", *command)[0] - little < 4_000


@pytest.mark.nightly
@pytest.mark.measuring
def test_a_million_lines_are_imported_and_exported(project: Newsroom, tmp_path: Path) -> None:
    """In two minutes of CPU and 120 MB; another writer never waits for a second."""
    file = write_list(tmp_path / "list.csv", 1_000_000)
    project.run("subscribers", "add", "ann@example.com")
    figures = []
    wait = longest_wait(
        project.folder / "broadsheet.db",
        lambda: figures.append(used(project, "subscribers", "import", str(file))),
    )
    ((memory, seconds),) = figures
    assert seconds < 120
    assert memory < 120_000
    assert wait < 1
    exported = tmp_path / "export.csv"
    assert used(project, "subscribers", "export", "--output", str(exported))[0] < 120_000
    with exported.open() as lines:
        assert sum(1 for _ in lines) == 1_000_002


def test_a_duplicate_is_found_however_far_apart(project: Newsroom, tmp_path: Path) -> None:
    """Across batches, in another spelling; the first line counts."""
    file = write_list(tmp_path / "list.csv", 2_500)
    with file.open("a") as stream:
        stream.write("READER0000003@example3.com,Someone else,en,\n")
    ran = project.run("subscribers", "import", str(file))
    assert (ran.code, "is already in line 5" in ran.err) == (1, True)
    assert "2,500 added" in ran.out
    assert (
        '"读者 3"' in project.run("subscribers", "show", "reader0000003@example3.com", "--json").out
    )


def test_an_opt_out_at_the_end_of_a_list_counts(project: Newsroom, tmp_path: Path) -> None:
    """Before its address is subscribed by an earlier line."""
    lines = [f"r{number}@example.com,active" for number in range(2_500)]
    file = tmp_path / "list.csv"
    file.write_text("\n".join(["email,status", *lines, "r3@example.com,unsubscribed"]) + "\n")
    project.run("subscribers", "import", str(file))
    shown = json.loads(project.run("subscribers", "show", "r3@example.com", "--json").out)
    assert shown["status"] == "unsubscribed"


def test_a_list_from_a_pipe_is_imported(project: Newsroom, tmp_path: Path) -> None:
    """It is read more than once, so it is kept in a file meanwhile."""
    data = write_list(tmp_path / "list.csv", 10).read_bytes()
    command = [sys.executable, "-m", "broadsheet", "-C", str(project.folder)]
    ran = subprocess.run(
        [*command, "subscribers", "import", "-"], input=data, capture_output=True, check=False
    )
    assert (ran.returncode, b"10 added" in ran.stdout) == (0, True)


@pytest.mark.parametrize("number", [0, 1, 3])
def test_the_list_as_data_is_json(project: Newsroom, number: int) -> None:
    """However long it is."""
    for each in range(number):
        project.run("subscribers", "add", f"r{each}@example.com")
    listed = json.loads(project.run("subscribers", "list", "--json").out)
    assert [each["address"] for each in listed] == [f"r{n}@example.com" for n in range(number)]
