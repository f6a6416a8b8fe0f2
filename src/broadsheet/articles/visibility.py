"""Whether an article is public, by its front matter and its path.

Closed by default: an article whose front matter says something about visibility that
visibility.toml does not list is kept out and reported. Something that only resembles such a
statement is reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal

from msgspec import Struct

from broadsheet.articles import visibility_words as words
from broadsheet.articles.fields import fold, texts
from broadsheet.articles.front_matter import FrontMatter
from broadsheet.articles.visibility_words import Kind
from broadsheet.errors import Problem


class Doubt(Struct, frozen=True):
    """A statement with an unknown meaning, or one that may not mean what its author thinks.

    field: where it is, folded names from the top down. value: as written.
    out: whether it keeps the article out; why: what is unclear about it.
    """

    field: tuple[str, ...]
    value: str
    out: bool
    why: Literal["unknown", "similar", "robots", "label", "title"]


class Visibility(Struct, frozen=True):
    """The statements of an article about its visibility.

    field, value: the first statement that keeps it out, the field as folded names from the top
    down; empty where there is none. A password is never given. doubts: in the order of the fields.
    """

    field: tuple[str, ...] = ()
    value: str = ""
    doubts: tuple[Doubt, ...] = ()


_SILENT = Visibility()


def stated_visibility(
    fields: Mapping[Any, object], public: Mapping[str, tuple[str, ...]]
) -> Visibility:
    """Return the statements of front matter about visibility.

    fields: by name, as written. public: `articles.public`: field name -> values that publish an
    article all the same; `*` for any.
    """
    doubts: list[Doubt] = []
    for path, value in _statements(fields):
        judged = _unless_public(path, value, public) if public else value
        found = None if judged is None else _judge(path, judged)
        if isinstance(found, Doubt):
            doubts.append(found)
        elif found:
            kind, _ = _meaning(path[-1])
            shown = "" if kind in {"secret", "hashes"} else _shown(value)
            ambiguous = kind == "labels" and "private" in map(_word, _labels(value))
            doubt = (Doubt(path, shown, out=False, why="label"),) if ambiguous else ()
            return Visibility(path, shown, doubt)
    return Visibility(doubts=tuple(doubts)) if doubts else _SILENT


def clause(found: Visibility, matter: FrontMatter) -> str:
    """Return what keeps an article out, as a clause for messages."""
    if found.field == ("draft",) and _word(found.value) in words.ON:
        return "it is a draft"
    name = _written(found.field, matter)
    return f"it says `{name}: {found.value}`" if found.value else f"it has `{name}`"


def problem(doubt: Doubt, matter: FrontMatter, path: str) -> Problem:
    """Return the problem with a statement in the file at `path`."""
    what, todo = _DOUBTS[doubt.why]
    said = f"`{_written(doubt.field, matter)}: {doubt.value}`"
    if doubt.out:
        what += ", so the article is left out"
    return Problem(what.format(said), todo, path, _line(doubt.field, matter))


_TODO = "write `draft: true`, or list the value in articles.public if it may be published"
_DOUBTS = {
    "unknown": ("unknown visibility {}", _TODO),
    "similar": ("{} may mean that it is not public", _TODO),
    "robots": (
        "{} keeps it out of search engines, not out of feeds and mail",
        "write `draft: true`, or `check_off: [visibility]` if it may be published",
    ),
    "label": (
        "{} keeps it out of feeds and mail, as in Nikola",
        "rename the label, or list it in articles.public, if it may be published",
    ),
    "title": (
        "{} says that it is a draft, but it is published",
        "write `draft: true`, or change the title",
    ),
}


def _written(field: tuple[str, ...], matter: FrontMatter) -> str:
    return ".".join(map(matter.written, field))


def _line(field: tuple[str, ...], matter: FrontMatter) -> int | None:
    """The line of a field; for one inside another on the same line, that of the outer one."""
    lines = [matter.lines[name] for name in field if name in matter.lines]
    return max(lines, default=None)


def in_path(path: str, folder: str) -> str:
    """Return why the name or a folder of a file keeps it out, as a clause; "" if nothing does.

    path: of the file, folder: of the articles folder; both relative to the project.
    """
    above, _, name = path.rpartition("/")
    is_bundle = name.partition(".")[0].casefold() == "index"
    if found := _hiding_folder(above, folder, is_bundle=is_bundle):
        return f"it is in a folder `{found}`"
    if name.startswith("_"):
        return "its name begins with `_`"
    if suffix := words.SUFFIX.search(name):
        return f"its name ends with `{suffix[0]}`"
    return ""


@lru_cache(4096)
def _hiding_folder(above: str, folder: str, *, is_bundle: bool) -> str:
    """Return the name of a folder that keeps its articles out; "" if none does.

    above: the folder of an article; is_bundle: whether that is the article (a page bundle).
    """
    if f"/{words.JEKYLL}/" in f"/{above.casefold()}/":
        return words.JEKYLL
    parents = above.removeprefix(folder).strip("/").split("/")
    names = parents[:-1] if is_bundle else parents
    return next((each for each in names if each.casefold().lstrip("_.") in words.FOLDERS), "")


def speaks(name: str, value: object) -> bool:
    """Whether the value of a field that may hold a date is a statement about visibility instead.

    name: folded.
    """
    if isinstance(value, bool) or _word(value) in _SPOKEN:
        return True
    return _meaning(name)[0] in _VALUES and not words.DATE.search(_shown(value))


def _statements(
    fields: Mapping[Any, object], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], object]]:
    """Path and value of each field that can be a statement; the name of a group comes first."""
    for written, value in fields.items():
        if not above and isinstance(value, _silent_types(str(written))):
            continue
        if value is None or value in ("", [], {}):
            continue
        path = (*above, *_parts(str(written)))
        if not isinstance(value, dict):
            yield path, value
        elif words.GROUPS.fullmatch(path[-1]) and len(path) < 5:
            yield from _statements(value, path)
        elif _meaning(path[-1])[0] in {"hides", "secret"}:
            yield path, value


# A site has few names of fields, and each is in most of its articles.
@lru_cache(4096)
def _silent_types(written: str) -> tuple[type, ...]:
    """Return the types of which no value of a field is a statement about visibility."""
    *above, name = _parts(written)
    if above or _meaning(name)[0] or _names_places(name) or words.GROUPS.fullmatch(name):
        return ()
    return (object,) if name in words.CONTENT and name != "title" else (list,)


@lru_cache(4096)
def _parts(written: str) -> tuple[str, ...]:
    name = fold(written)
    return tuple(part for part in name.split(".") if part) or (name,)


@lru_cache(4096)
def _meaning(name: str) -> tuple[Kind | None, bool]:
    return next(
        ((kind, strict) for kind, strict, pattern in words.FIELDS if pattern.fullmatch(name)),
        (None, False),
    )


@lru_cache(4096)
def _meaning_of(path: tuple[str, ...]) -> tuple[Kind | None, bool]:
    """The meaning of a field in a group; `build: {list: ...}` says more than `list` does."""
    joined = _meaning("".join(path[-2:]))
    return joined if joined[0] else _meaning(path[-1])


def _judge(path: tuple[str, ...], value: object) -> bool | Doubt | None:
    """Whether the value of a field keeps the article out; a Doubt or None if that is unclear."""
    kind, strict = _meaning_of(path)
    if (place := _place(path, value)) is not None:
        return place
    if kind is None:
        return _similar(path, value)
    if kind in _VALUES:
        return _state(path, value, kind, strict=strict)
    if kind == "secret":
        return _word(value) not in {"false", "no", "off", "null"}
    if kind == "hashes":
        return all(words.HASH.fullmatch(str(each)) for each in _items(value))
    if kind == "labels":
        return bool(words.LABELS.intersection(map(_word, _labels(value))))
    if kind == "address":
        return _word(value) == "false"
    if kind == "robots" and (words.NOINDEX.search(_shown(value)) or _word(value) in words.ON):
        return Doubt(path, _shown(value), out=False, why="robots")
    return None


def _place(path: tuple[str, ...], value: object) -> bool | None:
    """Whether a value such as that of `hide: [feed]` keeps the article out; None for any other.

    False where the places are parts of the page, or lists of the web site only.
    """
    if not _names_places(path[-1]) or _word(value) in words.ON | words.OFF:
        return None
    if any(_meaning(path[-1] + _word(each))[0] == "hides" for each in _items(value)):
        return True
    elsewhere = all(_meaning(path[-1] + _word(each))[0] == "elsewhere" for each in _items(value))
    parts = isinstance(value, list) and path[-1] != "hidden"  # such as those of Material for MkDocs
    return False if elsewhere or parts else None


@lru_cache(4096)
def _names_places(name: str) -> bool:
    return words.OUT.fullmatch(name) is not None


def _state(
    path: tuple[str, ...], value: object, kind: Kind, *, strict: bool
) -> bool | Doubt | None:
    given = [*map(_word, _items(value))]
    hiding, showing = _VALUES[kind]
    if any(word in hiding for word in given):
        return True
    if all(word in showing for word in given):
        return False
    if path[-1] in words.DATED and words.DATE.search(_shown(value)):
        return None  # a time: it decides when the article is published
    if kind == "hides" and isinstance(value, list) and path[-1].startswith("eleventy"):
        return True  # collections that leave the article out
    shown = "…" if "secret" in path[-1] else _shown(value)  # it may be a password
    return Doubt(path, shown, out=True, why="unknown") if strict else None


_VALUES: dict[Kind, tuple[frozenset[str], frozenset[str]]] = {
    "hides": (words.ON | words.HIDING - words.NOBODY, words.OFF | words.SHOWING | words.NOBODY),
    "shows": (words.OFF | words.HIDING, words.ON | words.SHOWING),
    "status": (words.OFF | words.HIDING, words.ON | words.SHOWING),
}
"""Kind of field -> the values that keep an article out, and those that do not."""

_SPOKEN = words.ON | words.OFF | words.HIDING | words.SHOWING


def _similar(path: tuple[str, ...], value: object) -> Doubt | None:
    """A Doubt about a field that is in no table but resembles one that is, by name or value."""
    name = path[-1]
    if name == "title" and words.IN_TITLE.match(_shown(value)):
        return Doubt(path, _shown(value), out=False, why="title")
    if name in words.CONTENT or isinstance(value, list):
        return None
    word = _word(value)
    if word in words.ON:
        out = bool(words.LIKE_STATES.fullmatch(name) or words.LIKE_OUT.fullmatch(name))
        like = out or bool(words.LIKE_PRIVATE.fullmatch(name))
    elif word in words.OFF:
        out = like = bool(words.LIKE_IN.fullmatch(name))
    else:
        hides = word in words.HIDING
        out = word in words.DRAFT or (hides and bool(words.LIKE_STATUS.fullmatch(name)))
        like = out or (hides and bool(words.LIKE_LEVEL.fullmatch(name)))
    return Doubt(path, _shown(value), out=out, why="similar") if like else None


def _unless_public(
    path: tuple[str, ...], value: object, public: Mapping[str, tuple[str, ...]]
) -> object:
    """`value` without what the config calls public; None if nothing is left."""
    for name, values in public.items():
        if [*map(fold, name.split("."))] == list(path):
            allowed = {*map(_word, values)}
            given = _labels(value) if _meaning(path[-1])[0] == "labels" else _items(value)
            return [each for each in given if not ("*" in values or _word(each) in allowed)] or None
    return value


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _labels(value: object) -> tuple[str, ...]:
    try:
        return texts(value)
    except ValueError:  # reported where the field is read
        return ()


def _word(value: object) -> str:
    """A value without case, spaces and punctuation, so that `Pending Review` is one word."""
    return _folded(value) if isinstance(value, str) else _folded(str(value))


@lru_cache(4096)
def _folded(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold() if len(text) <= 100 else ""


def _shown(value: object) -> str:
    """A value as messages quote it."""
    if isinstance(value, list):
        return _shown(", ".join(map(str, value)))
    text = str(value).lower() if isinstance(value, bool) else " ".join(str(value).split())
    return text if len(text) <= 40 else f"{text[:39]}…"
