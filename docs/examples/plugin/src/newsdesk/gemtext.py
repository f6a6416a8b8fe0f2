"""A feed format: a Gemini page whose links are a feed (geminiprotocol.net, "Subscribing").

Each entry is a line `=> URL YYYY-MM-DD Title`. The functions are those of
`broadsheet.feeds.formats.Format`; text is UTF-8.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from broadsheet.articles.entries import Entry, PublishedEntry
from broadsheet.feeds.channel import Channel, Frame

FILES = "Gemini", "feed.gmi", "text/gemini"
"""The label of its links, the name of its file in each feed, and its media type."""

_ENTRY = re.compile(rb"^=> (\S+) \d{4}-\d\d-\d\d (.*)$", re.MULTILINE)


def frame(channel: Channel) -> Frame:
    """Return the parts of a document around its entries."""
    start = f"# {channel.title}\n\n{channel.description}\n\n".encode()
    return Frame(start=start, end=b"", empty_end=b"")


def item(entry: Entry) -> bytes:
    """Return the line of an entry."""
    return f"=> {entry.url} {entry.published:%Y-%m-%d} {entry.title}\n".encode()


def entries_in(content: bytes) -> list[PublishedEntry]:
    """Return each entry of a document; its URL serves as its id."""
    return [
        PublishedEntry(url.decode(), title.decode(), "") for url, title in _ENTRY.findall(content)
    ]


def with_first(content: bytes, entry: Entry, keeps: Callable[[str], bool]) -> bytes:
    """Return the document with `entry` first, and only those others that `keeps` accepts, by id."""
    lines = content.splitlines(keepends=True)
    links = [line for line in lines if _ENTRY.match(line)]
    head = [line for line in lines if line not in links]
    kept = [line for line in links if keeps(line.split()[1].decode())]
    return b"".join([*head, item(entry), *kept])
