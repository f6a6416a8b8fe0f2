"""Survey the texts of a project for `init`: which folders hold dated files."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from broadsheet.storage.folders import walk
from broadsheet.storage.sources import metadata_file

_TEXTS = (".md", ".markdown", ".mdx", ".qmd", ".html")
_UNREAD = (".rst", ".adoc", ".asciidoc", ".org", ".ipynb", ".rmd", ".textile")
_BEGINNING = 4_000  # bytes
_DATE_IN_NAME = re.compile(r"(?:^|/)\d{4}[-/]\d{1,2}[-/]\d{1,2}(?=[-/_. ])")
_FRONT_MATTER = re.compile(
    rb"\s*(?:(---|\+\+\+).*?(?:\n\1|\Z)|\{.*?(?:\n\}|\Z)"
    rb"|(?:<!--\s*)?(?:(?:\.\. )?[\w-]+:.*?\n)+)",
    re.DOTALL,
)
_TITLE_FIELD = re.compile(rb"^\W{0,6}title\W{0,4}[:=]\s*\S", re.IGNORECASE | re.MULTILINE)
_DATE_FIELD = re.compile(
    rb"^\W{0,6}(?:date|pubDate|pubDatetime|publishDate|published(?:_?at)?|created)\W{0,4}[:=]\s*\S",
    re.IGNORECASE | re.MULTILINE,
)
# Folders of a generator's output, and of texts that are not the project's own.
_OTHERS = frozenset(
    [
        *("public", "_site", "dist", "build", "output", "out", "themes", "vendor", "layouts"),
        *(
            "_drafts",
            "_layouts",
            "_includes",
            "archetypes",
            "templates",
            "test",
            "tests",
            "examples",
        ),
    ]
)


def dated_files(root: Path, but: Collection[str] = ()) -> Mapping[str, bool]:
    """Return the path of each file that could be an article -> whether it has a date.

    HTML files are included only if they have a date. If no file has one in its front matter, a date
    in the name counts without front matter too, and folders that are named like a generator's
    output are looked into. but: folders to leave out.
    """
    texts = sorted(path for path, _ in walk(root, ".", but=but) if path.lower().endswith(_TEXTS))
    own = [path for path in texts if _OTHERS.isdisjoint(path.split("/")[:-1])]
    found = {path: _is_dated(root, path) for path in own}
    if not any(found.values()):
        found |= {path: bool(_DATE_IN_NAME.search(path)) for path in own}
    if not any(found.values()):
        others = (path for path in texts if path not in found and not path.endswith(".html"))
        found |= {path: True for path in others if _is_dated(root, path)}
    return {path: dated for path, dated in found.items() if dated or not path.endswith(".html")}


def other_texts(root: Path, but: Collection[str] = ()) -> list[str]:
    """Return the paths of texts in formats that Broadsheet does not read. but: as `dated_files`."""
    found = sorted(path for path, _ in walk(root, ".", but=but) if path.lower().endswith(_UNREAD))
    return [path for path in found if _OTHERS.isdisjoint(path.split("/")[:-1]) and "/" in path]


def below_folders(paths: Iterable[str]) -> Counter[str]:
    """Return how many of `paths` are in each folder, at any depth."""
    counts: Counter[str] = Counter()
    for path in paths:
        parts = path.split("/")[:-1]
        counts.update("/".join(parts[: depth + 1]) for depth in range(len(parts)))
    return counts


def folder_of(dated: Collection[str], files: Collection[str]) -> str:
    """Return the outermost folder with all `dated` files and no others of `files`.

    If there is none, return the innermost one with all of them; "." is the project.
    """
    parents = [path.split("/")[:-1] for path in dated]
    same = itertools.takewhile(lambda names: len(set(names)) == 1, zip(*parents, strict=False))
    shared = [names[0] for names in same]
    while len(shared) > 1:
        wider = "/".join(shared[:-1]) + "/"
        if any(path.startswith(wider) and path not in dated for path in files):
            break
        shared.pop()
    return "/".join(shared) or "."


def by_folder(paths: Collection[str]) -> str:
    """Return how many of `paths` are in which folder, as words: `blog (12), notes/old (3)`."""
    counts = Counter("/".join(path.split("/")[:-1][:3]) or "." for path in paths)
    shown = [f"{folder} ({number:,})" for folder, number in counts.most_common(6)]
    return ", ".join(shown) + (", ..." if len(counts) > len(shown) else "")


def without_title(root: Path, paths: Iterable[str]) -> list[str]:
    """Return those of `paths` whose front matter has no title."""
    return [path for path in paths if not _TITLE_FIELD.search(_head(root, path))]


def _is_dated(root: Path, path: str) -> bool:
    head = _head(root, path)
    return bool(head and (_DATE_FIELD.search(head) or _DATE_IN_NAME.search(path)))


def _head(root: Path, path: str) -> bytes:
    """Return the front matter at the beginning of a file, or in one of its own; b"" if none."""
    for name in (path, metadata_file(path)):
        with suppress(OSError), (root / name).open("rb") as file:
            if found := _FRONT_MATTER.match(file.read(_BEGINNING)):
                return found[0]
    return b""
