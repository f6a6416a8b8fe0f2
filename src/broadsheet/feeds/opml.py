"""All feeds as one list to import (OPML 2.0, opml.org/spec2)."""

from __future__ import annotations

from collections.abc import Sequence

from lxml import etree

from broadsheet.feeds.channel import address
from broadsheet.feeds.plan import FeedLine
from broadsheet.model.publication import Publication
from broadsheet.model.settings import main_format


def write(feeds: Sequence[FeedLine], publication: Publication) -> bytes:
    """Return the list, with one outline for each feed to subscribe to, in its main format."""
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = publication.title
    body = etree.SubElement(root, "body")
    for head in (feed.head for feed in feeds if feed.head.kind != "archive"):
        etree.SubElement(
            body,
            "outline",
            # "rss" stands for every syndication format there (spec2, subscription lists).
            type="rss",
            text=head.title,
            title=head.title,
            xmlUrl=address(head.path, main_format(head.formats), publication),
            htmlUrl=publication.url,
        )
    return etree.tostring(root, pretty_print=True, encoding="UTF-8", xml_declaration=True)
