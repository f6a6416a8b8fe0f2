"""Plain text from HTML, its display width, and excerpts of it."""

from __future__ import annotations

import html as html_library
import re
from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache
from itertools import accumulate

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

# User-perceived characters (UAX #29, simplified): a flag is two letters; marks, variation
# selectors, skin tones and joined characters belong to the character before.
_FLAGS = "\U0001f1e6-\U0001f1ff"
_MARKS = (
    "\u0300-\u036f\u1ab0-\u1aff\u20d0-\u20f0\ufe00-\ufe0f\ufe20-\ufe2f\U0001f3fb-\U0001f3ff"
    "\U000e0020-\U000e007f"
)
CLUSTER = re.compile(f"[{_FLAGS}]{{2}}|.(?:[{_MARKS}]|\u200d.?)*", re.DOTALL)
_CLUSTERED = re.compile(f"[{_FLAGS}{_MARKS}\u200d]")
_NO_CHARACTER = re.compile(r"&#[0-9]{1000,};?")
_WIDEST = 2  # columns of one such character

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
    _columns(" ")


def width(text: str) -> int:
    """Return the columns of `text`; a wide character takes two (UAX #11)."""
    return len(text) if text.isascii() else sum(columns for _, columns in clusters(text))


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
    start = text[: columns + 1]
    if _CLUSTERED.search(start):
        return _measured(text, columns)
    end = bisect_right([*accumulate(map(_columns, start))], columns)
    return text[:end] if end < len(start) or end == len(text) else _measured(text, columns)


def _measured(text: str, columns: int) -> str:
    used = end = 0
    for cluster, wide in clusters(text):
        used += wide
        if used > columns:
            return text[:end]
        end += len(cluster)
    return text


def clusters(text: str) -> Iterable[tuple[str, int]]:
    """Return the user-perceived characters of `text`, and the columns of each."""
    if not _CLUSTERED.search(text):  # each is a cluster of its own
        return zip(text, map(_columns, text), strict=True)
    return ((found[0], cluster_width(found[0])) for found in CLUSTER.finditer(text))


@lru_cache(maxsize=8192)
def _columns(char: str) -> int:
    from wcwidth import wcwidth  # 20 ms, which runs without excerpts and mails do without

    return max(wcwidth(char), 0)


def cluster_width(cluster: str) -> int:
    if len(cluster) == 1:
        return _columns(cluster)
    return min(2 if "\ufe0f" in cluster else sum(map(_columns, cluster)), _WIDEST)
