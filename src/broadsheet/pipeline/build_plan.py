"""Everything that a build makes: the feeds, the pages of digests, and the feeds that end."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from broadsheet.digests.selection import History
from broadsheet.feeds.retired import Retired, Successors, is_in_doubt, retire
from broadsheet.pipeline.edition import Content, Edition, make_edition, read_content
from broadsheet.pipeline.files import (
    Files,
    PublishedFiles,
    digest_files,
    ending_files,
    feed_files,
    read_by_files,
)
from broadsheet.pipeline.memo import Memo, Source
from broadsheet.pipeline.project import Project
from broadsheet.storage import folders, outputs
from broadsheet.storage.folders import Stamp
from broadsheet.storage.outputs import Manifest, Output, Target, Written

PUBLISHED = "published"
"""The state that holds the stamp and digest of each file, by path."""


@dataclass(frozen=True)
class BuildPlan:
    """Everything that a build makes, before it is made.

    retired: the ended feeds that still stay, by path. ending: the feeds that this run ends, whether
    they stay or not. kept: prefixes of the paths that stay although this run does not make them:
    issues, and feeds that may only lack an article with an error. published: the feeds folder as it
    is. reads: what the steps that make the files read.
    """

    edition: Edition
    files: Files
    retired: Mapping[str, Retired]
    ending: Mapping[str, Retired]
    kept: Collection[str]
    published: PublishedFiles
    reads: Mapping[str, Source]

    def make(self, output: Output = outputs.tell) -> list[Written]:
        """Make the files; by default only return what they would be."""
        return self.files.make(self.edition.content.memo, self.reads, output)

    def sizes(self, folders: Collection[str]) -> dict[str, int]:
        """Return the length in bytes of each file of the feeds in `folders`, and of digests."""
        reads = {name: each for name, each in self.reads.items() if name != "output"}
        made = self.files.of_feeds(folders).make(self.edition.content.memo, reads, outputs.tell)
        return {each.path: each.length for each in made}

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


def plan_build(project: Project, memo: Memo) -> BuildPlan:
    """Return everything that a build of `project` makes.

    Raises the errors of `read_content`, ArticleError, and RecordError.
    """
    return plan_of(make_edition(read_content(project, memo)), project.histories())


def plan_of(edition: Edition, histories: Mapping[str, History]) -> BuildPlan:
    """Return everything that a build of `edition` makes. histories: of the digests, by name."""
    project = edition.content.project
    files = feed_files(edition).and_these(digest_files(edition))
    manifest = outputs.read_manifest(project.feeds_folder)
    before = retired_before(manifest)
    successors = _successors(edition, files, manifest)
    ended = retire(before, successors, project.now, lambda path: _content(project, path))
    waiting = _in_doubt(edition.content, ended.keys() - before.keys())
    ended = {path: each for path, each in ended.items() if path not in waiting}
    settings = project.settings.feeds
    stay = {path: each for path, each in ended.items() if project.now < each.until(settings)}
    published = published_files(project, edition.content.memo)
    return BuildPlan(
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
    recorded = memo.state(PUBLISHED, dict[str, tuple[Stamp, str]])
    return PublishedFiles(project.feeds_folder, recorded or {})


def retired_before(manifest: Manifest) -> dict[str, Retired]:
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
        f"{by}/{topic.slug}/": articles
        for by in settings.feeds.by
        for topic, articles in catalogue.groups(by).items()
    }
    return Successors(
        frozenset(files.paths),
        manifest.files,
        groups,
        settings.topics.aliases,
        settings.feeds.formats,
        settings.renamed,
        settings.feeds.moved,
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
