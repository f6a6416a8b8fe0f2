"""Feed formats: one module each, found by its name: `atom_feed.py` is `formats = ["atom"]`.

A module has the functions of `Format`. The file name and media type of each format are in
`FEED_FORMATS` of the settings, since digests link to feeds too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from broadsheet.model.settings import FeedFormat

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
    """Return the module of a format."""
    return cast("Format", import_module(f"{__name__}.{name}_feed"))


def document(channel: Channel, items: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the document of `channel` in its format, piece by piece.

    items: its entries as `Format.item` returns them, newest first.
    """
    frame = feed_format(channel.format).frame(channel)
    yield frame.start
    before, end = frame.before, frame.empty_end
    for item in items:
        yield before + item
        before, end = frame.between, frame.end
    yield end
