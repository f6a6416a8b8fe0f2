"""What every snippet for a scheduler needs: where Broadsheet runs, and what to run.

A snippet runs Broadsheet far more often than an issue is due. Broadsheet itself knows the ticks, in
the publication's time zone and across clock changes, and a run with nothing to do does nothing. So
the scheduler needs no time zone, and the next run catches up on a missed one.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

COMMIT_MESSAGE = "Publish feeds and digests"
_DRAFTS = "digests"
"""The folder of drafts and editor's notes."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where Broadsheet runs.

    project: absolute path of the project. command: how to call Broadsheet, word by word.
    config: the name of the config in the project, "" for the default. folder: the feeds folder,
    relative to the project. zone: the time zone of the schedules. commit: whether a run commits and
    pushes what it wrote.
    """

    project: str
    command: tuple[str, ...]
    config: str
    folder: str
    zone: str
    commit: bool

    def call(self, *command: str) -> tuple[str, ...]:
        """Return `command` with `--config`, if the config has another name."""
        return (*command, "--config", self.config) if self.config else command


def note(place: Place) -> str:
    """Return a comment that says why the schedule differs from those of the digests."""
    return f"Broadsheet knows when an issue is due, in {place.zone}; other runs do nothing."


def commit(place: Place, push: str = "") -> str:
    """Return the shell command that commits what a run wrote, and pushes. push: its arguments.

    It commits the feeds folder and the drafts of issues that wait for approval, and nothing else,
    such as what the user has staged, or an editor's note that is not finished.
    """
    folder, drafts = shlex.quote(place.folder), f"{_DRAFTS}/.broadsheet.json"
    every = f"{folder} {drafts} ':(glob){_DRAFTS}/*/*.draft/**'"
    push = f"git push --quiet {push}".strip()
    return (
        f"git add -A -- {folder} && {{ ! test -e {drafts} || git add -A -- {every} 2>/dev/null "
        f"|| git add -- {drafts}; }} && {{ git diff --cached --quiet -- {every} || "
        f"{{ git diff --cached --name-only --no-renames --relative -z -- {every} | "
        f"GIT_LITERAL_PATHSPECS=1 git commit --quiet -m {shlex.quote(COMMIT_MESSAGE)} "
        f"--pathspec-from-file=- --pathspec-file-nul && {push}; }}; }}"
    )
