"""Every key of broadsheet.toml, as types that cannot hold a bad value.

The types are the one source: `config` reads the file with them, `reference` makes the
documentation, the JSON Schema and the starter file from their descriptions and defaults.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from msgspec import Meta, Struct, field

from broadsheet.publication import Publication

FeedFormat = Literal["atom", "rss", "json"]
Grouping = Literal["topics", "tags"]

PERMALINK_TOKENS = frozenset(
    ["year", "month", "day", "slug", "filename", "slug_or_filename", "section", "path", "title"]
)


class Permalink(str):
    """A pattern for an article's address under `publication.url`, such as /posts/{slug}/."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Raises ValueError when the pattern names an unknown token or no article."""
        tokens = set(re.findall(r"\{(.*?)\}", text))
        if unknown := sorted(tokens - PERMALINK_TOKENS):
            known = ", ".join(f"{{{token}}}" for token in sorted(PERMALINK_TOKENS))
            raise ValueError(f"unknown token {{{unknown[0]}}}; known are {known}")
        if not tokens & {"slug", "filename", "slug_or_filename", "path", "title"}:
            raise ValueError(f"{text!r} gives all articles one address; add {{slug}}")
        return super().__new__(cls, text)


class ArticleSettings(Struct, frozen=True, kw_only=True):
    """Where the articles are and which addresses they have on the web."""

    folders: Annotated[
        tuple[str, ...],
        Meta(min_length=1, description="The folders that hold the articles, searched throughout."),
    ] = ("content",)
    permalink: Annotated[
        Permalink,
        Meta(
            description="The address of an article under `publication.url`, of {year} {month} "
            "{day} {slug} {filename} {slug_or_filename} {section} {path} {title}."
        ),
    ] = Permalink("/posts/{slug}/")
    id: Annotated[
        Permalink | None,
        Meta(
            description="The same for ids, under `publication.id_base`, where the ids of an "
            "earlier feed were not the addresses. Not given: `permalink`."
        ),
    ] = None
    lowercase: Annotated[
        bool, Meta(description="Whether addresses made from file names are lower case.")
    ] = True
    assets: Annotated[
        tuple[str, ...],
        Meta(
            description="Folders whose content lies at the root of the web site; images are "
            "looked up there."
        ),
    ] = ("static",)


class FeedSettings(Struct, frozen=True, kw_only=True):
    """Which feeds are made, and what they hold."""

    folder: Annotated[str, Meta(min_length=1, description="The folder that is written.")] = "feeds"
    formats: Annotated[
        tuple[FeedFormat, ...], Meta(min_length=1, description="The formats of every feed.")
    ] = ("atom", "rss", "json")
    entries: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="How many of the newest articles a feed holds. With an archive the main "
            "feed also holds the rest of its oldest period, so that each article stands once.",
        ),
    ] = 20
    content: Annotated[
        Literal["full", "summary"], Meta(description="Whole articles, or only their summaries.")
    ] = "full"
    by: Annotated[tuple[Grouping, ...], Meta(description="Feeds for each topic, for each tag.")] = (
        "topics",
    )
    archive: Annotated[
        Literal["month", "year", "none"],
        Meta(description="The period of the archives behind the main feed (RFC 5005)."),
    ] = "month"
    hub: Annotated[str, Meta(description="The address of a WebSub hub; empty: none.")] = ""


class TopicSettings(Struct, frozen=True, kw_only=True):
    """What topics are called."""

    aliases: Annotated[
        dict[str, tuple[str, ...]],
        Meta(description="Other spellings of a topic or tag: `name = [spellings]`."),
    ] = field(default_factory=dict)


class Settings(Struct, frozen=True, kw_only=True):
    """All of broadsheet.toml."""

    publication: Annotated[Publication, Meta(description="Who publishes.")]
    articles: Annotated[ArticleSettings, Meta(description="Where the articles are.")] = field(
        default_factory=ArticleSettings
    )
    feeds: Annotated[FeedSettings, Meta(description="What subscribers get.")] = field(
        default_factory=FeedSettings
    )
    topics: Annotated[TopicSettings, Meta(description="What topics are called.")] = field(
        default_factory=TopicSettings
    )
