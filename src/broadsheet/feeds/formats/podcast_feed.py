"""A podcast: RSS with Apple's tags, and those of Podcasting 2.0.

Sources: Apple, "A Podcaster's Guide to RSS" and the "Podcast RSS feed requirements"; the podcast
namespace (podcastindex.org/namespace/1.0). feedgen's podcast extension writes Apple's tags; its
`explicit` knows no true and false, which Apple and the PSP-1 specification want.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID, uuid5

from feedgen.ext.podcast import PodcastExtension
from feedgen.ext.podcast_entry import PodcastEntryExtension
from lxml import etree

from broadsheet.articles.entries import Entry, PublishedEntry
from broadsheet.feeds.channel import Channel, Frame
from broadsheet.feeds.formats import feedgen_feeds, rss_feed
from broadsheet.model.settings import PodcastSettings

ITUNES: Final = "http://www.itunes.com/dtds/podcast-1.0.dtd"
PODCAST: Final = "https://podcastindex.org/namespace/1.0"
_PREFIXES: Final = {"itunes": ITUNES, "podcast": PODCAST}
_GUIDS: Final = UUID("ead4c236-bf58-58c6-a2c6-a6b28d128cb6")
_TRANSCRIPTS: Final = {
    "vtt": "text/vtt",
    "srt": "application/x-subrip",
    "html": "text/html",
    "json": "application/json",
}
_ARTWORK: Final = re.compile(r".*\.(?:jpe?g|png)", re.IGNORECASE)


def frame(channel: Channel) -> Frame:
    """Return the parts around the items of a document."""
    made = rss_feed.frame(channel)
    declared = "".join(f' xmlns:{name}="{uri}"' for name, uri in _PREFIXES.items())
    start = made.start.replace(b"<rss", f"<rss{declared}".encode(), 1)
    about = channel.podcast or PodcastSettings()
    return Frame(start + _written(1, partial(_describe_show, channel, about)), made.end, made.end)


def item(entry: Entry) -> bytes:
    """Return the item as it is in every document."""
    end = b"    </item>\n"
    return rss_feed.item(entry).removesuffix(end) + _written(2, partial(_describe, entry)) + end


def entries_in(content: bytes) -> list[PublishedEntry]:
    """Return each item of a document, its text as HTML."""
    return rss_feed.entries_in(content)


def with_first(content: bytes, entry: Entry, keeps: Callable[[str], bool]) -> bytes:
    """Return the document `content` with `entry` first, and only those others that `keeps` accepts,
    by guid. Apps follow the feed at the `external_url` of the entry, if it has one."""
    root = feedgen_feeds.parsed(content)
    for old in root.findall(f"channel/{{{ITUNES}}}new-feed-url"):
        old.getparent().remove(old)
    if entry.external_url:
        _add(root[0], ITUNES, "new-feed-url", entry.external_url)
    return rss_feed.with_first(feedgen_feeds.rewritten(root), entry, keeps)


def _written(depth: int, describe: Callable[[Any], None]) -> bytes:
    """Return the elements that `describe` adds to an element at `depth`, without namespaces, which
    the document declares."""
    root = place = etree.Element("rss", nsmap=_PREFIXES)
    for _ in range(depth):
        place = etree.SubElement(place, "item")
    describe(place)
    lines = etree.tostring(root, pretty_print=True, encoding="UTF-8").splitlines(keepends=True)
    return b"".join(line for line in lines if not re.match(rb" *</?(?:rss|item)\b|<\?xml", line))


def _describe_show(channel: Channel, about: PodcastSettings, place: Any) -> None:
    made = PodcastExtension()
    made.itunes_author(about.author)
    made.itunes_type(about.type)
    made.itunes_category([_category(each) for each in about.categories])
    if _ARTWORK.fullmatch(about.image):
        made.itunes_image(about.image)
    if about.owner:
        made.itunes_owner(about.owner.name, about.owner.email)
    if about.complete:
        made.itunes_complete("yes")
    if about.block:
        made.itunes_block(itunes_block=True)
    if about.new_feed_url:
        made.itunes_new_feed_url(about.new_feed_url)
    made.extend_rss([place])  # it takes the root, and adds to its first child
    _add(place, ITUNES, "explicit", str(about.explicit).lower())
    _add(place, PODCAST, "guid", about.guid or podcast_guid(channel.self_url))
    owner = about.owner.email if about.owner else ""
    _add(place, PODCAST, "locked", "yes" if about.locked else "no", owner=owner)
    if about.funding:
        _add(place, PODCAST, "funding", channel.title, url=about.funding)


def _category(text: str) -> dict[str, str]:
    main, _, sub = (part.strip() for part in text.partition(">"))
    return {"cat": main, "sub": sub}


def podcast_guid(url: str) -> str:
    """Return the UUID of a feed, by its URL without scheme and final slashes (podcast:guid)."""
    parts = urlsplit(url)
    return str(uuid5(_GUIDS, (parts.netloc + parts.path).rstrip("/")))


def _describe(entry: Entry, place: Any) -> None:
    media = entry.media
    if media is None:  # the last entry of a podcast that has ended
        return
    made = PodcastEntryExtension()
    made.itunes_title(entry.title)
    made.itunes_author(", ".join(person.name for person in entry.authors))
    if media.duration:
        made.itunes_duration(str(media.duration))
    image = media.image or (entry.image.url if entry.image else "")
    if _ARTWORK.fullmatch(image):
        made.itunes_image(image)
    if media.season:
        made.itunes_season(media.season)
    if media.episode:
        made.itunes_episode(media.episode)
    if media.kind:
        made.itunes_episode_type(media.kind)
    made.extend_rss(place)
    if media.explicit is not None:
        _add(place, ITUNES, "explicit", str(media.explicit).lower())
    if media.transcript:
        kind = _TRANSCRIPTS.get(media.transcript.rpartition(".")[2].lower(), "text/plain")
        _add(place, PODCAST, "transcript", url=media.transcript, type=kind)
    if media.chapters:
        _add(place, PODCAST, "chapters", url=media.chapters, type="application/json+chapters")


def _add(parent: Any, namespace: str, name: str, text: str | None = None, **given: str) -> None:
    attributes = {key: value for key, value in given.items() if value}
    etree.SubElement(parent, f"{{{namespace}}}{name}", attributes).text = text
