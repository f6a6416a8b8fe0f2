"""What kramdown reads otherwise than CommonMark (https://kramdown.gettalong.org/syntax.html)."""

from __future__ import annotations

import re

from broadsheet.markup.code import fenced

_OPENING = re.compile(
    r"[ \t]*<(?P<tag>[A-Za-z][\w-]*)\b[^<>]*\bmarkdown[ \t]*=[ \t]*[\"']?(?:1|block|span)\b[^<>]*>",
    re.IGNORECASE,
)
_BULLET = re.compile(r"\n {0,3}[-*+][ \t]")
_NUMBER = re.compile(r"\n {0,3}\d{1,9}\.[ \t]")
_ITEM = re.compile(r"(?P<indent> {0,3})(?:(?P<bullet>[-*+])|\d{1,9}\.)[ \t]+(?=\S)(?![-*_ \t]*$)")
_DELIMITER_ROW = re.compile(r"\n[ \t]*\|?[ \t]*:?-+:?[ \t]*\|[ \t|:-]*\n")
_CODE_SPAN = re.compile(r"(?<![`\\])(`{1,9})(?!`)[^\n]{1,1000}?(?<!`)\1(?!`)")
_PIPE = re.compile(r"(?<!\\)\|")
_END_OF_BLOCK = re.compile(r"\^[ \t]*")


def rewrite_kramdown(text: str) -> str:
    """Return `text` as CommonMark has it, on the same lines."""
    has_html = "markdown" in text
    has_lists = _NUMBER.search("\n" + text) and _BULLET.search("\n" + text)
    has_ends = "\n^" in text
    has_tables = "`" in text and "|" in text and _DELIMITER_ROW.search(text)
    if not (has_html or has_lists or has_ends or has_tables):
        return text
    lines, code = text.split("\n"), fenced(text)
    if has_ends:
        for number, line in enumerate(lines):
            if not code[number] and _END_OF_BLOCK.fullmatch(line):
                lines[number] = "<!-- -->"  # it keeps two lists apart
    if has_tables:
        for number, line in enumerate(lines):
            if not code[number] and line.lstrip().startswith("|"):
                lines[number] = _CODE_SPAN.sub(_with_pipes, line)
    if has_html:
        _unwrap(lines, code)
    if has_lists:
        _nest(lines, code)
    return "\n".join(lines)


def _with_pipes(code: re.Match[str]) -> str:
    """Return code in a cell with its pipes escaped, as GFM asks; they do not end the cell."""
    return _PIPE.sub(r"\|", code[0])


def _unwrap(lines: list[str], code: list[bool]) -> None:
    """Remove tags such as `<div markdown="1">` and their end tags.

    CommonMark reads Markdown in HTML only after a blank line. Adding one would move the lines; and
    such an element surrounds blocks, so its content stays without it.
    """
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


def _nest(lines: list[str], code: list[bool]) -> None:
    """Indent a list of another kind right below an item as far as the text of the item.

    `1. a`, then `- b`, then `2. c` are one numbered list with a list in its first item; CommonMark
    reads three lists.
    """
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
