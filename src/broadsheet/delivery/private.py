"""Files that hold people's addresses, or a key: only their owner may read and write them (0600).

Whatever the umask says, and at every moment: a file is created with that mode, not given it later.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TextIO

MODE: Final = 0o600
FOLDER_MODE: Final = 0o700


def create(path: Path) -> None:
    """Creates an empty file at `path`, unless there is one. Raises OSError."""
    with suppress(FileExistsError):
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, MODE)
        try:
            _set_mode(file)
        finally:
            os.close(file)


def create_folder(path: Path) -> None:
    """Creates a folder at `path`, unless there is one. Raises OSError."""
    with suppress(FileExistsError):
        path.mkdir(FOLDER_MODE)
        path.chmod(FOLDER_MODE)  # the umask may have taken more


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """A file to write UTF-8 text to; at the end, it replaces the one at `path` in one step.

    What is no file, such as a pipe or a terminal, is written to as it is. Raises OSError.
    """
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        return
    path = path.resolve()  # a link stays one
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # with mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            _set_mode(descriptor)
            yield file
            file.flush()
            os.fsync(descriptor)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def is_exposed(path: Path) -> bool:
    """Whether others than its owner may read or write the file at `path`; False for none."""
    if os.name == "nt":  # its modes say nothing
        return False
    try:
        return _is_wide(path.lstat())
    except OSError:
        return False


def is_exposed_stream(stream: TextIO) -> bool:
    """The same for an open file; False for a pipe, a terminal, or no file at all."""
    try:
        return os.name != "nt" and _is_wide(os.fstat(stream.fileno()))
    except (OSError, ValueError):
        return False


def exposed_beside(file: Path) -> list[Path]:
    """The database `file`, its companions (-wal, -shm, -journal) and the copies that lie beside it
    under a name that begins like its own, as far as others may read or write them."""
    try:
        beside = sorted(path for path in file.parent.iterdir() if path.name.startswith(file.name))
    except OSError:
        return []
    return [path for path in beside if is_exposed(path)]


def _is_wide(found: os.stat_result) -> bool:
    return stat.S_ISREG(found.st_mode) and bool(found.st_mode & 0o077)


def _set_mode(file: int) -> None:
    if hasattr(os, "fchmod"):  # not on Windows
        os.fchmod(file, MODE)  # the umask may have taken more
