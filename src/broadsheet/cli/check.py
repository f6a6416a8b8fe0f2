"""broadsheet check"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import click

from broadsheet import checks, feeds, inputs, outputs, records
from broadsheet.articles import Article
from broadsheet.checks import Finding, Material
from broadsheet.cli import making
from broadsheet.cli.counting import count
from broadsheet.cli.digest import make
from broadsheet.cli.options import common_options, options
from broadsheet.cli.project import Project
from broadsheet.digests import archive
from broadsheet.digests.remarks import Mail, look_at
from broadsheet.errors import Problem, TemplateError


@click.command()
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
@click.option("--json", "form", flag_value="json", help="As data.")
@click.option("--github", "form", flag_value="github", help="As annotations for GitHub Actions.")
@common_options
def command(strict: bool, form: str | None) -> None:
    """Tells everything that is wrong, in one run, before it is published."""
    project = Project(options())
    with outputs.lock(project.state, project.config_name):
        found = checks.findings(_material(project))
    _show(found, form or "text")
    errors = sum(finding.severity == "error" for finding in found)
    if errors or (strict and found):
        raise SystemExit(1)


def _material(project: Project) -> Material:
    read = project.articles
    project.articles = replace(read, read=_unique(project))
    files = making.site_files(project)
    mails, templates = making.without_bad(project, lambda: _mails(project))
    texts = {
        article.source: inputs.read(project.root, article.source, "").text for article in read.read
    }
    return Material(
        settings=project.settings,
        now=project.now,
        texts=texts,
        articles=read.read,
        pages=read.pages,
        problems=project.articles.problems,
        templates=templates,
        catalogue=project.catalogue,
        library=project.library,
        renditions=making.renditions(
            project, feeds.to_render(project.feeds, project.settings.feeds)
        ),
        outputs=files,
        mails=mails,
        published=records.published(project.feeds_folder),
    )


def _unique(project: Project) -> tuple[Article, ...]:
    """The articles, of those with one id only the first: the rest is told by a rule."""
    seen: dict[str, Article] = {}
    for article in sorted(project.articles.read, key=lambda each: each.source):
        seen.setdefault(article.id, article)
    return tuple(seen.values())


def _mails(project: Project) -> tuple[dict[str, Mail], tuple[Problem, ...]]:
    """The mail of each digest's next issue, by its folder; and what is wrong with templates."""
    mails: dict[str, Mail] = {}
    problems: list[Problem] = []
    for name, history in project.histories.items():
        for issue in project.digest(name).upcoming(project.now, history)[-1:]:
            try:
                made = make(project, issue).files
            except TemplateError as error:
                problems += error.problems
                continue
            folder = f"{project.settings.feeds.folder}/{archive.folder(name, issue.key)}"
            mails[folder] = look_at(made["email.html"], made["email.txt"], made["message.eml"])
    return mails, tuple(dict.fromkeys(problems))


def _show(found: Sequence[Finding], form: str) -> None:
    if form == "json":
        click.echo(json.dumps([_data(each) for each in found], ensure_ascii=False, indent=1))
        return
    for each in found:
        click.echo(_annotation(each) if form == "github" else f"{each.severity}: {each}")
    if not options().quiet:
        click.echo(_summary(found))


def _summary(found: Sequence[Finding]) -> str:
    severities = Counter(each.severity for each in found)
    rules = Counter(each.rule for each in found).most_common()
    total = f"{count(severities['error'], 'error')}, {count(severities['warning'], 'warning')}"
    return f"{total} ({', '.join(f'{rule} {n}' for rule, n in rules)})" if rules else total


def _data(finding: Finding) -> dict[str, object]:
    problem = finding.problem
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "path": problem.path,
        "line": problem.line,
        "what": problem.what,
        "todo": problem.todo,
    }


def _annotation(finding: Finding) -> str:
    """A workflow command (GitHub Actions), with its reserved characters escaped."""
    problem = finding.problem
    line = f",line={problem.line}" if problem.line else ""
    place = f" file={_escaped(problem.path, property_=True)}{line}" if problem.path else ""
    return f"::{finding.severity}{place}::{_escaped(f'{finding.rule}: {problem.words}')}"


def _escaped(text: str, *, property_: bool = False) -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if property_ else text
