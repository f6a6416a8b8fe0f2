"""The manifest at the destination: which files there are ours, and what each one holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from broadsheet.errors import Problem, PublishError
from broadsheet.publish.destinations import Destination
from broadsheet.publish.outgoing import OutgoingFile
from broadsheet.storage.outputs import leaves

MANIFEST: Final = ".broadsheet-published.json"
UNKNOWN: Final = ""
"""The digest of a file that a run was about to copy or delete."""

_ABOUT: Final = "The files here that Broadsheet published. It changes and deletes no others."
_FILE: Final = OutgoingFile(MANIFEST, "", 0, "application/json", "no-cache")


@dataclass(frozen=True, slots=True)
class PublishedManifest:
    """run: a random id of the run that wrote it, "" for none. files: path -> digest, or UNKNOWN.

    retired: the feeds that had ended then.
    """

    run: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    retired: frozenset[str] = frozenset()

    @classmethod
    def load(cls, destination: Destination) -> PublishedManifest:
        """Return the manifest at `destination`; an empty one if there is none.

        Raises PublishError if it cannot be understood.
        """
        try:
            found = json.loads(destination.read(MANIFEST))
            files = {p: str(digest) for p, digest in found["files"].items() if not leaves(p)}
            return cls(str(found["run"]), files, frozenset(map(str, found["retired"])))
        except FileNotFoundError:
            return cls()
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            todo = "delete that file at the destination, and publish with --adopt"
            raise PublishError(Problem("it is damaged", todo, MANIFEST)) from error

    def save(self, destination: Destination) -> None:
        """Write it to `destination`."""
        written = {
            "about": _ABOUT,
            "run": self.run,
            "files": dict(sorted(self.files.items())),
            "retired": sorted(self.retired),
        }
        data = json.dumps(written, ensure_ascii=False, indent=1) + "\n"
        destination.put(_FILE, data.encode())
