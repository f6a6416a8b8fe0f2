"""Read the feeds of the last build: the entries as readers have them."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from broadsheet.articles.entries import PublishedEntry
from broadsheet.feeds.formats import feed_format
from broadsheet.model.settings import FEED_FORMATS, FeedFormat
from broadsheet.storage import folders
from broadsheet.text.plain import plain


def published_entries(
    feeds: Path, present: Collection[str], *, but: Collection[str] = ()
) -> tuple[PublishedEntry, ...]:
    """Return the entries of the main feed and its archives, each once, with their texts plain.

    present: the ids of the articles in the catalogue; the texts of their entries are left out.
    but: the paths of feeds that have ended, which are skipped. So is what cannot be read: this
    serves a warning, and no build depends on it.
    """
    found: dict[str, PublishedEntry] = {}
    for path, format_ in _documents(feeds, but):
        with suppress(Exception):  # whatever it has become, it is only compared with
            for each in feed_format(format_).entries_in(folders.content(path)):
                text = "" if each.id in present else plain(each.text)
                found[each.id] = replace(each, text=text)
    return tuple(found.values())


def _documents(feeds: Path, but: Collection[str]) -> list[tuple[Path, FeedFormat]]:
    """Return the main feed and its archives in the format that most of them have."""
    candidates = []
    for format_, files in FEED_FORMATS.items():
        paths = [feeds / files.file, *sorted(feeds.glob(f"archive/*/{files.file}"))]
        if files.file not in but and paths[0].exists():
            candidates.append([(path, format_) for path in paths])
    return max(candidates, key=len, default=[])
