"""The one error tree: what was wrong, where it is, and what to do about it.

Everything that Broadsheet tells a user about a mistake is a `Problem`; everything it raises on
purpose is a `BroadsheetError` that carries one or more of them. So one run can report all that is
wrong, and every message has the same shape: ``path:line: what is wrong; what to do``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    path: the file, relative to the project where it lies in it; "" where no file is at fault.
    line: 1-based line in that file, or None where no single line is at fault.
    what: what is wrong, naming the field and the value found.
    todo: what to write or do instead; may be "".
    """

    what: str
    todo: str = ""
    path: str = ""
    line: int | None = None

    @property
    def where(self) -> str:
        """`path:line`, `path`, or ""."""
        return self.path if self.line is None else f"{self.path}:{self.line}"

    @property
    def words(self) -> str:
        """What is wrong, and what to do."""
        return f"{self.what}; {self.todo}" if self.todo else self.what

    def __str__(self) -> str:
        return f"{self.where}: {self.words}" if self.where else self.words


def unforeseen(error: Exception) -> tuple[str, str]:
    """What is wrong with a text that a library stumbled over, and what to do."""
    said = " ".join(f"{type(error).__name__}: {error}".split())
    return (
        f"it cannot be read, because of an unexpected error ({said[:200]})",
        "look for what is unusual in it, and please report it with the text",
    )


class BroadsheetError(Exception):
    """The root of all that Broadsheet raises on purpose. `problems` is never empty."""

    exit_code = 1

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class UsageError(BroadsheetError):
    """The command line asks for something that cannot be."""

    exit_code = 2


class ConfigError(BroadsheetError):
    """broadsheet.toml is missing or wrong; all of its problems at once."""

    exit_code = 2


class ArticleError(BroadsheetError):
    """One source file cannot be read as an article."""


class RenderError(ArticleError):
    """Articles whose bodies cannot be rendered; each problem names one."""


class IdentityError(BroadsheetError):
    """Two articles claim the same identity; publishing either would lose one."""


class RecordError(BroadsheetError):
    """The record of an issue cannot be read; going on would send its articles again."""


class OutputError(BroadsheetError):
    """The output folder cannot be written; what was there before still stands."""


class BusyError(BroadsheetError):
    """Another run is at work on the same project."""


class TemplateError(BroadsheetError):
    """A mail template cannot be used as it stands."""


class DatabaseError(BroadsheetError):
    """The delivery database cannot be used; what it holds still stands."""


class DatabaseLockedError(DatabaseError):
    """Another program holds the lock of the delivery database; the user can wait or stop it."""


class ConsentError(BroadsheetError):
    """A list may say who must not be mailed, in a way that is not understood; nothing was taken."""


class DeliveryError(BroadsheetError):
    """Mail cannot be sent; the ledger knows what was, and the next run goes on from there."""
