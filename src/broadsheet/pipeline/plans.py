"""What stood where after the last build, so that an edit that moves nothing is quickly made.

Such an edit changes what an article says, but not where it stands: no other article, no link and
no other feed can tell the difference. Then the feeds that hold it are all there is to make, and
only what stands in these need be known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from contextlib import suppress

import msgspec
from msgspec import Struct

from broadsheet.articles import Article
from broadsheet.articles.entries import Held
from broadsheet.feeds import Feed
from broadsheet.feeds.plan import Kind
from broadsheet.pipeline.cache import Cache
from broadsheet.pipeline.reading import as_text

_PLAN = "plan"


class Row(Struct, frozen=True):
    """A `Feed` as it is remembered: its articles by their sources."""

    path: str
    kind: Kind
    name: str
    articles: tuple[str, ...]
    total: int
    older: str | None


class Plan(Struct, frozen=True):
    """articles: how many there are. feeds: all of them."""

    articles: int
    feeds: tuple[Row, ...]

    def holding(self, sources: Set[str]) -> list[Row]:
        """The feeds that hold any of these articles."""
        return [feed for feed in self.feeds if not sources.isdisjoint(feed.articles)]


def place(article: Article) -> bytes:
    """Where `article` stands: all of it that others can tell.

    Left out is what only its own entry tells: title, authors, language, summary and text, and
    when they were updated.
    """
    return _ENCODER.encode(
        (
            *(article.url, article.id, article.date, article.publish, article.expires),
            *(article.hidden, article.unclear, article.topics, article.tags, article.aliases),
            *(article.image, article.image_alt),
        )
    )


def keep(cache: Cache, articles: int, feeds: Sequence[Feed], held: Iterable[Held]) -> None:
    """Keeps the plan of a whole build: how many articles there are, `held` those in `feeds`."""
    rows = tuple(
        Row(f.path, f.kind, f.name, tuple(a.source for a in f.articles), f.total, f.older)
        for f in feeds
    )
    cache.put("runs", {_PLAN: _ENCODER.encode(Plan(articles, rows))})
    cache.fill("held", _packed(held))


def keep_edited(cache: Cache, edited: Iterable[Held]) -> None:
    """Keeps what an edit has changed of the plan."""
    cache.put("held", _packed(edited))


def load(cache: Cache) -> Plan | None:
    """The plan of the last build, if it was kept."""
    with suppress(KeyError, msgspec.MsgspecError, ValueError):
        return _PLANS.decode(cache.get("runs", [_PLAN])[_PLAN])
    return None


def held(cache: Cache, sources: Collection[str]) -> dict[str, Held] | None:
    """These articles, each in some feed, by source; None where one is not there."""
    kept = cache.get("held", sources)
    with suppress(KeyError, msgspec.MsgspecError, ValueError):
        return {source: _HELD.decode(kept[source]) for source in sources}
    return None


def feed(row: Row, articles: Mapping[str, Article]) -> Feed:
    """The feed of `row`, with its articles out of `articles`, which are by source."""
    inside = tuple(articles[source] for source in row.articles)
    return Feed(row.path, row.kind, row.name, inside, row.total, row.older)


def _packed(held: Iterable[Held]) -> dict[str, bytes]:
    return {each.article.source: _ENCODER.encode(each) for each in held}


_ENCODER = msgspec.json.Encoder(enc_hook=as_text)
_PLANS = msgspec.json.Decoder(Plan)
_HELD = msgspec.json.Decoder(Held)
