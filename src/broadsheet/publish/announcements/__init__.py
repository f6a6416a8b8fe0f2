"""What happens after a run that succeeded: each file of this folder has a hook, found by itself.

A hook is a function with `@on_published`. It is called after every run that succeeded, even if
nothing had changed, as an earlier announcement may have failed. It yields what it announced. Hooks
are called in the order of their file names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Final

from broadsheet.errors import Problem
from broadsheet.model.settings import Settings
from broadsheet.publish.announcements._ledger import AnnouncementLedger
from broadsheet.text.urls import encode


@dataclass(frozen=True, slots=True)
class Published:
    """What a run has published. Paths are relative to the feeds folder.

    root: the project's folder. files: path -> SHA-256 in hexadecimal of everything at the
    destination. feeds: the paths of the feed documents. written, removed: what this run changed.
    read: returns the content of a file. now: aware. say: shows a line of progress. dry_run: nothing
    was copied, and nothing may be sent.
    """

    root: Path
    settings: Settings
    now: datetime
    files: Mapping[str, str]
    feeds: Sequence[str]
    written: Sequence[str]
    removed: Sequence[str]
    read: Callable[[str], bytes]
    ledger: AnnouncementLedger
    environment: Mapping[str, str] = field(repr=False)
    say: Callable[[str], object]
    dry_run: bool = False

    def url(self, path: str) -> str:
        """Return the URL of a published file."""
        return self.settings.publication.feeds_url + encode(path)

    def failed(self, target: str, urls: Sequence[str], words: str) -> Announcement:
        """Record that `target` could not be notified of `urls`. words: why."""
        until = self.ledger.record_failure(target, self.now)
        todo = f"the next `broadsheet publish` after {until:%H:%M %Z} notifies it again"
        return Announcement(target, urls, Problem(words, todo, target))


@dataclass(frozen=True, slots=True)
class Announcement:
    """The result for one target. urls: what it was notified of, or with a problem, was not.

    problem: why not. waits_until: when it is tried again, if it was not tried now.
    """

    target: str
    urls: Sequence[str] = ()
    problem: Problem | None = None
    waits_until: datetime | None = None


Hook = Callable[[Published], Iterator[Announcement]]
_HOOKS: Final[list[Hook]] = []


def on_published(hook: Hook) -> Hook:
    """Have `hook` called after every run of `publish` that succeeded."""
    _HOOKS.append(hook)
    return hook


@cache
def hooks() -> tuple[Hook, ...]:
    """Return all hooks, after importing every file of this folder."""
    for name in sorted(each.name for each in iter_modules(__path__)):
        import_module(f"{__name__}.{name}")
    return tuple(_HOOKS)
