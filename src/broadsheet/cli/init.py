"""broadsheet init"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from broadsheet import config, folders, inputs, reference, sites, writing
from broadsheet.characters import printable
from broadsheet.cli.options import common_options, options
from broadsheet.digests.templates import starters
from broadsheet.errors import ConfigError, Problem, UsageError
from broadsheet.sites import Site, Taken

_PLACEHOLDER = "https://example.org/"
_LONGEST = 1_000_000  # bytes of a site's config; to read many times that takes minutes
_LIKELY_FOLDERS = ("content/posts", "content", "posts", "articles", "_posts", "src/posts", "blog")


@click.command()
@click.option("--templates", is_flag=True, help="Write a start for mail templates of your own.")
@common_options
def command(templates: bool) -> None:
    """Writes a starter broadsheet.toml, with what the site's own config says."""
    root = options().directory
    if templates:
        _write_templates(root)
        return
    path = root / (options().config or config.CONFIG_NAME)
    if path.exists():
        raise UsageError(
            Problem("there is a config already", "edit it, or delete it first", path.name)
        )
    site = sites.recognise(_texts(root), set(_folders(root, depth=3)))
    values, refused = _checked({taken.key: taken for taken in (site.taken if site else ())}, root)
    writing.write(path, reference.starter(values).encode())
    if not options().quiet:
        _report(site, values, refused, path)


def _write_templates(root: Path) -> None:
    """Templates that extend ours, in the folder that the config names; none is overwritten."""
    path = root / (options().config or config.CONFIG_NAME)
    settings = config.load(path, path.name)
    for name, text in starters().items():
        target = f"{settings.mail.templates}/{name}"
        if (root / target).exists():
            _say(f"{target} is there already, and stays as it is")
            continue
        writing.write(root / target, text.encode())
        _say(f"{target} is written")
    _say("\nNext: broadsheet preview")


def _say(text: str) -> None:
    if not options().quiet:
        click.echo(text)


def _checked(taken: dict[str, Taken], root: Path) -> tuple[dict[str, object], tuple[Problem, ...]]:
    """The values for the config, with what it must have; and what it would refuse."""
    values: dict[str, object] = {key: each.value for key, each in taken.items()}
    values.setdefault("publication.title", printable(root.resolve().name) or "My publication")
    values.setdefault("publication.url", _PLACEHOLDER)
    values.setdefault("articles.folders", [_articles_folder(root)])
    try:
        config.parse(reference.starter(values))
    except ConfigError as error:
        wrong = {problem.what.partition(":")[0] for problem in error.problems}
        kept = {key: each for key, each in taken.items() if key not in wrong}
        if len(kept) < len(taken):
            return _checked(kept, root)[0], error.problems
        raise
    return values, ()


def _articles_folder(root: Path) -> str:
    """The folder that most likely holds the articles of a project without a known generator."""
    for folder in _LIKELY_FOLDERS:
        if inputs.holds_articles(root / folder):
            return folder
    holding = [name for name in _folders(root, depth=1) if inputs.holds_articles(root / name)]
    if len(holding) == 1 and not any(root.glob("*.md")):
        return holding[0]
    return "." if holding or any(root.glob("*.md")) else _LIKELY_FOLDERS[1]


def _texts(root: Path) -> dict[str, str]:
    """The site configs that are there; one that is no text, or far too long, is left out."""
    texts: dict[str, str] = {}
    for name in sites.CANDIDATES:
        try:
            if (root / name).stat().st_size <= _LONGEST:
                texts[name] = folders.text(root / name)
        except (OSError, UnicodeDecodeError):
            continue
    return texts


def _folders(root: Path, depth: int, prefix: str = "") -> Iterator[str]:
    """The folders below `root`, as deep as `depth`; hidden and installed ones left out."""
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
        *map(str, refused),
        *_remarks(site, values, path.parent),
    ]
    if remarks:
        click.echo("\nPlease look at:")
        for remark in remarks:
            click.echo(f"  {remark}")
    click.echo("\nNext: broadsheet build")


def _remarks(site: Site | None, values: dict[str, object], root: Path) -> Iterator[str]:
    """What an editor should look at, whatever the site's own config said."""
    taken = {each.key for each in site.taken} if site else set()
    folders = values["articles.folders"]
    listed = [str(folder) for folder in folders] if isinstance(folders, list) else []
    if not any(inputs.holds_articles(root / folder) for folder in listed):
        yield f"articles.folders: there is no Markdown file in {', '.join(listed)} yet"
    elif "articles.folders" not in taken:
        yield f"articles.folders: the articles are taken from {', '.join(listed)}"
    remarked = " ".join(site.remarks) if site else ""
    if values["publication.url"] == _PLACEHOLDER and "publication.url" not in remarked:
        yield "publication.url: write the address of your site instead of example.org"


def _article(noun: str) -> str:
    return "an" if noun[0] in "AEIOU" else "a"
