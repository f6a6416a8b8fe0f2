"""The catalogue as feeds: Atom, RSS, JSON Feed, their archives, an OPML list and a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from broadsheet.articles import Article
from broadsheet.catalogue import Catalogue
from broadsheet.entry import Entry, entry
from broadsheet.feeds import atom_rss, json_feed, opml, page
from broadsheet.feeds.channel import FILE_NAMES, INDEX, STYLESHEET, channel
from broadsheet.feeds.plan import Feed, plan
from broadsheet.markup import Library, Rendition
from broadsheet.publication import Publication
from broadsheet.settings import FeedFormat, FeedSettings

__all__ = ["Feed", "outputs", "plan", "to_render"]

OPML = "feeds.opml"


def to_render(feeds: Iterable[Feed], settings: FeedSettings) -> tuple[Article, ...]:
    """The articles whose body some feed needs, each once."""
    wanted = (
        article
        for feed in feeds
        for article in feed.articles
        if settings.content == "full" or not article.summary
    )
    return tuple(dict.fromkeys(wanted))


def outputs(
    feeds: Sequence[Feed],
    catalogue: Catalogue,
    renditions: Mapping[str, Rendition],
    library: Library,
    publication: Publication,
    settings: FeedSettings,
) -> dict[str, bytes]:
    """Every file of the feeds folder: relative path (not percent-encoded) -> bytes.

    renditions: by article id, of all that `to_render` names.
    """
    entries: dict[str, Entry] = {}
    for article in dict.fromkeys(article for feed in feeds for article in feed.articles):
        made = entry(article, renditions.get(article.id), catalogue, publication, library)
        entries[article.id] = made if settings.content == "full" else made.without_content()
    files = {
        feed.path + FILE_NAMES[format_]: _write(
            feed, format_, [entries[article.id] for article in feed.articles], publication, settings
        )
        for feed in feeds
        for format_ in settings.formats
    }
    files[OPML] = opml.write(feeds, publication, settings)
    files[INDEX] = page.write(feeds, publication, settings)
    files[STYLESHEET] = page.stylesheet()
    return files


def _write(
    feed: Feed,
    format_: FeedFormat,
    entries: Sequence[Entry],
    publication: Publication,
    settings: FeedSettings,
) -> bytes:
    head = channel(feed, format_, publication, settings)
    write = json_feed.write if format_ == "json" else atom_rss.write
    return write(head, entries)
