"""The page of all feeds, for people (index.html)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, get_args

from broadsheet import pages
from broadsheet.feeds.channel import address
from broadsheet.feeds.plan import FeedLine
from broadsheet.i18n import Words
from broadsheet.model.publication import Publication
from broadsheet.model.settings import FEED_FORMATS, FeedFormat, Grouping
from broadsheet.text.urls import encode

_GROUPS: Final = (*get_args(Grouping), "archive", "digest")
"""The kinds of feeds that have a heading of their own."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link of the page. feed: whether it leads to a feed, which readers may discover."""

    name: str
    type: str
    url: str
    feed: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """A feed as the page shows it. newest_*: its newest article or issue."""

    name: str
    title: str
    count: str
    links: tuple[Link, ...]
    newest_title: str
    newest_url: str
    newest_date: str
    newest_iso: str


def write(feeds: Sequence[FeedLine], publication: Publication, subscribe: str = "") -> bytes:
    """Return the page, UTF-8. It loads nothing. subscribe: the URL of the form for mail, or ""."""
    words = Words(publication.language, publication.texts)
    groups: dict[str, list[Row]] = {kind: [] for kind in ("all", *_GROUPS)}
    for feed in feeds:
        kind = feed.head.kind
        groups[kind if kind in groups else "all"].append(_row(feed, publication, words))
    return pages.render_page(
        "index.html.j2",
        publication=publication,
        words=words,
        subscribe=subscribe,
        script=pages.script("copy"),
        groupings=get_args(Grouping),
        headings=_headings(words),
        groups=groups,
    )


def _headings(words: Words) -> dict[str, str]:
    return {
        "all": words("Subscribe"),
        "digest": words("Newsletters"),
        "topics": words("Topics"),
        "tags": words("Tags"),
        "authors": words("Authors"),
        "languages": words("Languages"),
    }


def links(path: str, publication: Publication, formats: Iterable[FeedFormat]) -> tuple[Link, ...]:
    """Return a link to the feed at `path` in each of `formats`."""
    return tuple(
        Link(
            FEED_FORMATS[each].label,
            FEED_FORMATS[each].media_type,
            address(path, each, publication),
        )
        for each in formats
    )


def _row(feed: FeedLine, publication: Publication, words: Words) -> Row:
    head = feed.head
    feed_links = links(head.path, publication, head.formats)
    count = words.plural("{count} article", "{count} articles", feed.total)
    if head.kind == "digest":
        url = publication.feeds_url + encode(head.path)
        feed_links = (Link(words("Past issues"), "text/html", url, feed=False), *feed_links)
        count = words.plural("{count} issue", "{count} issues", feed.total)
    return Row(
        name=head.name or words("Everything"),
        title=head.title,
        count=count,
        links=feed_links,
        newest_title=feed.newest_title,
        newest_url=feed.newest_url,
        **_date(feed.newest_date, publication, words),
    )


def _date(moment: datetime | None, publication: Publication, words: Words) -> dict[str, str]:
    if moment is None:
        return {"newest_date": "", "newest_iso": ""}
    local = moment.astimezone(publication.timezone)
    return {"newest_date": words.date(local), "newest_iso": local.isoformat()}
