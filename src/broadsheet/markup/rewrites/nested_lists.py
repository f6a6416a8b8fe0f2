"""Lists of another kind right below an item are within it, in kramdown, indented or not.

`1. a`, then `- b`, then `2. c` are one numbered list there, with a list in its first item; in
CommonMark they are three (https://kramdown.gettalong.org/syntax.html#lists).
"""

from __future__ import annotations

import re

from broadsheet.markup.rewrites.code import is_code

_ITEM = re.compile(r"(?P<indent> {0,3})(?:(?P<bullet>[-*+])|\d{1,9}\.)[ \t]+(?=\S)(?![-*_ \t]*$)")


def rewrite(text: str) -> str:
    """Return `text` with such lists indented as far as the text of the item."""
    lines = text.split("\n")
    code = is_code(lines)
    opened: re.Match[str] | None = None  # the last item of the outer list
    shift = 0
    for number, line in enumerate(lines):
        if not line.strip() and not code[number]:
            opened, shift = None, 0
        elif not code[number] and (item := _ITEM.match(line)):
            if opened is None or bool(item["bullet"]) == bool(opened["bullet"]):
                opened, shift = item, 0
            else:
                shift = shift or max(opened.end() - len(item["indent"]), 0)
        lines[number] = " " * shift + line if shift else line
    return "\n".join(lines)
