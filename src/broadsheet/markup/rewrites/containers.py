"""Containers: `:::tip Title` to `:::` become the quote of an alert; others keep their content only.

Sources: Docusaurus (https://docusaurus.io/docs/markdown-features/admonitions), VuePress,
Starlight.
"""

from __future__ import annotations

import re
from typing import Final

from broadsheet.markup.code import fenced

_OPENING = re.compile(
    r"(?P<indent>[ \t]*(?:>[ \t]?)*)(?P<mark>:{3,})[ \t]*(?P<name>[A-Za-z][\w-]*)"
    r"[ \t]*(?:\[(?P<title>[^\]\n]*)\])?[ \t]*(?:\{[^}\n]*\})?[ \t]*(?P<rest>[^\n]*)"
)
_CLOSING = re.compile(r"[ \t]*(?:>[ \t]?)*(:{3,})[ \t]*")
DEEPEST: Final = 20
"""The depth of nested containers. Each adds a mark to every line in it, so the text grows."""
_NAMES = """
    note tip info important warning caution danger success question example quote details hint error
    attention abstract todo
"""
_ALERTS = frozenset(_NAMES.split())


def quote_containers(text: str) -> str:
    """Return `text` with its containers as block quotes, each on its original lines."""
    if ":::" not in text:
        return text
    lines = text.split("\n")
    code = fenced(text)
    opened: list[tuple[str, str]] = []  # indent, and prefix of each line
    for number, line in enumerate(lines):
        if not code[number] and opened and _CLOSING.fullmatch(line):
            opened.pop()
            lines[number] = _quoted("", opened)
        elif not code[number] and len(opened) < DEEPEST and (found := _OPENING.fullmatch(line)):
            lines[number] = _opening(found, opened)
        else:
            lines[number] = _quoted(line, opened)
    return "\n".join(lines)


def _opening(found: re.Match[str], opened: list[tuple[str, str]]) -> str:
    """Return the first line of a container, and add the container to the open ones."""
    name = found["name"].lower()
    if name not in _ALERTS:
        opened.append((found["indent"], ""))
        return _quoted("", opened)
    title = (found["title"] or found["rest"] or "").strip()
    kind = "" if name == "details" and not title else f"[!{name}] "
    opened.append((found["indent"], "> "))
    return _quoted(f"{found['indent']}{kind}{title}".rstrip(), opened)


def _quoted(line: str, opened: list[tuple[str, str]]) -> str:
    """Return `line` as part of the block quotes of the open containers."""
    for indent, mark in reversed(opened):
        if mark:
            line = indent + mark + line.removeprefix(indent)
    return line
