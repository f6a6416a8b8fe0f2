"""Writing the output folder: whole files, only what changed, and nobody else's.

A manifest in the folder lists the files that Broadsheet wrote. It names a new file before that
file is there and an old one until it is gone, so a run that is killed at any instant leaves no
file that the next run does not know.
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path, PurePosixPath

from broadsheet.errors import BusyError, OutputError, Problem
from broadsheet.model.document import Document
from broadsheet.storage import folders, writing
from broadsheet.storage.folders import Stamp, stamp_of

MANIFEST = ".broadsheet.json"
EVERYTHING = ("",)
"""What every path begins with: a run that keeps it removes nothing."""
_STAYS = {errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY}  # a folder that holds more, or a disk
_PATIENCE = 60.0  # seconds
_ROOM = 32_000_000  # bytes of content that is held between looking at it and writing it


@dataclass(frozen=True, slots=True)
class Changes:
    """What a run did, or with a dry run would do: paths relative to the output folder.

    held: of each file that was made and is there now, its stamp and the sum of its bytes.
    """

    written: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: int
    held: Mapping[str, tuple[Stamp, str]] = field(default_factory=dict, compare=False, repr=False)


@contextmanager
def lock(state: Path, shown: str) -> Iterator[None]:
    """Keeps other runs on the same project waiting; `state` is the folder `.broadsheet`.

    Raises BusyError when another run does not end within a minute.
    """
    from filelock import FileLock, Timeout  # costs 30 ms; a run that finds nothing to do is without

    held = FileLock(state / "lock", timeout=_PATIENCE)
    try:
        state.mkdir(parents=True, exist_ok=True)
        held.acquire()
    except Timeout:
        raise BusyError(
            Problem(
                "another run of Broadsheet has been at work here for a minute",
                "wait for it to end; if none is running, this goes away by itself",
                shown,
            )
        ) from None
    except OSError as error:
        raise OutputError(_unwritable(error, shown)) from error
    try:
        yield
    finally:
        held.release()


def publish(
    folder: Path,
    files: Mapping[str, bytes | Document],
    shown: str,
    *,
    standing: Collection[str] = (),
    keep: Collection[str] = (),
    retired: Mapping[str, object] | None = None,
    adopt: bool = False,
    dry_run: bool = False,
) -> Changes:
    """Makes `folder` hold `files`, touching only what differs; messages call it `shown`.

    files: relative path with slashes -> content; a document is made when its turn comes.
    standing: those of them that are known to be there as they would be made. keep: prefixes of
    paths in the manifest that this run does not make and that stay. retired: path -> record of a
    feed that has ended, for the manifest; None: as before. adopt: take over files that the
    manifest does not name.

    Raises OutputError when a file of someone else's is in the way, and when writing fails; each
    file is then old or new and whole, and the next run puts all in order.
    """
    for path in files:
        _refuse_outside(path, shown)
    before = read_manifest(folder)
    known, retired = set(before.files), before.retired if retired is None else retired
    kept = {path for path in known if any(path.startswith(prefix) for prefix in keep)}
    held: dict[str, tuple[Stamp, str]] = {}
    content = _Content(files)
    changed = [
        path for path in files if path not in standing and _differs(folder, path, content, held)
    ]
    stale = sorted(known - files.keys() - kept)
    _refuse_detours(folder, {*changed, *stale}, shown)
    if not adopt:
        _refuse_foreign(folder, set(changed) - known, shown)
    removed = [path for path in stale if _is_file(folder / path)]
    # What others link to comes first, so that no link leads nowhere in the meantime.
    changed.sort(key=lambda path: (-path.count("/"), path))
    if not dry_run:
        try:
            writing.sweep(folder, but=MANIFEST)
            _write_manifest(folder, known | files.keys(), {**before.retired, **retired})
            held |= writing.write_all(folder, changed, content.take)
            for path in stale:
                _remove(folder, path)
            _write_manifest(folder, files.keys() | kept, retired)
        except OSError as error:
            raise OutputError(_unwritable(error, shown)) from error
    return Changes(tuple(changed), tuple(removed), len(files) - len(changed), held)


class _Content:
    """The content of files, which is made when it is looked at.

    Some of it is held until it is taken; all at once may not fit in memory, and is made anew.
    """

    def __init__(self, files: Mapping[str, bytes | Document]) -> None:
        self._files = files
        self._held: dict[str, bytes] = {}
        self._room = _ROOM

    def differs(self, path: str, there: bytes) -> bool:
        """Whether the content for `path` is another than `there`; it will then be taken."""
        made = self._made(path)
        if made == there:
            return False
        if len(made) <= self._room:
            self._room -= len(made)
            self._held[path] = made
        return True

    def take(self, path: str) -> bytes:
        """The content for `path`, once."""
        return self._held.pop(path, None) or self._made(path)

    def _made(self, path: str) -> bytes:
        content = self._files[path]
        return content if isinstance(content, bytes) else content.make()


def _differs(
    folder: Path, path: str, content: _Content, held: dict[str, tuple[Stamp, str]]
) -> bool:
    """Whether the file is not as it would be made; one that is goes to `held`."""
    try:
        with folders.opened(folder / path) as file:
            stamp = stamp_of(os.fstat(file.fileno()))
            there = file.read()
    except OSError:
        return True
    if content.differs(path, there):
        return True
    held[path] = stamp, sha256(there).hexdigest()
    return False


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest of the output folder.

    files: those that Broadsheet wrote. retired: path -> record of a feed among them that has ended.
    """

    files: frozenset[str] = frozenset()
    retired: Mapping[str, object] = field(default_factory=dict)


def read_manifest(folder: Path) -> Manifest:
    """The manifest in `folder`; an empty one if it is lost or broken."""
    try:
        listed = json.loads(folders.content(folder / MANIFEST))
        files, retired = listed["files"], listed.get("retired", {})
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return Manifest()
    if not isinstance(files, list) or not isinstance(retired, dict):
        return Manifest()
    ours = frozenset(path for path in files if isinstance(path, str) and not _leaves(path))
    return Manifest(ours, {path: each for path, each in retired.items() if path in ours})


def _write_manifest(folder: Path, paths: Collection[str], retired: Mapping[str, object]) -> None:
    note = "The files here that Broadsheet wrote. It changes and removes no others."
    told: dict[str, object] = {"about": note, "files": sorted(paths)}
    if retired:
        told["retired"] = dict(sorted(retired.items()))
    data = json.dumps(told, ensure_ascii=False, indent=1)
    if _content(folder / MANIFEST) != (data + "\n").encode():
        writing.write(folder / MANIFEST, (data + "\n").encode())


def _content(path: Path) -> bytes | None:
    try:
        return folders.content(path)
    except OSError:
        return None


def _is_file(path: Path) -> bool:
    """Whether a file or a link stands there; a folder is never ours to remove as a whole."""
    return path.is_symlink() or path.is_file()


def _leaves(path: str) -> bool:
    """Whether `path` may lie outside of the output folder, on any system, or names none."""
    pure = PurePosixPath(path)
    strange = not pure.parts or re.search("[\0\\\\\ud800-\udfff]", path) is not None
    return strange or pure.is_absolute() or ".." in pure.parts


def _refuse_outside(path: str, shown: str) -> None:
    if _leaves(path):
        raise OutputError(
            Problem(f"{path!r} lies outside the output folder", "nothing was written", shown)
        )


def _refuse_detours(folder: Path, paths: Collection[str], shown: str) -> None:
    """Refuses links to folders on the way: they may lead out of the output folder."""
    above = {str(parent) for path in paths for parent in PurePosixPath(path).parents} - {"."}
    if links := sorted(path for path in above if (folder / path).is_symlink()):
        raise OutputError(
            *(
                Problem(
                    "this link is in the way of a folder that Broadsheet writes",
                    "remove it; only the output folder itself may be a link",
                    f"{shown}/{path}",
                )
                for path in links
            )
        )


def _refuse_foreign(folder: Path, paths: Collection[str], shown: str) -> None:
    foreign = sorted(path for path in paths if os.path.lexists(folder / path))
    if foreign:
        raise OutputError(
            *(
                Problem(
                    "this file is in the way, and Broadsheet did not write it",
                    "move it, or set feeds.folder to a folder of its own; "
                    "if an earlier run wrote it, run with --adopt",
                    f"{shown}/{path}",
                )
                for path in foreign
            )
        )


def _remove(folder: Path, path: str) -> None:
    """Removes the file, and the folders that this, or a run that was killed here, leaves empty."""
    if _is_file(folder / path):
        (folder / path).unlink(missing_ok=True)
    parent = (folder / path).parent
    while parent != folder:
        try:
            parent.rmdir()
        except FileNotFoundError:
            pass  # that run had come as far as this
        except OSError as error:
            if error.errno not in _STAYS:
                raise
            return
        parent = parent.parent


def _unwritable(error: OSError, shown: str) -> Problem:
    where = error.filename if isinstance(error.filename, str) else ""
    name = Path(where).name
    if name.endswith(writing.ENDING):
        name = name.removeprefix(".").removesuffix(writing.ENDING)
    return Problem(
        f"{name or shown} cannot be written: {error.strerror or error}",
        "fix it and run again; what is published already is whole",
        shown,
    )
