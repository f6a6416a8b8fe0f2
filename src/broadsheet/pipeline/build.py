"""Build the feeds of a project: from its articles to the files of the feeds folder."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from broadsheet.articles.catalogue import steady
from broadsheet.digests.selection import History
from broadsheet.errors import BroadsheetError, Problem
from broadsheet.feeds.retired import Retired, Successors, by_feed, is_in_doubt, retire
from broadsheet.pipeline import snapshot
from broadsheet.pipeline.edition import Content, Edition, make_edition, read_content
from broadsheet.pipeline.files import (
    Files,
    PublishedFiles,
    digest_files,
    ending_files,
    feed_files,
    read_by_files,
)
from broadsheet.pipeline.memo import Memo, Output, Source
from broadsheet.pipeline.project import Project
from broadsheet.pipeline.published_entries import published_entries
from broadsheet.pipeline.reading import zone_paths
from broadsheet.pipeline.snapshot import Scope, Summary
from broadsheet.storage import folders, outputs, sources
from broadsheet.storage.folders import Stamp
from broadsheet.storage.outputs import Changes, Manifest, Target, Written

_PUBLISHED = "published"  # state: path -> stamp and digest of each file
_TICK_S = 0.021  # of a disk's clock; see `folders`
_LOOKS = 5  # at that clock


@dataclass(frozen=True)
class Site:
    """Everything that a build makes, before it is made.

    retired: the ended feeds that still stay, by path. ending: the feeds that this run ends, whether
    they stay or not. waiting: feeds that may only lack an article with an error; they are not
    changed. reads: what the steps that make the files read.
    """

    edition: Edition
    files: Files
    retired: Mapping[str, Retired]
    ending: Mapping[str, Retired]
    kept: Collection[str]
    published: PublishedFiles
    reads: Mapping[str, Source]

    def make(self, memo: Memo, output: Output = outputs.told) -> list[Written]:
        """Make the files; by default only tell what they would be."""
        return self.files.make(memo, self.reads, output)

    def target(self) -> Target:
        """Return the feeds folder with what is to be in it. Raises OutputError."""
        project = self.edition.content.project
        return Target(
            project.feeds_folder,
            self.files.paths,
            project.settings.feeds.folder,
            keep=self.kept,
            retired=msgspec.to_builtins(self.retired),
            digest=self.published.digest,
        )


class RefusedError(BroadsheetError):
    """Articles are wrong, and `--strict` was given: nothing has been written."""


@dataclass(frozen=True)
class Built:
    """The result of a build.

    problems: those of the articles that were left out. gone: the titles of published entries that
    are no longer in the feeds. ended: the feeds that this build ends, as in `by_feed`.
    """

    summary: Summary
    changes: Changes
    problems: tuple[Problem, ...]
    gone: tuple[str, ...]
    ended: Mapping[str, Retired]


def build(
    project: Project, *, strict: bool = False, adopt: bool = False, dry_run: bool = False
) -> Built:
    """Make the feeds folder of `project` what it should be; write only what changes.

    strict: raise RefusedError if articles are wrong. adopt: take over files that the manifest does
    not name. Raises the errors of `plan_site` and `Target`.
    """
    return project.run(lambda memo: _build(project, memo, strict, adopt, dry_run))


def _build(project: Project, memo: Memo, strict: bool, adopt: bool, dry_run: bool) -> Built:
    config = folders.content_of(project.root / project.config_name) or b""
    site = plan_site(project, memo)
    problems = site.edition.content.problems
    if problems and strict:
        raise RefusedError(*problems)
    gone = _dropped_out(project, site.edition.content) if problems else ()
    target = site.target()
    if not adopt and target.unknown:
        target.refuse_foreign(site.make(memo))
    if dry_run:
        changes = target.changes(site.make(memo))
    else:
        with target.writing() as draft:
            made = site.make(memo, draft)
            changes = target.finish(made)
        for each in made:
            if each.path in changes.written:
                site.published.replaced(each)
    summary = _summary(site, changes)
    if not dry_run:
        _remember(project, memo, site, summary, config)
    return Built(summary, changes, problems, gone, by_feed(site.ending))


def plan_site(project: Project, memo: Memo) -> Site:
    """Return everything that a build of `project` makes.

    Raises the errors of `read_content`, ArticleError, and RecordError.
    """
    edition = make_edition(read_content(project, memo), memo)
    return site_of(edition, memo, project.histories())


def site_of(edition: Edition, memo: Memo, histories: Mapping[str, History]) -> Site:
    """Return everything that a build of `edition` makes. histories: of the digests, by name."""
    project = edition.content.project
    files = feed_files(edition).and_these(digest_files(edition))
    manifest = outputs.read_manifest(project.feeds_folder)
    before = _retired_before(manifest)
    successors = _successors(edition, files, manifest)
    ended = retire(before, successors, project.now, lambda path: _content(project, path))
    waiting = _in_doubt(edition.content, ended.keys() - before.keys())
    ended = {path: each for path, each in ended.items() if path not in waiting}
    settings = project.settings.feeds
    stay = {path: each for path, each in ended.items() if project.now < each.until(settings)}
    published = published_files(project, memo)
    return Site(
        edition=edition,
        files=files.and_these(ending_files(edition, stay)),
        retired=stay,
        ending={path: each for path, each in ended.items() if path not in before},
        kept=(*project.kept_paths(histories), *waiting),
        published=published,
        reads=read_by_files(edition, histories, published),
    )


def published_files(project: Project, memo: Memo) -> PublishedFiles:
    """Return the files of the feeds folder as the last build left them."""
    recorded = memo.state(_PUBLISHED, dict[str, tuple[Stamp, str]])
    return PublishedFiles(project.feeds_folder, recorded or {})


def _retired_before(manifest: Manifest) -> dict[str, Retired]:
    """Return the feeds that had ended at the last build, by path."""
    found = {}
    for path, told in manifest.retired.items():
        with suppress(msgspec.ValidationError):
            found[path] = msgspec.convert(told, Retired)
    return found


def _successors(edition: Edition, files: Files, manifest: Manifest) -> Successors:
    """Return what to follow instead of a feed that is not among `files`."""
    settings, catalogue = edition.content.project.settings, edition.content.catalogue
    groups = {
        f"{folder}/{topic.slug}/": articles
        for folder in settings.feeds.by
        for topic, articles in {"topics": catalogue.topics, "tags": catalogue.tags}[folder].items()
    }
    return Successors(
        frozenset(files.paths),
        manifest.files,
        groups,
        settings.topics.aliases,
        settings.feeds.formats,
        settings.renamed,
    )


def _in_doubt(content: Content, ending: Collection[str]) -> frozenset[str]:
    """Return the feeds among `ending` that may only lack an article that has an error now."""
    if not content.problems:
        return frozenset()
    read = {article.id for article in content.articles.read}
    return frozenset(
        path for path in ending if is_in_doubt(path, _content(content.project, path) or b"", read)
    )


def _content(project: Project, path: str) -> bytes | None:
    return folders.content_of(project.feeds_folder / path)


def _dropped_out(project: Project, content: Content) -> tuple[str, ...]:
    """Return the titles of the entries that readers have, and that this build will not have."""
    ids = {article.id for article in content.catalogue.articles}
    retired = outputs.read_manifest(project.feeds_folder).retired
    found = published_entries(project.feeds_folder, ids, but=retired)
    return tuple(each.title for each in found if each.id not in ids)


def _summary(site: Site, changes: Changes) -> Summary:
    content = site.edition.content
    pages = content.articles.pages
    return Summary(
        folder=content.project.settings.feeds.folder,
        articles=len(content.catalogue.articles),
        feeds=len(site.edition.feeds),
        files=len(changes.written) + changes.unchanged,
        pages={why: [p for p in pages if pages[p] == why] for why in dict.fromkeys(pages.values())},
    )


def _remember(
    project: Project,
    memo: Memo,
    site: Site,
    summary: Summary,
    config: bytes,
) -> None:
    """Store what the next build needs to find that nothing has changed."""
    published = site.published
    left = _settled(project, published.seen)
    memo.leave(_PUBLISHED, {path: (stamp, published.seen[path][1]) for path, stamp in left.items()})
    content = site.edition.content
    unsure = content.problems or config != folders.content_of(project.root / project.config_name)
    if not unsure:
        there = dict(folders.walk(project.feeds_folder, ".", everything=True))
        others = {path: each for path, each in there.items() if path not in left}
        before = folders.disk_time(project.state)
        stamps = {path: folders.trusted(each, before) for path, each in others.items()}
        since, until = steady(content.articles.read, project.now)
        ends = [each.until(project.settings.feeds) for each in site.retired.values()]
        until = min((*ends, *([until] if until else [])), default=None)
        taken = snapshot.take(
            _scope(project),
            config,
            content.articles.found.stamps,
            (since, until),
            summary,
            outputs={**stamps, **left},
        )
        memo.leave(snapshot.SNAPSHOT, taken)
    memo.sweep()


def _settled(project: Project, seen: Mapping[str, tuple[Stamp, str]]) -> dict[str, Stamp]:
    """Return the stamps of files, if need be a moment later, when they can be trusted."""
    before = 0
    for _ in range(_LOOKS):
        before = folders.disk_time(project.state)
        if all(folders.is_settled(stamp, before) for stamp, _ in seen.values()):
            break
        time.sleep(_TICK_S)
    return {path: folders.trusted(stamp, before) for path, (stamp, _) in seen.items()}


def _scope(project: Project) -> Scope:
    settings = project.settings
    return Scope(
        searched=[*sources.searched(settings.articles)],
        needed=[*map(sources.inside, settings.articles.folders)],
        but=[sources.inside(each) for each in project.written_folders],
        feeds=settings.feeds.folder,
        zone=[str(path) for path in zone_paths(settings.publication)],
    )
