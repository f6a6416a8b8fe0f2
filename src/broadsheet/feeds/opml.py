"""All the feeds as one list to import (OPML 2.0, opml.org/spec2)."""

from __future__ import annotations

from collections.abc import Sequence

from lxml import etree

from broadsheet.feeds.channel import address, title
from broadsheet.feeds.newsletter import Newsletter
from broadsheet.feeds.plan import FeedLine
from broadsheet.model.publication import Publication
from broadsheet.model.settings import FeedSettings


def write(
    feeds: Sequence[FeedLine],
    newsletters: Sequence[Newsletter],
    publication: Publication,
    settings: FeedSettings,
) -> bytes:
    """One outline for each feed to subscribe to, in the main format."""
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = publication.title
    body = etree.SubElement(root, "body")
    listed = [(feed.path, title(feed, publication)) for feed in feeds if feed.kind != "archive"]
    listed += [(newsletter.path, newsletter.title) for newsletter in newsletters]
    for path, name in listed:
        etree.SubElement(
            body,
            "outline",
            # "rss" stands for every syndication format there (spec2, subscription lists).
            type="rss",
            text=name,
            title=name,
            xmlUrl=address(path, settings.main_format, publication),
            htmlUrl=publication.url,
        )
    return etree.tostring(root, pretty_print=True, encoding="UTF-8", xml_declaration=True)
