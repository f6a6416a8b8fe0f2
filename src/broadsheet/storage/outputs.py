"""Write the output folder: complete files, only what changed, and only our own.

A manifest in the folder lists the files that Broadsheet wrote. It names a new file before that
file is there and an old one until it is gone, so a run that is killed at any instant leaves no
file that the next run does not know.
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from hashlib import file_digest, sha256
from io import FileIO
from pathlib import Path, PurePosixPath
from typing import cast

from msgspec import Struct

from broadsheet.errors import BusyError, LockError, OutputError, Problem
from broadsheet.storage import folders, writing

MANIFEST = ".broadsheet.json"
EVERYTHING = ("",)
"""What every path begins with: a run that keeps it removes nothing."""
_STAYS = {errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY}  # a folder that holds more, or a disk
_PATIENCE = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Changes:
    """What a run did, or with a dry run would do: paths relative to the output folder."""

    written: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: int


@contextmanager
def lock(state: Path, shown: str) -> Iterator[None]:
    """Keep other runs on the same project waiting; `state` is the folder `.broadsheet`.

    Raises BusyError if another run does not end within a minute, and LockError.
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
        raise LockError(_unwritable(error, shown)) from error
    try:
        yield
    finally:
        held.release()


class Written(Struct, frozen=True):
    """A file as a run makes it: its path in the output folder, SHA-256 (hexadecimal) and bytes."""

    path: str
    digest: str
    length: int


Output = Callable[[Sequence[str], Iterable[Sequence[bytes]]], list[Written]]
"""Leaves files at paths in the output folder, from pieces: the next of each file at a time."""


class Target:
    """The output folder, and the files that a run makes in it.

    shown: how messages call the folder. keep: prefixes of paths in the manifest that this run does
    not make and that stay. retired: path -> record of a feed that has ended, for the manifest;
    None: as before. digest: gives the SHA-256 of the file at a path, None if there is none; None:
    it is read.

    Raises OutputError if a path leads out of the folder, or through a link.
    """

    def __init__(
        self,
        folder: Path,
        paths: Collection[str],
        shown: str,
        *,
        keep: Collection[str] = (),
        retired: Mapping[str, object] | None = None,
        digest: Callable[[str], str | None] | None = None,
    ) -> None:
        for path in paths:
            _refuse_outside(path, shown)
        if folder.is_file():
            what = "this is a file, and a folder of this name is to be written"
            raise OutputError(Problem(what, "move it, or set feeds.folder to another", shown))
        self._folder, self._paths, self._shown = folder, paths, shown
        self._digest = digest or (lambda path: digest_of(folder / path))
        self._before = read_manifest(folder)
        known = self._before.files
        self._retired = self._before.retired if retired is None else retired
        self._kept = {path for path in known if any(path.startswith(each) for each in keep)}
        self._stale = sorted(known.difference(paths, self._kept))
        _refuse_detours(folder, {*paths, *self._stale}, shown)

    @property
    def unknown(self) -> list[str]:
        """The paths at which there is a file that the manifest does not name."""
        new = sorted(set(self._paths) - self._before.files)
        return [path for path in new if os.path.lexists(self._folder / path)]

    def refuse_foreign(self, made: Iterable[Written]) -> None:
        """Raise OutputError if a file that is not ours would be replaced by one of `made`."""
        unknown = {*self.unknown}
        foreign = [each.path for each in made if each.path in unknown and self._differs(each)]
        _refuse_foreign(sorted(foreign), self._shown)

    @contextmanager
    def writing(self) -> Iterator[Output]:
        """Yield what drafts files, in any process.

        The manifest names every path from now on, so a run that is killed leaves no file that the
        next one does not know. Raises OutputError for any OSError; no draft is left then.
        """
        try:
            writing.sweep(self._folder, but=MANIFEST)
            retired = {**self._before.retired, **self._retired}
            _write_manifest(self._folder, self._before.files.union(self._paths), retired)
            yield partial(draft, self._folder)
        except BaseException as error:
            with suppress(OSError):
                writing.sweep(self._folder, but=MANIFEST)
            if isinstance(error, OSError):
                raise OutputError(_unwritable(error, self._shown)) from error
            raise

    def changes(self, made: Iterable[Written]) -> Changes:
        """Return what `finish` would do."""
        changed = [each.path for each in made if self._differs(each)]
        # What others link to comes first, so that no link leads nowhere in the meantime.
        changed.sort(key=lambda path: (-path.count("/"), path))
        removed = [path for path in self._stale if _is_file(self._folder / path)]
        return Changes(tuple(changed), tuple(removed), len(self._paths) - len(changed))

    def finish(self, made: Iterable[Written]) -> Changes:
        """Put the drafts in place, and remove what is no longer made. Raises OSError."""
        changes = self.changes(made)
        writing.put_in_place([self._folder / path for path in changes.written])
        for path in self._stale:
            _remove(self._folder, path)
        _write_manifest(self._folder, self._kept.union(self._paths), self._retired)
        return changes

    def _differs(self, made: Written) -> bool:
        return self._digest(made.path) != made.digest


def publish(
    folder: Path,
    files: Mapping[str, bytes],
    shown: str,
    *,
    keep: Collection[str] = (),
    adopt: bool = False,
    dry_run: bool = False,
) -> Changes:
    """Make `folder` hold `files` (path -> content), touching only what differs.

    keep: as in `Target`. adopt: take over files that the manifest does not name. Raises OutputError
    if a file of someone else's is in the way, and if writing fails; each file is then old or new
    and whole, and the next run completes the work.
    """
    target = Target(folder, files.keys(), shown, keep=keep)
    made = [Written(path, sha256(data).hexdigest(), len(data)) for path, data in files.items()]
    if not adopt:
        target.refuse_foreign(made)
    if dry_run:
        return target.changes(made)
    with target.writing() as output:
        for path, data in files.items():
            output([path], [[data]])
        return target.finish(made)


def digest_of(path: Path) -> str | None:
    """Return the SHA-256 of the file at `path` in hexadecimal; None if it cannot be read."""
    try:
        with folders.opened(path) as file:
            return file_digest(cast("FileIO", file), "sha256").hexdigest()
    except OSError:
        return None


def tell(paths: Sequence[str], pieces: Iterable[Sequence[bytes]]) -> list[Written]:
    """Return what files would be with these pieces (see `Output`), without writing them."""
    digests, lengths = [sha256() for _ in paths], [0] * len(paths)
    for each in pieces:
        for number, piece in enumerate(each):
            digests[number].update(piece)
            lengths[number] += len(piece)
    hashes = (digest.hexdigest() for digest in digests)
    return [Written(*each) for each in zip(paths, hashes, lengths, strict=True)]


def draft(folder: Path, paths: Sequence[str], pieces: Iterable[Sequence[bytes]]) -> list[Written]:
    """Draft files in `folder`; see `writing.draft_together`."""
    made = writing.draft_together([folder / path for path in paths], pieces)
    return [Written(path, *each) for path, each in zip(paths, made, strict=True)]


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
    if folders.content_of(folder / MANIFEST) != (data + "\n").encode():
        writing.write(folder / MANIFEST, (data + "\n").encode())


def _is_file(path: Path) -> bool:
    """Return whether `path` is a file or a link; a folder is never removed with its content."""
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


def _refuse_foreign(foreign: Sequence[str], shown: str) -> None:
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
    where = error.filename if isinstance(error.filename, str | Path) else ""
    name = Path(where).name
    if name.endswith(writing.ENDING):
        name = name.removeprefix(".").removesuffix(writing.ENDING)
    return Problem(
        f"{name or shown} cannot be written: {error.strerror or error}",
        "fix it and run again; what was published is complete",
        shown,
    )
