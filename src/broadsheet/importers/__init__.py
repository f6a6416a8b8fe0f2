"""Read the config of the generator that builds a site, for `broadsheet init` to take over.

Each generator is a module of `generators/` with a `GENERATOR`; it is found by being there. It knows
what the generator calls the title, URL, language, folders and permalinks of a site, and what
broadsheet.toml calls them. Text goes in, `GeneratedSite` comes out: nothing here opens a file.
`snippets/` has a module for each scheduler that can run Broadsheet.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from broadsheet.errors import Problem
from broadsheet.importers.generator import GeneratedSite, Generator, Taken

__all__ = ["GeneratedSite", "Generator", "Taken", "config_files", "dialect_by_files", "recognise"]


@cache
def _generators() -> tuple[Generator, ...]:
    """Return every generator, in order of precedence."""
    package = import_module(f"{__name__}.generators")
    names = (f"{package.__name__}.{each.name}" for each in iter_modules(package.__path__))
    found: list[Generator] = [import_module(name).GENERATOR for name in names]
    return tuple(sorted(found, key=lambda generator: generator.position))


def config_files() -> tuple[str, ...]:
    """Return the files that describe a site, as relative POSIX paths, in order of precedence."""
    return tuple(dict.fromkeys(path for each in _generators() for path in each.configs))


def dialect_by_files(names: Collection[str]) -> str | None:
    """Return the dialect of a site whose config is not read; None if unknown.

    names: of files and folders in the project and in its `docs`.
    """
    marked = (each.dialect for each in _generators() if not set(each.marks).isdisjoint(names))
    return next(marked, None)


def recognise(files: Mapping[str, str], folders: Collection[str]) -> GeneratedSite | None:
    """Return the site that `files` configure; None if no generator's config is among them.

    files: the text of each of `config_files()` that exists, by its path.
    folders: the set of folders of the project as relative POSIX paths, three levels deep
    ("src/content/blog"); they show where articles and images are. The values of a mapping are the
    numbers of dated files below each.

    Raises nothing: a file that cannot be read becomes a remark with its line. If several
    generators have a config, the first in order of precedence is taken, and a remark says so.
    """
    readers = [each.read for each in _generators() if each.read]
    sites = [site for read in readers if (site := read(files, folders))]
    if not sites:
        return None
    first, *others = sites
    if others:
        names = " and ".join(site.generator for site in others)
        what = f"there is a config of {names} too, which was not read"
        note = Problem(what, f"{first.generator} was taken")
        return replace(first, remarks=(*first.remarks, note))
    return first
