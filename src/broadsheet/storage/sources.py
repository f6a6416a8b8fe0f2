"""Find and read what the user wrote: articles, and the files beside them."""

from __future__ import annotations

import os
import re
from codecs import BOM_UTF8
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from posixpath import normpath

from msgspec import Struct

from broadsheet.articles import Source, fields
from broadsheet.articles.link_index import File
from broadsheet.digests.issue import issue_folder
from broadsheet.errors import ArticleError, ConfigError, Problem, TemplateError
from broadsheet.model.publication import Person
from broadsheet.model.settings import ArticleSettings
from broadsheet.storage import folders
from broadsheet.storage.folders import Stamp, listing, unreadable, walk

LONGEST_ARTICLE = 5_000_000
"""Bytes. A longer file is a mistake: no feed reader accepts an entry of that size."""

_UNNAMABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")  # surrogates: bytes that are not UTF-8
_WIDEST = 100_000  # pixels; a file that claims more is broken
_ARTICLE_ENDINGS = (".md", ".markdown", ".mdx", ".qmd")
_HTML_ENDINGS = (".html", ".htm")
_INDEX = re.compile(r"index(?:\.[\w-]+)?\.(?:md|markdown|html)", re.IGNORECASE)
_LIST_PAGE = re.compile(r"_index(?:\.[\w-]+)?\.(?:md|markdown|html)")
_HTML_FIELDS = re.compile(rb"---|\+\+\+|<!--\s*\.\. \w+:")  # the last of Nikola
_FENCES = (b"---", b"+++", b"{")


class Found(Struct, frozen=True):
    """What the folders hold. articles: path and articles folder of each. files: all others.

    Both are sorted by path, whatever order the file system lists them in. stamps: of every file, by
    path. problems: the article files whose names cannot be used. sections: path -> folder of Hugo's
    section, within the articles folder, if a permalink pattern names it.
    """

    articles: tuple[tuple[str, str], ...]
    files: tuple[File, ...]
    stamps: Mapping[str, Stamp]
    problems: tuple[Problem, ...] = ()
    sections: Mapping[str, str] = {}


def find(
    project: Path,
    settings: ArticleSettings,
    *,
    but: Collection[str] = (),
) -> Found:
    """Return all files in the articles and assets folders of `project`, except in folders `but`.

    Raises ConfigError if an articles folder does not exist or is one of `but`, and ArticleError if
    a folder cannot be read: without it, its articles would disappear from the feeds.
    """
    missing = [f for f in settings.folders if not (project / inside(f)).is_dir()]
    if missing:
        raise ConfigError(
            *(
                Problem(
                    f"the folder {folder!r} does not exist",
                    "create it, or name the folder that holds the articles in broadsheet.toml",
                    key="articles.folders",
                )
                for folder in missing
            )
        )
    homes, ours = tuple(map(inside, settings.folders)), [*map(inside, but)]
    if written := next((home for home in homes if home in ours), None):
        what = f"{written!r} is where Broadsheet writes, so it reads nothing there"
        todo = "use another folder for feeds.folder or the articles"
        raise ConfigError(Problem(what, todo, key="articles.folders"))
    articles: dict[str, str] = {}
    files: list[File] = []
    listed = listing(project, searched(settings), but=ours)
    problems: list[Problem] = []
    bundles = _leaf_bundles(listed) if settings.addresses == "hugo" else frozenset()
    home_of = cache(lambda folder: _home(folder, homes))
    for path in sorted(listed):
        home = home_of(path.rpartition("/")[0])
        is_article = (
            _could_be_article(project, path, home)
            and not settings.excludes(path)
            and not (bundles and _is_resource(path, bundles))
        )
        if _UNNAMABLE.search(path):
            if is_article and home is not None:
                problems.append(_unnamable(path))
        elif not is_article:
            files.append(File(path, listed[path][0]))
        elif home is not None:
            articles[path] = home
    sections = _sections(articles, listed, settings) if settings.names_sections else {}
    return Found(tuple(articles.items()), tuple(files), listed, tuple(problems), sections)


def _sections(
    articles: Mapping[str, str], paths: Iterable[str], settings: ArticleSettings
) -> dict[str, str]:
    """Return the folder of the section of each article, within its articles folder.

    A section is a folder with an `_index.md` in the article's language, and any at the top
    (gohugo.io/content-management/sections).
    """
    named = (path.rpartition("/") for path in paths)
    indexes = {
        (folder, settings.suffix(name)) for folder, _, name in named if _LIST_PAGE.fullmatch(name)
    }

    @cache
    def section(folder: str, home: str, suffix: str) -> str:
        inner = folder.removeprefix(home).lstrip("/")
        if "/" not in inner or (folder, suffix) in indexes:
            return inner
        return section(folder.rpartition("/")[0], home, suffix)

    return {
        path: section(path.rpartition("/")[0], home, settings.suffix(path))
        for path, home in articles.items()
    }


def _leaf_bundles(paths: Iterable[str]) -> frozenset[str]:
    """Return the folders that are one page of Hugo: those with an `index.md`."""
    pairs = (path.rpartition("/")[::2] for path in paths)
    return frozenset(folder for folder, name in pairs if folder and _INDEX.fullmatch(name))


def _is_resource(path: str, bundles: Collection[str]) -> bool:
    """Whether the file is part of another page (gohugo.io/content-management/page-bundles)."""
    folder, _, name = path.rpartition("/")
    if folder in bundles and _INDEX.fullmatch(name):
        folder = folder.rpartition("/")[0]
    while folder and folder not in bundles:
        folder = folder.rpartition("/")[0]
    return bool(folder)


def _home(folder: str, homes: Sequence[str]) -> str | None:
    """Return the first of the articles folders `homes` that contains `folder`."""
    return next((h for h in homes if h == "." or f"{folder}/".startswith(f"{h}/")), None)


def _could_be_article(project: Path, path: str, home: str | None) -> bool:
    """Whether a file is Markdown, or HTML with front matter (Hugo, Jekyll, Eleventy, Nikola).

    home: its articles folder, or None.
    """
    if path.endswith(_ARTICLE_ENDINGS):  # most files
        return True
    name = path.lower()
    if home is None or not name.endswith(_HTML_ENDINGS):
        return name.endswith(_ARTICLE_ENDINGS)
    with suppress(OSError), folders.opened(project / path) as file:
        return _HTML_FIELDS.match(file.read(200)) is not None
    return False


def searched(settings: ArticleSettings) -> tuple[str, ...]:
    """Return the folders in which `find` looks, relative to the project."""
    return tuple(dict.fromkeys(map(inside, (*settings.folders, *settings.roots))))


def read(project: Path, path: str, folder: str, section: str | None = None) -> Source:
    """Return the article file at `path`. Raises ArticleError if it is not readable UTF-8 text.

    section: see `Source`.
    """
    try:
        with folders.opened(f"{project}/{path}") as file:  # quicker than a `Path`
            length = os.fstat(file.fileno()).st_size
            data = file.read() if length <= LONGEST_ARTICLE else b""
    except OSError as error:
        raise unreadable(path, error) from error
    if length > LONGEST_ARTICLE:
        what = f"it has {length:,} bytes, which no feed reader accepts"
        raise ArticleError(Problem(what, "divide it", path))
    data = data.removeprefix(BOM_UTF8)
    if not data.startswith(_FENCES):
        data = _with_metadata(project / metadata_file(path), data)
    if b"\r" in data:  # searching takes a tenth of the time of replacing
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return Source(path, folder, _decode(data, path), sha256(data).hexdigest(), section)


def read_again(project: Path, path: str, sha256: str) -> Source:
    """Return the article file at `path`, which had this digest when it was read first.

    Raises ArticleError, also if it has changed since: what is stored of an article must never be
    what another text has made.
    """
    source = read(project, path, "")
    if source.sha256 != sha256:
        what = "it changed while it was being read, and nothing has been written"
        raise ArticleError(Problem(what, "run again", path))
    return source


def known_authors(project: Path, settings: ArticleSettings) -> dict[str, Person]:
    """Return the people in `authors.yml` of the articles folders (Docusaurus), by their keys.

    Raises ArticleError if such a file cannot be read.
    """
    found: dict[str, Person] = {}
    names = ("authors.yml", "authors.yaml") if settings.addresses == "docusaurus" else ()
    for path in (f"{inside(folder)}/{name}" for folder in settings.folders for name in names):
        if text := folders.content_of(project / path):
            import yaml  # which no other run needs here

            try:
                given = yaml.load(text, yaml.CSafeLoader)
                found |= {str(key): fields.people(each)[0] for key, each in given.items()}
            except (yaml.YAMLError, AttributeError, ValueError, IndexError) as error:
                what, todo = "it cannot be read", "write `key: {name: ..., url: ...}` for each"
                raise ArticleError(Problem(what, todo, path)) from error
    return found


def metadata_file(path: str) -> str:
    """Return the file that may have the front matter of the article at `path` (Nikola)."""
    return path.rpartition(".")[0] + ".meta"


def _with_metadata(file: Path, data: bytes) -> bytes:
    """Return `data` with the metadata in `file` above it, if that exists and `data` has none."""
    given = folders.content_of(file) if not data.startswith((b"..", b"<!--")) else None
    if not given:
        return data
    fields = given.removeprefix(BOM_UTF8).strip().removeprefix(b"<!--").removesuffix(b"-->")
    return b"<!--\n%b\n-->\n\n%b" % (fields.strip(), data)


def holds_articles(folder: Path) -> bool:
    """Whether any file in `folder` could be an article."""
    return any(path.endswith(_ARTICLE_ENDINGS) for path, _ in walk(folder, "."))


def note_keys(project: Path, digest: str) -> list[str]:
    """The keys of the issues of `digest` that have an editor's note, in order."""
    return sorted(path.stem for path in (project / issue_folder(digest)).glob("*.md"))


def templates(project: Path, folder: str) -> dict[str, str]:
    """Return the user's mail templates in `folder`: name -> text.

    Raises TemplateError if one is not UTF-8 text.
    """
    found: dict[str, str] = {}
    for path in sorted((project / folder).glob("*.j2")) if folder else ():
        try:
            found[path.name] = folders.text(path)
        except OSError as error:
            what, todo = f"it cannot be read: {error.strerror}", "let this user read it"
            raise TemplateError(Problem(what, todo, f"{folder}/{path.name}")) from error
        except UnicodeDecodeError as error:
            what, todo = "it is not UTF-8 text", "save it as UTF-8"
            raise TemplateError(Problem(what, todo, f"{folder}/{path.name}")) from error
    return found


def image_size(path: Path) -> tuple[int, ...]:
    """Return the width and height of an image in pixels; () if it cannot be measured."""
    import imagesize  # it imports an HTTP client, which few runs need

    with suppress(Exception):  # a broken image makes imagesize raise anything
        width, height = (round(side) for side in imagesize.get(str(path)))
        if 0 < width <= _WIDEST and 0 < height <= _WIDEST:
            return (width, height)
    return ()


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
    """Return a folder of the config relative to the project, if written `/static` or `./a/` too."""
    return normpath(folder.strip("/") or ".")


def _unnamable(path: str) -> Problem:
    """Return the problem of a file whose name cannot be used in a URL or a message."""
    shown = _UNNAMABLE.sub(lambda found: _escaped(found[0]), path)
    return Problem("its name has bytes or characters that cannot be typed", "rename it", shown)


def _escaped(char: str) -> str:
    """Return a character as shells and Python escape it; a surrogate is a byte (PEP 383)."""
    byte = ord(char) - 0xDC00
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else repr(char)[1:-1]
