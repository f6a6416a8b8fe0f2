"""The catalogue as feeds: Atom, RSS, JSON Feed, their archives, an OPML list and a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from broadsheet import pages
from broadsheet.articles import Article
from broadsheet.catalogue import Catalogue
from broadsheet.entry import Entry, entry
from broadsheet.feeds import atom_rss, json_feed, opml, page
from broadsheet.feeds.channel import FILE_NAMES, INDEX, STYLESHEET, Channel, channel, of_newsletter
from broadsheet.feeds.newsletter import Newsletter
from broadsheet.feeds.plan import NEVER, Feed, plan
from broadsheet.markup import Library, Rendition
from broadsheet.publication import Publication
from broadsheet.settings import FeedSettings

__all__ = ["INDEX", "Feed", "Newsletter", "of_issues", "outputs", "overview", "plan", "to_render"]

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
    """The feeds themselves: relative path (not percent-encoded) -> bytes.

    renditions: by article id, of all that `to_render` names.
    """
    entries: dict[str, Entry] = {}
    for article in dict.fromkeys(article for feed in feeds for article in feed.articles):
        made = entry(article, renditions.get(article.id), catalogue, publication, library)
        entries[article.id] = made if settings.content == "full" else made.without_content()
    return {
        feed.path + FILE_NAMES[format_]: document(
            channel(feed, format_, publication, settings),
            [entries[article.id] for article in feed.articles],
        )
        for feed in feeds
        for format_ in settings.formats
    }


def overview(
    feeds: Sequence[Feed],
    newsletters: Sequence[Newsletter],
    publication: Publication,
    settings: FeedSettings,
) -> dict[str, bytes]:
    """What stands beside the feeds: the page and the list of all of them, and their stylesheet."""
    return {
        OPML: opml.write(feeds, newsletters, publication, settings),
        INDEX: page.write(feeds, newsletters, publication, settings),
        STYLESHEET: pages.stylesheet(),
    }


def of_issues(
    newsletter: Newsletter,
    issues: Sequence[Entry],
    publication: Publication,
    settings: FeedSettings,
) -> dict[str, bytes]:
    """The feed of a digest's own issues, newest first, in each format."""
    newest = issues[: settings.entries]
    updated = max((issue.updated for issue in newest), default=NEVER)
    return {
        newsletter.path + FILE_NAMES[format_]: document(
            of_newsletter(newsletter, updated, format_, publication), newest
        )
        for format_ in settings.formats
    }


def document(head: Channel, entries: Sequence[Entry]) -> bytes:
    """One feed document, in the format that its head names."""
    write = json_feed.write if head.format == "json" else atom_rss.write
    return write(head, entries)
