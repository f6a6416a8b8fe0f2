"""Plain text: from HTML, cut to a length, free of what XML forbids."""

from __future__ import annotations

import re
from html import unescape

from wcwidth import wcswidth, wcwidth

# XML 1.0 section 2.2 forbids the C0 controls but tab and line ends, the surrogates, U+FFFE and
# U+FFFF. The C1 controls are allowed but discouraged there, and validators report them.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")

_SENTENCE_END = re.compile(r"(?:[。！？…]+[”’」』）】]*|[.!?]+[\"'”’)]*(?=\s|$))")
_NOT_TEXT = re.compile(r"<(sup|pre|table|script|style)\b.*?</\1>", re.DOTALL)
_PARAGRAPH = re.compile(r"<p\b[^>]*>(.*?)</p>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_WIDE = "[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef]"
_SOFT_BREAK = re.compile(rf"(?<={_WIDE})[ \t]*\n[ \t]*(?={_WIDE})")


def printable(text: str) -> str:
    """`text` without the characters that XML forbids or discourages (XML 1.0, section 2.2)."""
    return _FORBIDDEN.sub("", text)


def forbidden(text: str) -> list[str]:
    """The characters of `text` that `printable` drops, in their order."""
    return _FORBIDDEN.findall(text)


def join_wide(text: str) -> str:
    """`text` without the line ends between two wide characters.

    Chinese and Japanese are written without spaces, but a line end in the source becomes one.
    """
    return _SOFT_BREAK.sub("", text)


def one_line(text: str) -> str:
    """`text` as one line, its white space folded."""
    return " ".join(text.split())


def plain(html: str) -> str:
    """The words of `html` on one line, without tags, footnote marks, code blocks and tables."""
    return one_line(unescape(_TAG.sub("", _NOT_TEXT.sub("", html))))


def first_paragraph(html: str) -> str:
    """The words of the first paragraph of `html` that has any; "" where none has."""
    return next(filter(None, (plain(found[1]) for found in _PARAGRAPH.finditer(html))), "")


def width(text: str) -> int:
    """The columns that `text` takes on a terminal; a wide character takes two (UAX #11)."""
    columns = wcswidth(text)
    return columns if columns >= 0 else sum(max(wcwidth(char), 0) for char in text)


def shorten(text: str, columns: int) -> str:
    """`text` cut to at most `columns`, at a sentence end where one comes late enough.

    A cut inside a sentence ends in an ellipsis, and in spaced scripts falls between words.
    """
    if width(text) <= columns:
        return text
    head = _head(text, columns)
    ends = [found.end() for found in _SENTENCE_END.finditer(head)]
    if ends and width(head[: ends[-1]]) * 2 >= columns:
        return head[: ends[-1]]
    head = _head(text, columns - 1)
    if text[len(head)].isascii() and head[-1].isascii() and " " in head[len(head) // 2 :]:
        head = head[: head.rindex(" ")]
    return head.rstrip(" ，、；：,;:—-") + "…"


def _head(text: str, columns: int) -> str:
    """The longest start of `text` that takes at most `columns`."""
    used = 0
    for index, char in enumerate(text):
        used += max(wcwidth(char), 0)
        if used > columns:
            return text[:index]
    return text
