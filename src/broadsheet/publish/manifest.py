"""The manifest at the destination: which files there are ours, and what each one holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import MsgspecError, Struct, json
from msgspec.structs import asdict, replace

from broadsheet.errors import Problem, PublishError
from broadsheet.publish.destinations import Destination
from broadsheet.publish.outgoing import OutgoingFile
from broadsheet.storage.outputs import leaves

MANIFEST: Final = ".broadsheet-published.json"
UNKNOWN: Final = ""
"""The digest of a file that a run was about to copy or delete."""

_ABOUT: Final = "The files here that Broadsheet published. It changes and deletes no others."
_FILE: Final = OutgoingFile(MANIFEST, "", 0, "application/json", "no-cache")


class PublishedManifest(Struct, frozen=True):
    """run: a random id of the run that wrote it, "" for none. files: path -> digest, or UNKNOWN.

    retired: the feeds that had ended then.
    """

    run: str
    files: Mapping[str, str]
    retired: frozenset[str]

    @classmethod
    def load(cls, destination: Destination) -> PublishedManifest:
        """Return the manifest at `destination`; an empty one if there is none.

        Raises PublishError if it cannot be understood.
        """
        try:
            found = json.decode(destination.read(MANIFEST), type=cls)
        except FileNotFoundError:
            return cls("", {}, frozenset())
        except MsgspecError as error:
            todo = "delete that file at the destination, and publish with --adopt"
            raise PublishError(Problem("it is damaged", todo, MANIFEST)) from error
        return replace(found, files={p: d for p, d in found.files.items() if not leaves(p)})

    def save(self, destination: Destination) -> None:
        """Write it to `destination`."""
        data = json.encode({"about": _ABOUT, **asdict(self)}, order="sorted")
        destination.put(_FILE, json.format(data, indent=1) + b"\n")
