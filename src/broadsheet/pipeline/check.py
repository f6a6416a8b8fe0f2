"""Check a project: every problem in one run, before it is published; nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from msgspec import Struct, structs

from broadsheet import checks
from broadsheet.articles import Article
from broadsheet.articles.catalogue import duplicates
from broadsheet.checks import Examined, Finding, SiteView, of_problems
from broadsheet.checks.rules.feeds import LARGEST_FEED
from broadsheet.digests.refusals import admitted
from broadsheet.digests.selection import History
from broadsheet.errors import ArticleError, ConfigError, Problem, RecordError
from broadsheet.feeds.retired import by_feed
from broadsheet.markup import Rendition
from broadsheet.model.settings import FEED_FORMATS
from broadsheet.pipeline.build_plan import BuildPlan, plan_of
from broadsheet.pipeline.coming_mails import coming_mails
from broadsheet.pipeline.edition import Content, Edition, content_of, make_edition
from broadsheet.pipeline.examining import examine_articles
from broadsheet.pipeline.issues import without_broken
from broadsheet.pipeline.location import Location
from broadsheet.pipeline.memo import Memo, Progress, Step
from broadsheet.pipeline.project import Project, open_project
from broadsheet.pipeline.published_entries import published_entries
from broadsheet.pipeline.reading import StampedFile, read_articles
from broadsheet.storage import folders, sources
from broadsheet.storage.built_site import WebSite
from broadsheet.storage.detection import dialect_of_site
from broadsheet.text.toml import key_line, names_of

_PAGES_AT_ONCE: Final = 128
_HEAD_BYTES: Final = 50_000  # more than what a feed has beside its entries


def check(place: Location, progress: Progress) -> tuple[tuple[Finding, ...], int]:
    """Return everything that is wrong with the project at `place`, and the exit code.

    The code is 0, unless something is so wrong that nothing else was looked at.
    """
    try:
        return check_project(open_project(place, progress=progress))
    except ConfigError as error:
        problems = [_in_config(place, each) for each in error.problems]
        return of_problems("config", problems), error.exit_code


def check_project(project: Project) -> tuple[tuple[Finding, ...], int]:
    """Return the same for a project whose config was read."""
    try:
        return project.run(lambda memo: _findings(project, memo), writes=False), 0
    except ArticleError as error:  # about a folder: without it nothing would be as it is
        return of_problems("unreadable", error.problems), error.exit_code


def _in_config(place: Location, problem: Problem) -> Problem:
    """Return `problem` of the config, at the line of its key."""
    if problem.path or not place.config_path.is_file():
        return problem
    line = key_line(_text_of(place.config_path), names_of(problem.key))
    return replace(problem, path=place.shown, line=line)


def _findings(project: Project, memo: Memo) -> tuple[Finding, ...]:
    read = read_articles(project, memo)
    by_path = tuple(sorted(read.read, key=lambda article: article.source))
    taken = duplicates(read.read, project.now)  # a rule reports them
    unique = structs.replace(read, read=tuple(a for a in read.read if a.source not in taken))
    records = _records(project)
    edition = make_edition(content_of(project, memo, unique))
    dialect = dialect_of_site(project.root)
    settings = project.settings
    site = WebSite(project.root, settings.articles.assets, settings.publication.url)
    renditions = edition.renderings.addresses
    examined = examine_articles(edition.content, by_path, renditions, dialect, site)
    # After the articles, whose processes would otherwise have what mails import in memory.
    content, (mails, templates) = without_broken(
        edition.content, lambda content: coming_mails(content, records.histories)
    )
    plan = plan_of(edition, records.histories)
    of_articles = {path: each.own for path, each in examined.items()}
    of_pages = _severities_of_pages(edition.content)
    view = SiteView(
        settings=settings,
        config=(project.config_name, _text_of(project.root / project.config_name)),
        now=project.now,
        by_path=by_path,
        pages=read.pages,
        text_of=lambda path: sources.read(project.root, path, "").text,
        html_of=_html_of(edition),
        problems=content.problems,
        templates=templates,
        records=records.problems,
        own={path: own for path, own in (of_articles | of_pages).items() if own},
        catalogue=content.catalogue,
        feeds=edition.feeds,
        link_index=content.link_index,
        rooted_images=sum(each.rooted_images for each in examined.values()),
        sizes=_sizes(plan, examined),
        mails=mails,
        refused=_refused(content, records),
        published=published_entries(plan, {article.id for article in by_path}),
        dialect=dialect,
        ending=by_feed(plan.ending),
        built_site=site.built,
        stale_pages=read.stale_pages(content.catalogue.articles),
    )
    return checks.findings(view, examined.values())


def _sizes(plan: BuildPlan, examined: Mapping[str, Examined]) -> dict[str, int]:
    """Return a length in bytes that each file has at least, of feeds that may be too large.

    Only those in doubt are made.
    """
    is_full = plan.edition.content.project.settings.feeds.content == "full"
    large: dict[str, int] = {}
    doubtful: set[str] = set()
    for feed in plan.edition.feeds:
        entries = [examined[each.source] for each in feed.articles]
        least = sum(each.least_bytes for each in entries)
        if is_full and feed.head.kind != "podcast" and least > LARGEST_FEED:
            files = (FEED_FORMATS[each].file for each in feed.head.formats)
            large |= {feed.head.path + file: least for file in files}
        elif _HEAD_BYTES + sum(each.most_bytes for each in entries) > LARGEST_FEED:
            doubtful.add(feed.head.path)
    return plan.sizes(doubtful) | large


def _html_of(edition: Edition) -> Callable[[Article], str | None]:
    addresses = edition.renderings.addresses

    def html(article: Article) -> str | None:
        address = addresses.get(article.source)
        return edition.content.memo.value(address, Rendition).html if address else None

    return html


def _severities_of_pages(content: Content) -> dict[str, Mapping[str, str]]:
    """Return the severities that each page sets for itself, by its path."""
    pages, stamps, memo = content.articles.pages, content.articles.found.stamps, content.memo
    files = [
        StampedFile(path, "", stamps[path], stamps.get(sources.metadata_file(path)))
        for path in pages
    ]
    public = content.project.settings.articles.public
    step = Step("broadsheet.pipeline.page_severities:read_severities", public, _PAGES_AT_ONCE)
    found = memo.values(memo.map(step, files), dict[str, str])
    return dict(zip(pages, found, strict=True))


def _text_of(file: Path) -> str:
    with suppress(OSError, UnicodeDecodeError):
        return folders.text(file)
    return ""


class _Records(Struct, frozen=True):
    """The issues of each digest, those of removed digests, and what is wrong with the records.

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


def _refused(content: Content, records: _Records) -> dict[str, tuple[tuple[Problem, ...], bool]]:
    """Digest name -> why its next issue would not be made, and whether that issue is due."""
    found: dict[str, tuple[tuple[Problem, ...], bool]] = {}
    project = content.project
    for name, history in records.histories.items():
        digest = content.digest(name)
        due = digest.due(project.now, history)
        for issues in (due, digest.upcoming(project.now, history)):
            refused = admitted(issues, digest, history, lambda: records.former)[1]
            if refused and name not in found:
                found[name] = refused, issues is due
    return found
