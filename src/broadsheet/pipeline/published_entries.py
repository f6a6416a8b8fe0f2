"""Read the feeds of the last build: the entries as readers have them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from broadsheet.articles.entries import PublishedEntry
from broadsheet.feeds.retired import parsed
from broadsheet.storage import folders
from broadsheet.text.plain import plain

_ATOM = "{http://www.w3.org/2005/Atom}"
_CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"


def published_entries(
    feeds: Path, present: Collection[str], *, but: Collection[str] = ()
) -> tuple[PublishedEntry, ...]:
    """Return the entries of the main feed and its archives, each once.

    present: the ids of the articles in the catalogue; the texts of their entries are left out.
    but: the paths of feeds that have ended, which are skipped. So is what cannot be read: this
    serves a warning, and no build depends on it.
    """
    for name, entries_in in (("feed.json", _in_json), ("atom.xml", _in_atom), ("rss.xml", _in_rss)):
        found: dict[str, PublishedEntry] = {}
        for path in () if name in but else (feeds / name, *sorted(feeds.glob(f"archive/*/{name}"))):
            with suppress(Exception):  # whatever it has become, it is only compared with
                for id_, title, html in entries_in(folders.content(path)):
                    text = "" if id_ in present else plain(html)
                    found[id_] = PublishedEntry(id_, title, text)
        if found:
            return tuple(found.values())
    return ()


class _Item(msgspec.Struct):
    id: str
    title: str = ""
    content_html: str = ""


class _Feed(msgspec.Struct):
    items: list[_Item]


def _in_json(content: bytes) -> Iterator[tuple[str, str, str]]:
    for item in msgspec.json.decode(content, type=_Feed).items:
        yield item.id, item.title, item.content_html


def _in_atom(content: bytes) -> Iterator[tuple[str, str, str]]:
    for entry in parsed(content).iter(f"{_ATOM}entry"):
        yield _texts(entry, f"{_ATOM}id", f"{_ATOM}title", f"{_ATOM}content")


def _in_rss(content: bytes) -> Iterator[tuple[str, str, str]]:
    for item in parsed(content).iter("item"):
        yield _texts(item, "guid", "title", _CONTENT)


def _texts(element: Any, *names: str) -> tuple[str, str, str]:
    find: Callable[[str, str], str] = element.findtext
    one, two, three = (find(name, "") for name in names)
    return one, two, three
