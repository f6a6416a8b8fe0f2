"""Atom 1.0 (RFC 4287) and RSS 2.0 (with the RSS Advisory Board's profile), by feedgen.

The only user of feedgen. What feedgen leaves out or gets wrong is in `feedgen_extensions`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from email.utils import format_datetime
from html import escape
from typing import Any

import lxml.etree  # noqa: F401 - feedgen.util fails when it is the first to import lxml
from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator
from lxml import etree

from broadsheet.articles.entries import Entry
from broadsheet.feeds.channel import Channel, Frame
from broadsheet.feeds.feedgen_extensions import (
    ATOM,
    EntryExtension,
    FeedExtension,
    namespaces,
    rss_date,
)
from broadsheet.model.publication import Person
from broadsheet.model.settings import FeedFormat

GENERATOR = "Broadsheet"

_PLAIN_TEXT = re.compile(rb"<(?:title|category|copyright|description|managingEditor)\b[^>]*>[^<]*")


_END = {"atom": b"</feed>\n", "rss": b"  </channel>\n</rss>\n"}


def frame(channel: Channel) -> Frame:
    """Return the parts around the entries of a document in the channel's format."""
    end = _END[channel.format]
    head = _with_stylesheet(written(channel, ()), channel.stylesheet)
    return Frame(head.removesuffix(end), end, end)


def item(entry: Entry, format_: FeedFormat) -> bytes:
    """Return the entry as it is in every feed of that format: feedgen's element, indented."""
    if format_ == "atom":
        root = place = etree.Element("feed", xmlns=ATOM, nsmap=namespaces(format_))
    else:
        root = etree.Element("rss", nsmap=namespaces(format_))
        place = etree.SubElement(root, "channel")
    place.append(_element(entry, format_))
    _, _, text = etree.tostring(root, pretty_print=True, encoding="UTF-8").partition(b">\n")
    text = text.removeprefix(b"  <channel>\n").removesuffix(_END[format_])
    return _by_profile(text) if format_ == "rss" else text


def with_first(feed: Any, entry: Entry, format_: FeedFormat, keeps: Callable[[str], bool]) -> bytes:
    """The document of the element `feed`, with `entry` first and only those others that `keeps`
    accepts, by id."""
    new = _element(entry, format_)
    etree.indent(new, level=1)
    new.tail = "\n  "
    atom = format_ == "atom"
    place = feed if atom else feed.find("channel")
    name, id_ = (f"{{{ATOM}}}entry", f"{{{ATOM}}}id") if atom else ("item", "guid")
    others = place.findall(name)
    place.insert(place.index(others[0]) if others else len(place), new)
    for other in others:
        if not keeps(other.findtext(id_, "")):
            place.remove(other)
    if atom:
        place.find(f"{{{ATOM}}}updated").text = entry.updated.isoformat()
    else:
        place.find("lastBuildDate").text = format_datetime(entry.updated)
    document: bytes = etree.tostring(feed.getroottree(), encoding="UTF-8", xml_declaration=True)
    return (_by_profile(document) if format_ == "rss" else document) + b"\n"


def _element(entry: Entry, format_: FeedFormat) -> Any:
    made = FeedEntry()
    made.register_extension("broadsheet", EntryExtension)
    _describe_entry(made, entry, format_)
    return made.atom_entry() if format_ == "atom" else made.rss_entry()


def written(channel: Channel, entries: Sequence[Entry]) -> bytes:
    """What feedgen writes, with all entries in one go."""
    generator = FeedGenerator()
    generator.register_extension("broadsheet", FeedExtension, EntryExtension)
    generator.broadsheet.channel = channel
    _describe(generator, channel)
    for each in entries:
        # It prepends otherwise.
        _describe_entry(generator.add_entry(order="append"), each, channel.format)
    to_bytes = generator.atom_str if channel.format == "atom" else generator.rss_str
    document: bytes = to_bytes(pretty=True)
    return _by_profile(document) if channel.format == "rss" else document


def _describe(generator: Any, channel: Channel) -> None:
    generator.id(channel.id)
    generator.title(channel.title)
    generator.subtitle(channel.description)
    generator.description(channel.description)
    generator.language(channel.language)
    # It defaults to the clock, and is `lastBuildDate` too.
    generator.updated(rss_date(channel.updated) if channel.format == "rss" else channel.updated)
    # No version: a new one would change every archive that has been fetched for good.
    generator.generator(GENERATOR)
    generator.author([_person(person) for person in channel.authors])
    generator.managingEditor(_with_address(channel.authors))
    # The last link of any rel becomes the RSS channel's, so only the site's goes this way.
    generator.link(href=channel.home, rel="alternate", type="text/html")
    if channel.rights:
        generator.rights(channel.rights)
    if channel.icon:
        generator.icon(channel.icon)
    if channel.logo:
        generator.logo(channel.logo)


def _describe_entry(item: Any, entry: Entry, format_: FeedFormat) -> None:
    item.broadsheet.entry = entry
    item.guid(entry.id, permalink=entry.id == entry.url)
    item.title(entry.title)
    item.updated(entry.updated)
    item.link(href=entry.url, rel="alternate", type="text/html")
    if entry.content:
        item.content(entry.content, type="html")
    if format_ == "rss":
        # A description is read as HTML; without one feedgen puts the content there.
        item.summary(escape(entry.description, quote=False))
        return
    item.published(entry.published)
    item.summary(entry.description)
    for person in entry.authors:
        item.author(_person(person))


def _with_address(people: Sequence[Person]) -> str | None:
    """The first person with an address, as RSS wants one; None where nobody has any."""
    return next((f"{person.email} ({person.name})" for person in people if person.email), None)


def _person(person: Person) -> dict[str, str]:
    given = {"name": person.name, "email": person.email, "uri": person.url}
    return {key: value for key, value in given.items() if value}


def _by_profile(document: bytes) -> bytes:
    """`document` with the plain texts of RSS as the profile wants them (rssboard.org/rss-profile).

    To an XML parser nothing changes; but of the two ways to write `&` and `<` this is the one that
    says: this is no HTML.
    """

    def rewrite(text: re.Match[bytes]) -> bytes:
        return text[0].replace(b"&lt;", b"&#x3C;").replace(b"&amp;", b"&#x26;")

    return _PLAIN_TEXT.sub(rewrite, document)


def _with_stylesheet(document: bytes, address: str) -> bytes:
    """`document` with the instruction to show it by a stylesheet (W3C xml-stylesheet)."""
    head, mark, rest = document.partition(b"?>\n")
    return head + mark + f'<?xml-stylesheet href="{address}" type="text/css"?>\n'.encode() + rest
