"""The permalink of an article, from a pattern and the place of its file.

Nothing that an author writes can lead out of the site: segments such as `..` are dropped. Hugo's
form of names leaves out punctuation and makes spaces hyphens, as Hugo 0.168 does (most of it is
`Sanitize` in its common/paths); it treats paths and tokens of patterns differently.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import datetime
from functools import partial
from urllib.parse import unquote

from msgspec import Struct

from broadsheet.text.urls import encode

_DATE_PREFIX = re.compile(r"^\d{4}-\d{1,2}-\d{1,2}[-_]")
_TOKEN = re.compile(r"\{(\w+)\}")
_RESERVED = re.compile(r"[\s?#%\\]+")
_QUERY = re.compile("[?#]")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9./_~@-]*")
_KEPT_BY_HUGO = frozenset("./_#~@+-")
_TIDY = re.compile(r"/?([\w~-]+(?:/[\w~-]+)*/?)", re.ASCII)  # the common case, for speed


class FilePlace(Struct, frozen=True):
    """The name and folder of a source file, relative to its articles folder.

    stem: the file name without its ending; for a page bundle (`index.md`), the folder's name.
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
        """Return the place with each name changed."""
        return FilePlace(change(self.stem), change(self.folder))

    @property
    def slug(self) -> str:
        """The stem without Jekyll's date prefix."""
        return _DATE_PREFIX.sub("", self.stem)

    @property
    def section(self) -> str:
        """The first folder, as Hugo's sections; "" at the top."""
        return self.folder.partition("/")[0]


def permalink(
    pattern: str,
    place: FilePlace,
    *,
    slug: str,
    title: str,
    date: datetime,
    lowercase: bool,
    like_hugo: bool = False,
) -> str:
    """Return `pattern` filled in: a path relative to the site, encoded (RFC 3986, section 3.3).

    slug: of the front matter, or "". date: in the zone of its day. like_hugo: whether punctuation
    is left out as Hugo does.
    """
    in_path = place, slug
    if like_hugo:
        paths = place.changed(partial(_hugo_path, lowercase=lowercase))
        in_path = paths, _hugo_path(slug, lowercase=False)
        place, slug, title = place.changed(_hugo_name), _hugo_name(slug), _hugo_title(title)

    def part(token: re.Match[str]) -> str:
        where, name = in_path if token[1] == "path" else (place, slug)
        return _segment(_part(token[1], where, name, title, date), lowercase)

    return tidy_path(_TOKEN.sub(part, pattern))


def _part(token: str, place: FilePlace, slug: str, title: str, date: datetime) -> str:
    """The value of a token."""
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


def tidy_path(path: str) -> str:
    """Return `path` encoded, relative, and without empty, `.` and `..` segments; a query stays."""
    if already := _TIDY.fullmatch(path):
        return already[1]
    found = _QUERY.search(path)
    path, rest = (path[: found.start()], path[found.start() :]) if found else (path, "")
    end = "/" if path.endswith("/") else ""
    parts = (part.strip() for part in path.split("/"))
    segments = [part for part in parts if part and not _climbs(part)]
    return encode("/".join(segments) + (end if segments else "") + rest)


def closed_path(path: str) -> str:
    """Return `path` with a slash at its end, unless it names a file or has a query."""
    name = path.rpartition("/")[2]
    return f"{path}/" if name and not re.search("[.?#]", name) else path


def _climbs(part: str) -> bool:
    """Whether a browser or server could read `part` as `.` or `..`, encoded or not."""
    if "." not in part and "%" not in part:
        return False
    return not {".", ".."}.isdisjoint(re.split(r"[/\\]", unquote(part)))


def _segment(text: str, lowercase: bool) -> str:
    """`text` as part of a path: normalised (NFC), spaces and reserved marks as hyphens."""
    text = _RESERVED.sub("-", unicodedata.normalize("NFC", text).strip())
    return text.lower() if lowercase else text


def _hugo_path(text: str, *, lowercase: bool) -> str:
    """Hugo's form of folders and file name, or of the slug, in an address that follows the folders.

    lowercase: whether the address is, as by default; each space of a file's name is then a hyphen
    of its own.
    """
    return _sanitised(text.replace(" ", "-") if lowercase else text)


def _hugo_name(text: str) -> str:
    """Hugo's form of a slug, file name or folder that a token of a pattern stands for."""
    return _sanitised(text.replace("+", " "))


def _hugo_title(text: str) -> str:
    """Hugo's form of a title that a token stands for: a slash in it divides nothing."""
    return _hugo_name(text.replace("/", "-"))


def _sanitised(text: str) -> str:
    if _PLAIN_NAME.fullmatch(text):
        return text
    kept: list[str] = []
    gap = False
    for char in text:
        if _is_kept(char):
            kept += ["-", char] if gap and char != "-" else [char]
            gap = False
        elif char.isspace() and kept and kept[-1] != "-":
            gap = True
    return "".join(kept)


def _is_kept(char: str) -> bool:
    kind = unicodedata.category(char)
    return kind[0] in "LM" or kind == "Nd" or char in _KEPT_BY_HUGO
