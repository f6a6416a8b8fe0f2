"""Registries: the modules of a package, found by their names, and plugins beside them.

A plugin is an entry point of another distribution, in the group of the registry
(packaging.python.org, "Entry points specification"). Entry points are looked up only for a name
that no module has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, Final

from broadsheet.errors import PluginError, Problem

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


@dataclass(frozen=True)
class Registry:
    """Modules that implement one interface, by name.

    kind: what messages call one. package: the folder of our modules, relative to `broadsheet`;
    those whose names start with an underscore are helpers. ending: of the names of their files.
    group: of the entry points; each names a module, or an object with the same attributes.
    """

    kind: str
    package: str
    ending: str = ""

    @property
    def group(self) -> str:
        """The group of the entry points, such as `broadsheet.formats`."""
        return f"broadsheet.{self.kind}s"

    @property
    def own(self) -> tuple[str, ...]:
        """The names of our modules, sorted; imports none of them."""
        return _names_in(self.package, self.ending)

    @property
    def plugins(self) -> Mapping[str, EntryPoint]:
        """The entry points of installed plugins, by name."""
        return _entry_points(self.group)

    def __contains__(self, name: str) -> bool:
        return name in self.own or name in self.plugins

    def load(self, name: str) -> Any:
        """Return our module, or else the plugin, called `name`.

        Raises PluginError if the plugin cannot be imported.
        """
        if name in self.own:
            module = f"{name.replace('-', '_')}{self.ending}"
            return import_module(f"broadsheet.{self.package.replace('/', '.')}.{module}")
        return _load(self.kind, self.plugins[name])


FORMATS: Final = Registry("format", "feeds/formats", "_feed")
RULES: Final = Registry("rule", "checks/rules")
DIALECTS: Final = Registry("dialect", "markup/dialects")
TRANSPORTS: Final = Registry("transport", "delivery/transports")
DESTINATIONS: Final = Registry("destination", "publish/destinations")
REGISTRIES: Final = (FORMATS, RULES, DIALECTS, TRANSPORTS, DESTINATIONS)
"""Everything that a plugin can add to."""


@cache
def _names_in(package: str, ending: str) -> tuple[str, ...]:
    found = (each.name for each in iter_modules([str(Path(__file__).parent / package)]))
    public = (name for name in found if name.endswith(ending) and not name.startswith("_"))
    return tuple(sorted(name.removesuffix(ending).replace("_", "-") for name in public))


@cache
def _entry_points(group: str) -> Mapping[str, EntryPoint]:
    from importlib.metadata import entry_points  # 20 ms, which most runs do without

    return {each.name: each for each in entry_points(group=group)}


@cache
def _load(kind: str, found: EntryPoint) -> Any:
    try:
        return found.load()
    except Exception as error:  # whatever the plugin raises
        made_by = f" of {found.dist.name} {found.dist.version}" if found.dist else ""
        what = f"the {kind} {found.name!r}{made_by} cannot be imported ({error})"
        raise PluginError(Problem(what, "update or uninstall that package")) from error
