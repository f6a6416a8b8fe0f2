"""broadsheet init: write a starter broadsheet.toml"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from broadsheet import importers
from broadsheet.cli.options import common_options, options
from broadsheet.digests.templates import starters
from broadsheet.errors import ConfigError, Problem, UsageError
from broadsheet.importers import Site, Taken
from broadsheet.model import reference
from broadsheet.model.settings import FeedSettings, Settings
from broadsheet.pipeline.project import PREVIEWS
from broadsheet.storage import config, folders, sources, writing
from broadsheet.text.characters import printable

POSITION = 10  # in `broadsheet --help`
_URL = "publication.url"
_FOLDERS = "articles.folders"
_LONGEST = 1_000_000  # bytes of a site's config; to read many times that takes minutes
_OURS = (FeedSettings().folder, PREVIEWS)
_LIKELY_FOLDERS = ("content/posts", "content", "posts", "articles", "_posts", "src/posts", "blog")


@click.command()
@click.option("--templates", is_flag=True, help="Write starters for mail templates of your own.")
@common_options
def command(templates: bool) -> None:
    """Write a starter broadsheet.toml, with what the site's own config says."""
    if templates:
        _write_templates(options().directory)
        return
    path = options().directory / (options().config or config.CONFIG_NAME)
    root = path.parent
    if path.exists():
        raise UsageError(
            Problem("there is a config already", "edit it, or delete it first", path.name)
        )
    site = _site(root)
    values, refused = _checked({taken.key: taken for taken in (site.taken if site else ())}, root)
    _refuse_unusable(values, site, root)
    writing.write(path, reference.starter(values).encode())
    if not options().quiet:
        _report(site, values, refused, path)


def _write_templates(root: Path) -> None:
    """Write templates that extend ours, into the folder in the config; overwrite none."""
    path = root / (options().config or config.CONFIG_NAME)
    settings = config.load(path, path.name)
    for name, text in starters().items():
        target = f"{settings.mail.templates}/{name}"
        if (root / target).exists():
            _say(f"{target} exists already, and was not changed")
            continue
        writing.write(root / target, text.encode())
        _say(f"{target} is written")
    _say("\nNext: broadsheet preview")


def _say(text: str) -> None:
    if not options().quiet:
        click.echo(text)


def _checked(taken: dict[str, Taken], root: Path) -> tuple[dict[str, object], tuple[Problem, ...]]:
    """The values for the config, and the problems of those that the config would refuse.

    All required keys have a value, except perhaps the URL.
    """
    values: dict[str, object] = {key: each.value for key, each in taken.items()}
    values.setdefault("publication.title", printable(root.resolve().name) or "My publication")
    values.setdefault("articles.folders", [_articles_folder(root)])
    values.setdefault("articles.markdown", _dialect_by_files(root) or "commonmark")
    try:
        _settings(values)
    except ConfigError as error:
        wrong = {problem.key for problem in error.problems}
        kept = {key: each for key, each in taken.items() if key not in wrong}
        if len(kept) < len(taken):
            return _checked(kept, root)[0], error.problems
        raise
    return values, ()


def _settings(values: dict[str, object]) -> Settings:
    """The settings of a config with `values`, and a placeholder if they have no URL."""
    return config.parse(reference.starter({_URL: "https://unknown.invalid/", **values}))


def _refuse_unusable(values: dict[str, object], site: Site | None, root: Path) -> None:
    """Raise UsageError or ConfigError if a build with `values` would find no articles folder."""
    settings = _settings(values)
    taken = {each.key: each.source for each in site.taken} if site else {}
    said = f" ({taken[_FOLDERS]})" if _FOLDERS in taken else ""
    todo = "create it, or run `broadsheet init` in the folder of the web site"
    missing = [f for f in settings.articles.folders if not (root / sources.inside(f)).is_dir()]
    if missing:
        raise UsageError(
            *(Problem(f"there is no articles folder {f!r} here{said}", todo) for f in missing)
        )
    sources.find(root, settings.articles, but=(settings.feeds.folder, PREVIEWS))


def dialect_of_site(root: Path) -> str | None:
    """Return the dialect of the generator beside the articles; None if unknown."""
    taken = {each.key: each.value for each in site.taken} if (site := _site(root)) else {}
    found = taken.get("articles.markdown") or _dialect_by_files(root)
    return str(found) if found else None


def _site(root: Path) -> Site | None:
    return importers.recognise(_texts(root), set(_folders(root, depth=3)))


def _dialect_by_files(root: Path) -> str | None:
    names = [path.name for folder in (root, root / "docs") for path in folder.glob("*")]
    return importers.dialect_by_files(names)


def _articles_folder(root: Path) -> str:
    """The most likely articles folder of a project without a known generator."""
    for folder in _LIKELY_FOLDERS:
        if sources.holds_articles(root / folder):
            return folder
    others = [name for name in _folders(root, depth=1) if name not in _OURS]
    holding = [name for name in others if sources.holds_articles(root / name)]
    if len(holding) == 1 and not any(root.glob("*.md")):
        return holding[0]
    if holding or any(root.glob("*.md")):
        return "."
    there = (folder for folder in _LIKELY_FOLDERS if (root / folder).is_dir())
    return next(there, _LIKELY_FOLDERS[1])


def _texts(root: Path) -> dict[str, str]:
    """The texts of the site's config files; without those that are not text, or far too long."""
    texts: dict[str, str] = {}
    for name in importers.config_files():
        try:
            if (root / name).stat().st_size <= _LONGEST:
                texts[name] = folders.text(root / name)
        except (OSError, UnicodeDecodeError):
            continue
    return texts


def _folders(root: Path, depth: int, prefix: str = "") -> Iterator[str]:
    """The folders below `root` down to `depth`, without hidden and installed ones."""
    try:
        inner = sorted(item.name for item in (root / prefix).iterdir() if item.is_dir())
    except OSError:
        return
    for name in inner:
        if name.startswith(".") or name == "node_modules":
            continue
        yield prefix + name
        if depth > 1:
            yield from _folders(root, depth - 1, f"{prefix}{name}/")


def _report(
    site: Site | None, values: dict[str, object], refused: tuple[Problem, ...], path: Path
) -> None:
    click.echo(f"{path.name} is written.")
    if site:
        click.echo(f"\nThis is {_article(site.generator)} {site.generator} site. From its config:")
        for taken in site.taken:
            if values.get(taken.key) == taken.value:
                click.echo(f"  {taken.key} = {reference.literal(taken.value)}   ({taken.source})")
    remarks = [
        *(site.remarks if site else ()),
        *refused,
        *_remarks(site, values, path.parent),
    ]
    if remarks:
        click.echo("\nPlease look at:")
        for remark in remarks:
            click.echo(f"  {remark}")
    first = "" if _URL in values else f"write {_URL}, then "
    click.echo(f"\nNext: {first}broadsheet build")


def _remarks(site: Site | None, values: dict[str, object], root: Path) -> Iterator[Problem]:
    """Yield what an editor should look at, whatever the site's own config said."""
    taken = {each.key for each in site.taken} if site else set()
    folders = values["articles.folders"]
    listed = [str(folder) for folder in folders] if isinstance(folders, list) else []
    if not any(sources.holds_articles(root / folder) for folder in listed):
        yield Problem(f"there is no Markdown file in {', '.join(listed)} yet", key=_FOLDERS)
    elif _FOLDERS not in taken:
        yield Problem(f"the articles are taken from {', '.join(listed)}", key=_FOLDERS)
    remarked = {remark.key for remark in site.remarks} if site else set()
    if _URL not in values and _URL not in remarked:
        yield Problem("not found", "write the URL of the web site into the config", key=_URL)


def _article(noun: str) -> str:
    return "an" if noun[0] in "AEIOU" else "a"
