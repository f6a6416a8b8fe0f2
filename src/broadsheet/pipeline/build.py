"""Build the feeds of a project: from its articles to the files of the feeds folder."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from broadsheet.articles.catalogue import steady
from broadsheet.errors import BroadsheetError, Problem
from broadsheet.feeds.retired import Retired, by_feed
from broadsheet.pipeline import snapshot
from broadsheet.pipeline.build_plan import PUBLISHED, BuildPlan, plan_build
from broadsheet.pipeline.memo import Memo
from broadsheet.pipeline.project import Project
from broadsheet.pipeline.published_entries import published_entries
from broadsheet.pipeline.reading import zone_paths
from broadsheet.pipeline.snapshot import Scope, Snapshot, Summary
from broadsheet.storage import folders, sources
from broadsheet.storage.folders import Stamp
from broadsheet.storage.git_history import history_file
from broadsheet.storage.outputs import Changes, Target

_TICK_S = 0.021  # of a disk's clock; see `folders`
_LOOKS = 5  # at that clock


class RefusedError(BroadsheetError):
    """Articles are wrong, and `--strict` was given: nothing has been written."""


@dataclass(frozen=True)
class Built:
    """The result of a build.

    problems: those of the articles that were left out. gone: the titles of published entries that
    are no longer in the feeds. ended: the feeds that this build ends, as in `by_feed`. stale: the
    articles whose pages in the built site are older.
    """

    summary: Summary
    changes: Changes
    problems: tuple[Problem, ...]
    gone: tuple[str, ...]
    ended: Mapping[str, Retired]
    stale: tuple[Problem, ...]


def build(
    project: Project, *, strict: bool = False, adopt: bool = False, dry_run: bool = False
) -> Built:
    """Make the feeds folder of `project` what it should be; write only what changes.

    strict: raise RefusedError if articles are wrong. adopt: take over files that the manifest does
    not name. Raises the errors of `plan_build` and `Target`.
    """
    return project.run(
        lambda memo: _build(project, memo, strict, adopt, dry_run), writes=not dry_run
    )


def build_in_memory(project: Project, *, strict: bool = False) -> tuple[Built, dict[str, bytes]]:
    """Return what `build` would do, and the content of each file, by its path; write nothing.

    Raises the same errors, if the files of others are in the way too.
    """

    def made(memo: Memo) -> tuple[Built, dict[str, bytes]]:
        plan = _plan(project, memo, strict)
        target = plan.target()
        with TemporaryDirectory() as folder:
            draft = Target(Path(folder), plan.files.paths, folder)
            with draft.writing() as output:
                reads = {**plan.reads, "output": lambda _: None}  # so that each file is made
                files = plan.files.make(memo, reads, output)
                draft.finish(files)
            contents = {each.path: folders.content(Path(folder) / each.path) for each in files}
        target.refuse_foreign(files)
        return _built(plan, target.changes(files), _dropped_out(plan)), contents

    return project.run(made, writes=False)


def _build(project: Project, memo: Memo, strict: bool, adopt: bool, dry_run: bool) -> Built:
    plan = _plan(project, memo, strict)
    gone = _dropped_out(plan)
    target = plan.target()
    if not adopt and target.unknown:
        target.refuse_foreign(plan.make())
    changes = target.changes(plan.make()) if dry_run else _write(plan, target)
    built = _built(plan, changes, gone)
    if not dry_run:
        _remember(plan, built.summary)
    return built


def _plan(project: Project, memo: Memo, strict: bool) -> BuildPlan:
    plan = plan_build(project, memo)
    if strict and (problems := plan.edition.content.problems):
        raise RefusedError(*problems)
    return plan


def _built(plan: BuildPlan, changes: Changes, gone: tuple[str, ...]) -> Built:
    content = plan.edition.content
    stale = content.articles.stale_pages(content.catalogue.articles)
    summary = _summary(plan, changes)
    return Built(summary, changes, content.problems, gone, by_feed(plan.ending), stale)


def _write(plan: BuildPlan, target: Target) -> Changes:
    with target.writing() as draft:
        made = plan.make(draft)
        changes = target.finish(made)
    written = {*changes.written}
    for each in made:
        if each.path in written:
            plan.published.replaced(each)
    return changes


def _dropped_out(plan: BuildPlan) -> tuple[str, ...]:
    """Return the titles of the entries that readers have, and that this build will not have,
    perhaps because an article has a problem."""
    if not plan.edition.content.problems:
        return ()
    ids = {article.id for article in plan.edition.content.catalogue.articles}
    return tuple(each.title for each in published_entries(plan, ids) if each.id not in ids)


def _summary(plan: BuildPlan, changes: Changes) -> Summary:
    content = plan.edition.content
    pages = content.articles.pages
    return Summary(
        folder=content.project.settings.feeds.folder,
        articles=len(content.catalogue.articles),
        feeds=len(plan.edition.feeds),
        files=len(changes.written) + changes.unchanged,
        pages={why: [p for p in pages if pages[p] == why] for why in dict.fromkeys(pages.values())},
    )


def _remember(plan: BuildPlan, summary: Summary) -> None:
    """Store what the next build needs to find what has not changed."""
    content, seen = plan.edition.content, plan.published.seen
    project, memo = content.project, content.memo
    left = _settled(project, seen)
    memo.leave(PUBLISHED, {path: (stamp, seen[path][1]) for path, stamp in left.items()})
    is_same_config = project.config == folders.content_of(project.root / project.config_name)
    if is_same_config and not content.problems:
        memo.leave(snapshot.SNAPSHOT, _snapshot(plan, left, summary))
    memo.sweep()


def _snapshot(plan: BuildPlan, left: Mapping[str, Stamp], summary: Summary) -> Snapshot:
    """Return the snapshot of a build that left files with these stamps in the feeds folder."""
    content = plan.edition.content
    project = content.project
    before = folders.disk_time(project.state)
    there = folders.walk(project.feeds_folder, ".", everything=True)
    outputs = {path: folders.trusted(stamp, before) for path, stamp in there}
    since, until = steady(content.articles.read, project.now)
    ends = [each.until(project.settings.feeds) for each in plan.retired.values()]
    until = min([*ends, *([until] if until else [])], default=None)
    scope, inputs = _scope(project), content.articles.found.stamps
    found = snapshot.fingerprint(scope, project.config, inputs, {**outputs, **left})
    start, end = (each.isoformat() if each else "" for each in (since, until))
    return Snapshot(scope, found, start, end, summary)


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
    asks_git = "git" in settings.articles.date_from
    history = [each for each in [history_file(project.root)] if each] if asks_git else []
    catalogues = (project.root / path for path in settings.publication.catalogues)
    return Scope(
        searched=[*sources.searched(settings.articles)],
        needed=[*map(sources.inside, settings.articles.folders)],
        but=[sources.inside(each) for each in project.written_folders],
        feeds=settings.feeds.folder,
        also=[str(path) for path in (*zone_paths(settings.publication), *catalogues, *history)],
    )
