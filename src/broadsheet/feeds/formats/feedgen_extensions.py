"""Everything that feedgen leaves out or gets wrong, added through its extension interface.

Each addition says what it is for; tests/unit/feeds/test_feedgen_extensions.py shows each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import copy
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from html import escape
from typing import Any

from feedgen.ext.base import BaseEntryExtension, BaseExtension
from lxml import etree

from broadsheet import pages
from broadsheet.articles.entries import Entry, Image
from broadsheet.feeds.channel import Channel
from broadsheet.i18n import Words
from broadsheet.model.settings import FEED_FORMATS, FeedFormat

ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
DC = "http://purl.org/dc/elements/1.1/"
DCTERMS = "http://purl.org/dc/terms/"
HISTORY = "http://purl.org/syndication/history/1.0"
MEDIA = "http://search.yahoo.com/mrss/"
XHTML = "http://www.w3.org/1999/xhtml"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

_HALF_HOUR = timedelta(minutes=30)
_LIKE_MARKUP = re.compile(r"</\w+>|&#?\w+;")

_UNPREFIXED: dict[Any, str] = {None: XHTML}

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
        _add_links(feed, "link", self.channel)
        _add_browser_part(feed, self.channel)
        return feed

    def extend_rss(self, rss: Element) -> Element:
        """The same in the channel: feedgen writes only `self` there, and no archive links."""
        _add_links(rss[0], f"{{{ATOM}}}link", self.channel)
        _add_browser_part(rss[0], self.channel)
        return rss


class EntryExtension(BaseEntryExtension):
    """One entry or item."""

    entry: Entry

    def extend_atom(self, element: Element) -> Element:
        """Language, enclosure (feedgen drops a link's rel, type and length), categories, image."""
        entry = self.entry
        element.set(XML_LANG, entry.language)
        if entry.external_url:
            etree.SubElement(element, "link", rel="related", href=entry.external_url)
        if file := entry.enclosure:
            given = {"rel": "enclosure", "href": file.url, "type": file.type}
            given |= {} if file.length is None else {"length": str(file.length)}
            etree.SubElement(element, "link", given)
        if _LIKE_MARKUP.search(entry.description):
            _declare_markup(element.find("summary"))
        for scheme, name in _categories(entry):
            element.append(copy(_category(scheme, name)))
        _add_media(element, entry.image)
        return element

    def extend_rss(self, element: Element) -> Element:
        """Date (feedgen's own helper switches the process's locale), authors, language, image."""
        entry = self.entry
        _add_text(element, "pubDate", format_datetime(rss_date(entry.published)))
        for person in entry.authors:  # RSS's own <author> must be an e-mail address
            _add_text(element, f"{{{DC}}}creator", person.name)
        _add_text(element, f"{{{DC}}}language", entry.language)
        _add_text(element, f"{{{DCTERMS}}}modified", entry.updated.isoformat())
        for scheme, name in _categories(entry):
            _add_text(element, "category", name).set("domain", scheme)
        if file := entry.enclosure:  # a length is required; 0 where it is unknown
            given = {"url": file.url, "length": str(file.length or 0), "type": file.type}
            etree.SubElement(element, "enclosure", given)
        _add_media(element, entry.image)
        return element


def rss_date(moment: datetime) -> datetime:
    """`moment` with an offset that every parser of RSS knows: they know no quarters of an hour."""
    offset = moment.utcoffset() or timedelta()
    return moment.astimezone(UTC) if offset % _HALF_HOUR else moment


def _declare_markup(construct: Element) -> None:
    """Mark a text that only looks like markup as plain, by escaping it (RFC 4287, 3.1.1.2).

    A text such as "the </div> tag" is allowed as it is, yet some readers would guess.
    """
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
    for kind, topics in (("topics/", entry.topics), ("tags/", entry.tags)):
        scheme = entry.schemes + kind
        for topic in topics:
            yield scheme, topic.name


def _add_media(element: Element, image: Image | None) -> None:
    """The featured image by Media RSS; feedgen's own extension groups a single item."""
    if image is None:
        return
    given = {
        "url": image.url,
        "medium": "image",
        "type": image.type,
        "fileSize": "" if image.length is None else str(image.length),
        "width": "" if image.width is None else str(image.width),
        "height": "" if image.height is None else str(image.height),
    }
    content = etree.SubElement(element, f"{{{MEDIA}}}content", _filled(given))
    if image.alt:
        _add_text(content, f"{{{MEDIA}}}description", image.alt).set("type", "plain")


def _add_links(parent: Element, tag: str, channel: Channel) -> None:
    """The links of a document, and the mark of an archive."""
    for rel, href, kind in _links(channel):
        etree.SubElement(parent, tag, _filled({"href": href, "rel": rel, "type": kind}))
    if channel.current:
        etree.SubElement(parent, f"{{{HISTORY}}}archive")


def _add_browser_part(parent: Element, channel: Channel) -> None:
    """What a browser shows first, and what makes the rest readable (docs/decisions/0042).

    Feed readers ignore it. It is the only place where the W3C's validator accepts XHTML.
    """
    words = Words(channel.language, channel.texts)
    given = {"lang": words.language, "dir": words.direction}
    part = etree.SubElement(parent, f"{{{XHTML}}}div", given, nsmap=_UNPREFIXED)
    viewport = {"name": "viewport", "content": "width=device-width, initial-scale=1"}
    etree.SubElement(part, f"{{{XHTML}}}meta", viewport)
    turned = f":root {{ direction: {words.direction}; }}\n"
    etree.SubElement(part, f"{{{XHTML}}}style").text = pages.stylesheet().decode() + turned
    note = etree.SubElement(part, f"{{{XHTML}}}p")
    note.text = words("This is a feed. Copy the address of this page into your feed reader.")
    link = etree.SubElement(part, f"{{{XHTML}}}p")
    etree.SubElement(link, f"{{{XHTML}}}a", href=channel.index).text = words("All feeds")
    etree.SubElement(part, f"{{{XHTML}}}script").text = pages.script("feed")


def _filled(attributes: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in attributes.items() if value}


# feedgen writes Atom's own elements without a namespace, below an attribute named xmlns.
def _add_text(parent: Element, tag: str, text: str) -> Element:
    made = etree.SubElement(parent, tag)
    made.text = text
    return made


@lru_cache(4096)
def _category(scheme: str, name: str) -> Element:
    """An Atom category to copy, which takes half the time of making one."""
    return etree.Element("category", {"term": name, "label": name, "scheme": scheme})
