"""The places within an article that a link can lead to: its headings and its ids.

Each generator makes ids of headings in its own way (GitHub's, kramdown's, Python-Markdown's,
transliterated ...), and Broadsheet cannot know which is at work. So only letters and digits are
compared, and where a generator may have made an id of something unseen, any anchor may be there.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from urllib.parse import unquote

from broadsheet.checks.prose import Prose
from broadsheet.text.characters import printable

_GIVEN = re.compile(r"\{:?[^{}\n]{0,200}?#([^\s{}.#]{1,200})|\bid\s*=\s*[\"']([^\"'\n]{1,200})")
_NOTE = re.compile(r"\[\^[^\[\]\n]{1,200}\]")
_ENDS_IN_DIGITS = re.compile(r"[0-9]+$")
_BEGINS_WITH_DIGITS = re.compile(r"^[0-9]+")
# What readers, themes and footnotes have of their own.
_OWN = re.compile(
    r"(?:|top|main|content|comments?|respond|disqus_thread|more|toc|:~:.*|[/!].*"
    r"|(?:user-content-)?(?:fn|footnote|cite|ref|bib).*|L\d+.*)\Z",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Anchors:
    """The anchors of one article.

    headings: of each key by which a heading may be found, its text. ids: keys of the ids that
    stand there. begun: keys of headings up to an emoji, which some generators write as a word.
    unsure: whether there may be others.
    """

    headings: dict[str, str]
    ids: frozenset[str]
    begun: tuple[str, ...]
    unsure: bool

    def has(self, anchor: str) -> bool:
        """Whether `anchor`, the fragment of a link, leads to a place here, or may."""
        anchor = unquote(anchor)
        if self.unsure or _OWN.match(anchor):
            return True
        whole = _key(anchor)
        if whole in self.ids or whole in self.headings:
            return True
        # A second heading of one text gets a number; some generators drop one at the start.
        bare = _ENDS_IN_DIGITS.sub("", whole)
        if bare in self.headings or _BEGINS_WITH_DIGITS.sub("", whole) in self.headings:
            return True
        if any(whole.startswith(each) for each in self.begun):
            return True
        # How a generator transliterates Chinese is not known here.
        return whole.isascii() and any(not key.isascii() for key in self.headings)

    def nearest(self, anchor: str) -> str:
        """Return the text of the heading most like `anchor`; "" for none."""
        near = get_close_matches(_key(unquote(anchor)), list(self.headings), n=1, cutoff=0.6)
        return self.headings[near[0]] if near else ""


def anchors(prose: Prose, *, unsure: bool = False) -> Anchors:
    """Return the anchors of an article; unsure: whether it may have others."""
    clean = printable(prose.source)
    headings: dict[str, str] = {}
    reading = prose.reading
    for text in reading.headings if reading else ():
        for key in _keys(text):
            headings.setdefault(key, text)
    given = [one or other for one, other in _GIVEN.findall(clean)]
    given += reading.ids if reading else ()
    for tag in prose.tags:
        given += [tag.attributes[name] for name in ("id", "name") if name in tag.attributes]
    begun = tuple(_key(text.partition(mark[0])[0]) for text, mark in _with_emoji(headings))
    return Anchors(headings, frozenset(map(_key, given)), begun, unsure or not reading)


def _with_emoji(headings: dict[str, str]) -> list[tuple[str, list[str]]]:
    texts = dict.fromkeys(headings.values())
    found = [(text, [c for c in text if unicodedata.category(c) == "So"]) for text in texts]
    return [(text, emoji) for text, emoji in found if emoji]


def _keys(heading: str) -> set[str]:
    """Return the keys of the ids that generators make of a heading."""
    forms = {heading, _NOTE.sub("", heading), heading.replace("&", " and ")}
    keys = {_key(form) for form in forms}
    return keys | {_BEGINS_WITH_DIGITS.sub("", key) for key in keys}


@lru_cache(10_000)
def _key(text: str) -> str:
    """Return the letters and digits of `text`, without case, accents and width."""
    apart = unicodedata.normalize("NFKD", text).casefold()
    return "".join(char for char in apart if char.isalnum())
