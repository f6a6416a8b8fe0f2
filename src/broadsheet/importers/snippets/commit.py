"""The shell command that commits and pushes what a run wrote, for a job of your own."""

from __future__ import annotations

from broadsheet.importers.place import Place, commit

POSITION = 5


def snippet(place: Place) -> str:
    """Return the text to run in the folder of the project."""
    return commit(place)
