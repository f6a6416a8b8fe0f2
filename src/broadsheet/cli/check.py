"""broadsheet check: report every problem in one run, before it is published"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import Final

import click
from jinja2 import Environment, TemplateSyntaxError
from msgspec import Struct, structs

from broadsheet import checks
from broadsheet.articles import Article, front_matter, visibility
from broadsheet.articles.catalogue import duplicates
from broadsheet.checks import Finding, Material, of_problems
from broadsheet.checks.own import severities
from broadsheet.cli.options import common_options, options
from broadsheet.cli.progress import progress_of
from broadsheet.digests.issue import issue_folder
from broadsheet.digests.lint import LintedMail, lint_mail
from broadsheet.digests.message import letterhead, message_bodies, readdressed
from broadsheet.digests.selection import History
from broadsheet.errors import (
    ArticleError,
    ConfigError,
    DeliveryError,
    Problem,
    RecordError,
    TemplateError,
    UsageError,
)
from broadsheet.feeds.retired import by_feed
from broadsheet.markup import Rendition
from broadsheet.pipeline.build_plan import plan_of
from broadsheet.pipeline.edition import Content, Edition, content_of, make_edition
from broadsheet.pipeline.issues import files_of_issue, without_broken
from broadsheet.pipeline.memo import Memo
from broadsheet.pipeline.project import Project, open_project
from broadsheet.pipeline.published_entries import published_entries
from broadsheet.pipeline.reading import read_articles
from broadsheet.storage import config, folders, outputs, sources
from broadsheet.storage.built_site import find_built_site
from broadsheet.storage.detection import dialect_of_site
from broadsheet.storage.issue_records import issued_message
from broadsheet.text.counting import count
from broadsheet.text.toml import key_line, names_of

POSITION = 80  # in `broadsheet --help`
_SHOWN: Final = 20
"""How many findings of one rule are shown, unless all are asked for."""


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
@click.option("--all", "everything", is_flag=True, help=f"Show more than {_SHOWN} of a rule.")
@click.option("--json", "form", flag_value="json", help="As data.")
@click.option("--github", "form", flag_value="github", help="As annotations for GitHub Actions.")
@common_options
def command(files: tuple[Path, ...], strict: bool, everything: bool, form: str | None) -> None:
    """Tells everything that is wrong, in one run, before it is published.

    With FILEs, only what is wrong with these, such as the ones that a commit changes.
    """
    found, code = _found()
    if files:
        found = tuple(each for each in found if each.problem.path in _within_project(files))
    if form == "json":
        click.echo(json.dumps([_data(each) for each in found], ensure_ascii=False, indent=1))
    elif form == "github":
        for each in found:
            click.echo(_annotation(each))
    else:
        _show(found, len(found) if everything else _SHOWN)
    if code or any(each.severity == "error" or strict for each in found):
        raise SystemExit(code or 1)


def _found() -> tuple[tuple[Finding, ...], int]:
    """All that is wrong, and the exit code where that is so much that nothing else was seen."""
    try:
        project = open_project(options(), progress=progress_of(options()))
        return project.run(lambda memo: checks.findings(_material(project, memo))), 0
    except ConfigError as error:
        return of_problems("config", map(_in_config, error.problems)), error.exit_code
    except ArticleError as error:  # of a folder: without it nothing is as it would be
        return of_problems("unreadable", error.problems), error.exit_code


def _in_config(problem: Problem) -> Problem:
    """`problem` of the config, at the line of its key."""
    name = options().config or config.CONFIG_NAME
    if problem.path or not (options().directory / name).is_file():
        return problem
    text = _text_of(options().directory / name)
    return replace(problem, path=str(name), line=key_line(text, names_of(problem.key)))


def _material(project: Project, memo: Memo) -> Material:
    read = read_articles(project, memo)
    taken = duplicates(read.read, project.now)  # told by a rule
    unique = structs.replace(read, read=tuple(a for a in read.read if a.source not in taken))
    records = _records(project)
    edition = make_edition(content_of(project, unique, memo), memo)
    plan = plan_of(edition, memo, records.histories)
    content, (letters, templates) = without_broken(
        edition.content, memo, lambda content: _letters(content, memo, records.histories)
    )
    retired = outputs.read_manifest(project.feeds_folder).retired
    ids = frozenset(article.id for article in read.read)
    return Material(
        settings=project.settings,
        config=(project.config_name, _text_of(project.root / project.config_name)),
        now=project.now,
        texts={each.source: _text(project, each) for each in read.read},
        articles=read.read,
        pages=read.pages,
        of_pages={path: _of_page(project, path) for path in read.pages},
        problems=content.problems,
        templates=templates,
        records=records.problems,
        catalogue=content.catalogue,
        link_index=content.link_index,
        renditions=_Renditions(edition, memo),
        sizes={each.path: each.length for each in plan.make(memo)},
        letters=letters,
        refused=_refused(content, records),
        published=published_entries(project.feeds_folder, ids, but=retired),
        dialect=dialect_of_site(project.root),
        ending=by_feed(plan.ending),
        exists=lambda path: (project.root / path).is_file(),
        built_site=find_built_site(project.root, project.settings.publication.url),
    )


class _Renditions(Mapping[str, Rendition]):
    """The rendered bodies in the feeds, by article id; each is fetched when it is asked for."""

    def __init__(self, edition: Edition, memo: Memo) -> None:
        addresses, articles = edition.renderings.addresses, edition.content.catalogue.articles
        self._memo = memo
        self._addresses = {a.id: addresses[a.source] for a in articles if a.source in addresses}

    def __getitem__(self, id_: str) -> Rendition:
        return self._memo.value(self._addresses[id_], Rendition)

    def __iter__(self) -> Iterator[str]:
        return iter(self._addresses)

    def __len__(self) -> int:
        return len(self._addresses)


def _text(project: Project, article: Article) -> str:
    return sources.read(project.root, article.source, "").text


def _of_page(project: Project, path: str) -> Mapping[str, str]:
    """The severities that a page sets for itself, by rule. A draft needs no date."""
    with suppress(ArticleError, ValueError):
        text = sources.read(project.root, path, "").text
        said = severities(text)
        if "no-date" not in said and (parts := front_matter.split(text, path)):
            is_hidden = visibility.stated_visibility(
                parts[0].given, project.settings.articles.public
            ).field
            return {**said, "no-date": "off"} if is_hidden else said
        return said
    return {}


def _text_of(file: Path) -> str:
    with suppress(OSError, UnicodeDecodeError):
        return folders.text(file)
    return ""


class _Records(Struct, frozen=True):
    """The issues of each digest, of those that were removed, and what is wrong with the records.

    A digest with a broken record has no history here.
    """

    histories: dict[str, History]
    former: dict[str, History]
    problems: tuple[Problem, ...]


def _records(project: Project) -> _Records:
    histories: dict[str, History] = {}
    problems: list[Problem] = []
    for name in project.settings.digests:
        try:
            histories[name] = project.history(name)
        except RecordError as error:
            problems += error.problems
            histories[name] = History.of(())
    former: dict[str, History] = {}
    try:
        former = project.former_histories()
    except RecordError as error:
        problems += error.problems
    return _Records(histories, former, tuple(problems))


def _refused(content: Content, records: _Records) -> dict[str, tuple[Problem, bool]]:
    """Digest name -> why its next issue would not be made, and whether that issue is due."""
    found: dict[str, tuple[Problem, bool]] = {}
    project = content.project
    for name, history in records.histories.items():
        digest = content.digest(name)
        due = digest.due(project.now, history)
        for issues in (due, digest.upcoming(project.now, history)):
            refused = project.admitted(digest, issues, history, former=records.former)[1]
            if refused and name not in found:
                found[name] = refused, issues is due
    return found


def _letters(
    content: Content, memo: Memo, histories: Mapping[str, History]
) -> tuple[dict[str, LintedMail], tuple[Problem, ...]]:
    """The mail of each digest's next issue, by its folder; and what is wrong with templates."""
    project = content.project
    letters: dict[str, LintedMail] = {}
    problems = list(_unreadable_templates(project))
    known = {article.id for article in content.catalogue.articles}
    for name, history in histories.items() if not problems else ():
        # Where no issue comes, the last one shows whether the templates still work.
        coming = content.digest(name).upcoming(project.now, history)[-1:]
        # An article of that one may be gone since, and cannot be shown again.
        last = [issue for issue in history.issues[-1:] if issue.ids <= known]
        for issue in coming or last:
            try:
                made = files_of_issue(content, memo, issue).files
            except TemplateError as error:
                problems += error.problems
                continue
            mail = lint_mail(made["email.html"], made["email.txt"], made["message.eml"])
            path = f"{project.settings.feeds.folder}/{issue_folder(name, issue.key)}"
            letters[path] = mail if coming else _of_ways_out(mail)
        letters |= _issued(project, history)
    return letters, tuple(dict.fromkeys(problems))


def _issued(project: Project, history: History) -> dict[str, LintedMail]:
    """The newest mail of a digest, as `deliver` would send it, with its unsubscribe remarks."""
    since = project.now - timedelta(days=project.settings.delivery.fresh_days)
    for issue in history.issues[-1:]:
        if since <= issue.tick <= project.now:
            with suppress(DeliveryError):  # `deliver` says what is wrong with the file
                head = letterhead(issue.digest, issue.key, project.settings)
                message = readdressed(
                    issued_message(project.feeds_folder, issue, project.settings.feeds.folder), head
                )
                html, text = message_bodies(message)
                folder = issue_folder(issue.digest, issue.key)
                path = f"{project.settings.feeds.folder}/{folder}message.eml"
                return {path: _of_ways_out(lint_mail(html.encode(), text.encode(), message))}
    return {}


def _of_ways_out(mail: LintedMail) -> LintedMail:
    """`mail` with only its remarks on unsubscribe links."""
    kept = tuple(each for each in mail.problems if each.rule == "mail-unsubscribe")
    return structs.replace(mail, problems=kept)


def _unreadable_templates(project: Project) -> Iterator[Problem]:
    """What is wrong with the user's templates before anything is put into them."""
    try:
        templates = project.templates()
    except TemplateError as error:
        yield from error.problems
        return
    for name, text in templates.items():
        path = f"{project.settings.mail.templates.rstrip('/')}/{name}"
        try:
            Environment(autoescape=True).parse(text)
        except RecursionError:
            yield Problem("nested too deeply", "simplify the structure", path)
        except TemplateSyntaxError as error:
            what = error.message or "the template cannot be read"
            yield Problem(what, "correct it", path, error.lineno)


def _within_project(files: Iterable[Path]) -> set[str]:
    """`files`, which the user names from where the user is, as findings name them."""
    root = _root().resolve()
    found: set[str] = set()
    for file in files:
        path = file if file.exists() else root / file
        if not path.exists():
            raise UsageError(Problem(f"there is no file {str(file)!r}", "name one of the project"))
        with suppress(ValueError):
            found.add(path.resolve().relative_to(root).as_posix())
    return found


def _root() -> Path:
    return (options().directory / (options().config or config.CONFIG_NAME)).parent


def _show(found: Sequence[Finding], most: int) -> None:
    """The findings below their severity, of each rule the first `most`, and how many there are."""
    seen: Counter[tuple[str, str]] = Counter()
    for severity, group in groupby(found, lambda each: each.severity):
        click.echo(f"{severity}s:")
        for each in group:
            seen[severity, each.rule] += 1
            if seen[severity, each.rule] <= most:
                click.echo(str(each))
    if not options().quiet:
        click.echo(_summary(found, most))


def _summary(found: Sequence[Finding], most: int) -> str:
    if not found:
        return "nothing is wrong"
    severities = Counter(each.severity for each in found)
    total = f"{count(severities['error'], 'error')}, {count(severities['warning'], 'warning')}"
    rules = Counter((each.severity, each.rule) for each in found).most_common()
    lines = [total]
    for (severity, rule), number in sorted(rules, key=lambda item: item[0][0]):
        hidden = f" ({number - most:,} more with --all)" if number > most else ""
        lines.append(f"{count(number, severity):>14}  {rule}{hidden}")
    return "\n".join(lines)


def _data(finding: Finding) -> dict[str, object]:
    problem = finding.problem
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "path": problem.path,
        "line": problem.line,
        "key": problem.key,
        "what": problem.what,
        "todo": problem.todo,
    }


def _annotation(finding: Finding) -> str:
    """A workflow command (GitHub Actions), with its reserved characters escaped.

    GitHub looks for the file from where the workflow runs, which may be above the project.
    """
    problem = finding.problem
    place = {"title": finding.rule}
    if problem.path:
        path = Path(os.path.relpath(_root() / problem.path)).as_posix()
        place = {"file": path, "line": str(problem.line or 1), **place}
    properties = ",".join(f"{name}={_property(value)}" for name, value in place.items())
    return f"::{finding.severity} {properties}::{_escaped(problem.words)}"


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
