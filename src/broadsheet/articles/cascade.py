"""Hugo's `cascade`: a section page that hides the articles below it.

Source: gohugo.io/content-management/front-matter/#cascade. It is a mapping of fields, or a list of
these, each of which may have a `target` (`_target` before 0.123).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from broadsheet.articles import visibility
from broadsheet.articles.fields import fold

if TYPE_CHECKING:
    from broadsheet.articles.front_matter import FrontMatter


class Cascade(Struct, frozen=True, array_like=True):
    """A statement that hides the articles below a folder.

    folder: where the section page is, relative to the project. target: a glob for the paths of
    articles, without their endings; "" for all. hidden: why they are not public.
    """

    folder: str
    target: str
    hidden: str

    def covers(self, path: str) -> bool:
        """Whether this covers the article at `path`. If in doubt it does, which keeps it out."""
        if not f"/{path}".startswith(f"/{self.folder}/".replace("//", "/")):
            return False
        parts = path.rpartition(".")[0].split("/")
        # A glob starts at Hugo's content folder, wherever the articles folder does.
        ways = ("/" + "/".join(parts[start:]) for start in range(len(parts)))
        return not self.target or any(fnmatchcase(way, self.target) for way in ways)


def read(text: str, path: str, public: Mapping[str, tuple[str, ...]]) -> tuple[Cascade, ...]:
    """Return the cascades of the page at `path`, whose text is `text`; () if not a section page.

    public: `articles.public`. Raises ArticleError as `front_matter.split` does.
    """
    if not path.rpartition("/")[2].startswith("_index.") or "cascade" not in text:
        return ()
    from broadsheet.articles import front_matter  # brings PyYAML, for the few that need it

    matter = front_matter.head(text, path)
    return tuple(_cascades(matter, path, public)) if matter else ()


def _cascades(
    matter: FrontMatter, path: str, public: Mapping[str, tuple[str, ...]]
) -> Iterator[Cascade]:
    value = matter.fields.get("cascade")
    for fields in value if isinstance(value, list) else [value]:
        if not isinstance(fields, Mapping) or (target := _target(fields)) is None:
            continue
        said = visibility.read(fields, public)
        unclear = (each for each in said.doubts if each.out)
        # A statement that is not understood hides the articles too.
        found = said if said.field else next(unclear, None)
        if found is not None:
            what = visibility.clause(visibility.Visibility(found.field, found.value), matter)
            yield Cascade(path.rpartition("/")[0], target, f"{what} (cascade of {path})")


def _target(fields: Mapping[Any, object]) -> str | None:
    """The glob of a cascade; None if the cascade is not about articles."""
    given = next((each for name, each in fields.items() if fold(str(name)) == "target"), {})
    if not isinstance(given, Mapping):
        return ""
    if str(given.get("kind", "page")) not in {"page", "{page}"}:
        return None
    path = str(given.get("path", ""))
    return "" if any(mark in path for mark in "{[!") else path
