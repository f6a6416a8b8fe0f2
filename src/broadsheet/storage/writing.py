"""Replace files atomically: a draft beside each is moved into place once all are on the disk.

So a reader sees the complete old file or the complete new one at any instant. A killed run leaves
drafts, which the next one removes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from hashlib import sha256
from io import BufferedWriter, FileIO
from pathlib import Path
from typing import Final

from broadsheet.storage import folders

ENDING: Final = ".broadsheet-tmp"
"""The end of a draft's name, which begins with a dot."""

_SYNC_THREADS = 4
_AT_ONCE = 1 << 18  # bytes written


def write(path: Path, data: bytes) -> None:
    """Replace the file at `path` atomically, unless it has this content. Raises OSError."""
    if folders.content_of(path) == data:
        return
    try:
        draft_together([path], [[data]])
        put_in_place([path])
    except BaseException:
        with suppress(OSError):
            _draft_of(path).unlink()
        raise


def draft_together(
    paths: Iterable[Path], pieces: Iterable[Sequence[bytes]]
) -> list[tuple[str, int]]:
    """Write a draft beside each file, and return what `measured` does. Raises OSError."""
    with ExitStack() as stack:
        files = [stack.enter_context(_opened(_draft_of(path))) for path in paths]
        return measured(pieces, [file.write for file in files])


def measured(
    pieces: Iterable[Sequence[bytes]], writers: Sequence[Callable[[bytes], object]]
) -> list[tuple[str, int]]:
    """Pass pieces of files to `writers`, the next one of each file at a time.

    Return the SHA-256 (hexadecimal) and the length in bytes of each.
    """
    sums, lengths = [sha256() for _ in writers], [0 for _ in writers]
    for each in pieces:
        for number, (write_piece, piece) in enumerate(zip(writers, each, strict=True)):
            write_piece(piece)
            sums[number].update(piece)
            lengths[number] += len(piece)
    return [(each.hexdigest(), length) for each, length in zip(sums, lengths, strict=True)]


def put_in_place(paths: Sequence[Path]) -> None:
    """Replace the files at `paths` by their drafts, in this order. Raises OSError.

    No file is replaced unless all drafts are on the disk.
    """
    _sync_all([_draft_of(path) for path in paths])
    for path in paths:
        _draft_of(path).replace(path)


def sweep(folder: Path, *, but: str) -> None:
    """Remove the drafts in `folder`: those that a killed run left, and those of unchanged files.

    but: a subfolder with a file of this name belongs to another project, which may be writing.
    """
    for inner, names_of_folders, names in os.walk(folder):
        names_of_folders[:] = [n for n in names_of_folders if not (Path(inner) / n / but).exists()]
        for name in names:
            if name.startswith(".") and name.endswith(ENDING):
                (Path(inner) / name).unlink(missing_ok=True)


def _draft_of(path: Path) -> Path:
    return path.with_name(f".{path.name}{ENDING}")


def _opened(path: Path) -> BufferedWriter:
    try:
        return BufferedWriter(FileIO(path, "wb"), _AT_ONCE)
    except (FileNotFoundError, NotADirectoryError):
        path.parent.mkdir(parents=True, exist_ok=True)
        return BufferedWriter(FileIO(path, "wb"), _AT_ONCE)


def _sync_all(paths: Sequence[Path]) -> None:
    """Wait until the files at `paths` are on the disk."""
    from concurrent.futures import ThreadPoolExecutor  # runs that write nothing do without

    with suppress(RuntimeError), ThreadPoolExecutor(_SYNC_THREADS) as threads:
        list(threads.map(_sync, paths))
        return
    for path in paths:  # the system allows no more threads
        _sync(path)


def _sync(path: Path) -> None:
    with path.open("r+b", buffering=0) as file:
        os.fsync(file.fileno())
