"""One dated number of a digest, and its record, issue.json: once made it never changes."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class Placed(Struct, frozen=True):
    """An article as an issue names it.

    sha256: of the source text when the issue was made. late: dated before the issue's window.
    """

    id: str
    title: str
    sha256: str
    late: bool = False


class Section(Struct, frozen=True):
    """The articles of an issue under one topic; topic "" is for those that have none."""

    topic: str
    articles: tuple[Placed, ...]


class Issue(Struct, frozen=True):
    """One number of a digest.

    digest: its name in the config. key: names the issue's folder, such as 2025-06-23.
    tick: when it was due, aware. since: where its window begins, half open: since <= t < tick.
    """

    digest: str
    key: str
    tick: datetime
    since: datetime
    sections: tuple[Section, ...]

    @property
    def ids(self) -> frozenset[str]:
        """The ids of its articles."""
        return frozenset(placed.id for section in self.sections for placed in section.articles)
