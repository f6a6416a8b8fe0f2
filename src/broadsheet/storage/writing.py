"""Writing files: each lies beside its place until all of it is on the disk, and is then put there.

So whoever reads the file at any instant reads the old one or the new one, and whole. A run that is
killed leaves temporary files, which the next one sweeps away.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

from broadsheet.storage.folders import Stamp, stamp_of

if TYPE_CHECKING:
    from broadsheet.pipeline.workers import Apart

ENDING = ".broadsheet-tmp"
"""What the name of a temporary file ends with; it begins with a dot."""

_WORTH_THREADS = 32  # files
_THREADS = 4
_AHEAD = 16_000_000  # bytes that may be on their way to the disk


def write(path: Path, data: bytes) -> Stamp:
    """Replaces the file at `path` in one step; it is old or new at any instant, never half.

    Raises OSError.
    """
    file = _Temporary(str(path))
    try:
        file.write(data, _at_once)
        return file.put_in_place()
    except BaseException:
        file.discard()
        raise


def write_all(
    folder: Path, paths: Sequence[str], content: Callable[[str], bytes]
) -> dict[str, tuple[Stamp, str]]:
    """Writes the files at `paths` in `folder`, each with its `content`, which is asked for once.

    All of them beside what is there, and then, in their order, each in its place. Where one cannot
    be written none is put in place. Returns of each its stamp and the sum of its bytes. Raises
    OSError.
    """
    files = [_Temporary(os.path.join(folder, *path.split("/"))) for path in paths]  # noqa: PTH118
    waiting: list[Callable[[], str]] = []
    ahead: deque[tuple[int, Callable[[], str]]] = deque()
    size = 0
    try:
        with _threads(len(paths)) as begin:
            for path, file in zip(paths, files, strict=True):
                data = content(path)
                waiting.append(file.write(data, begin))
                ahead.append((len(data), waiting[-1]))
                size += len(data)
                while size > _AHEAD:
                    length, settled = ahead.popleft()
                    settled()
                    size -= length
        sums = [settled() for settled in waiting]
        stamps = [file.put_in_place() for file in files]
    except BaseException:
        for file in files:
            file.discard()
        raise
    return dict(zip(paths, zip(stamps, sums, strict=True), strict=True))


@contextmanager
def _threads(count: int) -> Iterator[Apart]:
    """Where to wait for the disk, while the next of so many files are made."""
    if count < _WORTH_THREADS:
        yield _at_once
        return
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier

    with ThreadPoolExecutor(_THREADS) as threads:
        all_there = Barrier(_THREADS)
        try:
            for _ in range(_THREADS):
                threads.submit(all_there.wait)
        except RuntimeError:  # there may be no more threads
            all_there.abort()
            yield _at_once
        else:
            yield lambda work, *args: threads.submit(work, *args).result


def _at_once(work: Callable[..., str], *args: object) -> Callable[[], str]:
    done = work(*args)
    return lambda: done


class _Temporary:
    """What lies beside the file at `path` until it takes its place.

    Its names are texts: pathlib takes longer for a path than the system for the file.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._folder, name = os.path.split(path)
        self._beside = os.path.join(self._folder, f".{name}{ENDING}")  # noqa: PTH118

    def write(self, data: bytes, begin: Apart) -> Callable[[], str]:
        """Writes `data`, and begins to wait until it lies on the disk.

        What is returned waits for that, and gives the sum of the bytes.
        """
        file = self._opened()
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) :]
        except BaseException:
            file.close()
            raise
        settled: Callable[[], str] = begin(_settle, file, data)
        return settled

    def _opened(self) -> FileIO:
        try:
            return FileIO(self._beside, "wb")
        except (FileNotFoundError, NotADirectoryError):
            os.makedirs(self._folder, exist_ok=True)  # noqa: PTH103
            return FileIO(self._beside, "wb")

    def put_in_place(self) -> Stamp:
        os.replace(self._beside, self._path)  # noqa: PTH105
        return stamp_of(os.stat(self._path))  # noqa: PTH116

    def discard(self) -> None:
        with suppress(OSError):
            os.unlink(self._beside)  # noqa: PTH108


def _settle(file: FileIO, data: bytes) -> str:
    with file:
        os.fsync(file.fileno())
    return sha256(data).hexdigest()


def sweep(folder: Path, *, but: str) -> None:
    """Removes what a killed run left in `folder`: temporary files, named as nothing else is.

    but: a folder within that holds a file of this name is another's, who may be writing there.
    """
    for inner, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not (Path(inner) / name / but).exists()]
        for name in names:
            if name.startswith(".") and name.endswith(ENDING):
                (Path(inner) / name).unlink(missing_ok=True)
