"""The page of all feeds, for people (index.html)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from broadsheet.feeds.channel import MEDIA_TYPES, address, title
from broadsheet.feeds.plan import Feed
from broadsheet.publication import Publication
from broadsheet.settings import FeedFormat, FeedSettings
from broadsheet.words import Words

_FORMAT_NAMES: dict[FeedFormat, str] = {"atom": "Atom", "rss": "RSS", "json": "JSON"}


@dataclass(frozen=True, slots=True)
class _Link:
    name: str
    type: str
    url: str


@dataclass(frozen=True, slots=True)
class _Row:
    """A feed as the page shows it. newest: its newest article's title, address and date."""

    name: str
    title: str
    count: str
    links: tuple[_Link, ...]
    newest_title: str
    newest_url: str
    newest_date: str
    newest_iso: str


def write(feeds: Sequence[Feed], publication: Publication, settings: FeedSettings) -> bytes:
    """The page, UTF-8. Its only script and style are its own; it loads nothing."""
    words = Words(publication.language)
    rows = [(feed.kind, _row(feed, publication, settings, words)) for feed in feeds]
    groups = {
        kind: [row for found, row in rows if found == kind]
        for kind in ("all", "topic", "tag", "archive")
    }
    template = _environment().get_template("index.html.j2")
    html = template.render(publication=publication, words=words, groups=groups)
    return (html + "\n").encode()


def stylesheet() -> bytes:
    """The stylesheet of a feed that is opened in a browser."""
    return (files("broadsheet") / "pages" / "feed.css").read_bytes()


def _row(feed: Feed, publication: Publication, settings: FeedSettings, words: Words) -> _Row:
    newest = feed.articles[0] if feed.articles else None
    moment: datetime | None = newest.date.astimezone(publication.timezone) if newest else None
    return _Row(
        name=feed.name or words("index.everything"),
        title=title(feed, publication),
        count=words("index.articles", feed.total),
        links=tuple(
            _Link(
                _FORMAT_NAMES[format_],
                MEDIA_TYPES[format_],
                address(feed.path, format_, publication),
            )
            for format_ in settings.formats
        ),
        newest_title=newest.title if newest else "",
        newest_url=newest.url if newest else "",
        newest_date=words.date(moment) if moment else "",
        newest_iso=moment.isoformat() if moment else "",
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("broadsheet", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
