"""Topics and tags: one for all the spellings that mean the same, with a name for addresses.

An address once published must stand, whatever topics come later. So two spellings are one topic
when they differ only by case, width, spaces or what nobody sees. A name that loses a character on
its way into an address gets a mark of its own (C# -> c~951a4d36), and no other address has a tilde:
so two topics never meet, on a disk that ignores case or Unicode forms either.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache

from msgspec import Struct

_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_REMEMBERED = 1 << 16  # spellings; the same few topics stand in thousands of articles
_LONGEST = 120  # bytes; file systems end a name at 255, and an address holds three for each


class Topic(Struct, frozen=True, order=True):
    """A topic or tag.

    name: as readers see it.
    slug: as it stands in addresses and folders, not yet percent-encoded.
    """

    name: str
    slug: str


@lru_cache(_REMEMBERED)
def topic_key(name: str) -> str:
    """What all spellings of a topic have in common: NFKC, case-folded, spaces as hyphens.

    Hyphens, since "open source" and "open-source" would have one address.
    """
    seen = "".join(char for char in name if unicodedata.category(char) != "Cf")
    text = unicodedata.normalize("NFKC", seen)
    # Taken apart before it is folded, for the sake of the Greek iota below a letter (Unicode, 3.13,
    # D145). What one of the steps makes, another may change once more.
    while (folded := _folded(text)) != text:
        text = folded
    return "-".join(text.split())


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFD", text).casefold())


@lru_cache(_REMEMBERED)
def topic_slug(name: str) -> str:
    """The folder name of a topic: letters and digits of any script, and hyphens."""
    whole = topic_key(name)
    kept = _kept(whole)
    if kept and kept == whole and len(kept.encode()) <= _LONGEST and not _RESERVED.fullmatch(kept):
        return kept
    mark = "~" + hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    # No dots: Windows reserves `con.` with whatever follows.
    short = kept.replace(".", "-").encode()[: _LONGEST - len(mark)].decode(errors="ignore")
    return short.strip("-") + mark


def _kept(text: str) -> str:
    """What of `text` may stand in a folder name: it begins and ends with a letter or a digit."""
    safe = "".join(c if c in ".+" or unicodedata.category(c)[0] in "LMN" else "-" for c in text)
    kept = re.sub("-+", "-", safe).rstrip(".-")
    while kept and (kept[0] in ".-" or unicodedata.category(kept[0])[0] == "M"):
        kept = kept[1:]
    return kept


def distinct(topics: Iterable[Topic]) -> tuple[Topic, ...]:
    """Return `topics`, each once, in their order."""
    return tuple({topic.slug: topic for topic in topics}.values())


class TopicNames:
    """The topics (or the tags) behind the spellings in use.

    spellings: every spelling, the oldest article's first: its way of writing is the name.
    aliases: name -> other names that mean the same; they go before.
    """

    def __init__(
        self, spellings: Iterable[str], aliases: Mapping[str, Iterable[str]] | None = None
    ) -> None:
        self._topics: dict[str, Topic] = {}
        for name, others in (aliases or {}).items():
            topic = Topic(name, topic_slug(name))
            for other in (name, *others):
                self._topics[topic_key(other)] = topic
        # Few of the spellings in thousands of articles differ.
        for name in dict.fromkeys(spellings):
            self._topics.setdefault(topic_key(name), Topic(name, topic_slug(name)))

    def __call__(self, spellings: Iterable[str]) -> tuple[Topic, ...]:
        """The topics behind `spellings`, each once, in their order."""
        return distinct(self._topics[topic_key(name)] for name in spellings)

    def topic(self, spelling: str) -> Topic:
        """Return the topic behind one of the spellings."""
        return self._topics[topic_key(spelling)]

    def name_of(self, spelling: str) -> str:
        """The name of the topic behind `spelling`; itself where there is none."""
        topic = self._topics.get(topic_key(spelling))
        return topic.name if topic else spelling
