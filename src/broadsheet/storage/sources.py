"""Finding and reading what the user wrote: articles, and the files beside them."""

from __future__ import annotations

import os
import re
from codecs import BOM_UTF8
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from posixpath import normpath

from msgspec import Struct

from broadsheet.articles import Source
from broadsheet.articles.link_index import File
from broadsheet.errors import ArticleError, ConfigError, Problem, TemplateError
from broadsheet.model.settings import ArticleSettings
from broadsheet.storage import folders
from broadsheet.storage.folders import Stamp, listing, unreadable, walk

LONGEST_ARTICLE = 5_000_000
"""Bytes. A longer file is a mistake: no reader takes an entry of that size."""

_UNNAMABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")  # a byte that is no UTF-8 is a surrogate
_TO_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0)
_WIDEST = 100_000  # pixels; what says more is broken
_ARTICLE_ENDINGS = (".md", ".markdown", ".mdx")
_HTML_ENDINGS = (".html", ".htm")


class Found(Struct, frozen=True):
    """What the folders hold. articles: path and articles folder of each; files: all the rest.

    Both are sorted by path; the order in which a file system lists them never shows.
    stamps: of every file, by path. problems: the article files that cannot be named.
    """

    articles: tuple[tuple[str, str], ...]
    files: tuple[File, ...]
    stamps: Mapping[str, Stamp]
    problems: tuple[Problem, ...] = ()


def find(
    project: Path,
    settings: ArticleSettings,
    *,
    but: Collection[str] = (),
) -> Found:
    """All files in the articles and assets folders of `project`, `but` for those in these folders.

    Raises ConfigError when an articles folder does not exist or is one of these, and ArticleError
    when a folder cannot be read: to go on would take its articles out of the feeds.
    """
    missing = [f for f in settings.folders if not (project / inside(f)).is_dir()]
    if missing:
        raise ConfigError(
            *(
                Problem(
                    f"there is no folder {folder!r} here",
                    "create it, or name the folder that holds the articles in broadsheet.toml",
                    key="articles.folders",
                )
                for folder in missing
            )
        )
    homes, ours = tuple(map(inside, settings.folders)), [*map(inside, but)]
    if written := next((home for home in homes if home in ours), None):
        what = f"Broadsheet writes into {written!r}, and reads nothing there"
        todo = "give feeds.folder or the articles a folder of their own"
        raise ConfigError(Problem(what, todo, key="articles.folders"))
    articles: dict[str, str] = {}
    files: list[File] = []
    listed = listing(project, searched(settings), but=ours)
    problems: list[Problem] = []
    # What a run wrote is left out: it must not be what the next one reads.
    home_of = cache(lambda folder: _home(folder, homes))
    for path in sorted(listed):
        home = home_of(path.rpartition("/")[0])
        is_article = _could_be_article(project, path, home) and not settings.excludes(path)
        if _UNNAMABLE.search(path):
            if is_article and home is not None:
                problems.append(_unnamable(path))
        elif not is_article:
            files.append(File(path, listed[path][0]))
        elif home is not None:
            articles[path] = home
    return Found(tuple(articles.items()), tuple(files), listed, tuple(problems))


def _home(folder: str, homes: Sequence[str]) -> str | None:
    """Return the first of the articles folders `homes` that `folder` is in."""
    return next((h for h in homes if h == "." or f"{folder}/".startswith(f"{h}/")), None)


def _could_be_article(project: Path, path: str, home: str | None) -> bool:
    """Whether a file is Markdown, or HTML with front matter (as Hugo, Jekyll and Eleventy take).

    home: its articles folder.
    """
    if path.endswith(_ARTICLE_ENDINGS):  # most files
        return True
    name = path.lower()
    if home is None or not name.endswith(_HTML_ENDINGS):
        return name.endswith(_ARTICLE_ENDINGS)
    with suppress(OSError), folders.opened(project / path) as file:
        return file.read(3) in {b"---", b"+++"}
    return False


def searched(settings: ArticleSettings) -> tuple[str, ...]:
    """The folders that `find` looks into, relative to the project."""
    return tuple(dict.fromkeys(map(inside, (*settings.folders, *settings.assets))))


def read(project: Path, path: str, folder: str) -> Source:
    """The article file at `path`. Raises ArticleError when it is no readable UTF-8 text."""
    try:
        # Not by pathlib, nor as a Python file, which take longer than the system does for it.
        file = os.open(f"{project}/{path}", _TO_READ)
        try:
            length = os.fstat(file).st_size
            most = min(length, LONGEST_ARTICLE) + 1
            data = os.read(file, most)
            # A file system, such as one over a network, may give less at once than there is.
            while len(data) < most - 1 and (rest := os.read(file, most - len(data))):
                data += rest
        finally:
            os.close(file)
    except OSError as error:
        raise unreadable(path, error) from error
    if len(data) > LONGEST_ARTICLE:
        raise ArticleError(
            Problem(f"it has {length:,} bytes", "no reader takes that; divide it", path)
        )
    data = data.removeprefix(BOM_UTF8)
    if b"\r" in data:  # a look for one takes a tenth of the time
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return Source(path, folder, _decode(data, path), sha256(data).hexdigest())


def holds_articles(folder: Path) -> bool:
    """Whether any file in `folder` could be an article."""
    return any(path.endswith(_ARTICLE_ENDINGS) for path, _ in walk(folder, "."))


def templates(project: Path, folder: str) -> dict[str, str]:
    """The user's mail templates in `folder`: name -> text. Raises TemplateError for no text."""
    found: dict[str, str] = {}
    for path in sorted((project / folder).glob("*.j2")) if folder else ():
        try:
            found[path.name] = folders.text(path)
        except (OSError, UnicodeDecodeError) as error:
            raise TemplateError(
                Problem(f"it cannot be read: {error}", "save it as UTF-8", f"{folder}/{path.name}")
            ) from error
    return found


def measure(project: Path, paths: Collection[str]) -> dict[str, tuple[int, int]]:
    """Width and height in pixels of each image that can be measured."""
    if not paths:
        return {}
    import imagesize  # it imports a client for the web, which few runs need

    sizes: dict[str, tuple[int, int]] = {}
    for path in paths:
        # A broken image makes imagesize raise whatever its parsing came upon.
        with suppress(Exception):
            width, height = (round(side) for side in imagesize.get(str(project / path)))
            if 0 < width <= _WIDEST and 0 < height <= _WIDEST:
                sizes[path] = (width, height)
    return sizes


def _decode(data: bytes, path: str) -> str:
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise ArticleError(Problem("it is written in UTF-16", "save it as UTF-8", path, 1))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"the byte 0x{data[error.start]:02x} is not UTF-8"
        raise ArticleError(Problem(what, "save the file as UTF-8", path, line)) from error


def inside(folder: str) -> str:
    """A folder of the config, relative to the project however it is written: `/static`, `./a/`."""
    return normpath(folder.strip("/") or ".")


def _unnamable(path: str) -> Problem:
    """What is wrong with a file whose name cannot stand in an address, nor in a message."""
    shown = _UNNAMABLE.sub(lambda found: _escaped(found[0]), path)
    return Problem("its name has bytes or characters that cannot be typed", "rename it", shown)


def _escaped(char: str) -> str:
    """As shells and Python write it; a surrogate stands for a byte that is no UTF-8 (PEP 383)."""
    byte = ord(char) - 0xDC00
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else repr(char)[1:-1]
