"""What `init` finds out about the site beside the articles before there is a config."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from broadsheet import importers
from broadsheet.articles import Article, NotAnArticle
from broadsheet.errors import ArticleError, ConfigError, Problem, UsageError
from broadsheet.importers import GeneratedSite, Taken
from broadsheet.importers.findings import language_tag
from broadsheet.model import reference
from broadsheet.model.publication import BaseUrl
from broadsheet.model.settings import FeedSettings, Settings
from broadsheet.storage import PREVIEWS, config, folders, sources, survey
from broadsheet.storage.outputs import MANIFEST
from broadsheet.storage.sources import Found
from broadsheet.text.characters import printable

URL = "publication.url"
PLACEHOLDER = "https://unknown.invalid/"
PERMALINK = "articles.permalink"
FOLDERS = "articles.folders"
WRITTEN = (FeedSettings().folder, PREVIEWS)
"""The folders that Broadsheet writes by default."""
_LONGEST = 1_000_000  # bytes of a site's config; many times that would take minutes to parse
_DOMAIN = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}")
_CODE_HOST = re.compile(r"//(?:www\.)?(?:github|gitlab|bitbucket|npmjs|codeberg)\.\w+/")
_PAGES = re.compile(
    r"^\s*url\s*=\s*.*[/:][\w.-]+/([\w-]+\.git(?:hub|lab)\.io)(?:\.git)?/?\s*$",
    re.IGNORECASE | re.MULTILINE,
)
_LIKELY_FOLDERS = ("content/posts", "content", "posts", "articles", "_posts", "src/posts", "blog")


def site_of(root: Path, files: Mapping[str, bool] = MappingProxyType({})) -> GeneratedSite | None:
    """Return the site that a generator's config in `root` describes; None if there is none.

    files: as `survey.dated_files` returns them.
    """
    dated = survey.below_folders(path for path, is_dated in files.items() if is_dated)
    names = {name: dated[name] for name in _folders(root, depth=3)}
    return importers.recognise(_texts(root), names if dated else set(names))


def usable(taken: dict[str, Taken], root: Path, files: Mapping[str, bool]) -> dict[str, Taken]:
    """Return `taken` without folders that do not exist, if the project has articles elsewhere."""
    given = taken.get(FOLDERS)
    if given is None or not isinstance(given.value, list) or not any(files.values()):
        return taken
    there = [name for name in given.value if (root / sources.inside(str(name))).is_dir()]
    if there:
        return {**taken, FOLDERS: replace(given, value=there)}
    return {key: each for key, each in taken.items() if key not in {FOLDERS, PERMALINK}}


def config_values(
    taken: dict[str, Taken], root: Path, files: Mapping[str, bool]
) -> tuple[dict[str, object], tuple[Problem, ...]]:
    """Return the values for the config, and the problems of those in `taken` that are invalid.

    All required keys have a value, except perhaps the URL. taken: by key. files: as
    `survey.dated_files` returns them.
    """
    values: dict[str, object] = {key: each.value for key, each in taken.items()}
    values.setdefault("publication.title", printable(root.resolve().name) or "My publication")
    values.setdefault("articles.folders", [_articles_folder(root, files)])
    if FOLDERS not in taken:
        _take_layout(values, files)
    values.setdefault("articles.markdown", _dialect_by_files(root) or "commonmark")
    try:
        settings_of(values)
    except ConfigError as error:
        wrong = {problem.key for problem in error.problems}
        kept = {key: each for key, each in taken.items() if key not in wrong}
        if len(kept) < len(taken):
            return config_values(kept, root, files)[0], error.problems
        raise
    return values, ()


def _take_layout(values: dict[str, object], files: Mapping[str, bool]) -> None:
    """Add what the folders of the articles say about their addresses and languages.

    Files of several folders may share their names. Folders that are all named by a language hold
    translations.
    """
    given = values[FOLDERS]
    folder = str(given[0]) if isinstance(given, list) else "."
    start = "" if folder == "." else f"{folder}/"
    dated = [path for path, is_dated in files.items() if is_dated and path.startswith(start)]
    inner = {path.removeprefix(start).partition("/")[0] for path in dated}
    below = {name for name in inner if any(path.startswith(f"{start}{name}/") for path in dated)}
    if folder == "." or len(below) > 1:
        values.setdefault(PERMALINK, "/{path}/")
    tags = {name: language_tag(name) for name in sorted(below)}
    if len(tags) > 1 and below == inner and _are_languages(tags.keys()):
        values.setdefault("articles.in", {f"{start}{n}": {"language": tags[n]} for n in tags})


def _are_languages(names: Collection[str]) -> bool:
    """Whether all folders are named by a language, and one by a language with many readers."""
    common = {name.lower()[:2] for name in names} & {"en", "zh", "ja", "de", "fr", "es", "ru"}
    return bool(common) and all(re.fullmatch(r"[a-z]{2}([-_][A-Za-z]{2,4})?", n) for n in names)


def settings_of(values: dict[str, object]) -> Settings:
    """Return the settings of a config with `values`, and a placeholder for a missing URL."""
    return config.parse(reference.starter({URL: PLACEHOLDER, **values}))


def refuse_unusable(values: dict[str, object], site: GeneratedSite | None, root: Path) -> None:
    """Raise UsageError or ConfigError if a build with `values` would find no articles folder."""
    settings = settings_of(values)
    taken = {each.key: each.source for each in site.taken} if site else {}
    said = f" ({taken[FOLDERS]})" if FOLDERS in taken else ""
    todo = "create it, or run `broadsheet init` in the folder of the web site"
    missing = [f for f in settings.articles.folders if not (root / sources.inside(f)).is_dir()]
    if missing:
        raise UsageError(
            *(
                Problem(f"the articles folder {f!r} does not exist here{said}", todo)
                for f in missing
            )
        )
    _found(settings, root)


def places(values: dict[str, object], root: Path) -> Mapping[str, str]:
    """Return the files that a build with `values` reads -> the articles folder of each."""
    return dict(_found(settings_of(values), root).articles)


def _found(settings: Settings, root: Path) -> Found:
    return sources.find(root, settings.articles, but=(settings.feeds.folder, *WRITTEN))


def articles_of(values: dict[str, object], root: Path) -> Iterator[Article]:
    """Yield the articles that a build with `values` would read."""
    from broadsheet.articles import parsing  # imports PyYAML, which `dialect_of_site` does not need

    settings = settings_of(values)
    found = _found(settings, root)
    for path, folder in found.articles:
        with suppress(ArticleError, NotAnArticle):
            source = sources.read(root, path, folder, found.sections.get(path))
            yield parsing.parse(source, settings.publication, settings.articles, with_body=False)


def dialect_of_site(root: Path) -> str | None:
    """Return the dialect of the generator beside the articles; None if unknown."""
    taken = {each.key: each.value for each in site.taken} if (site := site_of(root)) else {}
    found = taken.get("articles.markdown") or _dialect_by_files(root)
    return str(found) if found else None


def _dialect_by_files(root: Path) -> str | None:
    names = [path.name for folder in (root, root / "docs") for path in folder.glob("*")]
    return importers.dialect_by_files(names)


def url_beside(root: Path) -> tuple[str, str] | None:
    """Return the URL of the site that files beside its config give, and which file; else None."""
    for name in ("CNAME", "static/CNAME", "public/CNAME", "source/CNAME", "src/CNAME"):
        if _DOMAIN.fullmatch(domain := _text(root / name).strip().lower()):
            return f"https://{domain}/", name
    with suppress(ValueError, AttributeError, RecursionError):
        homepage = str(json.loads(_text(root / "package.json")).get("homepage"))
        if not _CODE_HOST.search(homepage):
            return str(BaseUrl(homepage)), "package.json: homepage"
    if found := _PAGES.search(_text(root / ".git/config")):
        return f"https://{found[1].lower()}/", "the Git remote"
    return None


def _text(file: Path) -> str:
    with suppress(OSError, UnicodeDecodeError):
        return folders.text(file)
    return ""


def _articles_folder(root: Path, files: Mapping[str, bool]) -> str:
    """Return the most likely articles folder: the one with all dated files, else by name."""
    if dated := [path for path, is_dated in files.items() if is_dated]:
        return survey.folder_of(dated, files)
    for folder in _LIKELY_FOLDERS:
        if sources.holds_articles(root / folder):
            return folder
    others = [name for name in _folders(root, depth=1) if name not in WRITTEN]
    holding = [name for name in others if sources.holds_articles(root / name)]
    if len(holding) == 1 and not any(root.glob("*.md")):
        return holding[0]
    if holding or any(root.glob("*.md")):
        return "."
    there = (folder for folder in _LIKELY_FOLDERS if (root / folder).is_dir())
    return next(there, _LIKELY_FOLDERS[1])


def _texts(root: Path) -> dict[str, str]:
    """Return the texts of the site's config files, except those that are too long or not text."""
    texts: dict[str, str] = {}
    names = [*_folders(root, depth=3)]
    for name in _matching(root, importers.config_files(), names):
        try:
            if (root / name).stat().st_size <= _LONGEST:
                texts[name] = folders.text(root / name)
        except (OSError, UnicodeDecodeError):
            continue
    return texts


def _matching(root: Path, patterns: Iterable[str], names: list[str]) -> Iterator[str]:
    """Yield the paths that match the `configs` of generators. names: of all folders."""
    for pattern in patterns:
        if "{folder}" in pattern:
            yield from (pattern.format(folder=f, name=f.rpartition("/")[2]) for f in names)
        elif "*" in pattern:
            yield from (path.relative_to(root).as_posix() for path in sorted(root.glob(pattern)))
        else:
            yield pattern


def _folders(root: Path, depth: int, prefix: str = "") -> Iterator[str]:
    """Yield the folders in `root` down to `depth`, without hidden, installed and our own ones."""
    try:
        with os.scandir(root / prefix) as items:  # it knows folders without another system call
            inner = sorted(item.name for item in items if item.is_dir())
    except OSError:
        return
    for name in inner:
        if name.startswith(".") or name == "node_modules":
            continue
        if (root / prefix / name / MANIFEST).is_file():
            continue
        yield prefix + name
        if depth > 1:
            yield from _folders(root, depth - 1, f"{prefix}{name}/")
