"""What reaches a terminal: text that others wrote can send it no commands.

Names, titles, addresses and the words of servers may hold escape sequences, which move the cursor,
hide text or rename the window, and marks that turn the order of characters around (Unicode TR 36).
All that is printed goes through here; such characters appear as `\\u001b`, which JSON reads back.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TextIO, cast

_COMMANDS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def harmless(text: str) -> str:
    """`text` with its control characters visible, but for tabs and line ends."""
    return _COMMANDS.sub(_visible, text)


def on_one_line(text: str) -> str:
    """The same without tabs and line ends: others' text in a line of ours makes no other line."""
    return harmless(text).replace("\t", "\\t").replace("\n", "\\n")


class Harmless:
    """A text stream whose control characters are visible. It has no `buffer` to write past it."""

    def __init__(self, stream: TextIO) -> None:
        self.raw = stream

    def write(self, text: str) -> int:
        """Writes `text`, and says that all of it was written."""
        self.raw.write(harmless(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Writes each of `lines`."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        if name == "buffer":
            raise AttributeError(name)
        return getattr(self.raw, name)


def raw(stream: TextIO) -> TextIO:
    """`stream` for what must stay as it is: data for programs, and our own progress bars."""
    return stream.raw if isinstance(stream, Harmless) else stream


def _visible(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


@contextmanager
def guarded() -> Iterator[None]:
    """While this lasts, whatever is printed is harmless."""
    before = sys.stdout, sys.stderr
    # One that was closed is None.
    sys.stdout, sys.stderr = (
        cast(TextIO, Harmless(raw(stream)) if stream else None) for stream in before
    )
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
