"""Everything that feedgen leaves out or gets wrong, added through its extension interface.

Each addition says what it is for; tests/unit/feeds/test_feedgen_extensions.py shows each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from typing import Any

from feedgen.ext.base import BaseEntryExtension, BaseExtension
from lxml import etree

from broadsheet.articles.entries import Entry, Image
from broadsheet.feeds.channel import Channel
from broadsheet.model.settings import FEED_FORMATS, FeedFormat

ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
DC = "http://purl.org/dc/elements/1.1/"
DCTERMS = "http://purl.org/dc/terms/"
HISTORY = "http://purl.org/syndication/history/1.0"
MEDIA = "http://search.yahoo.com/mrss/"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

_LIKE_MARKUP = re.compile(r"</\w+>|&#?\w+;")

Element = Any  # lxml's own element type cannot be named at run time


def namespaces(format_: FeedFormat) -> dict[str, str]:
    """The prefixes of what entries hold; those of the last two are feedgen's own."""
    if format_ == "atom":
        return {"media": MEDIA}
    return {"media": MEDIA, "dc": DC, "dcterms": DCTERMS, "atom": ATOM, "content": CONTENT}


class FeedExtension(BaseExtension):
    """The head of a document."""

    channel: Channel

    def extend_ns(self) -> dict[str, str]:
        """Return the prefixes of what is added; a document declares only those that it uses."""
        return namespaces(self.channel.format) | ({"fh": HISTORY} if self.channel.current else {})

    def extend_atom(self, feed: Element) -> Element:
        """Links that feedgen's RSS side cannot bear beside it, and the archive's mark."""
        for rel, href, kind in _links(self.channel):
            _add(feed, "", "link", None, href=href, rel=rel, type=kind)
        if self.channel.current:
            _add(feed, HISTORY, "archive")
        return feed

    def extend_rss(self, rss: Element) -> Element:
        """The same in the channel: feedgen writes only `self` there, and no archive links."""
        head = rss[0]
        for rel, href, kind in _links(self.channel):
            _add(head, ATOM, "link", None, href=href, rel=rel, type=kind)
        if self.channel.current:
            _add(head, HISTORY, "archive")
        return rss


class EntryExtension(BaseEntryExtension):
    """One entry or item."""

    entry: Entry

    def extend_atom(self, element: Element) -> Element:
        """Language, enclosure (feedgen drops a link's rel, type and length), categories, image."""
        element.set(XML_LANG, self.entry.language)
        image = self.entry.image
        if image and image.length is not None and image.type:
            _add(
                element,
                "",
                "link",
                None,
                rel="enclosure",
                href=image.url,
                type=image.type,
                length=str(image.length),
            )
        _declare_markup(element.find("summary"))
        for scheme, name in _categories(self.entry):
            _add(element, "", "category", None, term=name, label=name, scheme=scheme)
        _add_media(element, image)
        return element

    def extend_rss(self, element: Element) -> Element:
        """Date (feedgen's own helper switches the process's locale), authors, language, image."""
        entry = self.entry
        _add(element, "", "pubDate", format_datetime(rss_date(entry.published)))
        for person in entry.authors:  # RSS's own <author> must be an e-mail address
            _add(element, DC, "creator", person.name)
        _add(element, DC, "language", entry.language)
        _add(element, DCTERMS, "modified", entry.updated.isoformat())
        for scheme, name in _categories(entry):
            _add(element, "", "category", name, domain=scheme)
        image = entry.image
        if image and image.length is not None and image.type:
            _add(
                element,
                "",
                "enclosure",
                None,
                url=image.url,
                length=str(image.length),
                type=image.type,
            )
        _add_media(element, image)
        return element


def rss_date(moment: datetime) -> datetime:
    """`moment` with an offset that every parser of RSS knows: they know no quarters of an hour."""
    offset = moment.utcoffset() or timedelta()
    return moment if offset % timedelta(minutes=30) == timedelta() else moment.astimezone(UTC)


def _declare_markup(construct: Element) -> None:
    """Says of a text that looks like markup that it is not, by escaping it (RFC 4287, 3.1.1.2).

    A text such as "the </div> tag" is allowed as it is, yet some readers would guess.
    """
    if construct is not None and _LIKE_MARKUP.search(construct.text or ""):
        construct.set("type", "html")
        construct.text = escape(construct.text, quote=False)


def _links(channel: Channel) -> Iterator[tuple[str, str, str]]:
    """Rel, address and media type of the links of a document (RFC 4287 4.2.7, RFC 5005, WebSub)."""
    kind = FEED_FORMATS[channel.format].media_type
    yield "self", channel.self_url, kind
    if channel.hub:
        yield "hub", channel.hub, ""
    if channel.older:
        yield "prev-archive", channel.older, kind
    if channel.current:
        yield "current", channel.current, kind


def _categories(entry: Entry) -> Iterator[tuple[str, str]]:
    """Scheme and name of each topic and tag; the scheme tells the one from the other."""
    for topic in entry.topics:
        yield f"{entry.schemes}topics/", topic.name
    for tag in entry.tags:
        yield f"{entry.schemes}tags/", tag.name


def _add_media(element: Element, image: Image | None) -> None:
    """The featured image by Media RSS; feedgen's own extension groups a single item."""
    if image is None:
        return
    content = _add(
        element,
        MEDIA,
        "content",
        None,
        url=image.url,
        medium="image",
        type=image.type,
        fileSize="" if image.length is None else str(image.length),
        width="" if image.width is None else str(image.width),
        height="" if image.height is None else str(image.height),
    )
    if image.alt:
        _add(content, MEDIA, "description", image.alt, type="plain")


# feedgen writes Atom's own elements without a namespace, below an attribute named xmlns.
def _add(parent: Element, namespace: str, name: str, text: str | None = None, **given: str) -> Any:
    """A child of `parent`, with those of the attributes `given` that say something."""
    tag = f"{{{namespace}}}{name}" if namespace else name
    child = etree.SubElement(parent, tag, {key: value for key, value in given.items() if value})
    child.text = text
    return child
