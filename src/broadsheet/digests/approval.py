"""Which issues wait for approval (`approval = "required"`), and when a draft may be released.

Issues are released in order: one that waits holds up all later ones, whose windows follow its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from broadsheet.digests.issue import Issue, draft_folder
from broadsheet.digests.selection import Digest
from broadsheet.errors import Problem


class Waiting(Struct, frozen=True):
    """An issue that is due and waits. behind: the key of an earlier one it waits for, or ""."""

    issue: Issue
    behind: str = ""

    @property
    def name(self) -> str:
        """DIGEST/KEY."""
        return f"{self.issue.digest}/{self.issue.key}"

    @property
    def words(self) -> str:
        """What it waits for, and the command that gives it."""
        if self.behind:
            return f"{self.name} is approved, and waits for {self.issue.digest}/{self.behind}"
        folder = draft_folder(self.issue.digest, self.issue.key)
        what = f"{self.name} is a draft and waits for approval"
        return f"{what}; see {folder}, then run `{self.command}`"

    @property
    def command(self) -> str:
        """The command that approves it."""
        return f"broadsheet digest --approve {self.name}"


def divide_approved(
    issues: Sequence[Issue], digest: Digest, approved: Collection[str]
) -> tuple[tuple[Issue, ...], tuple[Waiting, ...]]:
    """Return the issues, oldest first, that may be released, and those that wait.

    approved: the keys of those that are approved in this run.
    """
    if digest.settings.approval == "none":
        return tuple(issues), ()
    given = [issue.key in approved or digest.is_approved(issue.key) for issue in issues]
    first = given.index(False) if False in given else len(issues)
    return tuple(issues[:first]), tuple(
        Waiting(issue, issues[first].key if is_approved else "")
        for issue, is_approved in zip(issues[first:], given[first:], strict=True)
    )


def approval_problem(
    issue: Issue, drafted: Mapping[str, bytes], files: Mapping[str, bytes]
) -> Problem | None:
    """Return why the draft of `issue` is not released: the editor has not seen it as it is now.

    drafted: the files of the draft, by name; files: those that would be released.
    """
    if drafted == files:
        return None
    name, folder = f"{issue.digest}/{issue.key}", draft_folder(issue.digest, issue.key)
    what = "has changed since its draft was made" if drafted else "had no draft to look at"
    return Problem(
        f"{name} {what}, and was not released",
        f"look at the new draft in {folder}, then run `broadsheet digest --approve {name}` again",
    )
