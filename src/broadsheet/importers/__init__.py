"""Reads the config of the generator that builds a site, for `broadsheet init` to take over.

Owns what Hugo, Zola, Astro, Eleventy and Jekyll call the title, address, language, time zone,
author, folders and permalinks of a site, and what broadsheet.toml calls them. Each generator has
a module of its own. Text goes in, `Site` comes out: nothing here opens a file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from broadsheet.errors import Problem
from broadsheet.importers import astro, eleventy, hugo, jekyll, zola
from broadsheet.importers.site import Site, Taken

__all__ = ["CANDIDATES", "Site", "Taken", "dialect_by_files", "recognise"]

# Generators whose config is not read, recognised by a file or folder that they need.
_MARKS = {
    ".obsidian": "obsidian",
    ".vitepress": "vuepress",
    ".vuepress": "vuepress",
    "docusaurus.config.js": "docusaurus",
    "docusaurus.config.ts": "docusaurus",
    "mkdocs.yaml": "mkdocs",
    "mkdocs.yml": "mkdocs",
    "pelicanconf.py": "pelican",
}

# The surer a generator's file names are, the sooner its turn.
_READERS: tuple[Callable[[Mapping[str, str], frozenset[str]], Site | None], ...] = (
    hugo.read,
    zola.read,
    astro.read,
    eleventy.read,
    jekyll.read,
)

CANDIDATES: tuple[str, ...] = tuple(
    dict.fromkeys(
        (
            *hugo.CANDIDATES,
            *zola.CANDIDATES,
            *astro.CANDIDATES,
            *eleventy.CANDIDATES,
            *jekyll.CANDIDATES,
        )
    )
)
"""The files that tell of a site, as relative POSIX paths, in order of precedence."""


def dialect_by_files(names: Collection[str]) -> str | None:
    """Return the dialect of a site whose config is not read; None if unknown.

    names: of files and folders in the project and in its `docs`.
    """
    return next((dialect for name, dialect in _MARKS.items() if name in names), None)


def recognise(files: Mapping[str, str], folders: Collection[str]) -> Site | None:
    """The site that `files` configure, or None where no generator's config is among them.

    files: the text of each of `CANDIDATES` that exists, by its path.
    folders: the folders of the project as relative POSIX paths, three levels deep
    ("src/content/blog"); they tell where articles and images are.

    Raises nothing: a file that cannot be read becomes a remark with its line. Where several
    generators have a config, the first in order of precedence is taken, and a remark says so.
    """
    paths = frozenset(folder.removeprefix("./").rstrip("/") for folder in folders)
    sites = [site for read in _READERS if (site := read(files, paths))]
    if not sites:
        return None
    first, *others = sites
    if others:
        names = " and ".join(site.generator for site in others)
        what = f"there is a config of {names} too, which was not read"
        note = Problem(what, f"{first.generator} was taken")
        return replace(first, remarks=(*first.remarks, note))
    return first
