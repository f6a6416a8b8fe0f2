"""Feed formats: one module each, found by its name: `atom_feed.py` is `formats = ["atom"]`.

A module has the functions of `Format`. The file name and media type of each format are in
`FEED_FORMATS` of the settings, since digests link to feeds too; a plugin has them as `FILES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from operator import add
from typing import TYPE_CHECKING, Protocol, cast

from broadsheet.model.settings import FeedFormat
from broadsheet.registry import FORMATS

if TYPE_CHECKING:  # a run that makes no feed need not import what these import
    from broadsheet.articles.entries import Entry, PublishedEntry
    from broadsheet.feeds.channel import Channel, Frame


class Format(Protocol):
    """Write and read the documents of one format; all bytes are UTF-8."""

    def frame(self, channel: Channel) -> Frame:
        """Return the parts around the entries of a document."""

    def item(self, entry: Entry) -> bytes:
        """Return the entry as it is in every document, indented for its place there."""

    def entries_in(self, content: bytes) -> list[PublishedEntry]:
        """Return each entry of a document, its text as HTML. Raises if it cannot be read."""

    def with_first(self, content: bytes, entry: Entry, keeps: Callable[[str], bool]) -> bytes:
        """Return the document `content` with `entry` first, and only those others whose id `keeps`
        accepts. Raises if it cannot be read."""


@cache
def feed_format(name: FeedFormat) -> Format:
    """Return the module of a format. Raises PluginError."""
    return cast("Format", FORMATS.load(name))


def documents(
    channels: Sequence[Channel], entries: Iterable[Sequence[bytes]]
) -> Iterator[Sequence[bytes]]:
    """Yield documents with the same entries, in pieces: the next of each document at a time.

    channels: of the documents. entries: newest first, as `Format.item` returns each for each
    document.
    """
    frames = [feed_format(each.format).frame(each) for each in channels]
    yield [frame.start for frame in frames]
    before, end = [frame.before for frame in frames], [frame.empty_end for frame in frames]
    for items in entries:
        yield [*map(add, before, items)]
        before, end = [frame.between for frame in frames], [frame.end for frame in frames]
    yield end
