"""The head of a feed document, whatever its format."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from broadsheet.articles.entries import person
from broadsheet.feeds import INDEX, STYLESHEET
from broadsheet.feeds.plan import FeedHead
from broadsheet.model.publication import OwnTexts, Person, Publication
from broadsheet.model.settings import FEED_FORMATS, FeedFormat, FeedSettings, PodcastSettings
from broadsheet.text.urls import encode, join


class Channel(Struct, frozen=True):
    """The head of one feed document; all addresses absolute.

    id: never changes; made under `id_base`.
    self_url: where this document is served. home: the site that it belongs to.
    authors: never empty, since Atom wants one (RFC 4287, section 4.1.1).
    older: the archive document before this one; current: of an archive, the feed it belongs to.
    podcast: the description of a podcast; None for other formats.
    index: the page of all feeds. texts: the publication's own.
    """

    format: FeedFormat
    id: str
    title: str
    description: str
    language: str
    updated: datetime
    self_url: str
    home: str
    stylesheet: str
    icon: str
    logo: str
    rights: str
    hub: str
    older: str | None
    current: str | None
    authors: tuple[Person, ...]
    podcast: PodcastSettings | None = None
    index: str = ""
    texts: OwnTexts = {}


class Frame(Struct, frozen=True):
    """The parts around the entries of a document, UTF-8.

    before: the first entry; between: two of them. empty_end: the end of a document without any.
    """

    start: bytes
    end: bytes
    empty_end: bytes
    before: bytes = b""
    between: bytes = b""


def channel(
    feed: FeedHead, format_: FeedFormat, publication: Publication, settings: FeedSettings
) -> Channel:
    """Return the head of `feed` in one format."""
    is_archive = feed.kind == "archive"
    older = feed.older if format_ in settings.formats_of_archives else None
    return Channel(
        format=format_,
        id=publication.id_base + encode(f"feeds/{feed.path}"),
        title=feed.title,
        description=feed.description or feed.title,
        language=feed.language,
        updated=feed.updated,
        self_url=address(feed.path, format_, publication),
        home=publication.url,
        stylesheet=publication.feeds_url + STYLESHEET,
        icon=join(publication.url, encode(publication.icon)) if publication.icon else "",
        logo=join(publication.url, encode(publication.logo)) if publication.logo else "",
        rights=publication.rights,
        hub="" if feed.kind in {"archive", "digest"} else settings.hub,
        older=address(older, format_, publication) if older else None,
        current=address("", format_, publication) if is_archive else None,
        authors=(person(publication.author or Person(publication.title), publication),),
        podcast=_podcast(feed.path, publication, settings) if format_ == "podcast" else None,
        index=publication.feeds_url + INDEX,
        texts=publication.texts,
    )


def _podcast(path: str, publication: Publication, settings: FeedSettings) -> PodcastSettings:
    """Return the description of the podcast in a folder, with everything that is derived."""
    given = settings.podcast_at(path)
    author = publication.author.name if publication.author else publication.title
    image = join(publication.url, encode(given.image)) if given.image else ""
    return replace(given, image=image, author=given.author or author)


def address(path: str, format_: FeedFormat, publication: Publication) -> str:
    """Return the URL of the feed at `path` in one format."""
    return publication.feeds_url + encode(path + FEED_FORMATS[format_].file)
