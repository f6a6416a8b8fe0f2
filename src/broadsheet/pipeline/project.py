"""A project on disk: where it is, its settings, and the `now` of this run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from broadsheet.digests.issue import Issue, issue_folder
from broadsheet.digests.notes import Note
from broadsheet.digests.selection import CatalogueAt, Digest, History
from broadsheet.errors import LockError
from broadsheet.feeds import INDEX
from broadsheet.model.settings import Settings
from broadsheet.pipeline.location import Location, moment
from broadsheet.pipeline.memo import Memo, Progress, no_progress, with_memo
from broadsheet.pipeline.snapshot import STATE
from broadsheet.storage import PREVIEWS, config, folders, issue_records, outputs, sources

T = TypeVar("T")

NOTES: Final = "digests"
"""The folder of editor's notes and drafts, beside broadsheet.toml."""


@dataclass(frozen=True)
class Project:
    """A project. Nothing of it is read from disk but the config; methods read what they return.

    root: its folder. config_name, config: file name and text of its config. now: aware. workers:
    how many processes may work on it; None: one for each core. progress: shows how far a run is.
    is_untouched: whether runs that write no output leave the folder of the lock and the store as it
    is too; then they do not wait for other runs.
    """

    root: Path
    config_name: str
    config: bytes
    settings: Settings
    now: datetime
    workers: int | None = None
    progress: Progress = no_progress
    is_untouched: bool = False

    @property
    def state(self) -> Path:
        """The folder of the lock and the store; it can be deleted at any time."""
        return self.root / STATE

    @property
    def feeds_folder(self) -> Path:
        """The folder that the feeds are written to."""
        return self.root / self.settings.feeds.folder

    @property
    def written_folders(self) -> tuple[str, ...]:
        """The folders that runs write, in which no article is looked for; so are those of notes."""
        notes = (issue_folder(name).rstrip("/") for name in self.settings.digests)
        return self.settings.feeds.folder, PREVIEWS, *notes

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs on this project waiting. Raises BusyError after a minute, LockError."""
        with outputs.lock(self.state, self.config_name):
            yield

    def run(self, work: Callable[[Memo], T], *, writes: bool = True) -> T:
        """Return what `work` returns, with the lock and the memo; see `with_memo`.

        writes: whether `work` writes files. If not, the project may be read-only, and then no other
        run writes either. Raises the errors of `locked`.
        """
        run = partial(
            with_memo, self.state, self.root, work, workers=self.workers, progress=self.progress
        )
        if self.is_untouched and not writes:
            return run(is_writable=False)
        try:
            with self.locked():
                return run()
        except LockError:
            if writes:
                raise
            return run(is_writable=False)

    def history(self, name: str) -> History:
        """Return the issues that were made of the digest called `name`. Raises RecordError."""
        digest = self.settings.digests.get(name)
        former = digest.renamed_from if digest else ()
        folder = self.settings.feeds.folder
        return issue_records.history(self.feeds_folder, name, folder, former=former)

    def histories(self) -> dict[str, History]:
        """Return the issues of each digest, by its name. Raises RecordError."""
        return {name: self.history(name) for name in self.settings.digests}

    def former_histories(self) -> dict[str, History]:
        """Return the issues of digests that were removed from the config. Raises RecordError."""
        known = self.settings.digests.keys() | self.settings.renamed.keys()
        names = (name for name in issue_records.names(self.feeds_folder) if name not in known)
        return {name: self.history(name) for name in names}

    def templates(self) -> dict[str, str]:
        """Return the user's own mail templates, by name. Raises TemplateError."""
        return sources.templates(self.root, self.settings.mail.templates)

    @property
    def drafts_folder(self) -> Path:
        """The folder of the drafts and editor's notes of all digests."""
        return self.root / NOTES

    def drafts(self, name: str) -> tuple[Issue, ...]:
        """Return the drafts that were made of the digest called `name`, oldest first."""
        return issue_records.drafts(self.root, name)

    def digest(self, name: str, catalogue_at: CatalogueAt, notes: Mapping[str, Note]) -> Digest:
        """Return the digest called `name` in the config. notes: by the key of an issue."""
        return Digest(
            name,
            self.settings.digests[name],
            self.settings.publication.timezone,
            catalogue_at,
            str(self.settings.publication.url),
            notes,
            drafts=tuple(draft.key for draft in self.drafts(name)),
            names=self.settings.names(name),
        )

    def kept_paths(self, histories: Mapping[str, History]) -> tuple[str, ...]:
        """Return the paths in the feeds folder that a build does not make and keeps: issues.

        Not the remains of an issue whose run was killed and that was then made at a later tick:
        they have no record. The issues and page of a digest that left the config stay.
        """
        former = [
            path
            for path in self.feeds_folder.glob("digests/*/*")
            if path.parent.name not in self.settings.digests
        ]
        pages = (issue_folder(each.parent.name) + INDEX for each in former)
        theirs = (issue_folder(each.parent.name, each.name) for each in former if each.is_dir())
        issues = (issue for history in histories.values() for issue in history.everything)
        return (
            *sorted({*pages, *theirs}),
            *(issue_folder(issue.digest, issue.key) for issue in issues),
        )


def open_project(
    place: Location, *, workers: int | None = None, progress: Progress = no_progress
) -> Project:
    """Return the project at `place`. Raises ConfigError, and UsageError for its `now`."""
    path = place.config_path
    text = folders.content_of(path) or b""  # if it cannot be read, `load` says so
    settings = config.load(path, place.shown)
    now = moment(place.now)
    if not now.tzinfo:
        now = now.replace(tzinfo=settings.publication.timezone)
    return Project(path.parent, path.name, text, settings, now, workers, progress)
