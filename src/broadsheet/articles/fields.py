"""The fields of an article by the names that Hugo, Jekyll, Eleventy, Astro and Zola give them.

Each reader accepts a value in any form in use, and raises ValueError for any other; `parsing` adds
the field and its line. To add a field: name it here, add it to `Article`, and read it in `parsing`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from broadsheet.model.publication import Person, Url
from broadsheet.text.characters import printable
from broadsheet.text.plain import one_line, unescape
from broadsheet.text.urls import encode

TITLE = ("title",)
DATE = ("date", "pubDate", "pubDatetime", "publishDate", "published_at", "published")
UPDATED = ("lastmod", "updated", "modified", "last_modified_at", "updatedDate", "modDatetime")
PUBLISH = (
    *("publishDate", "pubDate", "published", "publishedAt", "publish", "publishAt", "publishOn"),
    *("scheduled", "scheduledAt", "scheduledFor", "embargo", "embargoUntil", "embargoedUntil"),
)
"""The latest counts: Hugo takes `published` and `pubDate` for `publishDate`."""
EXPIRES = (
    *("expiryDate", "expires", "expiresAt", "expirationDate", "expireDate", "unpublishDate"),
    *(
        "unpublish",
        "unpublishAt",
        "unpublishOn",
        "unpublishedAt",
        "archived",
        "archivedAt",
        "deleted",
    ),
    *("deletedAt", "trashedAt", "withdrawn", "withdrawnAt", "retracted", "retractedAt"),
)
"""The earliest counts."""
TOPICS = ("main_topics", "categories", "category", "topics")
TAGS = ("tags",)
SUMMARY = ("summary", "description", "excerpt")
IMAGE = ("featured_image", "image", "cover", "images", "thumbnail", "hero_image", "og_image")
IMAGE_ALT = ("image_alt", "featured_image_alt", "cover_alt", "hero_image_alt")
AUTHORS = ("author", "authors")
ALIASES = ("aliases", "alias", "redirect_from")
ADDRESS = ("url", "permalink", "path")
LANGUAGE = ("language", "lang", "locale")
EXTERNAL = ("external_url", "externalUrl", "link", "link_url", "target_url")
"""The page that a link post is about, by the names that link blogs use."""
DIGEST = ("digest",)
PIN = ("pin",)
DIGEST_SUMMARY = ("digest_summary",)
UNCHECKED = ("check_off",)
CHECKS = ("checks",)

BY_USE = {
    "title": "title",
    "date": "date",
    "updated": "lastmod",
    "publish": "publishDate",
    "expires": "expiryDate",
    "topics": "main_topics",
    "tags": "tags",
    "summary": "summary",
    "image": "featured_image",
    "image_alt": "image_alt",
    "authors": "author",
    "address": "url",
    "slug": "slug",
    "language": "language",
    "id": "id",
    "aliases": "aliases",
    "external_url": "external_url",
    "media": "enclosure",
}
"""The name that stands for each key of `articles.fields`."""

_NOBODY: Mapping[str, Person] = MappingProxyType({})
_WEB = re.compile(r"https?:", re.IGNORECASE)
_TRUE = {"true", "yes", "on", "1"}
_SWITCH = _TRUE | {"false", "no", "off", "0", ""}
_LIST_MARKS = re.compile(r"\s*[,，、;；]\s*")


@lru_cache(4096)
def fold(name: str) -> str:
    """Return a field name without case and separators: `featured_image` -> `featuredimage`."""
    return re.sub(r"[_\s-]", "", name).casefold()


def names(*groups: tuple[str, ...]) -> set[str]:
    """Return the folded names in all `groups`."""
    return {fold(name) for group in groups for name in group}


def language(value: object) -> str:
    """Return a language tag as written; "" for a list, which says in what something is written or
    programmed that the article is about."""
    return "" if isinstance(value, dict | list) else text(value)


def text(value: object) -> str:
    """Return a value as one line of text; a number or a date as written.

    Exports of WordPress have lists of one text.
    """
    if isinstance(value, str):  # the two common cases, for speed
        if value.isalnum():
            return value
        if value.isprintable():
            return " ".join(value.split())
    if value is None:
        return ""
    if isinstance(value, list) and len(value) == 1:
        return text(value[0])
    if isinstance(value, dict | list):
        raise ValueError(f"expected text, not a {_kind(value)}")
    written = str(value).lower() if isinstance(value, bool) else str(value)
    return one_line(printable(written))


def title(value: object) -> str:
    """Return a title as one line of text; exports of WordPress have character references in it."""
    written = text(value)
    return text(unescape(written)) if "&" in written else written


def truth(value: object) -> bool:
    """Return whether a switch is on. Raises ValueError for any other value."""
    word = text(value).casefold()
    if word not in _SWITCH:
        raise ValueError(f"{word!r} is neither true nor false")
    return word in _TRUE


def is_switch(value: object) -> bool:
    """Whether `value` can only be a switch."""
    return isinstance(value, bool) or (
        isinstance(value, str) and value.strip().casefold() in _SWITCH - {""}
    )


def digests(value: object) -> tuple[str, ...] | None:
    """Return the names of the digests that may have the article; None for all: `true`."""
    if is_switch(value):
        return None if truth(value) else ()
    return texts(value)


def address(value: object) -> str:
    """Return a path, as written, or a whole URL, encoded. Raises ValueError."""
    written = text(value)
    if not _WEB.match(written):
        return written
    try:
        return encode(Url(written.replace(" ", "%20")))
    except ValueError:  # such as an invalid bracketed host
        raise ValueError(f"invalid URL {written!r}") from None


def external_url(value: object) -> str:
    """Return an absolute URL, encoded; "" for anything else, such as a path."""
    if not isinstance(value, str) or not _WEB.match(value):
        return ""
    try:
        return address(value)
    except ValueError:
        return ""


def texts(value: object) -> tuple[str, ...]:
    """Return a list of texts, each once; one text with commas in it is a list too.

    A list in it counts as its texts: Hexo nests categories (https://hexo.io/docs/front-matter).
    """
    if isinstance(value, dict):
        raise ValueError("expected a list, not a mapping")
    items = value if isinstance(value, list) else _LIST_MARKS.split(text(value))
    return tuple(dict.fromkeys(filter(None, map(text, _flat(items)))))


def _flat(items: list[Any]) -> list[Any]:
    """Return `items`, with the items of a list among them in its place."""
    if list not in map(type, items):
        return items
    return [each for item in items for each in (item if isinstance(item, list) else (item,))]


def jekyll_categories(given: Mapping[str, object]) -> tuple[str, ...]:
    """Return the categories as Jekyll reads them: one `category`, `categories` split at spaces."""
    one, more = given.get("category"), given.get("categories")
    if one:
        more = [one]
    items = more.split() if isinstance(more, str) else more if isinstance(more, list) else []
    # Where they are read as topics, a mapping or list among them is reported.
    return tuple(text(each) for each in _flat(items) if each and not isinstance(each, dict | list))


def image(value: object) -> tuple[str, str]:
    """Return the URL and alternative text of an image, or of the first in a list, or ""."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        given = {fold(str(key)): item for key, item in value.items()}
        source = next((given[key] for key in ("src", "url", "image", "path") if key in given), None)
        return text(source), text(given.get("alt"))
    return text(value), ""


def people(value: object, known: Mapping[str, Person] = _NOBODY) -> tuple[Person, ...]:
    """Return authors from a name, "name <address>", a mapping, or a list of these.

    known: people by the keys that may stand for them, also as `key` of a mapping (Docusaurus).
    """
    items = value if isinstance(value, list) else [value]
    found = (known.get(_key(item)) or _person(item) for item in items)
    return tuple(dict.fromkeys(person for person in found if person.name))


def _key(item: object) -> str:
    key = item.get("key") if isinstance(item, dict) and not item.get("name") else item
    return key if isinstance(key, str) else ""


def _person(value: object) -> Person:
    """One author; the name is "" if the field is empty."""
    if isinstance(value, dict):
        given = {
            fold(str(key)): text(item) for key, item in value.items() if fold(str(key)) in _PERSON
        }
        url = given.get("url") or given.get("uri") or given.get("homepage") or ""
        return Person(given.get("name", ""), given.get("email", ""), url)
    written = text(value)
    if "<" not in written:
        return Person(written)
    from email.utils import parseaddr  # it imports sockets; few articles need it

    name, email = parseaddr(written)
    return Person(name or email, email)


_PERSON = {"name", "email", "url", "uri", "homepage"}


def _kind(value: object) -> str:
    return "mapping" if isinstance(value, dict) else "list"
