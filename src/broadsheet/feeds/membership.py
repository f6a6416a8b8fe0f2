"""Why an article is, or is not, in each feed: the rules of `plan`, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from broadsheet.articles import Article
from broadsheet.articles.topics import Topic
from broadsheet.feeds.plan import Feed


@dataclass(frozen=True, slots=True)
class Membership:
    """Whether an article is in a feed.

    path: the feed's folder under the feeds folder. inside: whether it is in. why: in words.
    """

    path: str
    inside: bool
    why: str


def memberships(
    article: Article, topics: Iterable[Topic], tags: Iterable[Topic], feeds: Iterable[Feed]
) -> tuple[Membership, ...]:
    """Return the membership of `article`, which is in the catalogue, in each feed."""
    names = {"topic": {topic.name for topic in topics}, "tag": {tag.name for tag in tags}}
    return tuple(_membership(article, names, feed) for feed in feeds)


def _membership(article: Article, names: dict[str, set[str]], feed: Feed) -> Membership:
    if article in feed.articles:
        place = feed.articles.index(article) + 1
        return Membership(feed.path, True, f"number {place} of {len(feed.articles)}")
    if feed.kind == "archive":
        return Membership(feed.path, False, f"it is not dated in {feed.name}")
    if feed.kind != "all" and feed.name not in names[feed.kind]:
        return Membership(feed.path, False, f"{feed.name!r} is not one of its {feed.kind}s")
    newer = len(feed.articles)
    return Membership(feed.path, False, f"the {newer} newest of {feed.total} are, and it is older")
