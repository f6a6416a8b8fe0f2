"""Walking folders and opening files: each with its stamp, and when a stamp can be trusted.

A stamp says whether a file is still the one that was read, without reading it again. It can be
wrong in one case: a file that changes twice within one tick of the disk's clock looks the same
after the second change. So a stamp counts only when it was taken well after the file's last change.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from broadsheet.errors import ArticleError, Problem

Stamp = tuple[int, int, int, int]
"""Bytes, time of the last change of content and of anything (nanoseconds), and inode."""

_LEFT_OUT = {"node_modules", "__pycache__"}
# Nanoseconds; no kernel counts in longer steps. Windows counts in 15.6 milliseconds, and its disks
# can be mounted anywhere, so this does not go by the system that we are on.
_TICK = 20_000_000
_COARSE_TICK = 2_000_000_000  # FAT's, the longest of the file systems that know no fractions
_CLOCK = "clock"
_DENIED = {errno.EACCES, errno.EPERM, errno.EIO}  # what is there, and could be in a feed
_UNKNOWN: Stamp = (0, 0, 0, 0)
_WITHOUT_WAITING = getattr(os, "O_NONBLOCK", 0)
_CAN_ENTER = os.stat in os.supports_dir_fd and os.listdir in os.supports_fd  # not on Windows


def opened(path: Path) -> BinaryIO:
    """The file at `path`, to be read.

    Raises OSError where it is none: a pipe or a device might keep a run waiting for ever.
    """
    file = os.open(path, os.O_RDONLY | _WITHOUT_WAITING | getattr(os, "O_BINARY", 0))
    kind = os.fstat(file).st_mode
    if stat.S_ISREG(kind):
        return os.fdopen(file, "rb")
    os.close(file)
    if stat.S_ISDIR(kind):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, "it is a pipe or a device", str(path))


def content(path: Path) -> bytes:
    """The bytes of the file at `path`. Raises OSError as `opened` does."""
    with opened(path) as file:
        return file.read()


def content_of(path: Path) -> bytes | None:
    """Return the bytes of the file at `path`; None if it cannot be read."""
    try:
        return content(path)
    except OSError:
        return None


def text(path: Path) -> str:
    """The UTF-8 text of the file at `path`, with LF, without a BOM.

    Raises OSError as `opened` does, and UnicodeDecodeError.
    """
    return content(path).decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")


def stamp_of(status: os.stat_result) -> Stamp:
    """The stamp of the file that `status` tells of."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def walk(
    root: Path, folder: str, *, everything: bool = False, but: Collection[str] = ()
) -> Iterator[tuple[str, Stamp]]:
    """Path (relative to `root`) and stamp of every file in `folder`, `but` for those in these.

    Hidden files and what tools leave are in only with `everything`. Links to folders are followed,
    each folder once, so a loop of links comes to an end. Of two ways to a folder the first by name
    is taken, whatever order the disk lists them in.

    Raises ArticleError when a folder cannot be read.
    """
    seen: set[tuple[int, int]] = set()
    waiting = [folder]
    while waiting:
        inner = waiting.pop()
        start = "" if inner == "." else f"{inner}/"
        for name, status in _items(root, inner, seen, everything):
            if status is None:
                yield start + name, _UNKNOWN  # who reads it is told
            elif stat.S_ISREG(status.st_mode):
                yield start + name, stamp_of(status)
            elif stat.S_ISDIR(status.st_mode) and start + name not in but:
                waiting.append(start + name)


def _items(
    root: Path, folder: str, seen: set[tuple[int, int]], everything: bool
) -> Iterator[tuple[str, os.stat_result | None]]:
    """Name and status of what lies in a folder, last by name first; nothing where it was `seen`.

    None for a link to what cannot be read.
    """
    try:
        with _entered(root / folder) as (place, names, way, start):
            if place in seen:
                return
            seen.add(place)
            for name in sorted(names, reverse=True):
                if not everything and (name[0] == "." or name in _LEFT_OUT):
                    continue
                try:
                    yield name, os.stat(start + name, dir_fd=way)
                except OSError as error:
                    if error.errno not in _DENIED:
                        continue  # it went away, or is a link that leads to itself
                    if not _is_link(start + name, way):
                        raise
                    yield name, None
    except FileNotFoundError:
        return  # it went away
    except OSError as error:
        raise unreadable(folder, error) from error


def _is_link(path: str, way: int | None) -> bool:
    try:
        return stat.S_ISLNK(os.lstat(path, dir_fd=way).st_mode)
    except OSError:
        return False


@contextmanager
def _entered(folder: Path) -> Iterator[tuple[tuple[int, int], list[str], int | None, str]]:
    """What tells a folder from others, the names in it, and by which way and start of a path the
    system finds them: from the folder itself, which takes less time, where it can."""
    # Not by pathlib, which would make a path of each name.
    if not _CAN_ENTER:
        status = folder.stat()
        yield (status.st_dev, status.st_ino), os.listdir(folder), None, f"{folder}/"  # noqa: PTH208
        return
    way = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        status = os.fstat(way)
        yield (status.st_dev, status.st_ino), os.listdir(way), way, ""  # noqa: PTH208
    finally:
        os.close(way)


def listing(root: Path, folders: Iterable[str], *, but: Collection[str] = ()) -> dict[str, Stamp]:
    """What `walk` finds in all `folders`, `but` for those in these; each file once."""
    found: dict[str, Stamp] = {}
    for folder in dict.fromkeys(folders):
        if not any(folder == each or folder.startswith(f"{each}/") for each in but):
            found.update(walk(root, folder, but=but))
    return found


def disk_time(state: Path) -> int:
    """The time by the disk's own clock, less what two changes may lie apart and look the same.

    In nanoseconds. A stamp whose times lie before can be trusted. 0 where the disk does not tell:
    then none can. The clock is a file in the folder `state`.
    """
    try:
        file = os.open(state / _CLOCK, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _WITHOUT_WAITING)
        try:
            os.write(file, b"\0")
        finally:
            os.close(file)
        now = (state / _CLOCK).stat().st_mtime_ns
    except OSError:
        return 0
    return now - (_TICK if now % 1_000_000 else _COARSE_TICK)


def trusted(stamp: Stamp, before: int) -> Stamp:
    """Return `stamp`, or one that matches no other if its file may still change unnoticed.

    before: a `disk_time` from before the stamp was taken (git: racily clean entries).
    """
    return stamp if is_settled(stamp, before) else (*stamp[:3], -secrets.randbits(62))


def is_settled(stamp: Stamp, before: int) -> bool:
    """Whether the file of `stamp` last changed before this `disk_time`."""
    return max(stamp[1], stamp[2]) < before


def unreadable(path: str, error: OSError) -> ArticleError:
    """What is wrong with a file or folder that the system does not let us read."""
    return ArticleError(
        Problem(f"it cannot be read: {error.strerror}", "check its permissions", path)
    )
