"""Reading the feeds of the last build: the entries as readers have them."""

from __future__ import annotations

import json
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Final

from lxml import etree

from broadsheet.checks import Published
from broadsheet.storage import folders
from broadsheet.text.plain import plain

_ATOM: Final = "{http://www.w3.org/2005/Atom}"
_CONTENT: Final = "{http://purl.org/rss/1.0/modules/content/}"


def published(feeds: Path, *, but: Collection[str] = ()) -> tuple[Published, ...]:
    """The entries of the last build, from the main feed and its archives; each once.

    but: the paths of feeds that have ended, which are skipped.

    What cannot be read is skipped: this serves a warning, and no build depends on it.
    """
    found: dict[str, Published] = {}
    for path in _documents(feeds, "feed.json", but):
        with suppress(Exception):  # whatever it has become, it is only compared with
            for item in json.loads(folders.content(path))["items"]:
                html = str(item.get("content_html", ""))
                found[item["id"]] = Published(item["id"], str(item.get("title", "")), plain(html))
    return tuple(found.values()) or _published_in_atom(feeds, but) or _published_in_rss(feeds, but)


def _documents(feeds: Path, name: str, but: Collection[str]) -> list[Path]:
    """The main feed with that file name, and its archives."""
    return [] if name in but else [feeds / name, *sorted(feeds.glob(f"archive/*/{name}"))]


def _published_in_atom(feeds: Path, but: Collection[str]) -> tuple[Published, ...]:
    found: dict[str, Published] = {}
    for path in _documents(feeds, "atom.xml", but):
        with suppress(Exception):
            for entry in etree.fromstring(folders.content(path)).iter(f"{_ATOM}entry"):
                texts = (
                    entry.findtext(f"{_ATOM}{name}", "") for name in ("id", "title", "content")
                )
                id_, title, html = texts
                found[id_] = Published(id_, title, plain(html))
    return tuple(found.values())


def _published_in_rss(feeds: Path, but: Collection[str]) -> tuple[Published, ...]:
    found: dict[str, Published] = {}
    for path in _documents(feeds, "rss.xml", but):
        with suppress(Exception):
            for item in etree.fromstring(folders.content(path)).iter("item"):
                id_, title = (item.findtext(name, "") for name in ("guid", "title"))
                html = item.findtext(f"{_CONTENT}encoded", "")
                found[id_] = Published(id_, title, plain(html))
    return tuple(found.values())
