"""Places in TOML text, which `tomllib` does not keep (toml.io, 1.0.0)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable

from broadsheet.text.characters import forbidden

_PART = r"""(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)"""
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_AT = re.compile(r" \(at line (\d+), column \d+\)$")


def dotted(names: Iterable[str]) -> str:
    """Return a nested key as TOML writes it, with control characters escaped."""
    parts = (name if _BARE.fullmatch(name) else f'"{name}"' for name in names)
    return "".join(ascii(char)[1:-1] if forbidden(char) else char for char in ".".join(parts))


def key_line(text: str, names: tuple[str, ...]) -> int | None:
    """Return the 1-based line of a nested key, else that of its nearest table; None if neither."""
    table: tuple[str, ...] = ()
    best: int | None = None
    for number, line in enumerate(text.split("\n"), 1):
        if header := re.match(rf"\s*\[+\s*({_DOTTED})\s*\]", line):
            table = names_of(header[1])
            if table == names[: len(table)]:
                best = number
        elif (pair := re.match(rf"\s*({_DOTTED})\s*=", line)) and names:
            written = (*table, *names_of(pair[1]))
            if written == names[: len(written)]:
                return number
    return best


def names_of(key: str) -> tuple[str, ...]:
    """Return the names in a dotted key, without quotation marks."""
    return tuple(part.strip("\"'") for part in re.findall(_PART, key))


def error_place(error: tomllib.TOMLDecodeError) -> tuple[str, int | None]:
    """Return the message of an error without its place, and its 1-based line; None for the end.

    Only the message has the line before Python 3.14.
    """
    message = str(error)
    found = _AT.search(message)
    return (message[: found.start()], int(found[1])) if found else (message, None)
