"""Replace files atomically: a draft beside each is moved into place once all are on the disk.

So a reader sees the complete old file or the complete new one at any instant. A killed run leaves
drafts, which the next one removes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from hashlib import sha256
from io import BufferedWriter, FileIO
from pathlib import Path
from typing import Final

from broadsheet.storage import folders

ENDING: Final = ".broadsheet-tmp"
"""The end of a draft's name, which begins with a dot."""

_SYNC_THREADS = 4
_AT_ONCE = 1 << 18  # bytes copied or written


def write(path: Path, data: bytes) -> None:
    """Replace the file at `path` atomically. Raises OSError."""
    try:
        draft_together([path], [[data]])
        if _draft_of(path).exists():
            put_in_place([path])
    except BaseException:
        discard([path])
        raise


def draft_together(
    paths: Iterable[Path], pieces: Iterable[Sequence[bytes]]
) -> list[tuple[str, int]]:
    """Write a draft beside each file, unless the file has these bytes already.

    pieces: the next one of each file at a time. Return the SHA-256 (hexadecimal) and the length in
    bytes of each. Raises OSError.
    """
    with ExitStack() as stack:
        drafts = [stack.enter_context(_Draft(path)) for path in paths]
        for each in pieces:
            for file, piece in zip(drafts, each, strict=True):
                file.write(piece)
    return [(file.sha256.hexdigest(), file.length) for file in drafts]


def put_in_place(paths: Sequence[Path]) -> None:
    """Replace the files at `paths` by their drafts, in this order. Raises OSError.

    No file is replaced unless all drafts are on the disk.
    """
    drafts = [_draft_of(path) for path in paths]
    _sync_all(drafts)
    for draft, path in zip(drafts, paths, strict=True):
        draft.replace(path)


def discard(paths: Iterable[Path]) -> None:
    """Remove the drafts beside `paths`."""
    for path in paths:
        with suppress(OSError):
            _draft_of(path).unlink()


def sweep(folder: Path, *, but: str) -> None:
    """Remove the drafts in `folder` that a killed run left.

    but: a subfolder with a file of this name belongs to another project, which may be writing.
    """
    for inner, names_of_folders, names in os.walk(folder):
        names_of_folders[:] = [n for n in names_of_folders if not (Path(inner) / n / but).exists()]
        for name in names:
            if name.startswith(".") and name.endswith(ENDING):
                (Path(inner) / name).unlink(missing_ok=True)


class _Draft:
    """Compares chunks with a file, and writes a draft from the first one that differs."""

    def __init__(self, path: Path) -> None:
        self.sha256, self.length = sha256(), 0
        self._path = path
        self._same = 0  # bytes
        self._old: FileIO | None = None
        self._new: BufferedWriter | None = None
        with suppress(OSError):
            self._old = folders.opened(path)

    def __enter__(self) -> _Draft:
        return self

    def write(self, chunk: bytes) -> None:
        self.sha256.update(chunk)
        self.length += len(chunk)
        if self._new is None and self._old and self._old.read(len(chunk)) == chunk:
            self._same += len(chunk)
        else:
            self._append(chunk)

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None and self._new is None and (not self._old or self._old.read(1)):
                self._append(b"")  # the file is longer, or does not exist
            if self._new:
                _begin_to_store(self._new)
        finally:
            for file in (self._old, self._new):
                if file is not None:
                    file.close()

    def _append(self, chunk: bytes) -> None:
        if self._new is None:
            self._new = _opened(_draft_of(self._path))
            self._copy_same(self._new)
        self._new.write(chunk)

    def _copy_same(self, new: BufferedWriter) -> None:
        """Copy to `new` the bytes that were equal so far."""
        if self._old is None:
            return
        self._old.seek(0)
        left = self._same
        while left and (part := self._old.read(min(left, _AT_ONCE))):
            new.write(part)
            left -= len(part)


def _draft_of(path: Path) -> Path:
    return path.with_name(f".{path.name}{ENDING}")


def _opened(path: Path) -> BufferedWriter:
    try:
        return BufferedWriter(FileIO(path, "wb"), _AT_ONCE)
    except (FileNotFoundError, NotADirectoryError):
        path.parent.mkdir(parents=True, exist_ok=True)
        return BufferedWriter(FileIO(path, "wb"), _AT_ONCE)


def _begin_to_store(file: BufferedWriter) -> None:
    """Let the disk write `file` while others are made, so that `_sync_all` has little to wait for.

    Linux begins at once to write what need not stay in memory, and keeps it there until then.
    """
    file.flush()
    if hasattr(os, "posix_fadvise"):
        with suppress(OSError):  # only advice
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _sync_all(paths: Sequence[Path]) -> None:
    """Wait until the files at `paths` are on the disk."""
    from concurrent.futures import ThreadPoolExecutor  # runs that write nothing do without

    with suppress(RuntimeError), ThreadPoolExecutor(_SYNC_THREADS) as threads:
        list(threads.map(_sync, paths))
        return
    for path in paths:  # the system allows no more threads
        _sync(path)


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDWR)  # Windows syncs only what may be written
    try:
        os.fsync(file)
    finally:
        os.close(file)
