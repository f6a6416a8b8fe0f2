"""Any file system that fsspec knows, such as gs:// (gcsfs) or abfs:// (adlfs).

Those without a file of their own are untried; whether a file is replaced in one step depends on
the file system.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from broadsheet.errors import ConfigError, Problem
from broadsheet.publish.destinations import Destination, DestinationPlace
from broadsheet.publish.outgoing import OutgoingFile


@dataclass
class FsspecDestination(Destination):
    """A folder in a file system of fsspec. files: the file system. folder: as it calls it."""

    files: Any
    folder: str
    # One after another: some write in place, and a kill in the middle of eight would tear eight.
    connections: int = 1

    def listing(self) -> Mapping[str, int]:
        found: dict[str, dict[str, Any]] = {}
        with suppress(FileNotFoundError):
            found = self.files.find(self.folder, detail=True)
        return {path[len(self.at("")) :]: each["size"] for path, each in found.items()}

    def read(self, path: str) -> bytes:
        data: bytes = self.files.cat_file(self.at(path))
        return data

    def put(self, file: OutgoingFile, data: bytes) -> None:
        self.files.makedirs(self.at(file.path).rpartition("/")[0], exist_ok=True)
        self.files.pipe_file(self.at(file.path), data)

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
    return FsspecDestination(files, folder.rstrip("/"))
