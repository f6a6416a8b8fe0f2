"""Articles of an issue that were mailed before, in an issue whose record is missing.

The records under `feeds/digests/` keep articles from being issued twice. If one was deleted, or its
folder renamed by hand, only the ledger still knows what readers have.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

import msgspec
import sqlalchemy as sql
from sqlalchemy import Connection

from broadsheet.delivery.database import issues
from broadsheet.digests.identity import relative_paths
from broadsheet.digests.issue import Issue, IssuedArticle


class _Story(msgspec.Struct, frozen=True):
    title: str
    url: str
    iso: str


class _Part(msgspec.Struct, frozen=True):
    articles: tuple[_Story, ...]


class _Letter(msgspec.Struct, frozen=True):
    sections: tuple[_Part, ...]


class _Letters(msgspec.Struct, frozen=True):
    """The part of `variants.Letters` that has the articles."""

    language: str
    letters: dict[str, _Letter]


class Repeat(msgspec.Struct, frozen=True):
    """An issue that was mailed and has no record. titles: of the shared articles."""

    digest: str
    key: str
    titles: tuple[str, ...]


def repeats(
    connection: Connection,
    issue: Issue,
    others: Collection[str],
    recorded: Callable[[str, str], bool],
) -> tuple[Repeat, ...]:
    """The mailed issues without a record that have articles of `issue`, oldest first.

    others: the other digests of the config; they may have the same articles.
    recorded: whether an issue, by digest and key, has a record.
    """
    known = sql.select(issues.c.id, issues.c.digest, issues.c.key).order_by(issues.c.tick)
    found = []
    for id_, digest, key in connection.execute(known).all():
        if digest in others or (digest, key) == (issue.digest, issue.key) or recorded(digest, key):
            continue
        query = sql.select(issues.c.letters).where(issues.c.id == id_)
        mailed = _stories(connection.execute(query).scalar_one())
        if titles := tuple(each.title for each in issue.articles if _is_among(each, mailed)):
            found.append(Repeat(digest, key, titles))
    return tuple(found)


def _stories(kept: str) -> tuple[_Story, ...]:
    letters = msgspec.json.decode(kept, type=_Letters)
    letter = letters.letters[letters.language]
    return tuple(story for part in letter.sections for story in part.articles)


def _is_among(placed: IssuedArticle, mailed: tuple[_Story, ...]) -> bool:
    """Compare by the URL without the host, or by title and date."""
    day = placed.date.timestamp() if placed.date else None
    return any(
        relative_paths(story.url, "") == relative_paths(placed.url, "")
        or (story.title == placed.title and day is not None and _timestamp(story.iso) == day)
        for story in mailed
    )


def _timestamp(iso: str) -> float | None:
    return datetime.fromisoformat(iso).timestamp() if iso else None
