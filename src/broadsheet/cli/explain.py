"""broadsheet explain: why an article is, or is not, in each feed"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from broadsheet.articles import Article
from broadsheet.articles.catalogue import absence
from broadsheet.cli.options import common_options, options
from broadsheet.digests.issue import issue_folder
from broadsheet.errors import Problem, UsageError
from broadsheet.feeds.membership import memberships
from broadsheet.feeds.plan import Feed, plan
from broadsheet.pipeline.edition import Content, content_of, to_render
from broadsheet.pipeline.memo import Memo
from broadsheet.pipeline.project import Project, open_project
from broadsheet.pipeline.reading import read_articles
from broadsheet.pipeline.rendering import render_articles
from broadsheet.text.counting import count

POSITION = 90  # in `broadsheet --help`


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="As data.")
@common_options
def command(file: Path, as_json: bool) -> None:
    """Says why the article in FILE is, or is not, in each feed and digest."""
    project = open_project(options())
    path = _source(project, file)
    found = project.run(lambda memo: _explain(project, path, memo))
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


def _show(memberships: list[dict[str, Any]], folder: str, verbose: bool) -> None:
    """Each feed or digest on a line; most of those it is not in only as a number."""
    for each in memberships:
        if each["in"] or each["path"] == "" or verbose:
            mark = "in    " if each["in"] else "not in"
            click.echo(f"  {mark}  {folder}/{each['path']}: {each['why']}")
    others = sum(not each["in"] and each["path"] != "" for each in memberships)
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


def _explain(project: Project, path: str, memo: Memo) -> dict[str, Any]:
    articles = read_articles(project, memo)
    if path not in dict(articles.found.articles):
        folders = ", ".join(project.settings.articles.folders)
        return {
            "verdict": f"not an article: it is not a Markdown file in articles.folders ({folders})"
        }
    if path in articles.pages:
        return {"verdict": f"not an article: {articles.pages[path]}"}
    article = next((each for each in articles.read if each.source == path), None)
    if article is None:
        wrong = (problem.words for problem in articles.problems if problem.path == path)
        return {"verdict": "cannot be read: " + ", and ".join(wrong)}
    content = content_of(project, articles, memo)
    if (why := absence(article, project.now)) is not None:
        return {
            "verdict": f"in no feed: {why}",
            **_facts(article, project),
            "digests": _digests(article, content),
        }
    catalogue = content.catalogue
    feeds = plan(catalogue, project.settings.feeds, project.settings.publication)
    if left_out := _wrong_with_body(article, content, feeds, memo):
        why = ", and ".join(each.words for each in left_out)
        return {"verdict": f"in no feed: {why}", **_facts(article, project)}
    topics, tags = catalogue.topics_of(article), catalogue.tags_of(article)
    found = memberships(article, topics, tags, feeds)
    return {
        "verdict": f"in {sum(each.inside for each in found)} of {len(found)} feeds",
        **_facts(article, project),
        "topics": [topic.name for topic in topics],
        "feeds": [{"path": each.path, "in": each.inside, "why": each.why} for each in found],
        "digests": _digests(article, content),
    }


def _wrong_with_body(
    article: Article, content: Content, feeds: Sequence[Feed], memo: Memo
) -> tuple[Problem, ...]:
    """Return why a build leaves out an article that belongs in some feed."""
    if article not in to_render(feeds, content.project.settings.feeds):
        return ()
    return render_articles(memo, [article], content.articles, content.link_index).problems


def _digests(article: Article, content: Content) -> list[dict[str, Any]]:
    found = []
    project = content.project
    for name, history in project.histories().items():
        digest = content.digest(name)
        inside, why = digest.explain(article, project.now, history)
        coming = digest.upcoming(project.now, history)
        made, refused = project.admitted(digest, coming, history)
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
