"""The Python API: load a project, and get what its commands would make as values.

    import broadsheet

    site = broadsheet.load("path/to/the/site")
    for path, data in site.build().files.items():
        print(path, len(data))

Nothing is written unless a call says `write=True`; then the calls do what the commands `build` and
`digest` do, with the same locks and guarantees. All errors are subclasses of
`broadsheet.errors.BroadsheetError`, with the problems that a command would print. The functions are
synchronous; do not call them from several threads at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from broadsheet.checks import Finding
from broadsheet.digests.issue import RECORD, RenderedIssue, issue_folder
from broadsheet.errors import Problem
from broadsheet.model.settings import Settings
from broadsheet.pipeline.build import Built, build, build_in_memory
from broadsheet.pipeline.check import check_project
from broadsheet.pipeline.issues import DigestRequest, make_due_issues
from broadsheet.pipeline.location import Location
from broadsheet.pipeline.project import Project, open_project

__all__ = ["Broadsheet", "BuildResult", "DigestResult", "MadeIssue", "load"]


def load(path: str | Path = ".", config: str | Path = "broadsheet.toml") -> Broadsheet:
    """Return the project in the folder `path`. config: its config, relative to the folder.

    Raises ConfigError with every problem if the config is missing or invalid.
    """
    return Broadsheet(open_project(Location(Path(path), Path(config))))


@dataclass(frozen=True, slots=True)
class BuildResult:
    """The feeds of a project at one time.

    files: the content of every file that `build` makes, by its path in the feeds folder; empty if
    they were written. written, removed: the paths of those that were, or would be, changed.
    problems: why articles are left out. ended: the path of each feed that ends -> the feed or URL
    to follow instead.
    """

    files: Mapping[str, bytes]
    articles: int
    feeds: int
    written: Sequence[str]
    removed: Sequence[str]
    problems: Sequence[Problem]
    ended: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MadeIssue:
    """An issue of a digest.

    key: of the issue in its digest, such as 2025-06-30. folder: relative to the feeds folder.
    articles: their ids. files: the content of `index.html`, `email.html`, `email.txt`,
    `message.eml` and `issue.json`, by name.
    """

    digest: str
    key: str
    subject: str
    folder: str
    articles: Sequence[str]
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class DigestResult:
    """The issues that are due.

    issues: those that are, or would be, released. drafts: those that wait for approval. refused:
    digest -> why its next issue is not made. problems: why articles are left out.
    """

    issues: Sequence[MadeIssue]
    drafts: Sequence[MadeIssue]
    refused: Mapping[str, Sequence[Problem]]
    problems: Sequence[Problem]


@dataclass(frozen=True, slots=True)
class Broadsheet:
    """A project whose config was read. Articles are read anew by each call."""

    _project: Project

    @property
    def settings(self) -> Settings:
        """The config, with defaults."""
        return self._project.settings

    @property
    def folder(self) -> Path:
        """The folder of the project."""
        return self._project.root

    def build(
        self, now: datetime | None = None, *, write: bool = False, strict: bool = False
    ) -> BuildResult:
        """Return the feeds at `now`; with `write`, write them as `broadsheet build` does.

        now: by default the present; without an offset, in the time zone of the publication.
        strict: raise RefusedError if articles are wrong. Raises ArticleError, RecordError and
        OutputError.
        """
        project = self._at(now, write)
        if write:
            return _build_result(build(project, strict=strict), {})
        return _build_result(*build_in_memory(project, strict=strict))

    def digest(
        self,
        now: datetime | None = None,
        names: Collection[str] = (),
        *,
        write: bool = False,
        approve: str = "",
        allow_late: bool = False,
        allow_new: bool = False,
    ) -> DigestResult:
        """Return the issues that are due at `now`; with `write`, write them as `digest` does.

        names: of the digests; by default all. approve: the issue to release, DIGEST/KEY. Raises
        UsageError for an unknown name or issue, ArticleError, RecordError, TemplateError and
        OutputError.
        """
        project = self._at(now, write)
        project.settings.refuse_unknown(tuple(names))
        chosen = tuple(names) or tuple(project.settings.digests)
        issued = make_due_issues(
            project, DigestRequest(chosen, allow_late, allow_new, not write, approve)
        )
        drafts = [_made_issue(each, each.draft) for _, each in issued.waiting]
        released = [_made_issue(e, {**e.files, RECORD: e.record}) for e in issued.made]
        return DigestResult(released, drafts, issued.refused, issued.problems)

    def check(self, now: datetime | None = None) -> tuple[Finding, ...]:
        """Return everything that `broadsheet check` reports at `now`, worst first."""
        return check_project(self._at(now, write=False))[0]

    def _at(self, now: datetime | None, write: bool) -> Project:
        config, at = Path(self._project.config_name), now.isoformat() if now else ""
        project = open_project(Location(self._project.root, config, at))
        return replace(project, is_untouched=not write)


def _build_result(built: Built, files: Mapping[str, bytes]) -> BuildResult:
    return BuildResult(
        files,
        built.summary.articles,
        built.summary.feeds,
        built.changes.written,
        built.changes.removed,
        built.problems,
        {path: each.to for path, each in built.ended.items()},
    )


def _made_issue(made: RenderedIssue, files: Mapping[str, bytes]) -> MadeIssue:
    issue = made.issue
    folder = issue_folder(issue.digest, issue.key)
    return MadeIssue(issue.digest, issue.key, made.subject, folder, tuple(issue.ids), files)
