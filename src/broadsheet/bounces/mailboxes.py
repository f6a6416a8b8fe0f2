"""Where returned mail is stored: an mbox (RFC 4155), or a maildir (maildir(5))."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

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


@dataclass(frozen=True, slots=True)
class UnseenMail:
    """A mail in a mailbox that is not marked as seen.

    shown: its name in messages. read: returns the mail, cut one byte after `MAX_MAIL_BYTES`, or
    None if it is gone; raises OSError. mark_seen: raises BroadsheetError.
    """

    shown: str
    read: Callable[[], bytes | None]
    mark_seen: Callable[[], object]


def unseen_in_maildir(path: Path) -> list[UnseenMail]:
    """Return the mails that are not marked as seen, oldest first: names begin with the time.

    It includes cur/: a mail program that only looked into the mailbox has moved them there. Raises
    UsageError if `path` is not a maildir or cannot be read.
    """
    try:
        if not (path / "new").is_dir():
            raise UsageError(Problem("it is not a maildir: it has no folder new/", "", str(path)))
        files = [*_mail_files(path / "new"), *filter(_is_unseen, _mail_files(path / "cur"))]
    except OSError as error:
        what = f"it cannot be read: {error.strerror}"
        raise UsageError(Problem(what, "check the permissions", str(path))) from error
    return [
        UnseenMail(f"{f.parent.name}/{f.name}", partial(_start_of, f), partial(_mark_seen, f))
        for f in files
    ]


def _start_of(file: Path) -> bytes | None:
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_MAIL_BYTES + 1)
    except FileNotFoundError:  # another run, or a mail program, has moved it
        return None


def _mark_seen(file: Path) -> None:
    """Move `file` to cur/ as seen; another run may have done so already."""
    folder = file.parents[1] / "cur"
    flags = "".join(sorted({*_flags(file), "S"}))
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        file.rename(folder / f"{file.name.partition(':')[0]}:2,{flags}")
    except FileNotFoundError:
        return
    except OSError as error:
        what = f"it was processed, but cannot be moved to cur/: {error.strerror}"
        todo = "check the permissions; it does not count again"
        raise BroadsheetError(Problem(what, todo, str(file))) from error


def _mail_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(f for f in folder.iterdir() if not f.name.startswith(".") and f.is_file())


def _is_unseen(file: Path) -> bool:
    return not {"S", "T"} & set(_flags(file))  # seen, trashed


def _flags(file: Path) -> str:
    return file.name.partition(":2,")[2]
