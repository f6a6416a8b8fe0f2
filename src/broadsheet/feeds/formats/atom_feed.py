"""Atom 1.0 (RFC 4287)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

from lxml import etree

from broadsheet.articles.entries import Entry, PublishedEntry
from broadsheet.feeds.channel import Channel, Frame
from broadsheet.feeds.formats import feedgen_feeds
from broadsheet.feeds.formats.feedgen_extensions import ATOM, namespaces

_ROOT = etree.Element("feed", xmlns=ATOM, nsmap=namespaces("atom"))
_END = b"</feed>\n"


def frame(channel: Channel) -> Frame:
    """Return the parts around the entries of a document."""
    return feedgen_feeds.frame(written(channel, ()), _END, channel.stylesheet)


def item(entry: Entry) -> bytes:
    """Return the entry as it is in every document: feedgen's element, indented."""
    feed = deepcopy(_ROOT)
    feed.append(_element(entry))
    text: bytes = etree.tostring(feed, pretty_print=True, encoding="UTF-8")
    return text[text.index(b"  <entry") : -len(_END)]


def written(channel: Channel, entries: Sequence[Entry]) -> bytes:
    """Return the document as feedgen writes it in one go."""
    generator = feedgen_feeds.generator(channel, channel.updated)
    for each in entries:
        _describe(generator.add_entry(order="append"), each)  # it prepends otherwise
    document: bytes = generator.atom_str(pretty=True)
    return document


def entries_in(content: bytes) -> list[PublishedEntry]:
    """Return each entry of a document, its text as HTML."""
    names = [f"{{{ATOM}}}{name}" for name in ("id", "title", "content")]
    found = feedgen_feeds.parsed(content).iter(f"{{{ATOM}}}entry")
    return [PublishedEntry(*(each.findtext(name, "") for name in names)) for each in found]


def with_first(content: bytes, entry: Entry, keeps: Callable[[str], bool]) -> bytes:
    """Return the document `content` with `entry` first, and only those others that `keeps` accepts,
    by id."""
    feed = feedgen_feeds.parsed(content)
    tags = f"{{{ATOM}}}entry", f"{{{ATOM}}}id"
    feedgen_feeds.put_first(feed, _element(entry), *tags, keeps)
    feed.find(f"{{{ATOM}}}updated").text = entry.updated.isoformat()
    return feedgen_feeds.rewritten(feed)


def _element(entry: Entry) -> Any:
    made = feedgen_feeds.new_entry()
    _describe(made, entry)
    return made.atom_entry()


def _describe(item: Any, entry: Entry) -> None:
    feedgen_feeds.describe_entry(item, entry)
    item.published(entry.published)
    item.summary(entry.description)
    for person in entry.authors:
        item.author(feedgen_feeds.person(person))
