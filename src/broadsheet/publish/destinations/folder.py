"""A folder on this machine: `../public/feeds`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from urllib.parse import unquote, urlsplit

from broadsheet.errors import ConflictError
from broadsheet.publish.destinations import CONFLICT, Destination, DestinationPlace
from broadsheet.publish.outgoing import OutgoingFile
from broadsheet.storage import folders, outputs, writing


@dataclass
class FolderDestination(Destination):
    """A folder. Each file is replaced in one step."""

    folder: Path

    def listing(self) -> Mapping[str, int]:
        files = (path for path in self.folder.rglob("*") if path.is_file())
        try:
            return {path.relative_to(self.folder).as_posix(): path.stat().st_size for path in files}
        except FileNotFoundError as error:  # another run has just removed it
            raise ConflictError(CONFLICT) from error

    def read(self, path: str) -> bytes:
        return folders.content(self.folder / path)

    def put(self, file: OutgoingFile, data: bytes) -> None:
        place = self.folder / file.path
        if folders.content_of(place) == data:
            return
        draft = place.with_name(f".{place.name}.{token_hex(4)}{writing.ENDING}")
        try:
            writing.write(draft, data)
            draft.replace(place)
        except FileNotFoundError as error:  # another run has removed the draft, or the folder
            raise ConflictError(CONFLICT) from error

    def delete(self, path: str) -> None:
        outputs.remove(self.folder, path)

    def finish(self, message: str) -> None:
        """Do nothing: every file is in place."""


def destination(place: DestinationPlace) -> FolderDestination:
    """Return the folder; a relative path starts from the project."""
    url = urlsplit(place.address)
    path = unquote(url.path) if url.scheme == "file" else str(place.address)
    return FolderDestination(place.root / Path(path).expanduser())
