"""Walking folders: every file with its stamp, and when a stamp can be trusted.

A stamp says whether a file is still the one that was read, without reading it again. It can be
wrong in one case: a file that changes twice within one tick of the disk's clock looks the same
after the second change. So a stamp counts only when it was taken well after the file's last change.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from broadsheet.errors import ArticleError, Problem

Stamp = tuple[int, int, int, int]
"""Bytes, time of the last change of content and of anything (nanoseconds), and inode."""

_LEFT_OUT = {"node_modules", "__pycache__"}
_TICK = 20_000_000  # nanoseconds; no kernel counts in longer steps
_COARSE_TICK = 2_000_000_000  # FAT's, the longest of the file systems that know no fractions
_CLOCK = "clock"


def stamp_of(status: os.stat_result) -> Stamp:
    """The stamp of the file that `status` tells of."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def walk(root: Path, folder: str, *, everything: bool = False) -> Iterator[tuple[str, Stamp]]:
    """Path (relative to `root`) and stamp of every file in `folder`.

    Hidden files and what tools leave are in only with `everything`. Links to folders are followed,
    each folder once, so a loop of links comes to an end. Of two ways to a folder the first by name
    is taken, whatever order the disk lists them in.

    Raises ArticleError when a folder cannot be read.
    """
    seen: set[tuple[int, int]] = set()
    waiting = [folder]
    while waiting:
        inner = waiting.pop()
        try:
            status = (root / inner).stat()
            listed = sorted(os.scandir(root / inner), key=lambda item: item.name, reverse=True)
        except FileNotFoundError:
            continue  # it went away
        except OSError as error:
            raise unreadable(inner, error) from error
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        start = "" if inner == "." else f"{inner}/"
        for item in listed:
            name = item.name
            if not everything and (name[0] == "." or name in _LEFT_OUT):
                continue
            with suppress(OSError):  # it went away, or is a link that leads to itself
                if item.is_dir():
                    waiting.append(start + name)
                elif item.is_file():
                    yield start + name, stamp_of(item.stat())


def listing(root: Path, folders: Iterable[str], *, but: Iterable[str] = ()) -> dict[str, Stamp]:
    """What `walk` finds in all `folders`, `but` for those in these; each file once."""
    ours = tuple(f"{folder}/" for folder in but)
    found: dict[str, Stamp] = {}
    for folder in dict.fromkeys(folders):
        found.update(
            (path, stamp) for path, stamp in walk(root, folder) if not path.startswith(ours)
        )
    return found


def digest(listed: Mapping[str, Stamp]) -> str:
    """One text for all of `listed`; it changes when any path or stamp does."""
    return hashlib.sha256(repr(sorted(listed.items())).encode()).hexdigest()


def disk_time(state: Path) -> int:
    """The time by the disk's own clock, less what two changes may lie apart and look the same.

    In nanoseconds. A stamp whose times lie before can be trusted. 0 where the disk does not tell:
    then none can. The clock is a file in the folder `state`.
    """
    try:
        with (state / _CLOCK).open("wb") as file:
            file.write(b"\0")
        now = (state / _CLOCK).stat().st_mtime_ns
    except OSError:
        return 0
    return now - (_TICK if now % 1_000_000 else _COARSE_TICK)


def is_settled(stamp: Stamp, before: int) -> bool:
    """Whether the file of `stamp` last changed before this `disk_time`."""
    return max(stamp[1], stamp[2]) < before


def unreadable(path: str, error: OSError) -> ArticleError:
    """What is wrong with a file or folder that the system does not let us read."""
    return ArticleError(
        Problem(f"it cannot be read: {error.strerror}", "check its permissions", path)
    )
