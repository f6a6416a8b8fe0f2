"""Which files a build makes, and from what. Their bytes come from `assembly`, where they change."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from broadsheet.digests.issue import issue_folder
from broadsheet.digests.selection import History
from broadsheet.feeds import INDEX, OPML, STYLESHEET
from broadsheet.feeds.plan import Feed, FeedHead, FeedLine
from broadsheet.feeds.retired import Retired
from broadsheet.model.publication import Publication
from broadsheet.model.settings import FEED_FORMATS, DigestSettings, FeedSettings
from broadsheet.pipeline.edition import Edition
from broadsheet.pipeline.memo import Memo, Source, Step
from broadsheet.pipeline.rendering import lookups
from broadsheet.pipeline.store import Digest
from broadsheet.storage import outputs
from broadsheet.storage.folders import Stamp, stamp_of
from broadsheet.storage.outputs import Output, Written

_CHUNK: Final = 2  # feeds; archives take long, and at the end no process should wait for another


class FilesSettings(Struct, frozen=True):
    """The settings that the files of every feed depend on."""

    publication: Publication
    feeds: FeedSettings


class FeedFiles(Struct, frozen=True):
    """A feed. entries: addresses of the `Article` and of its `Rendition`; newest
    first."""

    head: FeedHead
    entries: tuple[tuple[Digest, Digest | None], ...]


class Overview(Struct, frozen=True):
    """The lists of all feeds and digests. digests: by name. subscribe: URL of the form, or ""."""

    feeds: tuple[FeedLine, ...]
    digests: dict[str, DigestSettings]
    subscribe: str


class DigestPages(Struct, frozen=True):
    """What lists the issues of a digest, for people and for readers. subscribe: as in Overview."""

    name: str
    settings: DigestSettings
    subscribe: str


class Ending(Struct, frozen=True):
    """The file of a feed that has ended."""

    path: str
    retired: Retired


class Files(Struct, frozen=True):
    """Files to be made. work: steps with their items. paths: of all files, in the feeds folder."""

    work: tuple[tuple[Step, tuple[object, ...]], ...]
    paths: tuple[str, ...]

    def and_these(self, other: Files) -> Files:
        """Return these files and `other`."""
        return Files(self.work + other.work, self.paths + other.paths)

    def of_feeds(self, folders: Collection[str]) -> Files:
        """Return these without the feeds of articles that are not in `folders`, and the lists."""

        def is_kept(item: object) -> bool:
            if isinstance(item, FeedFiles):
                return item.head.path in folders
            return not isinstance(item, Overview)

        work = ((step, tuple(filter(is_kept, items))) for step, items in self.work)
        return Files(tuple(work), ())

    def make(self, memo: Memo, read: Mapping[str, Source], output: Output) -> list[Written]:
        """Make the files that are missing or out of date; return what each of all files is.

        read: what the steps read. output: writes files, or only returns what they would be.
        """
        return [
            written
            for step, items in self.work
            for made in memo.values(memo.map(step, items, read, output), list[Written])
            for written in made
        ]


class PublishedFiles:
    """The files of the feeds folder. recorded: stamp and digest of each, from an earlier run."""

    def __init__(self, folder: Path, recorded: Mapping[str, tuple[Stamp, str]]) -> None:
        self._folder, self._recorded = folder, recorded
        self.seen: dict[str, tuple[Stamp, str]] = {}
        """Stamp and digest of each file that was asked for."""

    def digest(self, path: str) -> str | None:
        """Return the SHA-256 of a file (hexadecimal); None if it cannot be read."""
        try:
            stamp = stamp_of((self._folder / path).stat())
        except OSError:
            return None
        if self.seen.get(path, (None, ""))[0] != stamp:
            known, digest = self._recorded.get(path, (None, ""))
            found = digest if known == stamp else outputs.digest_of(self._folder / path)
            if found is None:
                return None
            self.seen[path] = stamp, found
        return self.seen[path][1]

    def replaced(self, made: Written) -> None:
        """Note that a file has just been written; so it need not be read."""
        stamp = stamp_of((self._folder / made.path).stat())
        self.seen[made.path] = stamp, made.digest


def feed_files(edition: Edition) -> Files:
    """Return the feeds of articles."""
    content, bodies = edition.content, edition.renderings.addresses

    def item(feed: Feed) -> FeedFiles:
        sources = [article.source for article in feed.articles]
        stored = content.articles.stored
        return FeedFiles(feed.head, tuple((stored[each], bodies.get(each)) for each in sources))

    # A small one first, since memo runs the first item before it starts other processes. The rest
    # as planned: there the newest archives follow the feeds that hold the same articles.
    smallest = min(edition.feeds, key=lambda feed: len(feed.articles))
    feeds = sorted(edition.feeds, key=lambda feed: feed is not smallest)
    paths = tuple(
        head.path + FEED_FORMATS[each].file
        for head in (feed.head for feed in feeds)
        for each in head.formats
    )
    return Files(((_step("write_feed", edition, "Writing"), tuple(map(item, feeds))),), paths)


def digest_files(edition: Edition) -> Files:
    """Return what lists the issues of digests, and what lists all feeds and digests."""
    settings = edition.content.project.settings
    subscribe = settings.delivery.subscribe_url
    digests = tuple(DigestPages(name, each, subscribe) for name, each in settings.digests.items())
    names = [INDEX, *(FEED_FORMATS[each].file for each in settings.feeds.formats)]
    paths = [issue_folder(each.name) + name for each in digests for name in names]
    lines = tuple(feed.line for feed in edition.feeds)
    work = (
        (_step("write_digest_pages", edition), digests),
        (_step("write_overview", edition), (Overview(lines, settings.digests, subscribe),)),
    )
    return Files(work, (*paths, OPML, INDEX, STYLESHEET))


def ending_files(edition: Edition, ended: Mapping[str, Retired]) -> Files:
    """Return the feeds that have ended, by path."""
    items = tuple(Ending(path, each) for path, each in ended.items())
    return Files(((_step("write_ending", edition), items),), tuple(ended))


def read_by_files(
    edition: Edition, histories: Mapping[str, History], published: PublishedFiles
) -> dict[str, Source]:
    """Return the sources that these steps read."""
    content = edition.content
    public = frozenset(article.id for article in content.catalogue.articles)
    return {
        **lookups(content.link_index),
        "topic": content.catalogue.names("topics").topic,
        "tag": content.catalogue.names("tags").topic,
        "issues": {name: each.everything[::-1] for name, each in histories.items()}.get,
        "public": public.__contains__,
        "output": published.digest,
    }


def _step(name: str, edition: Edition, label: str = "") -> Step:
    settings = edition.content.project.settings
    given = FilesSettings(settings.publication, settings.feeds)
    return Step(f"broadsheet.pipeline.assembly:{name}", given, _CHUNK, label)
