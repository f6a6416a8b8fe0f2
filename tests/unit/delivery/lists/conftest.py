"""A project to import lists into."""

from __future__ import annotations

import pytest

from newsroom import Newsroom
from subscriber_lists import DIGEST


@pytest.fixture
def desk(newsroom: Newsroom) -> Newsroom:
    """A newsroom with one digest."""
    newsroom.configure(DIGEST)
    return newsroom
