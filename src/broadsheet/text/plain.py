"""Plain text from HTML, its display width, and excerpts of it."""

from __future__ import annotations

import html as html_library
import re
from collections.abc import Iterator
from functools import lru_cache

# Chinese and Japanese; Korean is written with spaces.
_UNSPACED = (
    ("\u2e80", "\u312f"),
    ("\u3190", "\ua4cf"),
    ("\uf900", "\ufaff"),
    ("\ufe30", "\ufe4f"),
    ("\uff00", "\uffef"),
    ("\U00020000", "\U0003fffd"),
)
_SHARED = frozenset("“”‘’…—·")  # punctuation of Chinese and other scripts

# Characters of one column, or two, that do not combine with others.
_LATIN_OR_CHINESE = re.compile("[ -~\u3001-\u3003\u3008-\u3011\u4e00-\u9fff\uff01-\uff5e]+")
_NO_CHARACTER = re.compile(r"&#[0-9]{1000,};?")

_SENTENCE_END = re.compile(r"[。！？…]+[”’」』）】]*|[.!?]+[\"'”’)]*(?=\s|$)")
_LAST_WORD = re.compile(r"[\w.]*$")
_ABBREVIATION = re.compile(
    r"(?:[A-Za-z]|[A-Za-z](?:\.[A-Za-z])+|Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|vs|etc|cf|al|approx|ca|"
    r"No|no|Fig|fig|vol|Vol|pp|ed|eds|Inc|Ltd|Co|Corp|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|"
    r"Dec)\Z"
)

_NOT_TEXT = re.compile(r"<(pre|table)\b.*?</\1>", re.DOTALL)
_NOTE_MARK = re.compile(r"<sup\b[^>]*><a\b[^>]*>[^<]*</a></sup>")
_POWER = re.compile(r"<sup\b[^>]*>([0-9+-]+)</sup>")
_POWERS = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
_TAG = re.compile(r"<!--.*?-->|<[^>]*>", re.DOTALL)
_APART = re.compile(r"</?(?:br|dd|div|dt|h[1-6]|li|p|td|th)\b[^>]*>")  # words on its two sides


def one_line(text: str) -> str:
    """Return `text` on one line, with its white space folded."""
    return " ".join(text.split())


def unescape(text: str) -> str:
    """Return `text` with character references resolved, except huge numbers, which would fail."""
    return html_library.unescape(_NO_CHARACTER.sub("\ufffd", text))


def plain(html: str) -> str:
    """Return the text of `html` on one line, without footnote marks, code blocks and tables."""
    html = _NOTE_MARK.sub("", _NOT_TEXT.sub("", html))
    html = _POWER.sub(lambda found: found[1].translate(_POWERS), html)
    return one_line(unescape(_TAG.sub("", _APART.sub(" ", html))))


def is_unspaced(before: str, after: str) -> bool:
    """Whether a line end between these two characters means no space.

    Chinese and Japanese are written without spaces, but a line end in HTML shows as one.
    """
    kinds = [_belongs_to_unspaced(char) for char in (before, after)]
    return all(kinds) or (any(kinds) and (before in _SHARED or after in _SHARED))


def _belongs_to_unspaced(char: str) -> bool:
    return any(first <= char <= last for first, last in _UNSPACED)


def prepare() -> None:
    """Import wcwidth, before the first text is measured."""
    width("…")


def width(text: str) -> int:
    """Return the columns of `text`; a wide character takes two (UAX #11)."""
    if text.isascii():
        return len(text)
    if _LATIN_OR_CHINESE.fullmatch(text):  # measured without wcwidth, which is slow to import
        return 2 * len(text) - sum(map(str.isascii, text))
    return sum(map(_columns, graphemes(text)))


def graphemes(text: str) -> Iterator[str]:
    """Yield the user-perceived characters of `text` (UAX #29)."""
    if text.isascii() or _LATIN_OR_CHINESE.fullmatch(text):
        yield from text
    else:
        import wcwidth  # 40 ms, which runs without excerpts and mails do without

        yield from wcwidth.iter_graphemes(text)


@lru_cache(maxsize=8192)
def _columns(grapheme: str) -> int:
    if _LATIN_OR_CHINESE.fullmatch(grapheme):
        return width(grapheme)
    import wcwidth

    return wcwidth.width(grapheme, control_codes="ignore")


def shorten(text: str, columns: int) -> str:
    """Return `text` cut to at most `columns`, at the end of a sentence in its second half, if any.

    Otherwise it ends in an ellipsis; in spaced scripts, between words.
    """
    head = _head(text, columns)
    if head == text:
        return text
    near = text[: len(head) + 20]  # the next characters show whether a sentence ends
    ends = [found.end() for found in _SENTENCE_END.finditer(near) if _is_end(near, found)]
    end = max((end for end in ends if end <= len(head)), default=0)
    if width(text[:end]) * 2 >= columns:
        return text[:end]
    head = _head(text, columns - 1)
    if " " in head[len(head) // 2 :] and not _is_between(text, len(head)):
        head = head[: head.rindex(" ")]
    return head.rstrip(" ，、；：,;:—-") + "…"


def _is_end(text: str, found: re.Match[str]) -> bool:
    """Whether a full stop ends a sentence, not an abbreviation."""
    if found[0] != ".":
        return True
    before = _LAST_WORD.search(text, max(found.start() - 12, 0), found.start())
    if before and _ABBREVIATION.match(before[0]):
        return False
    return not text[found.end() : found.end() + 2].strip()[:1].islower()


def _is_between(text: str, index: int) -> bool:
    """Whether `index` is not inside a word of a spaced script."""
    before, after = text[index - 1], text[index]
    return after.isspace() or _belongs_to_unspaced(before) or _belongs_to_unspaced(after)


def _head(text: str, columns: int) -> str:
    """Return the longest start of `text` that takes at most `columns`."""
    used = end = 0
    for each in graphemes(text):
        used += _columns(each)
        if used > columns:
            break
        end += len(each)
    return text[:end]
