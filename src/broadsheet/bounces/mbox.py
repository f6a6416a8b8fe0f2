"""The mails of a file, one or many (RFC 4155), read line by line: an mbox may be of any size."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from broadsheet.bounces.report import LARGEST

_LINE: Final = 65_536
# The line before each mail ends with a time as asctime(3) writes it; a sentence does not.
_FROM = re.compile(rb"From \S+ +\w{3} \w{3} [ \d]\d \d\d:\d\d")


def mails(file: BinaryIO) -> Iterator[bytes]:
    """Each mail of `file`; of one that is too large to be read, one byte more than is read."""
    mail = bytearray()
    many = blank = False
    for number, line in enumerate(iter(lambda: file.readline(_LINE), b"")):
        if number == 0:
            many = line.startswith(b"From ")
        elif many and blank and _FROM.match(line):
            yield bytes(mail)
            mail.clear()
        mail += line[: max(0, LARGEST + 1 - len(mail))]
        blank = line in {b"\n", b"\r\n"}
    yield bytes(mail)
