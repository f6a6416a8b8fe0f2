"""The project as the last build left it, so that a build after which nothing changed does nothing.

Imports no library: such a build takes less time than those do.
"""

from __future__ import annotations

import json
import marshal
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

from broadsheet.errors import BroadsheetError
from broadsheet.pipeline.store import FILE_NAME, Store, StoreError, state_key, version
from broadsheet.storage import folders
from broadsheet.storage.folders import Stamp

STATE: Final = ".broadsheet"
"""The folder of the lock and the store, beside the config."""

SNAPSHOT: Final = "snapshot"


class Summary(NamedTuple):
    """What a build has to say.

    folder: the feeds folder, as messages call it. articles, feeds, files: how many.
    pages: why -> the files that are no articles.
    """

    folder: str
    articles: int
    feeds: int
    files: int
    pages: dict[str, list[str]]


class Scope(NamedTuple):
    """Where a build looks, relative to the project.

    searched: the folders that it reads; needed: those of them that must exist; but: those in them
    that it does not read; feeds: the folder that it writes. also: absolute paths of other files,
    such as the system's on the time zone.
    """

    searched: list[str]
    needed: list[str]
    but: list[str]
    feeds: str
    also: list[str]


class Snapshot(NamedTuple):
    """The last build: where it looked, the fingerprint of all that was there, and its summary.

    since, until: the moments (ISO 8601, half open) at which it would have come to the same; "" for
    ever.
    """

    scope: Scope
    fingerprint: str
    since: str
    until: str
    summary: Summary


def unchanged(root: Path, config: bytes, now: datetime) -> Summary | None:
    """Return what a build would say, if nothing has changed since the last; None if unsure.

    config: the text of the config. now: if it is naive, the answer is None.
    """
    with suppress(StoreError, ValueError, TypeError, OSError, BroadsheetError):
        last = _load(root / STATE)
        if last and holds(last, root, config, now):
            return last.summary
    return None


def holds(
    last: Snapshot,
    root: Path,
    config: bytes,
    now: datetime,
    inputs: Mapping[str, Stamp] | None = None,
) -> bool:
    """Return whether a build would find what it found when `last` was taken.

    config: the text of the config. now: aware. inputs: path -> stamp of the files that it reads;
    None: they are looked for. Raises ArticleError and OSError.
    """
    if last.since and now < datetime.fromisoformat(last.since):
        return False
    if last.until and now >= datetime.fromisoformat(last.until):
        return False
    scope = last.scope
    if not all((root / folder).is_dir() for folder in scope.needed):
        return False
    if inputs is None:
        inputs = folders.listing(root, scope.searched, but=scope.but)
    outputs = dict(folders.walk(root / scope.feeds, ".", everything=True))
    return fingerprint(scope, config, inputs, outputs) == last.fingerprint


def fingerprint(
    scope: Scope,
    config: bytes,
    inputs: Mapping[str, Stamp],
    outputs: Mapping[str, Stamp],
) -> str:
    """Return a digest of everything that a build reads and leaves, by the stamps of files."""
    user = os.geteuid() if hasattr(os, "geteuid") else 0  # may not be allowed to read the same
    also = [_content(path) for path in scope.also]
    found = (version(), user, config, also, *scope, sorted(inputs.items()), sorted(outputs.items()))
    # The quickest way to write it down, in a form without references (version 2), of which there
    # could be more or fewer for the same.
    return sha256(marshal.dumps(found, 2)).hexdigest()


def _load(state: Path) -> Snapshot | None:
    if not (state / FILE_NAME).is_file():
        return None
    store = Store(state / FILE_NAME)
    try:
        found = store.trace(state_key(SNAPSHOT))
        if found is None:
            return None
        scope, seen, since, until, summary = json.loads(store.result(found[0]))
    finally:
        store.close()
    return Snapshot(Scope(*scope), seen, since, until, Summary(*summary))


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""
