"""Articles and digests in memory, for tests of schedules and selection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from zoneinfo import ZoneInfo

from msgspec import structs

from broadsheet.articles import Article
from broadsheet.articles.catalogue import Catalogue
from broadsheet.digests.issue import Issue
from broadsheet.digests.selection import Digest
from broadsheet.model.settings import DigestSettings, TopicSettings
from broadsheet.model.values import Schedule
from newsroom import article, dated

SHANGHAI = ZoneInfo("Asia/Shanghai")
WEEKLY = "0 8 * * MON"
_ANY = article(dated(), language="zh-CN")


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    """Return a moment in the time zone `zone`, such as 2025-06-23 08:00."""
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def story(name: str, date: str | datetime = "2025-06-20 12:00", **fields: object) -> Article:
    """Return the article called `name`."""
    day = date if isinstance(date, datetime) else at(date)
    address = f"https://example.org/posts/{name}/"
    usual = {
        "source": f"content/{name}.md",
        "url": address,
        "id": address,
        "title": name,
        "date": day,
        "updated": day,
        "sha256": sha256(name.encode()).hexdigest(),
    }
    return structs.replace(_ANY, **{**usual, **fields})  # type: ignore[arg-type]


def digest(
    articles: Sequence[Article] | Callable[[datetime], Iterable[Article]] = (),
    schedule: str = WEEKLY,
    zone: ZoneInfo = SHANGHAI,
    aliases: dict[str, tuple[str, ...]] | None = None,
    **settings: object,
) -> Digest:
    """Return a digest of `articles`, or of what the given function returns for a tick."""
    topics = TopicSettings(aliases=aliases or {})
    there = articles if callable(articles) else lambda _: articles
    return Digest(
        "weekly",
        DigestSettings(title="The weekly", schedule=Schedule(schedule), **settings),  # type: ignore[arg-type]
        zone,
        lambda tick: Catalogue.at(tick, there(tick), topics),
    )


def names(issue: Issue) -> list[str]:
    """Return the titles of an issue's articles, in their order."""
    return [placed.title for placed in issue.articles]


def layout(issue: Issue) -> list[tuple[str, list[str]]]:
    """Return the sections of an issue: topic and titles."""
    return [
        (section.topic, [placed.title for placed in section.articles]) for section in issue.sections
    ]
