"""Feeds that have ended: they stay for a while, with a last entry that says where to go."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct

from broadsheet.articles import Article
from broadsheet.articles.topics import topic_slug
from broadsheet.feeds.formats import feed_format
from broadsheet.model.settings import FEED_FORMATS, FeedFormat, FeedSettings


class Retired(Struct, frozen=True):
    """A feed document that has ended.

    since: when. to: the feed to follow instead: its path, or its URL if it is elsewhere.
    """

    since: Annotated[datetime, Meta(tz=True)]
    to: str

    def address(self, start: str) -> str:
        """Return the URL of the feed to follow instead, or its path; start: the feeds folder's."""
        return self.to if _is_url(self.to) else start + self.to

    def until(self, settings: FeedSettings) -> datetime:
        """The time at which it is removed."""
        return self.since + timedelta(days=settings.keep_retired_days)


class Successors(Struct, frozen=True):
    """The feeds that can be followed instead of one that ends.

    live: the paths of all documents. published: those of the last build. groups: the folder of a
    topic's, tag's, author's or language's feed -> all its articles. aliases, moved: as in the
    settings. renamed: the former name of a digest -> its name.
    """

    live: Collection[str]
    published: Collection[str]
    groups: Mapping[str, Sequence[Article]]
    aliases: Mapping[str, Sequence[str]]
    formats: Sequence[FeedFormat]
    renamed: Mapping[str, str]
    moved: Mapping[str, str]

    def of(self, path: str, content: bytes) -> str:
        """The path of the document to follow instead of the one at `path`: another format of the
        same feed, the feed under its new name, or else the main feed."""
        folder, name = split(path)
        declared = self.moved.get(path) or self.moved.get(folder, folder)
        if declared and (_is_url(declared) or not declared.endswith("/")):
            return declared
        names = [name, *(FEED_FORMATS[format_].file for format_ in self.formats)]
        folders = [declared, *self._renamed(folder, content, format_by_file()[name]), ""]
        places = (each + file for each in folders for file in names)
        return next((place for place in places if place in self.live), folder)

    def _renamed(self, folder: str, content: bytes, format_: FeedFormat) -> Iterator[str]:
        """The folders in which the feed in `folder` may continue, best first."""
        kind, _, rest = folder.partition("/")
        if kind == "topics":
            for topic, others in self.aliases.items():
                if rest.rstrip("/") in map(topic_slug, others):
                    yield f"topics/{topic_slug(topic)}/"
        if kind == "digests":
            if name := self.renamed.get(rest.rstrip("/")):
                yield f"digests/{name}/"
            yield from self._new_digest(folder)
        elif moved := self._moved(kind, told(content, format_)):
            yield moved

    def _moved(self, kind: str, entries: Collection[tuple[str, str]]) -> str:
        """The folder of the feed that has most of `entries` now; "" if none has more than half.

        An entry is identified by its id or title, since the id may change with the topic.
        """
        ids, titles = {id_ for id_, _ in entries}, {title for _, title in entries}
        counts = {
            folder: sum(article.id in ids or article.title in titles for article in articles)
            for folder, articles in self.groups.items()
            if folder.startswith(f"{kind}/")
        }
        best = min(
            counts, key=lambda each: (-counts[each], len(self.groups[each]), each), default=""
        )
        return best if best and 2 * counts[best] > len(entries) else ""

    def _new_digest(self, folder: str) -> list[str]:
        """Return the folder of the one digest whose issues begin where those in `folder` end."""
        last = max(self._issues(folder), default="")
        feeds = (path for path in self.live if path.startswith("digests/") and _is_feed(path))
        folders = {split(path)[0] for path in feeds}
        new = [each for each in folders if min(self._issues(each), default="~") > last]
        return new if len(new) == 1 else []

    def _issues(self, folder: str) -> set[str]:
        """The keys of the issues of a digest; they begin with their dates."""
        ours = (path.removeprefix(folder) for path in self.published if path.startswith(folder))
        return {rest.partition("/")[0] for rest in ours if "/" in rest}


def retire(
    before: Mapping[str, Retired],
    successors: Successors,
    now: datetime,
    content: Callable[[str], bytes | None],
) -> dict[str, Retired]:
    """Path -> feed document that has ended. before: the same at the last build.

    content: returns the document at a path. Archives do not count: readers do not follow them.
    """
    gone = {path for path in (*successors.published, *before) if _is_feed(path)}
    since = now.astimezone(UTC).replace(microsecond=0)  # the same in every time zone

    def retired(path: str) -> Retired:
        earlier = before.get(path)
        if earlier and successors.moved.keys().isdisjoint((path, split(path)[0])):
            return earlier
        to = successors.of(path, content(path) or b"")
        return Retired(earlier.since if earlier else since, to)

    return {path: retired(path) for path in sorted(gone.difference(successors.live))}


def is_in_doubt(path: str, content: bytes, read: Collection[str]) -> bool:
    """Whether the feed document at `path` has an entry whose article is not in `read` (ids): it may
    have an error and come back."""
    if path.startswith("digests/"):
        return False
    return any(id_ not in read for id_, _ in told(content, format_by_file()[split(path)[1]]))


def by_feed(retired: Mapping[str, Retired]) -> dict[str, Retired]:
    """The ended feeds, with one key for all formats of a feed: its folder. If only a format has
    ended, one key for all feeds: the file name."""
    found: dict[str, Retired] = {}
    for path, each in retired.items():
        folder, name = split(path)
        found.setdefault(name if split(each.to)[0] == folder else folder, each)
    return found


def told(content: bytes, format_: FeedFormat) -> set[tuple[str, str]]:
    """Return the id and title of each entry of a feed document; none if it cannot be read."""
    with suppress(Exception):
        return {(each.id, each.title) for each in feed_format(format_).entries_in(content)}
    return set()


def split(path: str) -> tuple[str, str]:
    """The folder, "" or ending in a slash, and the name of a file."""
    folder, slash, name = path.rpartition("/")
    return folder + slash, name


def _is_url(text: str) -> bool:
    return text.startswith(("https://", "http://"))


def format_by_file() -> dict[str, FeedFormat]:
    """Return the format of each feed document, by its file name."""
    return {each.file: name for name, each in FEED_FORMATS.items()}


def _is_feed(path: str) -> bool:
    return split(path)[1] in format_by_file() and not path.startswith("archive/")
