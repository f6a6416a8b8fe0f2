"""A build that has something to do: all of the site, or what an edit has changed.

Not in `build`, since a run that finds nothing changed imports nothing that makes feeds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NoReturn

import click
import msgspec
from msgspec import Struct

from broadsheet.articles.catalogue import steady
from broadsheet.cli.amending import Amendment, amendment
from broadsheet.cli.making import Site, site
from broadsheet.cli.project import Project
from broadsheet.errors import Problem
from broadsheet.feeds.retired import by_feed
from broadsheet.markup import dialect, prepare
from broadsheet.pipeline import plans, reading, standing
from broadsheet.pipeline.cache import Cache
from broadsheet.pipeline.standing import Last, Look, Published, Summary
from broadsheet.storage import folders, outputs
from broadsheet.storage.folders import Stamp
from broadsheet.storage.outputs import Changes


class Built(Struct, frozen=True):
    """The result of a build.

    problems: those of the articles that were left out. gone: the titles of published entries that
    are no longer in the feeds. ended: a message for each feed that this build ends.
    """

    summary: Summary
    changes: Changes
    problems: tuple[Problem, ...] = ()
    gone: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()


def build(
    project: Project,
    seen: Look | None,
    config: bytes,
    config_now: Callable[[], bytes],
    *,
    strict: bool = False,
    adopt: bool = False,
    dry_run: bool = False,
) -> Built:
    """Makes the feeds folder of `project` what it should be.

    seen: what was seen of the folders, if they were looked at. config: the text of the config
    from before `project` read it; config_now: the text as it is. Ends the command where articles
    are wrong and it is `strict`.
    """
    with outputs.lock(project.state, project.config_name), Cache(project.state) as kept:
        before = Published(project.feeds_folder, project.fingerprint, project.state, kept)
        # Not where another run has published since: it may have found what we have not.
        if seen and seen.there == before.there:
            project.seen = seen
        if edit := amendment(project, kept):
            return _amend(project, edit, kept, before, lambda: config_now() == config)
        names = project.settings.articles.dialects
        project.meanwhile, project.puts_off = lambda: prepare(map(dialect, names)), True
        try:
            made = site(project, kept)
        finally:
            project.catch_up(kept)
        problems = project.articles.problems
        if problems and strict:
            _refuse(problems)
        gone = _dropped_out(project) if problems else ()
        changes = outputs.publish(
            project.feeds_folder,
            made.documents,
            project.settings.feeds.folder,
            standing=before.standing(made.documents),
            keep=(*project.kept, *made.waiting),
            retired=msgspec.to_builtins(made.retired),
            adopt=adopt,
            dry_run=dry_run,
        )
        summary = _summary(project, changes)
        if not dry_run:
            last = before.remember(
                changes, lambda after: _last(project, made, config, after, summary)
            )
            if last and not problems and config_now() == config:
                _remember(project, made, kept, last)
        return Built(summary, changes, problems, gone, _ended(project, made))


def _amend(
    project: Project, edit: Amendment, kept: Cache, before: Published, stands: Callable[[], bool]
) -> Built:
    """The same, where an edit has moved nothing."""
    changes = outputs.publish(
        project.feeds_folder,
        edit.documents,
        project.settings.feeds.folder,
        standing=before.standing(edit.documents, others=True),
        keep=outputs.EVERYTHING,
    )
    last = before.remember(changes, edit.amended)
    if last and stands():
        edit.remember(project.reader, kept, last)
    summary = edit.last.summary
    return Built(summary, replace(changes, unchanged=summary.files - len(changes.written)))


def _ended(project: Project, made: Site) -> tuple[str, ...]:
    """A message for each feed that this build ends."""
    folder, settings = project.settings.feeds.folder, project.settings.feeds
    return tuple(
        f"{folder}/{path}: this feed has ended; "
        + (
            f"it stays until {each.until(settings):%Y-%m-%d}, and its last entry links to "
            f"{folder}/{each.to}"
            if settings.keep_retired_days
            else "it is removed, as feeds.keep_retired_days is 0"
        )
        for path, each in by_feed(made.ending).items()
    )


def _last(
    project: Project, made: Site, config: bytes, after: Mapping[str, Stamp], summary: Summary
) -> Last | None:
    """What a build of all is remembered by that has left the feeds folder as `after`; None where
    what it read may have changed since, and nothing would show it."""
    stamps = project.found.stamps
    if not all(folders.is_settled(stamp, project.before) for stamp in stamps.values()):
        return None
    seen = standing.view(project.scope, config, stamps, after)
    since, until = steady(project.articles.read, project.now)
    ends = (each.until(project.settings.feeds) for each in made.retired.values())
    span = standing.span(since, min((*ends, *((until,) if until else ())), default=None))
    return Last(project.scope, seen, *span, summary)


def _remember(project: Project, made: Site, kept: Cache, last: Last) -> None:
    """Remembers a build of all."""
    with kept.together():
        standing.remember(kept, last, project.found.stamps)
        reading.forget_former(kept)
        plans.keep(kept, len(project.articles.read), project.feeds, made.held)


def _refuse(problems: Sequence[Problem]) -> NoReturn:
    for problem in problems:
        click.echo(str(problem), err=True)
    click.echo("nothing has been written (--strict)", err=True)
    raise SystemExit(1)


def _dropped_out(project: Project) -> tuple[str, ...]:
    """The titles of the entries that readers have, and that this build will not have."""
    from broadsheet.pipeline.published import (
        published,  # brings the checks, for the few runs that want it
    )

    ids = {article.id for article in project.catalogue.articles}
    found = published(project.feeds_folder, but=project.manifest.retired)
    return tuple(each.title for each in found if each.id not in ids)


def _summary(project: Project, changes: Changes) -> Summary:
    pages = project.articles.pages
    return Summary(
        folder=project.settings.feeds.folder,
        articles=len(project.catalogue.articles),
        feeds=len(project.feeds),
        files=len(changes.written) + changes.unchanged,
        pages={why: [p for p in pages if pages[p] == why] for why in dict.fromkeys(pages.values())},
    )
