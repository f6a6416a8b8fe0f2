"""RSS 2.0, with the RSS Advisory Board's profile (rssboard.org/rss-profile)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from copy import deepcopy
from email.utils import format_datetime
from html import escape
from typing import Any

from lxml import etree

from broadsheet.articles.entries import Entry, PublishedEntry
from broadsheet.feeds.channel import Channel, Frame
from broadsheet.feeds.formats import feedgen_feeds
from broadsheet.feeds.formats.feedgen_extensions import CONTENT, namespaces, rss_date

_PLAIN_TEXT = re.compile(rb"<(?:title|category|copyright|description|managingEditor)\b[^>]*>[^<]*")
_ROOT = etree.Element("rss", nsmap=namespaces("rss"))
etree.SubElement(_ROOT, "channel")
_END = b"  </channel>\n</rss>\n"


def frame(channel: Channel) -> Frame:
    """Return the parts around the items of a document."""
    return feedgen_feeds.frame(written(channel, ()), _END, channel.stylesheet)


def item(entry: Entry) -> bytes:
    """Return the item as it is in every document: feedgen's element, indented."""
    root = deepcopy(_ROOT)
    root[0].append(_element(entry))
    text = etree.tostring(root, pretty_print=True, encoding="UTF-8")
    start, end = text.index(b"    <item>"), -len(_END)
    # The content is long, and has no such text.
    content = max(start, text.find(b"<content:encoded>"))
    after = max(start, text.rfind(b"</content:encoded>"))
    head, tail = _by_profile(text[start:content]), _by_profile(text[after:end])
    return b"".join((head, text[content:after], tail))


def written(channel: Channel, entries: Sequence[Entry]) -> bytes:
    """Return the document as feedgen writes it in one go, with texts by the profile."""
    generator = feedgen_feeds.generator(channel, rss_date(channel.updated))
    for each in entries:
        _describe(generator.add_entry(order="append"), each)  # it prepends otherwise
    return _by_profile(generator.rss_str(pretty=True))


def entries_in(content: bytes) -> list[PublishedEntry]:
    """Return each item of a document, its text as HTML."""
    names = ("guid", "title", f"{{{CONTENT}}}encoded")
    found = feedgen_feeds.parsed(content).iter("item")
    return [PublishedEntry(*(each.findtext(name, "") for name in names)) for each in found]


def with_first(content: bytes, entry: Entry, keeps: Callable[[str], bool]) -> bytes:
    """Return the document `content` with `entry` first, and only those others that `keeps` accepts,
    by guid."""
    rss = feedgen_feeds.parsed(content)
    place = rss.find("channel")
    feedgen_feeds.put_first(place, _element(entry), "item", "guid", keeps)
    place.find("lastBuildDate").text = format_datetime(entry.updated)
    return _by_profile(feedgen_feeds.rewritten(rss))


def _element(entry: Entry) -> Any:
    made = feedgen_feeds.new_entry()
    _describe(made, entry)
    return made.rss_entry()


def _describe(item: Any, entry: Entry) -> None:
    feedgen_feeds.describe_entry(item, entry)
    if entry.external_url and entry.id == entry.url:  # as link blogs do; the guid is its page
        item.link(href=entry.external_url, replace=True)
    # A description is read as HTML; without one feedgen puts the content there.
    item.summary(escape(entry.description, quote=False))


def _by_profile(document: bytes) -> bytes:
    """Return `document` with the plain texts of RSS as the profile wants them.

    To an XML parser nothing changes; but of the two ways to write `&` and `<` this is the one that
    marks the text as not being HTML.
    """

    def rewrite(text: re.Match[bytes]) -> bytes:
        return text[0].replace(b"&lt;", b"&#x3C;").replace(b"&amp;", b"&#x26;")

    return _PLAIN_TEXT.sub(rewrite, document) if b"&" in document else document
