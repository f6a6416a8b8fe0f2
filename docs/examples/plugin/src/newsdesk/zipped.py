"""A destination: one zip file, for hosts that take an upload (`zipped:feeds.zip`)."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from broadsheet.publish.destinations import Destination, DestinationPlace
from broadsheet.publish.outgoing import OutgoingFile


@dataclass
class ZippedDestination(Destination):
    """A zip file, replaced in one step by `finish`."""

    archive: Path
    content: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read the archive, if there is one."""
        if self.archive.exists():
            with zipfile.ZipFile(self.archive) as file:
                self.content = {name: file.read(name) for name in file.namelist()}

    def listing(self) -> Mapping[str, int]:
        return {path: len(data) for path, data in self.content.items()}

    def read(self, path: str) -> bytes:
        if path not in self.content:
            raise FileNotFoundError(path)
        return self.content[path]

    def put(self, file: OutgoingFile, data: bytes) -> None:
        self.content[file.path] = data

    def delete(self, path: str) -> None:
        self.content.pop(path, None)

    def finish(self, message: str) -> None:
        draft = self.archive.with_suffix(".draft")
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as file:
            for path, data in sorted(self.content.items()):
                file.writestr(path, data)
        draft.replace(self.archive)


def destination(place: DestinationPlace) -> ZippedDestination:
    """Return the archive; a relative path starts from the project."""
    return ZippedDestination(place.root / place.address.partition(":")[2])
