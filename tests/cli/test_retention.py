"""Old rows of the ledger are deleted if the config says so; the issue and its counts stay."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from broadsheet.delivery import retention
from deliveries import SECRET, Post, post
from processes import until

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]
MONTHS_LATER = "2025-09-30T09:00:00+08:00"


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    monkeypatch.setenv("BROADSHEET_SECRET", SECRET)
    with post(tmp_path) as found:
        yield found


def ledger(office: Post) -> int:
    return len(json.loads(office.newsroom.run("status", "--json").out)["ledger"])


def test_rows_are_kept_by_default(office: Post) -> None:
    """Nothing is deleted unless someone asks for it."""
    office.subscribe(3)
    assert office.newsroom.run("deliver").code == 0
    assert office.newsroom.run("deliver", now=MONTHS_LATER).code == 0
    assert ledger(office) == 3


def test_old_rows_are_deleted_and_the_counts_stay(
    office: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In several transactions; the issue is not sent again."""
    monkeypatch.setattr(retention, "ROWS_AT_ONCE", 2)
    office.configure(retention_days=30)
    office.subscribe(5)
    assert office.newsroom.run("deliver").code == 0
    assert office.newsroom.run("deliver").code == 0
    assert ledger(office) == 5
    assert office.newsroom.run("deliver", now=MONTHS_LATER).code == 0
    assert ledger(office) == 0
    (delivery,) = json.loads(office.newsroom.run("status", "--json").out)["deliveries"]
    assert (delivery["sent"], delivery["total"]) == (5, 5)
    assert set(office.received().values()) == {1}


def test_rows_of_an_unfinished_issue_are_kept(office: Post) -> None:
    """However old it is: they are what is left to send."""
    office.configure(retention_days=1)
    office.subscribe(5)
    office.newsroom.run("deliver", "--limit", "2")
    office.newsroom.run("deliver", "--limit", "1", now=MONTHS_LATER)
    assert ledger(office) == 5


def test_watching_ends_when_the_deliveries_are_complete(office: Post) -> None:
    """It shows each delivery that is under way, and exits with 0."""
    assert "no delivery is under way" in office.newsroom.run("status", "--watch").out
    office.subscribe(5)
    office.newsroom.run("deliver", "--limit", "2")
    command = [sys.executable, "-m", "broadsheet", "-C", str(office.newsroom.folder)]
    with subprocess.Popen(
        [*command, "status", "--watch"], stdout=subprocess.PIPE, env={**os.environ}
    ) as watching:
        assert watching.stdout is not None
        assert b"2 sent" in watching.stdout.readline()
        assert office.newsroom.run("deliver").code == 0
        until(lambda: watching.poll() is not None)
        assert watching.returncode == 0
        assert b"no delivery is under way" in watching.stdout.read()


def test_watching_can_be_interrupted(office: Post) -> None:
    """By Ctrl-C, without a traceback."""
    office.subscribe(5)
    office.newsroom.run("deliver", "--limit", "2")
    command = [sys.executable, "-m", "broadsheet", "-C", str(office.newsroom.folder)]
    with subprocess.Popen(
        [*command, "status", "--watch"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as watching:
        assert watching.stdout is not None
        watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        _, said = watching.communicate(timeout=20)
    assert watching.returncode == 130
    assert b"Traceback" not in said


def test_watching_is_for_people(office: Post) -> None:
    """Data has one form only."""
    assert office.newsroom.run("status", "--watch", "--json").code == 2
