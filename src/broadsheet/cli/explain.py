"""broadsheet explain: why an article is, or is not, in each feed"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from broadsheet.cli.manners import DocumentedCommand
from broadsheet.cli.options import common_options, options, print_json
from broadsheet.feeds.membership import Membership
from broadsheet.pipeline.explain import Explanation, explain, source_path
from broadsheet.pipeline.project import Project, open_project
from broadsheet.text.counting import count

POSITION = 90  # in `broadsheet --help`
PAGE = "ids/"
EXAMPLES = ("broadsheet explain content/posts/compost.md  # each feed, and why",)


@click.command(cls=DocumentedCommand)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="As data.")
@common_options
def command(file: Path, as_json: bool) -> None:
    """Say why the article in FILE is, or is not, in each feed and digest."""
    project = open_project(options())
    path = source_path(project, file)
    found = explain(project, path)
    facts = _facts(found, project)
    if as_json:
        print_json({"verdict": found.verdict, **facts, **_data(found)})
        return
    click.echo(f"{path}: {found.verdict}")
    for name, value in facts.items():
        if value:
            click.echo(f"  {name:8}{', '.join(value) if isinstance(value, list) else value}")
    folder = project.settings.feeds.folder
    _show(found.feeds or (), folder, options().verbose)
    _show(found.digests or (), folder, verbose=True)


def _facts(found: Explanation, project: Project) -> dict[str, Any]:
    """Return what there is to know of the article."""
    article = found.article
    if article is None:
        return {}
    zone = project.settings.publication.timezone
    return {
        "title": article.title,
        "id": article.id,
        "url": article.url,
        "date": article.date.astimezone(zone).isoformat(sep=" "),
        "topics": list(found.topics),
        "tags": list(article.tags),
        "aliases": list(article.aliases),
        "page": article.rendered,
    }


def _data(found: Explanation) -> dict[str, Any]:
    return {
        name: [{"path": each.path, "in": each.inside, "why": each.why} for each in memberships]
        for name, memberships in (("feeds", found.feeds), ("digests", found.digests))
        if memberships is not None
    }


def _show(memberships: Sequence[Membership], folder: str, verbose: bool) -> None:
    """Print each feed or digest on a line; most of those it is not in only as a number."""
    for each in memberships:
        if each.inside or each.path == "" or verbose:
            mark = "in    " if each.inside else "not in"
            click.echo(f"  {mark}  {folder}/{each.path}: {each.why}")
    others = sum(not each.inside and each.path != "" for each in memberships)
    if others and not verbose:
        click.echo(f"  not in  {count(others, 'other feed')} (--verbose says why)")
