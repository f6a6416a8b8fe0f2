"""Feed documents in every format: each entry is serialised by itself, and then put together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from broadsheet.articles.entries import Entry
from broadsheet.feeds import atom_rss, json_feed
from broadsheet.feeds.channel import Channel
from broadsheet.model.settings import FeedFormat


def serialise(entry: Entry, format_: FeedFormat) -> bytes:
    """Return `entry` as it is in every document of that format, UTF-8."""
    return json_feed.item(entry) if format_ == "json" else atom_rss.item(entry, format_)


def document(channel: Channel, items: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the document of `channel` in its format, UTF-8, piece by piece.

    items: its entries as `serialise` returns them, newest first.
    """
    frame = json_feed.frame(channel) if channel.format == "json" else atom_rss.frame(channel)
    yield frame.start
    before, end = frame.before, frame.empty_end
    for item in items:
        yield before + item
        before, end = frame.between, frame.end
    yield end
