"""A title for an article whose front matter has none: from its text or its file name."""

from __future__ import annotations

import re

from broadsheet.text.plain import shorten

_COLUMNS = 80
_FENCE = re.compile(
    r"^ {0,3}(`{3,}|~{3,}).*?(?:^ {0,3}\1[`~]*[^\S\n]*$|\Z)", re.MULTILINE | re.DOTALL
)
_ATX = re.compile(r"^ {0,3}#[ \t]+(.+?)[ \t]*#*[ \t]*$", re.MULTILINE)
_SETEXT = re.compile(r"^ {0,3}(\S.*)\n {0,3}=+[ \t]*$", re.MULTILINE)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_WIKI_LINK = re.compile(r"\[\[(?:[^\]|]*\|)?([^\]|]*)\]\]")
_ATTRIBUTES = re.compile(r"\s*\{[#.:][^}]*\}\s*$")
_MARKS = re.compile(r"(?P<fence>`+)(?P<code>.+?)(?P=fence)|<[^>]+>|\*\*|__|[*`]|(?<!\w)_|_(?!\w)")


def first_heading(body: str) -> str:
    """Return the text of the first level-one heading in the Markdown `body`; "" if none."""
    text = _FENCE.sub("", body)
    found = [each for pattern in (_ATX, _SETEXT) if (each := pattern.search(text))]
    return plain_text(min(found, key=lambda each: each.start())[1]) if found else ""


def without_title(body: str, title: str) -> str:
    """Return `body` with empty lines for a heading at its start that only repeats the title."""
    start = body.lstrip()
    found = _ATX.match(start) or _SETEXT.match(start)
    if found is None or plain_text(found[1]).casefold() != plain_text(title).casefold():
        return body
    rest = start[found.end() :]
    return "\n" * body.count("\n", 0, len(body) - len(rest)) + rest


def of_file_name(stem: str) -> str:
    """Return a title from a file name: `my-first-post` becomes `My First Post`, as in Jekyll."""
    if " " in stem or not stem.isascii():
        return stem
    return " ".join(word[:1].upper() + word[1:] for word in re.split("[-_]+", stem) if word)


def start_of_text(body: str) -> str:
    """Return the beginning of the text of `body`, for a post that has no title."""
    lines = (plain_text(line.lstrip("#>-*+ \t")) for line in _FENCE.sub("", body).split("\n"))
    return shorten(next(filter(None, lines), ""), _COLUMNS)


def plain_text(line: str) -> str:
    """Return a line of Markdown without its marks."""
    line = _ATTRIBUTES.sub("", line)
    text = _WIKI_LINK.sub(r"\1", _LINK.sub(r"\1", line))
    return " ".join(_MARKS.sub(lambda mark: mark["code"] or "", text).split())
