"""Write the output folder: complete files, only what changed, and only our own.

A manifest in the folder lists the files that Broadsheet wrote. It lists a new file before that file
exists and an old one until it is removed, so a run killed at any instant leaves no file that the
next run does not know.
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
from pathlib import Path, PurePosixPath

from msgspec import Struct

from broadsheet.errors import BusyError, LockError, OutputError, Problem
from broadsheet.storage import folders, writing

MANIFEST = ".broadsheet.json"
EVERYTHING = ("",)
"""A prefix of every path: a run that keeps it removes nothing."""
_NOT_EMPTY = {errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY}  # of a folder; the last is a mounted disk
_LOCK_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Changes:
    """What a run did, or would do in a dry run: paths relative to the output folder."""

    written: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: int


@contextmanager
def lock(state: Path, shown: str, timeout_s: float = _LOCK_TIMEOUT_S) -> Iterator[None]:
    """Exclude other runs on the same project. state: its folder `.broadsheet`.

    Raises BusyError if another run does not end within `timeout_s`, LockError if `state` cannot be
    written. shown: what messages call it.
    """
    from filelock import FileLock, Timeout  # takes 30 ms, which a run with nothing to do saves

    held = FileLock(state / "lock", timeout=timeout_s)
    try:
        state.mkdir(parents=True, exist_ok=True)
        held.acquire()
    except Timeout:
        what = "another run of Broadsheet has held the lock for a minute"
        todo = "wait for it to end, then run again"
        raise BusyError(Problem(what, todo, shown)) from None
    except OSError as error:
        raise LockError(_unwritable(error, shown)) from error
    try:
        yield
    finally:
        held.release()


class Written(Struct, frozen=True):
    """A file that a run makes: its path in the output folder, SHA-256 (hexadecimal) and bytes."""

    path: str
    digest: str
    length: int


Output = Callable[[Sequence[str], Iterable[Sequence[bytes]]], list[Written]]
"""Drafts files at paths in the output folder, from pieces: the next one of each file at a time."""


class Target:
    """The output folder, and the files that a run makes in it.

    shown: what messages call the folder. keep: prefixes of paths in the manifest that this run does
    not make and keeps. retired: path -> record of a feed that has ended, for the manifest; None: as
    before. digest: returns the SHA-256 of the file at a path, or None if it does not exist; by
    default, the file is read.

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
            what = "this is a file, but the output folder has this name"
            raise OutputError(Problem(what, "move it, or change feeds.folder", shown))
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
        """The paths of existing files that are not in the manifest."""
        new = sorted(set(self._paths) - self._before.files)
        return [path for path in new if os.path.lexists(self._folder / path)]

    def refuse_foreign(self, made: Iterable[Written]) -> None:
        """Raise OutputError if a file that is not ours would be replaced by one of `made`."""
        unknown = {*self.unknown}
        foreign = [each.path for each in made if each.path in unknown and self._differs(each)]
        _refuse(
            [f"{self._shown}/{path}" for path in sorted(foreign)],
            "this file is in the way, and Broadsheet did not write it",
            "move it, or set feeds.folder to a folder of its own; "
            "if an earlier run wrote it, run with --adopt",
        )

    @contextmanager
    def writing(self) -> Iterator[Output]:
        """Yield the function that drafts files; it can be called in any process.

        The manifest lists every path from now on, so a killed run leaves no file that the next one
        does not know. Raises OutputError for any OSError, and removes all drafts then.
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
        # The deepest first: they are linked to from above, and no link may be broken meanwhile.
        changed.sort(key=lambda path: (-path.count("/"), path))
        removed = [path for path in self._stale if _is_file(self._folder / path)]
        return Changes(tuple(changed), tuple(removed), len(self._paths) - len(changed))

    def finish(self, made: Iterable[Written]) -> Changes:
        """Move the drafts into place, and remove what is no longer made. Raises OSError."""
        changes = self.changes(made)
        writing.put_in_place([self._folder / path for path in changes.written])
        for path in self._stale:
            remove(self._folder, path)
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
) -> Changes:
    """Make `folder` hold `files` (path -> content), and touch only what differs.

    keep: as in `Target`. Raises OutputError if another program's file is in the way, or if writing
    fails; then each file is complete, old or new, and the next run finishes the work.
    """
    target = Target(folder, files.keys(), shown, keep=keep)
    made = [Written(path, sha256(data).hexdigest(), len(data)) for path, data in files.items()]
    target.refuse_foreign(made)
    with target.writing() as output:
        for path, data in files.items():
            output([path], [[data]])
        return target.finish(made)


def digest_of(path: Path) -> str | None:
    """Return the SHA-256 of the file at `path` in hexadecimal; None if it cannot be read."""
    try:
        with folders.opened(path) as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def tell(paths: Sequence[str], pieces: Iterable[Sequence[bytes]]) -> list[Written]:
    """Return what `draft` would, but write nothing."""
    digests, lengths = [sha256() for _ in paths], [0] * len(paths)
    for each in pieces:
        for number, piece in enumerate(each):
            digests[number].update(piece)
            lengths[number] += len(piece)
    hashes = (digest.hexdigest() for digest in digests)
    return [Written(*each) for each in zip(paths, hashes, lengths, strict=True)]


def draft(folder: Path, paths: Sequence[str], pieces: Iterable[Sequence[bytes]]) -> list[Written]:
    """Draft files in `folder`, as `writing.draft_together` does."""
    made = writing.draft_together([folder / path for path in paths], pieces)
    return [Written(path, *each) for path, each in zip(paths, made, strict=True)]


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest of the output folder.

    files: those that Broadsheet wrote. retired: path -> record, of feeds among them that have
    ended.
    """

    files: frozenset[str] = frozenset()
    retired: Mapping[str, object] = field(default_factory=dict)


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest in `folder`; an empty one if it is missing or damaged."""
    try:
        listed = json.loads(folders.content(folder / MANIFEST))
        files, retired = listed["files"], listed.get("retired", {})
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return Manifest()
    if not isinstance(files, list) or not isinstance(retired, dict):
        return Manifest()
    ours = frozenset(path for path in files if isinstance(path, str) and not leaves(path))
    return Manifest(ours, {path: each for path, each in retired.items() if path in ours})


def _write_manifest(folder: Path, paths: Collection[str], retired: Mapping[str, object]) -> None:
    note = "The files here that Broadsheet wrote. It changes and removes no others."
    manifest: dict[str, object] = {"about": note, "files": sorted(paths)}
    if retired:
        manifest["retired"] = dict(sorted(retired.items()))
    writing.write(
        folder / MANIFEST, f"{json.dumps(manifest, ensure_ascii=False, indent=1)}\n".encode()
    )


def _is_file(path: Path) -> bool:
    """Whether `path` is a file or a link; a folder is never removed with its content."""
    return path.is_symlink() or path.is_file()


def leaves(path: str) -> bool:
    """Whether `path` is empty, or could be outside the output folder on any system."""
    pure = PurePosixPath(path)
    strange = not pure.parts or re.search("[\0\\\\\ud800-\udfff]", path) is not None
    return strange or pure.is_absolute() or ".." in pure.parts


def _refuse_outside(path: str, shown: str) -> None:
    if leaves(path):
        raise OutputError(
            Problem(f"{path!r} is outside the output folder", "nothing was written", shown)
        )


def _refuse_detours(folder: Path, paths: Collection[str], shown: str) -> None:
    """Raise OutputError for links among the folders above `paths`: they may lead elsewhere."""
    inner = {path.rpartition("/")[0] for path in paths}
    above = {str(each) for path in inner for each in PurePosixPath(path, "file").parents} - {"."}
    _refuse(
        [f"{shown}/{path}" for path in sorted(above) if (folder / path).is_symlink()],
        "this link is in the way of a folder that Broadsheet writes",
        "remove it; only the output folder itself may be a link",
    )


def _refuse(paths: Sequence[str], what: str, todo: str) -> None:
    if paths:
        raise OutputError(*(Problem(what, todo, path) for path in paths))


def remove(folder: Path, path: str) -> None:
    """Remove the file, and the folders that this, or a run killed here, leaves empty."""
    if _is_file(folder / path):
        (folder / path).unlink(missing_ok=True)
    parent = (folder / path).parent
    while parent != folder:
        try:
            parent.rmdir()
        except FileNotFoundError:
            pass  # the killed run removed this one
        except OSError as error:
            if error.errno not in _NOT_EMPTY:
                raise
            return
        parent = parent.parent


def _unwritable(error: OSError, shown: str) -> Problem:
    where = error.filename if isinstance(error.filename, str | Path) else ""
    name = Path(where).name
    if name.endswith(writing.ENDING):
        name = name.removeprefix(".").removesuffix(writing.ENDING)
    todo = "let this user write there" if isinstance(error, PermissionError) else "fix it"
    return Problem(
        f"{name or shown} cannot be written: {error.strerror or error}",
        f"{todo} and run again; what was published is complete",
        shown,
    )
