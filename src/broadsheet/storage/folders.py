"""Walk folders, open files, and tell by a stamp whether a file has changed.

A stamp shows that a file is unchanged without reading it again. It can be wrong in one case: a file
that changes twice within one tick of the disk's clock looks the same after the second change. So a
stamp is trusted only if it was taken well after the file's last change.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection, Iterable, Iterator
from io import FileIO
from pathlib import Path

from broadsheet.errors import ArticleError, Problem

Stamp = tuple[int, int, int, int]
"""Size in bytes, times of the last change of content and of metadata (nanoseconds), and inode."""

_LEFT_OUT = {"node_modules", "__pycache__"}
# Nanoseconds. No system has a longer tick: Windows counts in 15.6 milliseconds, and its disks can
# be mounted on any system.
_TICK = 20_000_000
_COARSE_TICK = 2_000_000_000  # FAT's, the longest of file systems that store whole seconds
_CLOCK = "clock"
_DENIED = {errno.EACCES, errno.EPERM, errno.EIO}  # it exists, and could be in a feed
_UNKNOWN: Stamp = (0, 0, 0, 0)
_WITHOUT_WAITING = getattr(os, "O_NONBLOCK", 0)
_READING = os.O_RDONLY | _WITHOUT_WAITING | getattr(os, "O_BINARY", 0)


def opened(path: Path | str) -> FileIO:
    """Open the file at `path` for reading.

    Raises OSError if it is not a regular file: a pipe or a device could block a run forever.
    """
    file = os.open(path, _READING)
    kind = os.fstat(file).st_mode
    if stat.S_ISREG(kind):
        return FileIO(file)  # a buffer costs more than it saves: files are read whole
    os.close(file)
    if stat.S_ISDIR(kind):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, "it is a pipe or a device", str(path))


def content(path: Path) -> bytes:
    """Return the bytes of the file at `path`. Raises OSError as `opened` does."""
    with opened(path) as file:
        return file.read()


def content_of(path: Path) -> bytes | None:
    """Return the bytes of the file at `path`; None if it cannot be read."""
    try:
        return content(path)
    except OSError:
        return None


def text(path: Path) -> str:
    """Return the UTF-8 text of the file at `path`, with LF line ends and without a BOM.

    Raises OSError as `opened` does, and UnicodeDecodeError.
    """
    return content(path).decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")


def stamp_of(status: os.stat_result) -> Stamp:
    """Return the stamp of the file with this `status`."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def walk(
    root: Path, folder: str, *, everything: bool = False, but: Collection[str] = ()
) -> Iterator[tuple[str, Stamp]]:
    """Yield path (relative to `root`) and stamp of every file in `folder`, except in folders `but`.

    Files are in no order. Hidden ones and those of tools are included only with `everything`. Links
    to folders are followed, each folder once, so a loop of links ends. If there are several ways to
    a folder, the first by name is used, whatever order the disk lists them in.

    Raises ArticleError if a folder cannot be read.
    """
    seen: set[tuple[int, int]] = set()
    waiting = [folder]
    while waiting:
        inner = waiting.pop()
        start = "" if inner == "." else f"{inner}/"
        below: list[str] = []
        for name, status in _items(root, inner, seen, everything):
            if status is None:
                yield start + name, _UNKNOWN  # reading it reports the reason
            elif stat.S_ISREG(status.st_mode):
                yield start + name, stamp_of(status)
            elif stat.S_ISDIR(status.st_mode) and start + name not in but:
                below.append(start + name)
        waiting += sorted(below, reverse=True)


def _items(
    root: Path, folder: str, seen: set[tuple[int, int]], everything: bool
) -> Iterator[tuple[str, os.stat_result | None]]:
    """Yield name and status of what is in a folder; nothing if it was `seen`.

    The status is None for a link to something unreadable.
    """
    try:
        status = (root / folder).stat()
        if (status.st_dev, status.st_ino) in seen:
            return
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(root / folder) as entries:
            found = list(entries)
        for entry in found:
            name = entry.name
            if not everything and (name[0] == "." or name in _LEFT_OUT):
                continue
            try:
                yield name, entry.stat()
            except OSError as error:
                if error.errno not in _DENIED:
                    continue  # it was removed, or is a link to itself
                if not entry.is_symlink():
                    raise
                yield name, None
    except FileNotFoundError:
        return  # it was removed
    except OSError as error:
        raise unreadable(folder, error) from error


def listing(root: Path, folders: Iterable[str], *, but: Collection[str] = ()) -> dict[str, Stamp]:
    """Return what `walk` finds in all `folders` except in those of `but`; each file once."""
    found: dict[str, Stamp] = {}
    for folder in dict.fromkeys(folders):
        if not any(folder == each or folder.startswith(f"{each}/") for each in but):
            found.update(walk(root, folder, but=but))
    return found


def disk_time(state: Path) -> int:
    """Return the time before which stamps can be trusted, by the disk's own clock, in nanoseconds.

    It is now, less the longest tick of the clock. 0 if unknown: then no stamp can be trusted. A
    file in the folder `state` is written to read the clock.
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
    """Return `stamp`, or one that matches no other if its file could change without notice.

    before: a `disk_time` from before the stamp was taken (git: "racily clean" entries).
    """
    return stamp if is_settled(stamp, before) else (*stamp[:3], -int.from_bytes(os.urandom(7)))


def is_settled(stamp: Stamp, before: int) -> bool:
    """Whether the file of `stamp` last changed before this `disk_time`."""
    return max(stamp[1], stamp[2]) < before


def unreadable(path: str, error: OSError) -> ArticleError:
    """Return the error for a file or folder that cannot be read."""
    return ArticleError(
        Problem(f"it cannot be read: {error.strerror}", "check its permissions", path)
    )
