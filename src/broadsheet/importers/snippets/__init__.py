"""Texts that make a scheduler run Broadsheet: a module for each, found by being here.

Each has a `POSITION` in the list of kinds and a function `snippet(place) -> str`.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from broadsheet.importers.place import Place


def kinds() -> tuple[str, ...]:
    """Return the names of all snippets, in the order of their positions."""
    names = (each.name for each in iter_modules(__path__))
    return tuple(sorted(names, key=lambda name: _module(name).POSITION))


def snippet(kind: str, place: Place) -> str:
    """Return the text of the snippet `kind`, one of `kinds()`."""
    return str(_module(kind).snippet(place))


def _module(kind: str) -> ModuleType:
    return import_module(f"{__name__}.{kind}")
