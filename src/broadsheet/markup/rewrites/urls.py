"""Marks in bare URLs are not read as emphasis: `https://e.org/__init__.py`.

A character reference is the same character in text and in HTML (CommonMark 0.31, 6.2).
"""

from __future__ import annotations

import re

from broadsheet.markup.templates import outside_code

_URL = re.compile(
    r"(?<![\w@/.:=\"'<-])(?<!\]\()(?:https?://|www\.)[\w.:/?#@!$&'()*+,;=%~-]+", re.ASCII
)
# An underscore between letters is none.
_MAY_HAVE_MARKS = re.compile(r"(?:://|www\.)[^\s<>]{0,2000}?(?:[*~]|__|\W_|_\W)", re.ASCII)
_DEFINITION = re.compile(r"(?:^|\n)[ >]{0,9}\[[^\]\n]+\]:[ \t]*\Z")
_MARKS = re.compile(r"[*_~]")


def rewrite(text: str) -> str:
    """Return `text` with the marks in its bare URLs as character references."""
    if not _MAY_HAVE_MARKS.search(text):
        return text
    parts: list[str] = []
    end = 0
    for start, stop in outside_code(text):
        parts += [text[end:start], _URL.sub(_kept, text[start:stop])]
        end = stop
    return "".join([*parts, text[end:]])


def _kept(found: re.Match[str]) -> str:
    before = found.string[max(found.start() - 200, 0) : found.start()]
    if _DEFINITION.search(before):
        return found[0]
    url = found[0].rstrip("*_~.,;:!?)")  # marks at its end belong to the text around it
    return escaped(url) + found[0][len(url) :]


def escaped(text: str) -> str:
    """Return `text` with a reference for each mark of emphasis."""
    return _MARKS.sub(lambda mark: f"&#{ord(mark[0])};", text)
