"""A generator that `init` recognises, and what it takes from the config of a site."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from broadsheet.errors import Problem


@dataclass(frozen=True, slots=True)
class Taken:
    """One value to take over.

    key: the full key in broadsheet.toml, such as "publication.title".
    value: str, bool, list[str] or a dict of these, ready to be written as TOML.
    source: where it was read, such as "hugo.toml: title".
    """

    key: str
    value: object
    source: str


@dataclass(frozen=True, slots=True)
class GeneratedSite:
    """A site that another generator builds, as its config describes it.

    generator: its name for people, such as "Hugo".
    taken: in the order of broadsheet.toml; no key twice.
    remarks: what could not be taken, or only in part, and what to write by hand.
    """

    generator: str
    taken: tuple[Taken, ...]
    remarks: tuple[Problem, ...]


def _unread(files: Mapping[str, str], folders: Collection[str]) -> GeneratedSite | None:  # noqa: ARG001
    return None


@dataclass(frozen=True, slots=True)
class Generator:
    """A site generator: how it is recognised, and how its config is read.

    position: its turn, from 1; the surer its file names, the sooner.
    configs: the files to read, as POSIX paths or globs relative to the project, in order of
    precedence; {folder} and {name} are any folder and its own name.
    read: from the text of each of `configs` that exists, by path, and the folders of the project,
    returns the site; None if none of the texts is the generator's config. Raises nothing: a file
    that cannot be read becomes a remark.
    marks: for a generator whose config is not read, the files or folders that only it has.
    dialect: the value of `articles.markdown` that `marks` stand for.
    """

    position: int
    configs: tuple[str, ...] = ()
    read: Callable[[Mapping[str, str], Collection[str]], GeneratedSite | None] = _unread
    marks: tuple[str, ...] = ()
    dialect: str = ""
