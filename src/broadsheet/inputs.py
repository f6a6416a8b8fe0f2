"""Finding and reading what the user wrote: articles, and the files beside them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import imagesize

from broadsheet.articles import Source
from broadsheet.errors import ArticleError, ConfigError, Problem
from broadsheet.library import File
from broadsheet.settings import ArticleSettings

LONGEST_ARTICLE = 5_000_000
"""Bytes. A longer file is a mistake: no reader takes an entry of that size."""

_ARTICLE_ENDINGS = (".md", ".markdown", ".mdx")
_LEFT_OUT = {"node_modules", "__pycache__"}


@dataclass(frozen=True, slots=True)
class Found:
    """What the folders hold. articles: path and articles folder of each; files: all the rest.

    Both are sorted by path; the order in which a file system lists them never shows.
    """

    articles: tuple[tuple[str, str], ...]
    files: tuple[File, ...]


def find(project: Path, settings: ArticleSettings) -> Found:
    """All files in the articles and assets folders of `project`.

    Raises ConfigError when an articles folder does not exist.
    """
    missing = [folder for folder in settings.folders if not (project / folder).is_dir()]
    if missing:
        raise ConfigError(
            *(
                Problem(
                    f"articles.folders: there is no folder {folder!r} here",
                    "create it, or name the folder that holds the articles in broadsheet.toml",
                )
                for folder in missing
            )
        )
    articles: dict[str, str] = {}
    files: dict[str, File] = {}
    for folder in dict.fromkeys((*settings.folders, *settings.assets)):
        for path, length in _walk(project, folder.strip("/") or "."):
            if not path.lower().endswith(_ARTICLE_ENDINGS):
                files[path] = File(path, length)
            elif folder in settings.folders:
                articles.setdefault(path, folder)
    return Found(tuple(sorted(articles.items())), tuple(files[path] for path in sorted(files)))


def read(project: Path, path: str, folder: str) -> Source:
    """The article file at `path`. Raises ArticleError when it is no readable UTF-8 text."""
    try:
        data = (project / path).read_bytes()
    except OSError as error:
        raise ArticleError(
            Problem(f"it cannot be read: {error.strerror}", "check its permissions", path)
        ) from error
    if len(data) > LONGEST_ARTICLE:
        raise ArticleError(
            Problem(f"it has {len(data):,} bytes", "no reader takes that; divide it", path)
        )
    return Source(path, folder, _decode(data, path))


def holds_articles(folder: Path) -> bool:
    """Whether any file in `folder` could be an article."""
    return any(path.endswith(_ARTICLE_ENDINGS) for path, _ in _walk(folder, "."))


def measure(project: Path, paths: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Width and height in pixels of each image that can be measured."""
    sizes: dict[str, tuple[int, int]] = {}
    for path in paths:
        try:
            width, height = imagesize.get(str(project / path))
        except (OSError, ValueError):
            continue
        if width > 0 and height > 0:
            sizes[path] = (round(width), round(height))
    return sizes


def _decode(data: bytes, path: str) -> str:
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise ArticleError(Problem("it is written in UTF-16", "save it as UTF-8", path, 1))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"the byte 0x{data[error.start]:02x} is not UTF-8"
        raise ArticleError(Problem(what, "save the file as UTF-8", path, line)) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _walk(project: Path, folder: str) -> Iterator[tuple[str, int]]:
    """Path (relative to `project`) and size of every file in `folder`, hidden ones left out.

    Links to folders are followed, each folder once, so a loop of links comes to an end.
    """
    seen: set[tuple[int, int]] = set()
    waiting = [folder]
    while waiting:
        inner = waiting.pop()
        try:
            status = (project / inner).stat()
            listed = list(os.scandir(project / inner))
        except OSError:
            continue  # it went away, or may not be read; its articles are missed by name
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        for item in listed:
            path = item.name if inner == "." else f"{inner}/{item.name}"
            if item.name.startswith(".") or item.name in _LEFT_OUT:
                continue
            if item.is_dir():
                waiting.append(path)
            elif item.is_file():
                yield path, item.stat().st_size
