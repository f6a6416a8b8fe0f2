"""Markdown within HTML: `<div markdown="1">` (https://kramdown.gettalong.org/syntax.html#html-blocks).

CommonMark reads Markdown in HTML only after a blank line. Adding one would move the lines, so the
tag of such an element is removed instead: it surrounds blocks, and its content stays.
"""

from __future__ import annotations

import re

from broadsheet.markup.rewrites.code import is_code

_OPENING = re.compile(
    r"[ \t]*<(?P<tag>[A-Za-z][\w-]*)\b[^<>]*\bmarkdown[ \t]*=[ \t]*[\"']?(?:1|block|span)\b[^<>]*>",
    re.IGNORECASE,
)


def rewrite(text: str) -> str:
    """Return `text` without the tags that ask for their content to be read as Markdown."""
    if "markdown" not in text:
        return text
    lines = text.split("\n")
    code = is_code(lines)
    opened: list[str] = []
    for number, line in enumerate(lines):
        if code[number]:
            continue
        if found := _OPENING.match(line):
            opened.append(found["tag"].lower())
            line = line[found.end() :].lstrip()
        if opened and (end := line.lower().rstrip()).endswith(f"</{opened[-1]}>"):
            line = line[: end.rindex("</")]
            opened.pop()
        lines[number] = line
    return "\n".join(lines)
