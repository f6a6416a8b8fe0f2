"""A maildir: which of its mails wait to be read, and marking one as done (maildir(5))."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from broadsheet.delivery.private import create_folder
from broadsheet.errors import BroadsheetError, Problem, UsageError

_SEEN: Final = "S"
_TRASHED: Final = "T"


@dataclass(frozen=True, slots=True)
class Maildir:
    """The folder `path`, which has a folder new/."""

    path: Path

    @classmethod
    def at(cls, path: Path) -> Maildir:
        """The maildir at `path`. Raises UsageError where there is none that can be read."""
        try:
            if not (path / "new").is_dir():
                raise UsageError(
                    Problem("it is not a maildir: it has no folder new/", "", str(path))
                )
            next((path / "new").iterdir(), None)
        except OSError as error:
            raise UsageError(
                Problem(f"it cannot be read: {error.strerror}", "check the permissions", str(path))
            ) from error
        return cls(path)

    def waiting(self) -> Iterator[Path]:
        """What was not seen yet, the oldest first: names begin with the time.

        Also from cur/: a mail program that has only looked into the mailbox has moved it there.
        """
        for file in _files(self.path / "new"):
            yield file
        for file in _files(self.path / "cur"):
            if not {_SEEN, _TRASHED} & set(_flags(file)):
                yield file

    def done(self, file: Path) -> None:
        """Marks `file` as seen, in cur/; another run may have done it.

        Raises BroadsheetError where it cannot be moved.
        """
        folder = self.path / "cur"
        flags = "".join(sorted({*_flags(file), _SEEN}))
        try:
            create_folder(folder)
            file.rename(folder / f"{file.name.partition(':')[0]}:2,{flags}")
        except FileNotFoundError:
            return
        except OSError as error:
            raise BroadsheetError(
                Problem(
                    f"it is counted, but cannot be moved to cur/: {error.strerror}",
                    "check the permissions; it is not counted again",
                    str(file),
                )
            ) from error


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(f for f in folder.iterdir() if not f.name.startswith(".") and f.is_file())


def _flags(file: Path) -> str:
    return file.name.partition(":2,")[2]
