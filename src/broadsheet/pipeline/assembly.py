"""The steps that make the files of the feeds folder, from what earlier steps have stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

from msgspec.structs import replace

from broadsheet import pages
from broadsheet.articles import Article
from broadsheet.articles.entries import Entry, article_entry, featured_image, media_file
from broadsheet.articles.topics import distinct
from broadsheet.digests import archive
from broadsheet.digests.issue import Issue, issue_folder
from broadsheet.feeds import INDEX, OPML, STYLESHEET, endings, opml, page
from broadsheet.feeds.channel import channel
from broadsheet.feeds.formats import documents, feed_format
from broadsheet.feeds.plan import NEVER, FeedHead, FeedLine
from broadsheet.markup import Rendition
from broadsheet.model.publication import Publication
from broadsheet.model.settings import FEED_FORMATS, DigestSettings, FeedFormat
from broadsheet.pipeline.files import (
    DigestPages,
    Ending,
    FeedFiles,
    FilesSettings,
    Overview,
)
from broadsheet.pipeline.memo import StepContext
from broadsheet.pipeline.pool import batched
from broadsheet.pipeline.rendering import recorded
from broadsheet.pipeline.store import Digest
from broadsheet.storage import folders
from broadsheet.storage.outputs import Written

_AT_ONCE: Final = 32  # entries; few enough to hold if each is large


def write_feed(feed: FeedFiles, settings: FilesSettings, context: StepContext) -> list[Written]:
    """Write a feed in all its formats together, one entry at a time."""
    formats = feed.head.formats
    heads = [channel(feed.head, each, settings.publication, settings.feeds) for each in formats]
    entries = _entries(feed, settings, context)
    paths = [feed.head.path + FEED_FORMATS[each].file for each in formats]
    return context.write(paths, documents(heads, entries))


def _entries(
    feed: FeedFiles, settings: FilesSettings, context: StepContext
) -> Iterator[Sequence[bytes]]:
    """Yield each entry of `feed` in all its formats."""
    for batch in batched(feed.entries, _AT_ONCE):
        context.read_ahead([*filter(None, chain.from_iterable(batch))])
        for article, body in batch:
            yield _items(article, body, feed.head.formats, settings, context)


def _items(
    article: Digest,
    body: Digest | None,
    formats: tuple[FeedFormat, ...],
    settings: FilesSettings,
    context: StepContext,
) -> list[bytes]:
    """Return an entry in each of `formats`. Feeds in a row share the newest articles."""

    def made() -> list[bytes]:
        entry = _entry(article, body, settings, context)
        return [feed_format(each).item(entry) for each in formats]

    return context.recent((article, body, formats), made)


def _entry(
    article: Digest, body: Digest | None, settings: FilesSettings, context: StepContext
) -> Entry:
    """Return the entry of an article; reads its topics and tags, and the file of its image."""
    told = context.result(article, Article)
    publication = settings.publication
    image = media = None
    if told.image or told.media:
        index = recorded(context, publication.url, {})
        image = featured_image(told, index)
        media = media_file(told, index, settings.feeds.podcast.media_url)
    made = article_entry(
        told,
        context.result(body, Rendition) if body else None,
        distinct(context.read("topic", each) for each in told.topics),
        distinct(context.read("tag", each) for each in told.tags),
        image,
        publication,
        media,
    )
    return made if settings.feeds.content == "full" else made.without_content()


def write_overview(all_: Overview, settings: FilesSettings, context: StepContext) -> list[Written]:
    """Write what lists all feeds: the page, the OPML file, and the stylesheet; reads `issues`."""
    publication, feeds = settings.publication, settings.feeds
    digests = (
        _digest_line(name, digest, context.read("issues", name), publication, feeds.formats)
        for name, digest in all_.digests.items()
    )
    listed = (*all_.feeds, *digests)
    overview = page.write(listed, publication, all_.subscribe)
    made = [opml.write(listed, publication), overview, pages.stylesheet()]
    return context.write([OPML, INDEX, STYLESHEET], [made])


def write_digest_pages(
    pages_: DigestPages, settings: FilesSettings, context: StepContext
) -> list[Written]:
    """Write the page of a digest and the feed of its issues; reads `issues`."""
    publication, feeds, digest = settings.publication, settings.feeds, pages_.settings
    issues: Sequence[Issue] = context.read("issues", pages_.name)
    path = issue_folder(pages_.name)
    links = page.links(path, publication, feeds.formats)
    head = _digest_line(pages_.name, digest, issues, publication, feeds.formats).head
    newest = [archive.issue_entry(issue, digest, publication) for issue in issues[: feeds.entries]]
    head = replace(head, updated=max((issue.updated for issue in newest), default=NEVER))
    heads = [channel(head, each, publication, feeds) for each in feeds.formats]
    entries = ([feed_format(each).item(entry) for each in feeds.formats] for entry in newest)
    paths = [path + FEED_FORMATS[each].file for each in feeds.formats]
    index = archive.archive_page(issues, digest, publication, links, pages_.subscribe, pages_.name)
    return [
        *context.write(paths, documents(heads, entries)),
        *context.write([path + INDEX], [[index]]),
    ]


def write_ending(ending: Ending, settings: FilesSettings, context: StepContext) -> list[Written]:
    """Write a feed that has ended: what it is now, with a last entry; reads `public`."""
    path = ending.path
    before = folders.content_of(context.root / settings.feeds.folder / path)

    def is_public(id_: str) -> bool:
        return bool(context.read("public", id_))

    data = endings.document(before, path, ending.retired, settings.publication, is_public)
    return context.write([path], [[data]])


def _digest_line(
    name: str,
    digest: DigestSettings,
    issues: Sequence[Issue],
    publication: Publication,
    formats: tuple[FeedFormat, ...],
) -> FeedLine:
    """Return the feed of a digest's issues, for the lists of all feeds."""
    language = archive.digest_language(digest, publication)
    title, about = digest.title, digest.description
    head = FeedHead(issue_folder(name), "digest", title, title, about, language, formats)
    if not issues:
        return FeedLine(head, 0, "", "", None)
    newest = archive.issue_entry(issues[0], digest, publication)
    return FeedLine(head, len(issues), newest.title, newest.url, newest.published)
