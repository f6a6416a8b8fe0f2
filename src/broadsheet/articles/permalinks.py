"""The permalink of an article, from a pattern and the place of its file.

Nothing that an author writes can lead out of the site: segments such as `..` are dropped.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import datetime
from urllib.parse import unquote

from msgspec import Struct

from broadsheet.articles.styles import STYLES, Closing, Style
from broadsheet.text.urls import encode

_DATE_PREFIX = re.compile(r"^\d{4}-\d{1,2}-\d{1,2}[-_ ](?=.)")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_TOKEN = re.compile(r"\{(\w+)(?:\[(-?\d*)(:?)(-?\d*)\])?\}")
_AT_END = re.compile(r"\{path\}(?:\.html)?$")
_SPACES = re.compile(r"\s+")
_RESERVED = re.compile(r"[?#%\\-]*[?#%\\][?#%\\-]*")
_QUERY = re.compile("[?#]")
_TIDY = re.compile(r"/?([\w~-]+(?:/[\w~-]+)*/?)", re.ASCII)  # as nearly all are


class FilePlace(Struct, frozen=True):
    """The name and folder of a source file, relative to its articles folder.

    stem: the file name without its ending; for a page bundle (`index.md`), the folder's name.
    is_index: whether it is such a page. folder: the folder above that, "" at the top. sections: the
    same, or the folder of Hugo's section that it is in.
    """

    stem: str
    folder: str
    is_index: bool
    sections: str

    @classmethod
    def of(
        cls,
        path: str,
        suffix: str = "",
        *,
        style: Style = STYLES["plain"],
        section: str | None = None,
    ) -> FilePlace:
        """Return the place of the file at `path`.

        suffix: of a translation, such as ".zh-cn". section: the folder of its section; None if that
        is its own.
        """
        folder, _, name = path.rpartition("/")
        dot = name.rfind(".")
        stem = (name[:dot] if 0 < dot < len(name) - 1 else name).removesuffix(suffix)
        is_index = stem == "index" or (style.readme and stem.lower() == "readme")
        is_index = bool(folder) and style.bundles and is_index
        if is_index:
            folder, _, stem = folder.rpartition("/")
        return cls(stem, folder, is_index, folder if section is None or not folder else section)

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
    style: Style = STYLES["plain"],
    categories: Sequence[str] = (),
) -> str:
    """Return `pattern` filled in: a path relative to the site, encoded (RFC 3986, section 3.3).

    slug: the front matter's, or "". date: gives the day in the address. categories: from the
    front matter and the folders, in order.
    """

    values = _Values(place, slug, title, date, lowercase, style, categories)

    def part(token: re.Match[str]) -> str:
        value = _TOKENS[token[1]](values)
        if token[2] or token[3]:
            value = "/".join(_sliced(value.split("/"), *token.group(2, 3, 4)))
        return _segment(value, lowercase, style.space)

    if place.is_index and style.index:
        pattern = _AT_END.sub("{path}" + style.index, pattern)
    return tidy_path(_TOKEN.sub(part, pattern))


class _Values(Struct):
    """What an address is made of, as `permalink` takes it."""

    place: FilePlace
    slug: str
    title: str
    date: datetime
    lowercase: bool
    style: Style
    categories: Sequence[str]

    def path(self) -> str:
        style, place = self.style, self.place
        given = style.slug(self.slug) if style.slugged else ""
        if given and style.alone:
            return given
        stem = place.stem if style.dated else place.slug
        name = given or style.path(stem if place.is_index else style.stem(stem), self.lowercase)
        return style.place(f"{style.path(place.folder, self.lowercase)}/{name}".lstrip("/"))

    def section(self, folder: str) -> str:
        name = self.style.name(folder)
        return name.lower() if self.style.lower_sections else name


# Months are English whatever the locale.
_TOKENS: dict[str, Callable[[_Values], str]] = {
    "path": _Values.path,
    "slug": lambda of: of.style.given(of.slug) or of.style.name(of.place.slug),
    "slug_or_title": lambda of: of.style.given(of.slug) or of.style.title(of.title),
    "slug_or_filename": lambda of: of.style.given(of.slug) or of.style.name(of.place.stem),
    "filename": lambda of: of.style.name(of.place.stem),
    "section": lambda of: of.section(of.place.section),
    "folders": lambda of: "/".join(map(of.style.name, of.place.folder.split("/"))),
    "sections": lambda of: "/".join(map(of.section, of.place.sections.split("/"))),
    "categories": lambda of: (
        "/".join(dict.fromkeys(map(of.style.category, of.categories))) or of.style.no_category
    ),
    "title": lambda of: of.style.title(of.title),
    "year": lambda of: f"{of.date.year:04}",
    "month": lambda of: f"{of.date.month:02}",
    "day": lambda of: f"{of.date.day:02}",
    "month_number": lambda of: f"{of.date.month}",
    "day_number": lambda of: f"{of.date.day}",
    "month_name": lambda of: _MONTHS[of.date.month - 1],
    "day_of_year": lambda of: f"{of.date.timetuple().tm_yday:03}",
    "hour": lambda of: f"{of.date.hour:02}",
    "minute": lambda of: f"{of.date.minute:02}",
    "second": lambda of: f"{of.date.second:02}",
}


def _sliced(names: list[str], first: str, colon: str, end: str) -> list[str]:
    """Return the names at an index, or from one up to another, as in Python."""
    if not colon:
        return names[int(first) :][:1]
    return names[int(first or 0) : int(end) if end else None]


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


def closed_path(path: str, when: Closing) -> str:
    """`path` with a slash at its end where its generator ends addresses with one."""
    name = path.rpartition("/")[2]
    if when != "unless it names a file":
        return f"{path}/" if name and when == "always" else path
    return f"{path}/" if name and not re.search("[.?#]", name) else path


def _climbs(part: str) -> bool:
    """Whether a browser or server could read `part` as `.` or `..`, encoded or not."""
    if "." not in part and "%" not in part:
        return False
    return not {".", ".."}.isdisjoint(re.split(r"[/\\]", unquote(part)))


def _segment(text: str, lowercase: bool, space: str) -> str:
    """`text` as part of a path: normalised (NFC), reserved marks as hyphens, spaces as `space`."""
    if not _TIDY.fullmatch(text):
        text = _SPACES.sub(space, unicodedata.normalize("NFC", text).strip())
        text = _RESERVED.sub("-", text)
    return text.lower() if lowercase else text
