"""Makes text from others harmless on a terminal.

Names, titles, addresses and replies of servers may contain escape sequences, which move the cursor,
hide text or rename the window, and marks that reverse the order of characters (Unicode TR 36). All
output goes through here; such characters appear as `\\u001b`, which JSON reads back.

Our own colours are marked with noncharacters (Unicode, 23.7), which become escape sequences only on
a terminal that wants them (no-color.org, bixense.com/clicolors).
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Literal, TextIO, cast

_COMMANDS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


_STYLES: Final = {"bold": "\ufdd0", "red": "\ufdd1", "yellow": "\ufdd2", "green": "\ufdd3"}
_END: Final = "\ufddf"
_CODES: Final = {"\ufdd0": "1", "\ufdd1": "1;31", "\ufdd2": "1;33", "\ufdd3": "32", _END: "0"}
_MARKS: Final = re.compile(f"[{''.join(_CODES)}]")


def styled(text: str, style: Literal["bold", "red", "yellow", "green"]) -> str:
    """Return `text` in a style, for output that goes through `guarded`."""
    return f"{_STYLES[style]}{text}{_END}"


def has_colour(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether `stream` is to have colours."""
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR") or environment.get("CLICOLOR_FORCE", "0") != "0":
        return True
    return environment.get("TERM") != "dumb" and stream.isatty()


def harmless(text: str) -> str:
    """Return `text` with its control characters visible, except tabs and line ends."""
    return _COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def on_one_line(text: str) -> str:
    """Return the same without tabs and line ends, so that it stays on one line."""
    return harmless(text).replace("\t", "\\t").replace("\n", "\\n")


class Harmless:
    """A text stream that makes control characters visible. It has no `buffer` to bypass it."""

    def __init__(self, stream: TextIO) -> None:
        self.raw = stream
        self._colour = has_colour(stream)

    def write(self, text: str | bytes) -> int:
        """Write `text`, and return its length. Bytes, of click's completions, are UTF-8."""
        if isinstance(text, bytes):
            text = text.decode("utf-8", "replace")
        self.raw.write(_MARKS.sub(self._code, harmless(text)))
        return len(text)

    def _code(self, mark: re.Match[str]) -> str:
        return f"\x1b[{_CODES[mark[0]]}m" if self._colour else ""

    def writelines(self, lines: Any) -> None:
        """Write each of `lines`."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        if name == "buffer":
            raise AttributeError(name)
        return getattr(self.raw, name)


def raw(stream: TextIO) -> TextIO:
    """Return the stream for unchanged output: data for programs, and progress bars."""
    return stream.raw if isinstance(stream, Harmless) else stream


@contextmanager
def guarded() -> Iterator[None]:
    """Make everything printed in the block harmless."""
    before = sys.stdout, sys.stderr
    # A closed one is None.
    sys.stdout, sys.stderr = (
        cast(TextIO, Harmless(raw(stream)) if stream else None) for stream in before
    )
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
