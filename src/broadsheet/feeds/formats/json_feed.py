"""JSON Feed 1.1 (jsonfeed.org/version/1.1)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec

from broadsheet.articles.entries import Entry, PublishedEntry
from broadsheet.feeds.channel import Channel, Frame
from broadsheet.model.publication import Person


class _Item(msgspec.Struct):
    id: str
    title: str = ""
    content_html: str = ""


class _Document(msgspec.Struct):
    items: list[_Item]


def frame(channel: Channel) -> Frame:
    """Return the parts around the items of a feed document."""
    document = _given(
        version="https://jsonfeed.org/version/1.1",
        title=channel.title,
        home_page_url=channel.home,
        feed_url=channel.self_url,
        description=channel.description,
        next_url=channel.older,
        icon=channel.logo,
        favicon=channel.icon,
        authors=[_author(person) for person in channel.authors],
        language=channel.language,
        hubs=[{"type": "WebSub", "url": channel.hub}] if channel.hub else None,
    )
    document["items"] = []
    empty = _laid_out(document) + b"\n"
    empty_end = b"]\n}\n"
    return Frame(empty.removesuffix(empty_end), b"\n ]\n}\n", empty_end, b"\n", b",\n")


def item(entry: Entry) -> bytes:
    """Return the entry as it is in every feed, indented for its place there."""
    return _laid_out([[_item(entry)]])[len(b"[\n [\n") : -len(b"\n ]\n]")]


def entries_in(content: bytes) -> list[PublishedEntry]:
    """Return each item of a document, its text as HTML."""
    return [
        PublishedEntry(each.id, each.title, each.content_html)
        for each in msgspec.json.decode(content, type=_Document).items
    ]


def with_first(content: bytes, entry: Entry, keeps: Callable[[str], bool]) -> bytes:
    """The feed document `content`, with `entry` first and only those others that `keeps` accepts,
    by id. Raises ValueError, LookupError or TypeError if `content` is not a JSON Feed."""
    document = json.loads(content)
    others = [item for item in document["items"] if keeps(item["id"])]
    document["items"] = [_item(entry), *others]
    return _laid_out(document) + b"\n"


def _laid_out(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=1)


def _item(entry: Entry) -> dict[str, Any]:
    # An item must have a content, be it only its summary.
    content = (
        {"content_html": entry.content} if entry.content else {"content_text": entry.description}
    )
    return _given(
        id=entry.id,
        url=entry.url,
        external_url=entry.external_url,
        title=entry.title,
        **content,
        summary=entry.description,
        image=entry.image.url if entry.image else None,
        date_published=entry.published.isoformat(),
        date_modified=entry.updated.isoformat(),
        authors=[_author(person) for person in entry.authors],
        tags=[topic.name for topic in (*entry.topics, *entry.tags)],
        language=entry.language,
        attachments=_attachments(entry),
    )


def _author(person: Person) -> dict[str, str]:
    return _given(name=person.name, url=person.url or (person.email and f"mailto:{person.email}"))


def _attachments(entry: Entry) -> list[dict[str, Any]]:
    if (file := entry.enclosure) is None:
        return []
    return [
        _given(
            url=file.url,
            mime_type=file.type,
            title=file.title,
            size_in_bytes=file.length,
            duration_in_seconds=entry.media.duration if entry.media else None,
        )
    ]


def _given(**fields: Any) -> dict[str, Any]:
    """The fields that say something; an empty text or list says nothing in JSON Feed."""
    return {name: value for name, value in fields.items() if value or value == 0}
