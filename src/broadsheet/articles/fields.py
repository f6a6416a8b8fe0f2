"""The fields of an article by the names that Hugo, Jekyll, Eleventy, Astro and Zola give them.

Each reader takes what was written, in any of the forms in use, and raises ValueError with a
sentence when it is none of them; `articles` adds where.
"""

from __future__ import annotations

import re
from email.utils import parseaddr

from broadsheet.articles.front_matter import fold
from broadsheet.markup.text import one_line, printable
from broadsheet.publication import Person

TITLE = ("title",)
DATE = ("date", "pubDate", "pubDatetime", "publishDate", "published_at", "published")
UPDATED = ("lastmod", "updated", "modified", "last_modified_at", "updatedDate", "modDatetime")
PUBLISH = ("publishDate",)
EXPIRES = ("expiryDate", "expires")
TOPICS = ("main_topics", "categories", "category", "topics")
TAGS = ("tags",)
SUMMARY = ("summary", "description", "excerpt")
IMAGE = ("featured_image", "image", "cover", "images", "thumbnail", "hero_image", "og_image")
IMAGE_ALT = ("image_alt", "featured_image_alt", "cover_alt", "hero_image_alt")
AUTHORS = ("author", "authors")
ADDRESS = ("url", "permalink", "path")
LANGUAGE = ("language", "lang", "locale")
UNPUBLISHED = ("draft", "eleventyExcludeFromCollections", "headless")

_TRUE = {"true", "yes", "on", "1"}
_FALSE = {"false", "no", "off", "0", ""}
_LIST_MARKS = re.compile(r"\s*[,，、;；]\s*")


def names(*groups: tuple[str, ...]) -> set[str]:
    """The folded names of all `groups`."""
    return {fold(name) for group in groups for name in group}


def text(value: object) -> str:
    """One line of text; a number or a date is taken as it was written."""
    if value is None:
        return ""
    if isinstance(value, dict | list):
        raise ValueError(f"a text is wanted, and this is a {_kind(value)}")
    return one_line(printable(str(value)))


def truth(value: object) -> bool:
    """Whether a switch is on."""
    if isinstance(value, bool):
        return value
    word = text(value).casefold()
    if word not in _TRUE | _FALSE:
        raise ValueError(f"{word!r} is neither true nor false")
    return word in _TRUE


def texts(value: object) -> tuple[str, ...]:
    """A list of texts, each once; one text with commas in it is a list too."""
    if isinstance(value, dict):
        raise ValueError("a list is wanted, and this is a mapping")
    items = value if isinstance(value, list) else _LIST_MARKS.split(text(value))
    return tuple(dict.fromkeys(filter(None, map(text, items))))


def image(value: object) -> tuple[str, str]:
    """The address and the alternative text of an image; both may be empty."""
    if isinstance(value, list):
        return image(value[0]) if value else ("", "")
    if isinstance(value, dict):
        given = {fold(str(key)): item for key, item in value.items()}
        source = next((given[key] for key in ("src", "url", "image", "path") if key in given), None)
        return text(source), text(given.get("alt"))
    return text(value), ""


def people(value: object) -> tuple[Person, ...]:
    """Authors: a name, "name <address>", a mapping, or a list of these."""
    if isinstance(value, list):
        found = [person for item in value for person in people(item)]
        return tuple(dict.fromkeys(found))
    if isinstance(value, dict):
        given = {
            fold(str(key)): text(item) for key, item in value.items() if fold(str(key)) in _PERSON
        }
        url = given.get("url") or given.get("uri") or given.get("homepage") or ""
        person = Person(given.get("name", ""), given.get("email", ""), url)
    else:
        written = text(value)
        name, email = parseaddr(written) if "<" in written else (written, "")
        person = Person(name or email, email)
    return (person,) if person.name else ()


_PERSON = {"name", "email", "url", "uri", "homepage"}


def _kind(value: object) -> str:
    return "mapping" if isinstance(value, dict) else "list"
