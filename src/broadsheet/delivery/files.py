"""The files of a delivery: where the SQLite database is, and files that only their owner can open.

Addresses and keys are in files with mode 0600. A file is created with that mode, whatever the
umask; it is not changed afterwards. Nothing here imports SQLAlchemy, which takes 0.1 s.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TextIO

from broadsheet.errors import Problem
from broadsheet.model.settings import DeliverySettings

MODE: Final = 0o600
FOLDER_MODE: Final = 0o700


def sqlite_file(url: str, root: Path) -> Path | None:
    """Return the file of an SQLite `url`; None for a database server or anything else.

    root: the folder that a relative path starts from.
    """
    found = re.fullmatch(r"sqlite(?:\+\w+)?:///([^?]+)(?:\?.*)?", url)
    return (root / found[1]).resolve() if found else None


def exists(url: str, root: Path) -> bool:
    """Whether the database at `url` exists; a server's is assumed to."""
    file = sqlite_file(url, root)
    return file is None or file.is_file()


def create(path: Path) -> None:
    """Create an empty private file at `path` unless it exists. Raises OSError."""
    with (
        suppress(FileExistsError),
        os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, MODE)) as file,
    ):
        _set_mode(file.fileno())


def create_folder(path: Path) -> None:
    """Create a private folder at `path` unless it exists. Raises OSError."""
    with suppress(FileExistsError):
        path.mkdir(FOLDER_MODE)
        path.chmod(FOLDER_MODE)  # the umask may have removed more


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """Open a private UTF-8 file that replaces the one at `path` atomically when the block ends.

    A pipe or a terminal at `path` is written to directly. Raises OSError.
    """
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        return
    path = path.resolve()  # keep a symbolic link
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
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
    """Whether other users can open the file at `path`; False if there is none, or on Windows."""
    with suppress(OSError):
        return os.name != "nt" and _is_wide(path.lstat())
    return False


def is_exposed_stream(stream: TextIO) -> bool:
    """Like `is_exposed`, for an open file; False for a pipe or a terminal."""
    with suppress(OSError, ValueError):
        return os.name != "nt" and _is_wide(os.fstat(stream.fileno()))
    return False


def exposed_database(settings: DeliverySettings, root: Path) -> list[Problem]:
    """Report the database file and its copies that other users can open.

    Copies, and SQLite's other files (-wal, -shm, -journal), have names that start like its own.
    """
    file = sqlite_file(settings.database, root)
    found: list[Path] = []
    if file:
        with suppress(OSError):
            found = sorted(p for p in file.parent.iterdir() if p.name.startswith(file.name))
    return [_exposed(path, root, "holds your subscribers") for path in found if is_exposed(path)]


def exposed_files(settings: DeliverySettings, root: Path) -> list[Problem]:
    """Report `exposed_database`, and a DKIM key that other users can open."""
    found = exposed_database(settings, root)
    key = root / settings.dkim_key if settings.dkim_key else None
    if key and is_exposed(key):
        found.append(_exposed(key, root, "holds the key that signs your mail"))
    return found


def _exposed(path: Path, root: Path, what: str) -> Problem:
    inside = path.is_relative_to(root.resolve())
    shown = str(path.relative_to(root.resolve()) if inside else path)
    mode = path.lstat().st_mode & 0o777
    what = f"it {what}, and other users of this machine can open it (mode {mode:04o})"
    return Problem(what, f"run: chmod 600 {shlex.quote(shown)}", shown)


def _is_wide(found: os.stat_result) -> bool:
    return stat.S_ISREG(found.st_mode) and bool(found.st_mode & 0o077)


def _set_mode(file: int) -> None:
    if hasattr(os, "fchmod"):  # not on Windows
        os.fchmod(file, MODE)  # the umask may have removed more
