"""Fixtures of all tests, their environment, and the profiles of Hypothesis."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

import browser
from broadsheet.pipeline import memo
from broadsheet.pipeline.pool import core_count
from deliveries import SECRET, Post, post
from newsroom import Newsroom
from postgresql import PostgreSQL, postgresql

_MEMORY = Path("/dev/shm")
_NEEDED = 2 * 1024**3  # bytes; far more than the tests write

settings.register_profile("newsroom", deadline=None, max_examples=50)  # a busy machine is slow
settings.register_profile("thorough", settings.get_profile("newsroom"), max_examples=500)
settings.load_profile("newsroom")


def pytest_configure() -> None:
    """Compile modules once, keep temporary files in memory if there is room, and heed SIGINT.

    The tests start Python hundreds of times, and wait for thousands of writes to reach the disk.
    A shell starts background jobs with SIGINT ignored, which child processes inherit.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    if "TMPDIR" not in os.environ and _has_room(_MEMORY):
        os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)


def pytest_xdist_auto_num_workers() -> int:
    """Start one worker more than there are cores: at any time some tests wait for a browser, a
    server or a lock."""
    return core_count() + 1


def _has_room(folder: Path) -> bool:
    return os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > _NEEDED


@pytest.fixture(scope="session")
def chromium() -> Iterator[browser.Browser]:
    """One browser for all tests that need one; they are marked `browser`."""
    with browser.browser() as running:
        yield running


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    """A newsroom that delivers."""
    monkeypatch.setenv("BROADSHEET_SECRET", SECRET)
    with post(tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgreSQL]:
    """One PostgreSQL server for all tests that need one; they empty it."""
    with postgresql() as running:
        yield running


@pytest.fixture(autouse=True)
def in_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the steps of a command in this process: other tests keep the other cores busy.

    The laws, and commands in a process of their own, use all cores.
    """
    monkeypatch.setattr(memo, "core_count", lambda: 1)


@pytest.fixture
def newsroom(tmp_path: Path) -> Newsroom:
    """A project without articles."""
    return Newsroom.open(tmp_path)
