"""Letters for tests: an issue of made-up articles, as a run would make it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from broadsheet.articles.entries import Entry, Image
from broadsheet.articles.topics import Topic, topic_slug
from broadsheet.digests.context import IssueContext, issue_context
from broadsheet.digests.issue import Issue, IssuedArticle, Section
from broadsheet.model.publication import BaseUrl, Language, Person, Publication
from broadsheet.model.settings import DeliverySettings, DigestSettings, FeedSettings, MailSettings

TICK = datetime(2025, 6, 23, 8, tzinfo=ZoneInfo("Asia/Shanghai"))
PUBLICATION = Publication(
    title="AI 前沿",
    url=BaseUrl("https://example.org/"),
    language=Language("zh-CN"),
    timezone=ZoneInfo("Asia/Shanghai"),
    author=Person("编辑部", email="editors@example.org"),
)
DIGEST = DigestSettings(title="AI 前沿周报", description="每周一早上，一封信读完上周。")
SUMMARY = "买来的算力常常闲着，因为芯片大半时间在等数据。本文用一道除法估算逐字生成的速度上限。"
PICTURE = Image(
    "https://example.org/images/%E8%8A%AF%E7%89%87.png", "窄门", "image/png", 1000, 1200, 630
)


def entry(number: int, *topics: str, **changes: Any) -> Entry:
    """Return article `number`, the newest first, under `topics`."""
    given: dict[str, Any] = {
        "id": f"https://example.org/posts/{number}/",
        "url": f"https://example.org/posts/{number}/",
        "title": f"第 {number} 篇：GPU 在等什么",
        "published": TICK.astimezone(UTC) - timedelta(hours=number),
        "updated": TICK.astimezone(UTC) - timedelta(hours=number),
        "authors": (Person("林晚舟"),),
        "topics": tuple(Topic(name, topic_slug(name)) for name in topics),
        "tags": (),
        "schemes": "https://example.org/feeds/",
        "language": "zh-CN",
        "summary": SUMMARY,
        "content": "<p>" + "字" * 800 + "</p>",
        "image": PICTURE if number % 2 else None,
    }
    return Entry(**{**given, **changes})


ENTRIES = (
    entry(1, "算力与芯片", "科技公司竞争"),
    entry(2, "算力与芯片"),
    entry(3, "开源", title='“开放权重” & "开源"：为什么前者 < 后者'),
    entry(4, language="en", title="Why Feeds Beat Timelines", summary="A timeline decides."),
)


def issue(*entries: Entry, late: frozenset[str] = frozenset()) -> Issue:
    """Return the issue of `entries`, each under its first topic."""
    sections: dict[str, list[IssuedArticle]] = {}
    for each in entries:
        topic = each.topics[0].name if each.topics else ""
        placed = IssuedArticle(
            id=each.id, url=each.url, title=each.title, sha256="0" * 64, late=each.id in late
        )
        sections.setdefault(topic, []).append(placed)
    return Issue(
        digest="weekly",
        key="2025-06-23",
        number=12,
        tick=TICK,
        since=TICK - timedelta(days=7),
        sections=tuple(Section(topic, tuple(placed)) for topic, placed in sections.items()),
    )


def make(
    *entries: Entry,
    publication: Publication = PUBLICATION,
    digest: DigestSettings = DIGEST,
    mail: MailSettings | None = None,
    delivery: DeliverySettings | None = None,
    feeds: FeedSettings | None = None,
    of: Issue | None = None,
) -> IssueContext:
    """Return the letter of an issue of `entries`, by default of four that show most variants."""
    chosen = entries or ENTRIES
    return issue_context(
        of or issue(*chosen),
        {each.id: each for each in chosen},
        publication,
        digest,
        mail or MailSettings(),
        delivery or DeliverySettings(),
        feeds or FeedSettings(),
    )
