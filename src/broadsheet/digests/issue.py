"""One dated number of a digest, and its record, issue.json: once made it never changes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct, field

from broadsheet.errors import Problem, RecordError


class Placed(Struct, frozen=True, omit_defaults=True):
    """An article in an issue, as it was when the issue was made.

    sha256: of its source text. source, date (aware), body_sha256: as in `Article`; they identify it
    if its id has changed. late: whether it is dated before the issue's window.
    """

    id: str
    url: str
    title: str
    sha256: str
    late: bool = field(default_factory=bool)  # so that it is always written
    source: str = ""
    date: Annotated[datetime, Meta(tz=True)] | None = None
    body_sha256: str = ""


class Section(Struct, frozen=True):
    """The articles of an issue under one topic; topic "" is for those that have none."""

    topic: str
    articles: Annotated[tuple[Placed, ...], Meta(min_length=1)]


class Changed(Struct, frozen=True):
    """An article of an earlier issue that has changed. first: the id it was issued under."""

    first: str
    now: Placed


class Profile(Struct, frozen=True):
    """The settings that identify a digest whatever its name."""

    title: str = ""
    schedule: str = ""
    topics: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


class Issue(Struct, frozen=True, omit_defaults=True):
    """One issue of a digest.

    digest: its name in the config. key: names the issue's folder, such as 2025-06-23.
    number: 1 for the digest's first. tick: when it was due, aware.
    since: the start of its half-open window: since < t <= tick.
    site: `publication.url` when it was made. changed: the changes to articles of
    earlier issues, so that they are recognised whatever changes next.
    """

    digest: str
    key: str
    number: int
    tick: Annotated[datetime, Meta(tz=True)]
    since: Annotated[datetime, Meta(tz=True)]
    sections: Annotated[tuple[Section, ...], Meta(min_length=1)]
    site: str = ""
    profile: Profile = Profile()
    changed: tuple[Changed, ...] = ()

    @property
    def articles(self) -> tuple[Placed, ...]:
        """Its articles, each once, in the order they stand in it."""
        placed = (placed for section in self.sections for placed in section.articles)
        return tuple({each.id: each for each in placed}.values())

    @property
    def ids(self) -> frozenset[str]:
        """The ids of its articles."""
        return frozenset(placed.id for section in self.sections for placed in section.articles)


RECORD = "issue.json"


def write(issue: Issue) -> bytes:
    """The record of `issue`, UTF-8."""
    return msgspec.json.format(msgspec.json.encode(issue), indent=1) + b"\n"


def read(data: bytes, path: str) -> Issue:
    """The issue that `data` records. Raises RecordError, naming `path`, when it is none."""
    try:
        return msgspec.json.decode(data, type=Issue)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RecordError(
            Problem(
                f"this record of an issue cannot be read: {error}",
                "restore it from Git or a backup; without it articles would be sent again",
                path,
            )
        ) from error
