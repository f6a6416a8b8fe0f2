"""Where an article lives on the web: its permalink, from a pattern and the file's own place.

Nothing that an author writes here can leave the site: segments such as `..` are dropped.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from urllib.parse import unquote

from msgspec import Struct

from broadsheet.markup import encode

_DATE_PREFIX = re.compile(r"^\d{4}-\d{1,2}-\d{1,2}[-_]")
_TOKEN = re.compile(r"\{(\w+)\}")
_RESERVED = re.compile(r"[\s?#%\\]+")
_QUERY = re.compile("[?#]")
_KEPT_BY_HUGO = re.compile(r"[A-Za-z0-9./_~@-]*")
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
    punctuation: bool = True,
) -> str:
    """`pattern` filled in, as a path relative to the site, encoded (RFC 3986, 3.3).

    slug: the front matter's, or "". date: its day is that of the address. punctuation: whether
    what is filled in keeps it; else it is left out as Hugo does.
    """

    def part(token: re.Match[str]) -> str:
        text = _part(token[1], place, slug, title, date)
        return _segment(text if punctuation else without_punctuation(text), lowercase)

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


def without_punctuation(text: str) -> str:
    """`text` of the characters that Hugo keeps in addresses, with a hyphen for spaces.

    By what Hugo 0.168 makes of file names; `Sanitize` in its common/paths says the most of it.
    """
    if _KEPT_BY_HUGO.fullmatch(text):
        return text
    kept: list[str] = []
    gap = False
    for char in text.replace("+", " "):
        if _is_kept_by_hugo(char):
            kept += ["-"] if gap and char != "-" else []
            kept.append(char)
            gap = False
        elif char.isspace() and kept and kept[-1] != "-":
            gap = True
    return "".join(kept)


def _is_kept_by_hugo(char: str) -> bool:
    kind = unicodedata.category(char)
    return kind[0] in "LM" or kind == "Nd" or char in "./_#~-@"


def _climbs(part: str) -> bool:
    """Whether a browser or a server could read `part` as `.` or `..`, encoded or not."""
    if "." not in part and "%" not in part:
        return False
    return not {".", ".."}.isdisjoint(re.split(r"[/\\]", unquote(part)))


def _segment(text: str, lowercase: bool) -> str:
    """`text` as part of a path: normalised (NFC), spaces and reserved marks as hyphens."""
    text = _RESERVED.sub("-", unicodedata.normalize("NFC", text).strip())
    return text.lower() if lowercase else text
