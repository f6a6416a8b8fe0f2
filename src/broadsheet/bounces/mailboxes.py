"""Where returned mail is stored: an mbox (RFC 4155), or a maildir (maildir(5))."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from broadsheet.bounces.report import MAX_MAIL_BYTES
from broadsheet.errors import BroadsheetError, Problem, UsageError

_CHUNK_BYTES: Final = 65_536
# The line before each mail ends with a time as asctime(3) writes it; a sentence does not.
_MBOX_LINE: Final = re.compile(rb"From \S+ +\w{3} \w{3} [ \d]\d \d\d:\d\d")


def split_mbox(file: BinaryIO) -> Iterator[bytes]:
    """Return each mail in `file`, an mbox of any size or a single mail.

    A mail that is too large to be read is cut one byte after `MAX_MAIL_BYTES`.
    """
    mail = bytearray()
    many = blank = False
    for number, line in enumerate(iter(lambda: file.readline(_CHUNK_BYTES), b"")):
        if number == 0:
            many = line.startswith(b"From ")
        elif many and blank and _MBOX_LINE.match(line):
            yield bytes(mail)
            mail.clear()
        mail += line[: max(0, MAX_MAIL_BYTES + 1 - len(mail))]
        blank = line in {b"\n", b"\r\n"}
    yield bytes(mail)


class UnseenMail(Protocol):
    """A mail in a mailbox that is not marked as seen."""

    @property
    def shown(self) -> str:
        """Its name in messages."""

    def read(self) -> bytes | None:
        """Return the start of the mail; None if it is gone. Raises OSError."""

    def mark_seen(self) -> None:
        """Mark it as seen. Raises BroadsheetError."""


class Mailbox(Protocol):
    """A mailbox."""

    def unseen(self) -> Iterator[UnseenMail]:
        """Return the mails that are not marked as seen, oldest first."""


@dataclass(frozen=True, slots=True)
class Maildir:
    """A maildir. path: a folder that contains a folder new/."""

    path: Path

    @classmethod
    def open(cls, path: Path) -> Maildir:
        """Return the maildir at `path`. Raises UsageError if it is not one or cannot be read."""
        try:
            if not (path / "new").is_dir():
                problem = Problem("it is not a maildir: it has no folder new/", "", str(path))
                raise UsageError(problem)
            next((path / "new").iterdir(), None)
        except OSError as error:
            what = f"it cannot be read: {error.strerror}"
            raise UsageError(Problem(what, "check the permissions", str(path))) from error
        return cls(path)

    def unseen(self) -> Iterator[MaildirMail]:
        """Return the mails that are not marked as seen, oldest first: names begin with the time.

        It includes cur/: a mail program that only looked into the mailbox has moved them there.
        """
        for file in _mail_files(self.path / "new"):
            yield MaildirMail(self.path, file)
        for file in _mail_files(self.path / "cur"):
            if not {"S", "T"} & set(_flags(file)):  # seen, trashed
                yield MaildirMail(self.path, file)


@dataclass(frozen=True, slots=True)
class MaildirMail:
    """A mail in the maildir at `path`."""

    path: Path
    file: Path

    @property
    def shown(self) -> str:
        """Its name in messages."""
        return f"{self.file.parent.name}/{self.file.name}"

    def read(self) -> bytes | None:
        """Return the mail, cut one byte after `MAX_MAIL_BYTES`; None if it was moved meanwhile.

        Raises OSError.
        """
        try:
            with self.file.open("rb") as stream:
                return stream.read(MAX_MAIL_BYTES + 1)
        except FileNotFoundError:  # another run, or a mail program
            return None

    def mark_seen(self) -> None:
        """Move it to cur/ as seen; another run may have done so already.

        Raises BroadsheetError if it cannot be moved.
        """
        folder = self.path / "cur"
        flags = "".join(sorted({*_flags(self.file), "S"}))
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            self.file.rename(folder / f"{self.file.name.partition(':')[0]}:2,{flags}")
        except FileNotFoundError:
            return
        except OSError as error:
            what = f"it was processed, but cannot be moved to cur/: {error.strerror}"
            todo = "check the permissions; it does not count again"
            raise BroadsheetError(Problem(what, todo, str(self.file))) from error


def _mail_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(f for f in folder.iterdir() if not f.name.startswith(".") and f.is_file())


def _flags(file: Path) -> str:
    return file.name.partition(":2,")[2]
