"""What runs Broadsheet by itself: a file for each scheduler, found by itself.

Each has a `POSITION` in the list of kinds and a function `snippet(place) -> str`.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from broadsheet.importers.place import Place


def kinds() -> tuple[str, ...]:
    """Return the names of all snippets, in the order of their positions."""
    return tuple(sorted((each.name for each in iter_modules(__path__)), key=_position))


def snippet(kind: str, place: Place) -> str:
    """Return the text of the snippet `kind`, one of `kinds()`."""
    text: str = import_module(f"{__name__}.{kind}").snippet(place)
    return text


def _position(kind: str) -> int:
    position: int = import_module(f"{__name__}.{kind}").POSITION
    return position
