"""Any file system that fsspec knows, such as gs:// (gcsfs) or abfs:// (adlfs).

Those without a file of their own are untried. Object stores replace a file in one step. Some other
file systems write in place, so they get one file at a time: a kill tears the one that is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Final

from broadsheet.errors import ConfigError, ConflictError, Problem
from broadsheet.publish.destinations import CONFLICT, Destination, DestinationPlace
from broadsheet.publish.outgoing import OutgoingFile
from broadsheet.storage.writing import ENDING

_REPLACING: Final = {"file", "local", "sftp", "ssh"}  # their `mv` replaces a file in one step


@dataclass
class FsspecDestination(Destination):
    """A folder in a file system of fsspec.

    files: the file system. folder: as it calls it. renames: write each file beside its place, and
    rename it.
    """

    files: Any
    folder: str
    renames: bool = False

    def __post_init__(self) -> None:
        self.connections = 8 if self.files.async_impl else 1  # only those are safe with threads

    def listing(self) -> Mapping[str, int]:
        found: dict[str, dict[str, Any]] = {}
        with suppress(FileNotFoundError):
            found = self.files.find(self.folder, detail=True)
        return {path[len(self.at("")) :]: each["size"] for path, each in found.items()}

    def read(self, path: str) -> bytes:
        data: bytes = self.files.cat_file(self.at(path))
        return data

    def put(self, file: OutgoingFile, data: bytes) -> None:
        folder, _, name = self.at(file.path).rpartition("/")
        draft = f"{folder}/.{name}.{token_hex(4)}{ENDING}"
        if not self.files.async_impl:  # others need no folder, or make it
            self.files.makedirs(folder, exist_ok=True)
        try:
            self.files.pipe_file(draft if self.renames else self.at(file.path), data)
            if self.renames:
                self.files.mv(draft, self.at(file.path))
        except FileNotFoundError as error:  # another run has removed the draft, or the folder
            raise ConflictError(CONFLICT) from error

    def delete(self, path: str) -> None:
        with suppress(FileNotFoundError):
            self.files.rm_file(self.at(path))

    def finish(self, message: str) -> None:
        """Do nothing: every file is in place."""

    def at(self, path: str) -> str:
        """Return what the file system calls the file at `path`."""
        return f"{self.folder}/{path}"


def destination(place: DestinationPlace) -> FsspecDestination:
    """Return the folder at a URL. Raises ConfigError if fsspec does not know its scheme."""
    import fsspec

    if place.address.scheme not in fsspec.available_protocols():
        what = f"unknown destination {str(place.address)!r}"
        todo = "write a folder, s3://, sftp://, git: or another scheme of fsspec"
        raise ConfigError(Problem(what, todo, key="publish.to"))
    fresh = {"use_listings_cache": False, "skip_instance_cache": True}
    files, folder = fsspec.core.url_to_fs(str(place.address), **fresh)
    return FsspecDestination(files, folder.rstrip("/"), place.address.scheme in _REPLACING)
