"""Fixtures of all tests, and the profiles of Hypothesis."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

import browser
from newsroom import Newsroom

settings.register_profile("newsroom", deadline=None)  # a machine with much to do is slow
settings.load_profile("newsroom")


@pytest.fixture(scope="session")
def chromium() -> Iterator[browser.Browser]:
    """One browser for all tests that need one; they are marked `browser`."""
    with browser.browser() as running:
        yield running


@pytest.fixture
def newsroom(tmp_path: Path) -> Newsroom:
    """A project without articles."""
    return Newsroom.open(tmp_path)
