"""Topics and tags: one for all spellings that mean the same, with a slug for URLs.

A published URL must stay valid, whatever topics come later. So two spellings are one topic if they
differ only in case, width, spaces or invisible characters. A name that loses a character in its
slug gets a hash (C# -> c~951a4d36), and no other slug has a tilde: so two topics never share a
slug, not even on a disk that ignores case or Unicode forms.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache

from msgspec import Struct

_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_REMEMBERED = 1 << 16  # spellings; thousands of articles have the same few topics
_LONGEST = 120  # bytes; file systems allow 255, and a URL takes three characters for each


class Topic(Struct, frozen=True, order=True):
    """A topic or tag.

    name: as readers see it. slug: in URLs and folders, not percent-encoded.
    """

    name: str
    slug: str


@lru_cache(_REMEMBERED)
def topic_key(name: str) -> str:
    """Return the key that all spellings of a topic share: NFKC, case-folded, spaces as hyphens.

    Hyphens, since "open source" and "open-source" would share a slug.
    """
    seen = name
    if not name.isprintable():  # as no character of Cf is
        seen = "".join(char for char in name if unicodedata.category(char) != "Cf")
    text = unicodedata.normalize("NFKC", seen)
    # Decomposed before folding, because of the Greek iota subscript (Unicode, 3.13, D145), and
    # repeated, since one step may change the result of another.
    while (folded := _folded(text)) != text:
        text = folded
    return "-".join(text.split())


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFD", text).casefold())


@lru_cache(_REMEMBERED)
def topic_slug(name: str) -> str:
    """Return the slug of a topic: letters and digits of any script, and hyphens."""
    whole = topic_key(name)
    kept = _kept(whole)
    if kept and kept == whole and len(kept.encode()) <= _LONGEST and not _RESERVED.fullmatch(kept):
        return kept
    mark = "~" + hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    # No dots: Windows reserves `con.` with whatever follows.
    short = kept.replace(".", "-").encode()[: _LONGEST - len(mark)].decode(errors="ignore")
    return short.strip("-") + mark


def _kept(text: str) -> str:
    """The characters of `text` allowed in a slug, which begins and ends with a letter or digit."""
    safe = "".join(c if c in ".+" or unicodedata.category(c)[0] in "LMN" else "-" for c in text)
    kept = re.sub("-+", "-", safe).rstrip(".-")
    while kept and (kept[0] in ".-" or unicodedata.category(kept[0])[0] == "M"):
        kept = kept[1:]
    return kept


def distinct(topics: Iterable[Topic]) -> tuple[Topic, ...]:
    """Return `topics`, each once, in their order."""
    return tuple({topic.slug: topic for topic in topics}.values())


class TopicNames:
    """The topics (or tags) of the spellings in use.

    spellings: all, the oldest article's first: its spelling becomes the name. aliases: name ->
    other names that mean the same; they take precedence.
    """

    def __init__(
        self, spellings: Iterable[str], aliases: Mapping[str, Iterable[str]] | None = None
    ) -> None:
        self._topics: dict[str, Topic] = {}
        for name, others in (aliases or {}).items():
            topic = Topic(name, topic_slug(name))
            for other in (name, *others):
                self._topics[topic_key(other)] = topic
        # Thousands of articles have few different spellings.
        for name in dict.fromkeys(spellings):
            self._topics.setdefault(topic_key(name), Topic(name, topic_slug(name)))

    def __call__(self, spellings: Iterable[str]) -> tuple[Topic, ...]:
        """Return the topics of `spellings`, each once, in order."""
        return distinct(self._topics[topic_key(name)] for name in spellings)

    def topic(self, spelling: str) -> Topic:
        """Return the topic behind one of the spellings."""
        return self._topics[topic_key(spelling)]

    def name_of(self, spelling: str) -> str:
        """Return the name of the topic of `spelling`; `spelling` if there is none."""
        topic = self._topics.get(topic_key(spelling))
        return topic.name if topic else spelling
