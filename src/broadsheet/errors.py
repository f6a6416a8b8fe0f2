"""Problems as data, and the exceptions that carry them.

Everything that Broadsheet tells a user about a mistake is a `Problem`; everything it raises on
purpose is a `BroadsheetError` with one or more of them. So one run can report every problem, and
every message has the same form: ``path:line: key: what is wrong; what to do``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    what: what is wrong, with the value found. todo: what to write or do instead; may be "".
    path: the file, relative to the project where it is inside it; "" if no file is at fault.
    line: 1-based line in that file; None if no single line is at fault.
    key: the config key as TOML writes it (`delivery.sender`), or the front matter field; "" if
    none is at fault.
    """

    what: str
    todo: str = ""
    path: str = ""
    line: int | None = None
    key: str = ""

    @property
    def where(self) -> str:
        """`path:line`, `path`, or ""."""
        return self.path if self.line is None else f"{self.path}:{self.line}"

    @property
    def words(self) -> str:
        """The message without its place: `key: what; todo`."""
        what = f"{self.key}: {self.what}" if self.key else self.what
        return f"{what}; {self.todo}" if self.todo else what

    def __str__(self) -> str:
        return f"{self.where}: {self.words}" if self.where else self.words


def unforeseen(error: Exception) -> tuple[str, str]:
    """Return what is wrong with a text on which a library failed, and what to do."""
    said = " ".join(f"{type(error).__name__}: {error}".split())
    return (
        f"it cannot be read, because of an unexpected error ({said[:200]})",
        "look for something unusual in it, and please report it with the text",
    )


class BroadsheetError(Exception):
    """Base class of everything that Broadsheet raises on purpose. `problems` is never empty."""

    exit_code = 1

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class UsageError(BroadsheetError):
    """The command line asks for something impossible."""

    exit_code = 2


class ConfigError(BroadsheetError):
    """broadsheet.toml is missing or wrong; has all of its problems."""

    exit_code = 2


class PluginError(BroadsheetError):
    """An installed plugin cannot be used."""

    exit_code = 2


class ArticleError(BroadsheetError):
    """A source file cannot be read as an article."""


class RenderError(ArticleError):
    """Articles whose bodies cannot be rendered; each problem names one."""


class RecordError(BroadsheetError):
    """The record of an issue cannot be read; continuing would send its articles again."""


class OutputError(BroadsheetError):
    """The output folder cannot be written; its files are unchanged."""


class LockError(OutputError):
    """The folder of the lock cannot be written."""


class BusyError(BroadsheetError):
    """Another run is working on the same project."""


class TemplateError(BroadsheetError):
    """A mail template cannot be used."""


class DatabaseError(BroadsheetError):
    """The delivery database cannot be used; its contents are unchanged."""


class DatabaseLockedError(DatabaseError):
    """Another program holds the lock of the delivery database; the user can wait or stop it."""


class ConflictingRestoreError(DatabaseError):
    """A restore would lose changes, or change a database that is in use."""


class ConsentError(BroadsheetError):
    """A list may say who must not be mailed, in a way not understood; nothing was imported."""


class DeliveryError(BroadsheetError):
    """Mail cannot be sent; the ledger has what was sent, and the next run continues from there."""


class PublishError(BroadsheetError):
    """The feeds folder cannot be published; the next run continues from what was copied."""


class ConflictError(PublishError):
    """Another run publishes to the same destination."""
