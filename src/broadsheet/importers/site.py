"""What was read from a site's own config: values taken over, and remarks in plain words."""

from __future__ import annotations

from dataclasses import dataclass

from broadsheet.errors import Problem


@dataclass(frozen=True, slots=True)
class Taken:
    """One value taken over.

    key: the full key in broadsheet.toml, such as "publication.title".
    value: str, bool, list[str] or dict[str, str], ready to be written as TOML.
    source: where it was read, such as "hugo.toml: title".
    """

    key: str
    value: object
    source: str


@dataclass(frozen=True, slots=True)
class Site:
    """A site that another generator builds, as far as its config tells.

    generator: its name for people, such as "Hugo".
    taken: in the order of broadsheet.toml; no key twice.
    remarks: what could not be taken, or only in part, and what to write by hand.
    """

    generator: str
    taken: tuple[Taken, ...]
    remarks: tuple[Problem, ...]
