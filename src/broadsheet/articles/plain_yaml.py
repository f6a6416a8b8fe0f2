"""YAML as nearly all front matter is written, read in a sixth of the time that PyYAML takes.

That is `name: text`, `name: [text, text]`, and a list of `- text` below a name, the texts plain or
in quotes, each on one line (YAML 1.2.2, chapters 7 and 8). All else is for PyYAML: what nests or
goes on in the next line, comments, escapes, tags, aliases, and above all what is wrong. So nothing
here may read a text that PyYAML reads otherwise; tests/unit/articles/test_plain_yaml.py compares
them.
"""

from __future__ import annotations

import re

ABSENT = frozenset(["", "~", "null", "Null", "NULL"])
"""What stands for no value at all, where it has no quotes."""

Value = str | None | list[str | None]

# A plain text begins with no mark of ASCII but `/` and ends at a colon before a space, in brackets
# at some marks more; `#` is left to PyYAML. Each part below can begin only where the one before
# ends, so that the time for a text grows with its length and not faster.
_QUOTED = r'"[^"\\\n]*" *|\'[^\'\n]*\' *'
_FIRST = r"[^\s!-.:-@[-^`{-~]"
_PLAIN = rf"{_FIRST}[^:#\n]*(?::[^\s:#][^:#\n]*)*(?<! )"
_ITEM = rf"{_FIRST}[^]:#,?[{{}}\n]*|{_QUOTED}"
_LIST = rf"\[ *(?:(?:{_ITEM})(?:, *(?:{_ITEM}))*)?\] *"
_LINE = re.compile(  # PyYAML takes no name of more than 1,024 characters
    rf"(?:(\w[\w-]{{0,99}}):|( *)-)(?: +(?:({_PLAIN})|({_QUOTED}|{_LIST}|)))?\n+|([\s\S]+)"
)
_ITEMS = re.compile(_ITEM)


def fields(text: str) -> dict[str, Value] | None:
    """What PyYAML makes of `text` where all scalars stay text; None where it must be asked."""
    found: dict[str, Value] = {}
    items: list[str | None] = []
    owner = margin = ""  # the field that the next item belongs to, and what stands before its first
    # YAML forbids some of all others, ends a line at some, and a tab has a meaning here and there.
    if not text.replace("\n", "").isprintable():
        return None
    for name, indent, plain, marked, rest in _LINE.findall(text.lstrip("\n")):
        value = _marked(marked) if marked else None if plain in ABSENT else plain
        if name and name not in ABSENT:
            found[name] = value
            items, owner = [], "" if plain or marked else name
        elif rest or name or not owner or not (plain or marked) or isinstance(value, list):
            return None
        else:
            if not items:
                found[owner], margin = items, indent
            elif indent != margin:
                return None
            items.append(value)
    return found or None


def _marked(written: str) -> Value:
    """A list in brackets, or a text in quotes."""
    if written[0] == "[":
        return [_item(item.rstrip(" ")) for item in _ITEMS.findall(written)]
    return _item(written.rstrip(" "))


def _item(written: str) -> str | None:
    if written[0] in "'\"":
        return written[1:-1]
    return None if written in ABSENT else written
