"""Fixtures of the laws."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def in_one_process() -> None:
    """Override the fixture of all tests: the laws hold on all cores."""
