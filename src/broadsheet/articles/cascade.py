"""Hugo's `cascade`: a section page that hides the articles below it.

Source: gohugo.io/content-management/front-matter/#cascade. It is a mapping of fields, or a list of
these, each of which may have a `target` (`_target` before 0.123).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from broadsheet.articles import front_matter, visibility
from broadsheet.articles.article import Cascade
from broadsheet.articles.fields import fold
from broadsheet.articles.front_matter import FrontMatter


def cascades(text: str, path: str, public: Mapping[str, tuple[str, ...]]) -> tuple[Cascade, ...]:
    """Return the cascades of the page at `path`, whose text is `text`; () if not a section page.

    public: `articles.public`. Raises ArticleError as `front_matter.split` does.
    """
    if not path.rpartition("/")[2].startswith("_index.") or "cascade" not in text:
        return ()
    parts = front_matter.split(text, path)
    return tuple(_covering(parts[0], path, public)) if parts else ()


def _covering(
    matter: FrontMatter, path: str, public: Mapping[str, tuple[str, ...]]
) -> Iterator[Cascade]:
    value = matter.fields.get("cascade")
    for fields in value if isinstance(value, list) else [value]:
        if not isinstance(fields, Mapping) or (target := _target(fields)) is None:
            continue
        said = visibility.stated_visibility(fields, public)
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
