"""Why an article is, or is not, in each feed: the rules of `plan`, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from broadsheet.articles import Article
from broadsheet.articles.catalogue import TERMS, Catalogue
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
    article: Article, catalogue: Catalogue, feeds: Iterable[Feed]
) -> tuple[Membership, ...]:
    """Return the membership of `article`, which is in the catalogue, in each feed."""
    return tuple(_membership(article, catalogue, feed) for feed in feeds)


def _membership(article: Article, catalogue: Catalogue, feed: Feed) -> Membership:
    path = feed.head.place
    if article in feed.articles:
        place = feed.articles.index(article) + 1
        return Membership(path, True, f"number {place} of {len(feed.articles)}")
    if feed.selection and (unmet := catalogue.unmet(article, feed.selection)):
        return Membership(path, False, f"none of its {unmet} is among the {unmet} of this feed")
    if feed.head.kind == "podcast":
        return Membership(path, False, "it has no audio or video")
    if feed.head.kind == "archive":
        return Membership(path, False, f"it is not dated in {feed.head.name}")
    if (by := feed.head.kind) in TERMS and not _is_in_group(article, catalogue, feed):
        return Membership(path, False, f"{feed.head.name!r} is not one of its {by}")
    newer = len(feed.articles)
    return Membership(path, False, f"the {newer} newest of {feed.total} are, and it is older")


def _is_in_group(article: Article, catalogue: Catalogue, feed: Feed) -> bool:
    by, _, slug = feed.head.path.rstrip("/").partition("/")
    grouping = next(each for each in TERMS if each == by)
    terms = catalogue.names(grouping)(TERMS[grouping](article))
    return slug in {topic.slug for topic in terms}
