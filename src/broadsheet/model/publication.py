"""The publication: who publishes, where, in which language and time zone."""

from __future__ import annotations

import re
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
    """The URL of a folder: it always ends with a slash."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Raises ValueError as `Url` does, and for a URL with a query or fragment."""
        if "?" in text or "#" in text:
            raise ValueError(f"{text!r} has a query or fragment; write the URL of the folder")
        return super().__new__(cls, text if text.endswith("/") else text + "/")


class Language(str):
    """A language tag (BCP 47), such as zh-CN or en; written with hyphens."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Raises ValueError, with an example, for any other form."""
        tag = text.replace("_", "-")
        if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", tag):
            raise ValueError(f"{text!r} is not a language tag; write one like zh-CN or en")
        return super().__new__(cls, tag)


class Person(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """An author of an article or of the publication."""

    name: Annotated[str, Meta(description="The name as readers see it.", examples=["Ann Lee"])]
    email: Annotated[str, Meta(description="A mail address that may be published.")] = ""
    url: Annotated[str, Meta(description="A page about the person.")] = ""


class Publication(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole: title, address, language, time zone, default author."""

    title: Annotated[
        str,
        Meta(
            min_length=1,
            description="The name of the publication, as readers see it.",
            examples=["The Daily Example"],
        ),
    ]
    url: Annotated[
        BaseUrl,
        Meta(
            description="Where the articles live on the web.", examples=["https://www.example.org/"]
        ),
    ]
    given_feeds_url: Annotated[
        BaseUrl | None,
        Meta(
            description="Where the feeds folder is served. Not given: `feeds/` under "
            "`publication.url`."
        ),
    ] = field(name="feeds_url", default=None)
    description: Annotated[
        str, Meta(description="One sentence on what it is about; feeds and pages show it.")
    ] = ""
    language: Annotated[
        Language, Meta(description="The language of the articles that name none (BCP 47).")
    ] = field(default_factory=lambda: Language("en"))
    timezone: Annotated[
        ZoneInfo,
        Meta(
            description="The time zone of dates that name no offset, of the days in addresses, and "
            "of schedules (IANA)."
        ),
    ] = field(default_factory=lambda: ZoneInfo("UTC"))
    author: Annotated[Person | None, Meta(description="The author of articles that name none.")] = (
        None
    )
    given_id_base: Annotated[
        BaseUrl | None,
        Meta(
            description="What ids are made under. Not given: `publication.url`. Set it to the old "
            "address before the domain moves, and no id changes."
        ),
    ] = field(name="id_base", default=None)
    icon: Annotated[
        str,
        Meta(description="A small square image: an address, or a path under `publication.url`."),
    ] = ""
    logo: Annotated[
        str, Meta(description="A wide image, twice as wide as high: an address or a path.")
    ] = ""
    rights: Annotated[str, Meta(description="The copyright or licence line of the feeds.")] = ""

    @property
    def feeds_url(self) -> BaseUrl:
        """Where the feeds folder is served."""
        return self.given_feeds_url or BaseUrl(self.url + "feeds/")

    @property
    def id_base(self) -> BaseUrl:
        """The base of ids; it stays the same when the domain moves."""
        return self.given_id_base or self.url
