"""broadsheet init"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from broadsheet import config, inputs, outputs, reference, sites
from broadsheet.cli.options import common_options, options
from broadsheet.errors import ConfigError, Problem, UsageError
from broadsheet.sites import Site, Taken

_PLACEHOLDER = "https://example.org/"
_LIKELY_FOLDERS = ("content/posts", "content", "posts", "articles", "_posts", "src/posts", "blog")


@click.command()
@common_options
def command() -> None:
    """Writes a starter broadsheet.toml, with what the site's own config says."""
    root = options().directory
    path = root / (options().config or config.CONFIG_NAME)
    if path.exists():
        raise UsageError(
            Problem("there is a config already", "edit it, or delete it first", path.name)
        )
    site = sites.recognise(_texts(root), set(_folders(root, depth=3)))
    values, refused = _checked({taken.key: taken for taken in (site.taken if site else ())}, root)
    outputs.write(path, reference.starter(values).encode())
    if not options().quiet:
        _report(site, values, refused, path.name)


def _checked(taken: dict[str, Taken], root: Path) -> tuple[dict[str, object], tuple[Problem, ...]]:
    """The values for the config, with what it must have; and what it would refuse."""
    values: dict[str, object] = {key: each.value for key, each in taken.items()}
    values.setdefault("publication.title", root.resolve().name or "My publication")
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
    folders = [folder for folder in _LIKELY_FOLDERS if (root / folder).is_dir()]
    folders += sorted(_folders(root, depth=1))
    held = (folder for folder in folders if inputs.holds_articles(root / folder))
    return next(held, "." if any(root.glob("*.md")) else "content")


def _texts(root: Path) -> dict[str, str]:
    """The site configs that are there; one that is no text is left out."""
    texts: dict[str, str] = {}
    for name in sites.CANDIDATES:
        try:
            texts[name] = (root / name).read_text(encoding="utf-8-sig")
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
    site: Site | None, values: dict[str, object], refused: tuple[Problem, ...], name: str
) -> None:
    click.echo(f"{name} is written.")
    if site:
        click.echo(f"\nThis is a {site.generator} site. From its config:")
        for taken in site.taken:
            if values.get(taken.key) == taken.value:
                click.echo(f"  {taken.key} = {taken.value}   ({taken.source})")
    remarks = [*(site.remarks if site else ()), *map(str, refused)]
    if values["publication.url"] == _PLACEHOLDER:
        remarks.append("publication.url: write the address of your site instead of example.org")
    if remarks:
        click.echo("\nPlease look at:")
        for remark in remarks:
            click.echo(f"  {remark}")
    click.echo("\nNext: broadsheet build")
