"""Destinations: each is a file of this folder, found by its name, the scheme of its URLs.

`s3.py` is for `s3://...`; in the name of a file, `_` stands for `-` and `+`. `folder.py` is for
paths, and `_fsspec.py` for schemes without a file or plugin. Each has a function
`destination(place) -> Destination`, which may raise anything, as the methods of destinations may:
`publishing` reports it in the server's words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Final, Protocol

from broadsheet.errors import Problem
from broadsheet.model.values import DestinationAddress
from broadsheet.publish.outgoing import OutgoingFile
from broadsheet.registry import DESTINATIONS

CONFLICT: Final = Problem(
    "another run is publishing to the same destination", "let only one run at a time, and run again"
)


@dataclass(frozen=True, slots=True)
class DestinationPlace:
    """What a destination is made from.

    address: `publish.to`. root: the folder of the project. state: a folder that may be deleted.
    """

    address: DestinationAddress
    root: Path
    state: Path
    now: datetime
    environment: Mapping[str, str] = field(repr=False)


class Destination(Protocol):
    """Where files are copied to. Paths are relative, with slashes."""

    connections: int = 1
    """How many files may be copied at once."""
    stores_headers: bool = False
    """Whether a file there has a Content-Type and Cache-Control of its own."""

    def listing(self) -> Mapping[str, int]:
        """Return the size in bytes of every file there, whoever wrote it, by its path."""

    def read(self, path: str) -> bytes:
        """Return the content of a file. Raises FileNotFoundError."""

    def put(self, file: OutgoingFile, data: bytes) -> None:
        """Write a file, if possible in one step: a reader gets the old or the new one.

        The name of a draft ends with `writing.ENDING`: the next run deletes it after a kill.
        """

    def delete(self, path: str) -> None:
        """Delete a file, if it is there."""

    def finish(self, message: str) -> None:
        """Make everything visible, where `put` and `delete` did not. message: one line.

        Raises ConflictError if another run has changed the destination meanwhile.
        """


def destination_at(place: DestinationPlace) -> Destination:
    """Return the destination at `place.address`."""
    scheme = re.sub("[+.]", "-", place.address.scheme)
    name = "folder" if scheme in {"", "file"} else scheme
    is_known = name in DESTINATIONS
    module = DESTINATIONS.load(name) if is_known else import_module(f"{__name__}._fsspec")
    made: Destination = module.destination(place)
    return made
