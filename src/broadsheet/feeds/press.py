"""Feed documents in every format, each entry written once for all the documents that it is in."""

from __future__ import annotations

from collections.abc import Sequence

from broadsheet.articles.entries import Entry
from broadsheet.feeds.channel import Channel
from broadsheet.model.settings import FeedFormat


class Press:
    """Prints feed documents. What an entry became stays set, by format and id."""

    def __init__(self) -> None:
        self._set: dict[tuple[FeedFormat, str], bytes] = {}

    def document(self, head: Channel, entries: Sequence[Entry]) -> bytes:
        """One feed document, UTF-8, in the format that its head names."""
        if head.format == "json":
            from broadsheet.feeds.json_feed import frame
        else:
            from broadsheet.feeds.atom_rss import frame
        return frame(head, [self.set(entry, head.format) for entry in entries])

    def set(self, entry: Entry, format_: FeedFormat) -> bytes:
        """The entry as it stands in every document of that format; made the first time."""
        place = (format_, entry.id)
        if place not in self._set:
            # A run that changes no feed of a format does not import what writes it.
            if format_ == "json":
                from broadsheet.feeds.json_feed import item
            else:
                from broadsheet.feeds.atom_rss import item
            self._set[place] = item(entry, format_)
        return self._set[place]
