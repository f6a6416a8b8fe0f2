"""The publication: who publishes, where, in which language and time zone."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Annotated, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct, field


class Url(str):
    """An absolute http or https URL (RFC 3986); the constructor refuses anything else."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Raises ValueError, with an example, for any other text."""
        parts = urlsplit(text)
        if parts.scheme not in {"http", "https"} or not parts.hostname or re.search(r"\s", text):
            raise ValueError(f"invalid URL {text!r}; write one like https://example.org/")
        return super().__new__(cls, text)


class BaseUrl(Url):
    """The URL of a folder; it always ends with a slash."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Raises ValueError as `Url` does, and for a URL with a query or fragment."""
        if "?" in text or "#" in text:
            raise ValueError(f"{text!r} has a query or fragment; write the URL of the folder")
        return super().__new__(cls, text if text.endswith("/") else text + "/")


class Language(str):
    """A language tag (BCP 47), such as zh-CN or en, with hyphens."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Raises ValueError, with an example, for any other form."""
        tag = text.replace("_", "-")
        if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", tag):
            raise ValueError(f"{text!r} is not a language tag; write one like zh-CN or en")
        return super().__new__(cls, tag)


OwnTexts = dict[str, dict[str, str | dict[str, str]]]
"""Language -> English text -> the text, or its forms by plural category (CLDR)."""


class Person(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """An author of an article or of the publication."""

    name: Annotated[str, Meta(examples=["Ann Lee"])]
    """The name as readers see it."""
    email: str = ""
    """An email address that may be published."""
    url: str = ""
    """A page about the person."""


class Publication(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """The publication: its title, URL, language, time zone and default author."""

    title: Annotated[str, Meta(min_length=1, examples=["The Daily Example"])]
    """The name of the publication, as readers see it."""
    url: Annotated[BaseUrl, Meta(examples=["https://www.example.org/"])]
    """The URL of the web site that has the articles."""
    given_feeds_url: BaseUrl | None = field(name="feeds_url", default=None)
    """The URL of the feeds folder. Defaults to `feeds/` under `publication.url`."""
    description: str = ""
    """One sentence about it; feeds and pages show it."""
    language: Language = field(default_factory=lambda: Language("en"))
    """The language of articles whose front matter names none (BCP 47)."""
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    """The time zone (IANA) of dates without an offset, of the dates in URLs, and of schedules."""
    author: Person | None = None
    """The author of articles whose front matter names none."""
    given_id_base: BaseUrl | None = field(name="id_base", default=None)
    """The URL that ids are made under. Defaults to `publication.url`. Set it to the old URL before
    the site moves to another domain, and no id changes."""
    icon: str = ""
    """A small square image: a URL, or a path under `publication.url`."""
    logo: str = ""
    """An image twice as wide as high: a URL, or a path under `publication.url`."""
    texts: OwnTexts = field(default_factory=dict)
    """Your own wording of Broadsheet's texts, by language (docs/digests.md):
    `de = { "Unsubscribe" = "Newsletter abbestellen" }`."""
    catalogues: tuple[str, ...] = ()
    """Your own catalogues of Broadsheet's texts (gettext), each a file that is named after its
    language: `["texts/sv.po"]`. `texts` comes before them."""
    rights: str = ""
    """The copyright or licence line of the feeds."""

    @cached_property
    def feeds_url(self) -> BaseUrl:
        """The URL of the feeds folder."""
        return self.given_feeds_url or BaseUrl(self.url + "feeds/")

    @property
    def id_base(self) -> BaseUrl:
        """The base of ids; it stays the same when the site moves to another domain."""
        return self.given_id_base or self.url
