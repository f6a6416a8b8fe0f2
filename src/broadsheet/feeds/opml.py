"""All the feeds as one list to import (OPML 2.0, opml.org/spec2)."""

from __future__ import annotations

from collections.abc import Sequence

from lxml import etree

from broadsheet.feeds.channel import address
from broadsheet.feeds.newsletter import Newsletter
from broadsheet.feeds.plan import FeedLine
from broadsheet.model.publication import Publication
from broadsheet.model.settings import FeedSettings, main_format


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
    heads = [feed.head for feed in feeds if feed.head.kind != "archive"]
    listed = [(head.path, head.title, main_format(head.formats)) for head in heads]
    listed += [(each.path, each.title, settings.main_format) for each in newsletters]
    for path, name, format_ in listed:
        etree.SubElement(
            body,
            "outline",
            # "rss" stands for every syndication format there (spec2, subscription lists).
            type="rss",
            text=name,
            title=name,
            xmlUrl=address(path, format_, publication),
            htmlUrl=publication.url,
        )
    return etree.tostring(root, pretty_print=True, encoding="UTF-8", xml_declaration=True)
