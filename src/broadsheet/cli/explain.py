"""broadsheet explain: why an article is, or is not, in each feed"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from broadsheet import feeds
from broadsheet.articles import Article
from broadsheet.articles.catalogue import absence
from broadsheet.cli.making import renditions_from
from broadsheet.cli.options import common_options, options
from broadsheet.cli.project import Project
from broadsheet.digests.issue import issue_folder
from broadsheet.errors import Problem, RenderError, UsageError
from broadsheet.feeds.standing import standings
from broadsheet.pipeline.cache import Cache
from broadsheet.text.counting import count

POSITION = 90  # in `broadsheet --help`


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="As data.")
@common_options
def command(file: Path, as_json: bool) -> None:
    """Says why the article in FILE is, or is not, in each feed and digest."""
    project = Project(options())
    path = _source(project, file)
    found = _explain(project, path)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=1))
        return
    click.echo(f"{path}: {found['verdict']}")
    for name in ("title", "id", "url", "date", "topics", "tags", "aliases"):
        if value := found.get(name):
            click.echo(f"  {name:8}{', '.join(value) if isinstance(value, list) else value}")
    folder = project.settings.feeds.folder
    _show(found.get("feeds", []), folder, options().verbose)
    _show(found.get("digests", []), folder, verbose=True)


def _show(standings: list[dict[str, Any]], folder: str, verbose: bool) -> None:
    """Each feed or digest on a line; most of those it is not in only as a number."""
    for each in standings:
        if each["in"] or each["path"] == "" or verbose:
            mark = "in    " if each["in"] else "not in"
            click.echo(f"  {mark}  {folder}/{each['path']}: {each['why']}")
    others = sum(not each["in"] and each["path"] != "" for each in standings)
    if others and not verbose:
        click.echo(f"  not in  {count(others, 'other feed')} (--verbose says why)")


def _source(project: Project, file: Path) -> str:
    """`file`, which is relative to here or to the project, as the project names it."""
    root = project.root.resolve()
    for candidate in (file, project.root / file):
        resolved = candidate.resolve()
        if resolved.is_file() and resolved.is_relative_to(root):
            return resolved.relative_to(root).as_posix()
    raise UsageError(
        Problem(
            "there is no such file in this project", "name a file of an articles folder", str(file)
        )
    )


def _explain(project: Project, path: str) -> dict[str, Any]:
    if path not in dict(project.found.articles):
        folders = ", ".join(project.settings.articles.folders)
        return {
            "verdict": f"not an article: it is not a Markdown file in articles.folders ({folders})"
        }
    articles = project.articles
    if path in articles.pages:
        return {"verdict": f"not an article: {articles.pages[path]}"}
    article = next((each for each in articles.read if each.source == path), None)
    if article is None:
        wrong = (problem.words for problem in articles.problems if problem.path == path)
        return {"verdict": "cannot be read: " + ", and ".join(wrong)}
    if (why := absence(article, project.now)) is not None:
        return {
            "verdict": f"in no feed: {why}",
            **_facts(article, project),
            "digests": _digests(article, project),
        }
    if left_out := _wrong_with_body(article, project):
        why = ", and ".join(each.words for each in left_out)
        return {"verdict": f"in no feed: {why}", **_facts(article, project)}
    catalogue = project.catalogue
    topics, tags = catalogue.topics_of(article), catalogue.tags_of(article)
    found = standings(article, topics, tags, project.feeds)
    return {
        "verdict": f"in {sum(each.inside for each in found)} of {len(found)} feeds",
        **_facts(article, project),
        "topics": [topic.name for topic in topics],
        "feeds": [{"path": each.path, "in": each.inside, "why": each.why} for each in found],
        "digests": _digests(article, project),
    }


def _wrong_with_body(article: Article, project: Project) -> tuple[Problem, ...]:
    """Why a build leaves out an article that stands in some feed; what it made before, it can."""
    if article not in feeds.to_render(project.feeds, project.settings.feeds):
        return ()
    with Cache(project.state) as kept:
        try:
            renditions_from(project, [article], project.link_index, kept)
        except RenderError as error:
            return error.problems
    return ()


def _digests(article: Article, project: Project) -> list[dict[str, Any]]:
    found = []
    for name, history in project.histories.items():
        digest = project.digest(name)
        inside, why = digest.standing(article, project.now, history)
        coming = digest.upcoming(project.now, history)
        made, refused = project.admitted(name, coming)
        if refused and any(article.id in issue.ids for issue in coming[len(made) :]):
            inside, why = False, str(refused)
        found.append({"path": issue_folder(name), "in": inside, "why": why})
    return found


def _facts(article: Article, project: Project) -> dict[str, Any]:
    zone = project.settings.publication.timezone
    return {
        "title": article.title,
        "id": article.id,
        "url": article.url,
        "date": article.date.astimezone(zone).isoformat(sep=" "),
        "topics": list(article.topics),
        "tags": list(article.tags),
        "aliases": list(article.aliases),
    }
