"""One dated edition of a digest, its URLs, and its record, issue.json, which never changes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct, field

from broadsheet.articles.topics import Topic
from broadsheet.errors import Problem, RecordError
from broadsheet.model.publication import Publication
from broadsheet.model.settings import FEED_FORMATS, FeedSettings, Grouping
from broadsheet.text.urls import encode


class IssuedArticle(Struct, frozen=True, omit_defaults=True):
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
    summary: str = ""


class Section(Struct, frozen=True):
    """The articles of an issue under one topic; topic: "" for articles without one."""

    topic: str
    articles: Annotated[tuple[IssuedArticle, ...], Meta(min_length=1)]


class Changed(Struct, frozen=True):
    """An article of an earlier issue that has changed. first: the id it was issued under."""

    first: str
    now: IssuedArticle


class Profile(Struct, frozen=True):
    """The settings that identify a digest under any name."""

    title: str = ""
    schedule: str = ""
    topics: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


class Sponsor(Struct, frozen=True, omit_defaults=True):
    """Who pays for an issue.

    text: on one line. link: absolute URL or "". image: absolute URL or ""; width, height: its
    pixels, if known. label: such as "Sponsor"; "" for the word in the mail's language.
    """

    text: str
    link: str = ""
    image: str = ""
    width: int | None = None
    height: int | None = None
    label: str = ""


class IssueNote(Struct, frozen=True, omit_defaults=True):
    """What an editor's note puts into an issue.

    introduction: sanitised HTML with absolute URLs. reply_to: a mail address. "" for what the note
    does not give.
    """

    subject: str = ""
    preheader: str = ""
    introduction: str = ""
    sponsor: Sponsor | None = None
    reply_to: str = ""


class Corrected(Struct, frozen=True):
    """The issue that a correction corrects. tick: aware."""

    key: str
    tick: Annotated[datetime, Meta(tz=True)]


NO_NOTE: Final = IssueNote()
"""What an issue without an editor's note has."""


class Issue(Struct, frozen=True, omit_defaults=True):
    """One issue of a digest.

    digest: its name in the config. key: names the issue's folder, such as 2025-06-23.
    number: 1 for the digest's first. tick: when it was due, aware.
    since: the start of its half-open window: since < t <= tick.
    site: `publication.url` when it was made. changed: articles of earlier issues as they are now,
    so that they are still recognised after their next change. note: the editor's. excluded: the ids
    of articles that the note leaves to the next issue. corrects: of a correction, the issue whose
    articles it has again; its tick is when it was made.
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
    note: IssueNote = NO_NOTE
    excluded: tuple[str, ...] = ()
    corrects: Corrected | None = None

    @property
    def articles(self) -> tuple[IssuedArticle, ...]:
        """Its articles in order, each once."""
        placed = (placed for section in self.sections for placed in section.articles)
        return tuple({each.id: each for each in placed}.values())

    @property
    def ids(self) -> frozenset[str]:
        """The ids of its articles."""
        return frozenset(placed.id for section in self.sections for placed in section.articles)


RECORD = "issue.json"
DRAFT_RECORD = "draft.json"
"""The record of a draft; no one takes it for that of an issue."""


class RenderedIssue(Struct, frozen=True):
    """An issue and its files.

    subject, note: what the mail shows, perhaps shortened. files: name -> bytes. record: separate,
    since it is written after all of `files`.
    """

    issue: Issue
    subject: str
    note: str
    files: dict[str, bytes]
    record: bytes

    @property
    def draft(self) -> dict[str, bytes]:
        """The files of its draft: name -> bytes."""
        return {**self.files, DRAFT_RECORD: self.record}


def record_bytes(issue: Issue) -> bytes:
    """Return the record of `issue`: JSON in UTF-8."""
    return msgspec.json.format(msgspec.json.encode(issue), indent=1) + b"\n"


def parse_record(data: bytes, path: str) -> Issue:
    """Return the issue in a record. Raises RecordError, with `path`, for an invalid one."""
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


def issue_folder(digest: str, issue: str = "") -> str:
    """Return the folder of a digest, or of its issue with a key, under the feeds folder."""
    return f"digests/{digest}/{issue}/" if issue else f"digests/{digest}/"


def draft_folder(digest: str, key: str) -> str:
    """Return the folder of a draft, relative to the project."""
    return f"{issue_folder(digest)}{key}.draft/"


class DigestUrls(Struct, frozen=True):
    """The URLs of one digest, absolute and encoded once. name: as in the config."""

    name: str
    publication: Publication
    feeds: FeedSettings

    @property
    def archive(self) -> str:
        """The page of its issues."""
        return self.publication.feeds_url + encode(issue_folder(self.name))

    @property
    def feed(self) -> str:
        """The feed of its issues, in the main format."""
        return self.archive + FEED_FORMATS[self.feeds.main_format].file

    @property
    def feed_type(self) -> str:
        """The media type of `feed`."""
        return FEED_FORMATS[self.feeds.main_format].media_type

    @property
    def index(self) -> str:
        """The page of every feed of the publication."""
        return self.publication.feeds_url

    def issue(self, key: str) -> str:
        """The web version of one issue."""
        return self.publication.feeds_url + encode(issue_folder(self.name, key))

    def feed_of(self, topic: Topic, by: Grouping = "topics") -> str:
        """The feed of `topic`, or of another grouping; "" if the config has none."""
        if by not in self.feeds.by or not topic.slug:
            return ""
        file = FEED_FORMATS[self.feeds.main_format].file
        return self.publication.feeds_url + encode(f"{by}/{topic.slug}/{file}")
