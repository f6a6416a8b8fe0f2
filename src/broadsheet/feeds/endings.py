"""The document of a feed that has ended: as it was, with a last entry that says where to go."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from html import escape
from typing import Final

from msgspec.structs import replace

from broadsheet.articles.entries import Entry
from broadsheet.feeds import INDEX, formats
from broadsheet.feeds.channel import channel
from broadsheet.feeds.formats import feed_format
from broadsheet.feeds.plan import FeedHead
from broadsheet.feeds.retired import Retired, format_by_file, split
from broadsheet.i18n import Words
from broadsheet.model.publication import Person, Publication
from broadsheet.model.settings import FeedFormat, FeedSettings
from broadsheet.text.urls import encode

_MARK: Final = "#ended-"  # in the id of a last entry


def document(
    content: bytes | None,
    path: str,
    retired: Retired,
    publication: Publication,
    is_public: Callable[[str], bool],
) -> bytes:
    """The feed document at `path`, which is `content` now, with its last entry.

    is_public: tells by its id whether an article is in the catalogue. Other entries are removed, so
    that withdrawn articles are in no feed; issues of a digest stay, as they do on the web. If
    `content` cannot be read, the last entry is the only one.
    """
    last = _last_entry(path, retired, publication)
    folder, name = split(path)
    formats_ = format_by_file()
    format_ = formats_[name]
    if format_ == "podcast" and not retired.to.endswith(tuple(formats_.keys() - {name})):
        last = replace(last, external_url=encode(retired.address(publication.feeds_url)))

    def keeps(id_: str) -> bool:
        return is_public(id_) or (folder.startswith("digests/") and _MARK not in id_)

    with suppress(Exception):  # whatever is wrong with it, readers must learn where to go
        if content:
            return _with_last(content, last, format_, keeps)
    mine = publication
    feed = FeedHead(folder, "all", "", mine.title, mine.description, mine.language, (format_,))
    head = channel(replace(feed, updated=retired.since), format_, publication, FeedSettings())
    pieces = formats.documents([head], [[feed_format(format_).item(last)]])
    return b"".join(piece for (piece,) in pieces)


def _last_entry(path: str, retired: Retired, publication: Publication) -> Entry:
    words = Words(publication.language, publication.texts)
    address, every = encode(retired.address(publication.feeds_url)), publication.feeds_url + INDEX
    lead = words("No new articles will appear in this feed. Please subscribe to this one instead:")
    everything = words("All feeds of {publication}", publication=publication.title)
    folder, _ = split(path)
    return Entry(
        id=f"{publication.id_base}{encode(f'feeds/{folder}')}{_MARK}{retired.since:%Y-%m-%d}",
        url=every,
        title=words("This feed has ended"),
        published=retired.since,
        updated=retired.since,
        authors=(publication.author or Person(publication.title),),
        topics=(),
        tags=(),
        schemes=publication.id_base + "feeds/",
        language=words.language,
        summary=f"{lead} {address}",
        content=f'<p>{escape(lead)} <a href="{escape(address)}">'
        f'{escape(address)}</a></p>\n<p><a href="{escape(every)}">{escape(everything)}</a></p>',
        image=None,
    )


def _with_last(
    content: bytes, last: Entry, format_: FeedFormat, keeps: Callable[[str], bool]
) -> bytes:
    """`content` with the entry `last` first and only those others that `keeps` accepts; unchanged
    if it is so already."""
    texts = {each.id: each.text for each in feed_format(format_).entries_in(content)}
    if texts.pop(last.id, None) == last.content and all(map(keeps, texts)):
        return content
    return feed_format(format_).with_first(content, last, keeps)
