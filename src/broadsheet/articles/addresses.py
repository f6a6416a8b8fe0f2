"""Where an article lives on the web: its permalink, from a pattern and the file's own place.

Nothing that an author writes here can leave the site: segments such as `..` are dropped.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import datetime
from functools import partial
from urllib.parse import unquote

from msgspec import Struct

from broadsheet.articles import hugo
from broadsheet.text.urls import encode

_DATE_PREFIX = re.compile(r"^\d{4}-\d{1,2}-\d{1,2}[-_]")
_TOKEN = re.compile(r"\{(\w+)\}")
_RESERVED = re.compile(r"[\s?#%\\]+")
_QUERY = re.compile("[?#]")
_TIDY = re.compile(r"/?([\w~-]+(?:/[\w~-]+)*/?)", re.ASCII)  # as nearly all are


class FilePlace(Struct, frozen=True):
    """What the place of a source file says: `path` is relative to its articles folder.

    stem: the file's name without ending; for a page bundle (`index.md`) the folder's.
    folder: the folder above that, "" at the top.
    """

    stem: str
    folder: str

    @classmethod
    def of(cls, path: str) -> FilePlace:
        folder, _, name = path.rpartition("/")
        dot = name.rfind(".")
        stem = name[:dot] if 0 < dot < len(name) - 1 else name
        if stem == "index" and folder:
            folder, _, stem = folder.rpartition("/")
        return cls(stem, folder)

    def changed(self, change: Callable[[str], str]) -> FilePlace:
        """The place with other names."""
        return FilePlace(change(self.stem), change(self.folder))

    @property
    def slug(self) -> str:
        """The stem without the date that Jekyll puts before it."""
        return _DATE_PREFIX.sub("", self.stem)

    @property
    def section(self) -> str:
        """The first folder, as Hugo's sections; "" at the top."""
        return self.folder.partition("/")[0]


def address(
    pattern: str,
    place: FilePlace,
    *,
    slug: str,
    title: str,
    date: datetime,
    lowercase: bool,
    like_hugo: bool = False,
) -> str:
    """`pattern` filled in, as a path relative to the site, encoded (RFC 3986, 3.3).

    slug: the front matter's, or "". date: its day is that of the address. like_hugo: whether
    punctuation is left out as Hugo does.
    """
    in_path = place, slug
    if like_hugo:
        paths = place.changed(partial(hugo.path, lowercase=lowercase))
        in_path = paths, hugo.path(slug, lowercase=False)
        place, slug, title = place.changed(hugo.name), hugo.name(slug), hugo.title(title)

    def part(token: re.Match[str]) -> str:
        where, name = in_path if token[1] == "path" else (place, slug)
        return _segment(_part(token[1], where, name, title, date), lowercase)

    return tidy(_TOKEN.sub(part, pattern))


def _part(token: str, place: FilePlace, slug: str, title: str, date: datetime) -> str:
    """What a token of a pattern stands for; most patterns have one or two."""
    match token:
        case "year":
            return f"{date.year:04}"
        case "month" | "day":
            return f"{getattr(date, token):02}"
        case "slug":
            return slug or place.slug
        case "slug_or_filename":
            return slug or place.stem
        case "filename":
            return place.stem
        case "section":
            return place.section
        case "path":
            return f"{place.folder}/{slug or place.stem}"
    return title


def tidy(path: str) -> str:
    """`path` encoded, relative, and without empty, `.` and `..` segments; a query stays."""
    if already := _TIDY.fullmatch(path):
        return already[1]
    found = _QUERY.search(path)
    path, rest = (path[: found.start()], path[found.start() :]) if found else (path, "")
    end = "/" if path.endswith("/") else ""
    parts = (part.strip() for part in path.split("/"))
    segments = [part for part in parts if part and not _climbs(part)]
    return encode("/".join(segments) + (end if segments else "") + rest)


def closed(path: str) -> str:
    """`path` with a slash at its end, unless it names a file or has a query."""
    name = path.rpartition("/")[2]
    return f"{path}/" if name and not re.search("[.?#]", name) else path


def _climbs(part: str) -> bool:
    """Whether a browser or a server could read `part` as `.` or `..`, encoded or not."""
    if "." not in part and "%" not in part:
        return False
    return not {".", ".."}.isdisjoint(re.split(r"[/\\]", unquote(part)))


def _segment(text: str, lowercase: bool) -> str:
    """`text` as part of a path: normalised (NFC), spaces and reserved marks as hyphens."""
    text = _RESERVED.sub("-", unicodedata.normalize("NFC", text).strip())
    return text.lower() if lowercase else text
