"""Formulas: `$a_b$` and `$$` are not read as Markdown, and stay as typed.

A dollar starts a formula if no space follows it, and ends one if no space precedes it and no digit
follows it (Pandoc, `tex_math_dollars`), so that prices are not formulas.
"""

from __future__ import annotations

import re

from broadsheet.markup.templates import outside_code

_BLOCK = r"\$\$(?:[^$]|\$(?!\$)){1,20000}?\$\$"
_INLINE = r"\$(?![\s$\d])(?:\\.|[^\\$\n`]){1,1000}?(?<!\s)\$(?![\d$])"
_FORMULA = re.compile(rf"(?<![\\$])(?:{_BLOCK}|{_INLINE})")
_BLOCK_FORMULA = re.compile(rf"(?<![\\$]){_BLOCK}")
_BLANK_LINE = re.compile(r"\n[ \t>]*\n")
_MARKS = re.compile(r"[!-/:-@\[-`{-~]")


def rewrite(text: str) -> str:
    """Return `text` with the punctuation of its formulas escaped."""
    return _rewritten(text, _FORMULA) if "$" in text else text


def rewrite_blocks(text: str) -> str:
    """Return `text` with the punctuation between `$$` escaped."""
    return _rewritten(text, _BLOCK_FORMULA) if "$$" in text else text


def _rewritten(text: str, pattern: re.Pattern[str]) -> str:
    if not pattern.search(text):
        return text
    parts: list[str] = []
    end = 0
    for start, stop in outside_code(text):
        parts += [text[end:start], pattern.sub(_escaped, text[start:stop])]
        end = stop
    return "".join([*parts, text[end:]])


def _escaped(found: re.Match[str]) -> str:
    if _BLANK_LINE.search(found[0]):
        return found[0]
    # A reference is the same character in text and in HTML (CommonMark 0.31, 6.2).
    return _MARKS.sub(lambda mark: f"&#{ord(mark[0])};", found[0])
