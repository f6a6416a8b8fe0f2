"""What Atom and RSS share: feedgen writes both.

`feedgen_extensions` has what feedgen leaves out or gets wrong. Only these two and `podcast_feed`
import feedgen.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import lxml.etree  # noqa: F401 - feedgen.util fails when it is the first to import lxml
from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator
from lxml import etree

from broadsheet.articles.entries import Entry
from broadsheet.feeds.channel import Channel, Frame
from broadsheet.feeds.formats.feedgen_extensions import EntryExtension, FeedExtension
from broadsheet.model.publication import Person

GENERATOR = "Broadsheet"


def frame(document: bytes, end: bytes, stylesheet: str) -> Frame:
    """Return the parts around the entries of a document that ends in `end`.

    document: without entries. stylesheet: its URL, for the document (W3C xml-stylesheet).
    """
    head, mark, rest = document.partition(b"?>\n")
    style = f'<?xml-stylesheet href="{stylesheet}" type="text/css"?>\n'.encode()
    return Frame(head + mark + style + rest.removesuffix(end), end, end)


def generator(channel: Channel, updated: datetime) -> Any:
    """Return feedgen's generator with the head of a document.

    updated: without it feedgen takes the clock; it is `lastBuildDate` too.
    """
    made = FeedGenerator()
    made.register_extension("broadsheet", FeedExtension, EntryExtension)
    made.broadsheet.channel = channel
    made.id(channel.id)
    made.title(channel.title)
    made.subtitle(channel.description)
    made.description(channel.description)
    made.language(channel.language)
    made.updated(updated)
    # No version: a new one would change every archive that has been fetched for good.
    made.generator(GENERATOR)
    made.author([person(each) for each in channel.authors])
    reachable = (each for each in channel.authors if each.email)  # RSS asks for an address
    made.managingEditor(next((f"{each.email} ({each.name})" for each in reachable), None))
    # The last link of any rel becomes the RSS channel's, so only the site's goes this way.
    made.link(href=channel.home, rel="alternate", type="text/html")
    if channel.rights:
        made.rights(channel.rights)
    if channel.icon:
        made.icon(channel.icon)
    if channel.logo:
        made.logo(channel.logo)
    return made


def new_entry() -> Any:
    """Return an empty entry that belongs to no generator."""
    made = FeedEntry()
    made.register_extension("broadsheet", EntryExtension)
    return made


def describe_entry(item: Any, entry: Entry) -> None:
    """Set what both formats have of an entry."""
    item.broadsheet.entry = entry
    item.guid(entry.id, permalink=entry.id == entry.url)
    item.title(entry.title)
    item.updated(entry.updated)
    item.link(href=entry.url, rel="alternate", type="text/html")
    if entry.content:
        item.content(entry.content, type="html")


def person(given: Person) -> dict[str, str]:
    """Return a person as feedgen takes one."""
    fields = {"name": given.name, "email": given.email, "uri": given.url}
    return {key: value for key, value in fields.items() if value}


def parsed(content: bytes) -> Any:
    """Return the root element of a document that others may have changed. Raises XMLSyntaxError."""
    return etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))


def put_first(place: Any, element: Any, tag: str, id_: str, keeps: Callable[[str], bool]) -> None:
    """Insert `element` before the entries in `place`; remove those that `keeps` does not accept.

    tag, id_: of an entry, and of the element with its id.
    """
    etree.indent(element, level=1)
    element.tail = "\n  "
    others = place.findall(tag)
    place.insert(place.index(others[0]) if others else len(place), element)
    for other in others:
        if not keeps(other.findtext(id_, "")):
            place.remove(other)


def rewritten(root: Any) -> bytes:
    """Return the document of a parsed root element."""
    document: bytes = etree.tostring(root.getroottree(), encoding="UTF-8", xml_declaration=True)
    return document + b"\n"
