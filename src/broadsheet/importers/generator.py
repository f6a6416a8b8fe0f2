"""A generator that `init` recognises, and what it takes from the config of a site."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from broadsheet.errors import Problem


@dataclass(frozen=True, slots=True)
class Taken:
    """A value to take over.

    key: the full key in broadsheet.toml, such as "publication.title".
    value: str, bool, list[str] or a dict of these, which TOML can express.
    source: where it was read, such as "hugo.toml: title".
    """

    key: str
    value: object
    source: str


@dataclass(frozen=True, slots=True)
class GeneratedSite:
    """A site as the config of its generator describes it.

    generator: its name in messages, such as "Hugo". taken: in the order of broadsheet.toml, no key
    twice. remarks: what could not be taken, or only in part, and what to write by hand.
    """

    generator: str
    taken: tuple[Taken, ...]
    remarks: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Generator:
    """A site generator: how it is recognised, and how its config is read.

    position: in the order of precedence; low for file names that no other generator has.
    configs: the files to read, as POSIX paths or globs relative to the project, in order of
    precedence; {folder} and {name} are any folder and its own name.
    read: returns the site, or None if no file is this generator's config. It gets the text of each
    of `configs` that exists, by path, and the folders of the project. Raises nothing: a file that
    cannot be read becomes a remark.
    marks: files or folders that only this generator has, to recognise it without reading a config.
    dialect: the value of `articles.markdown` for `marks`.
    """

    position: int
    configs: tuple[str, ...] = ()
    read: Callable[[Mapping[str, str], Collection[str]], GeneratedSite | None] | None = None
    marks: tuple[str, ...] = ()
    dialect: str = ""
