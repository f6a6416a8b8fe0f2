"""Collect what a generator's config says, under the keys of broadsheet.toml.

Each method gets the values that may apply, best first, and takes the first one. A value that cannot
be taken becomes a remark that says what to write by hand: nothing is guessed silently.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Literal, get_args
from urllib.parse import urlsplit

from broadsheet.errors import Problem
from broadsheet.importers.config_file import ConfigFile, ConfigValue, nested, value_of
from broadsheet.importers.generator import GeneratedSite, Taken
from broadsheet.importers.javascript import Code
from broadsheet.importers.patterns import tells_articles_apart
from broadsheet.model.publication import BaseUrl, Language
from broadsheet.text.characters import forbidden

# fmt: off
ConfigKey = Literal[
    "publication.title", "publication.url", "publication.language", "publication.timezone",
    "publication.author", "articles.folders", "articles.permalink", "articles.id",
    "articles.lowercase", "articles.addresses", "articles.in", "articles.exclude",
    "articles.title_from", "articles.date_from", "articles.assets", "articles.markdown",
    "articles.markdown_extensions",
]
# fmt: on
"""What can be taken, in the order of broadsheet.toml."""

_REQUIRED: tuple[ConfigKey, ...] = ("publication.title", "publication.url")  # without a default
_EXAMPLES: Mapping[ConfigKey, str] = {
    "publication.title": '"The Daily Example"',
    "publication.url": '"https://www.example.org/"',
    "publication.language": '"en"',
    "publication.timezone": 'one such as "Europe/Paris"',
    "publication.author": '{ name = "Ann Lee" }',
}

_TIMEZONE = re.compile(r"UTC|GMT|[A-Z][A-Za-z_]+(?:/[A-Za-z0-9_+-]+)+")
_NAME_AND_EMAIL = re.compile(r"([^<>]*?)\s*<\s*([^<>@\s]+@[^<>@\s]+)\s*>")
_EMAIL_AND_NAME = re.compile(r"([^<>@\s()]+@[^<>@\s()]+)\s*\(\s*([^()]+?)\s*\)")  # as in RSS
_EMAIL = re.compile(r"[^<>@\s]+@[^<>@\s]+")
_STAND_INS = re.compile(r"(?:.*\.)?example\.(?:com|org|net)")
_LOCAL = re.compile(r"(?:.*\.)?localhost|127\.[\d.]+|0\.0\.0\.0|::1|.*\.local")


class Findings:
    """What one generator's config gave so far; `site` returns it.

    default: the source of a value that the config does not give, in words.
    """

    def __init__(self, generator: str) -> None:
        self.generator = generator
        self.default = f"{generator}'s default"
        self._taken: dict[str, Taken] = {}
        self._remarks: list[Problem] = []
        self._remarked: set[str] = set()

    def complain(self, documents: Iterable[ConfigFile]) -> bool:
        """Add the complaints of `documents`, and return whether there were any."""
        complaints = [document.complaint for document in documents if document.complaint]
        self._remarks.extend(complaints)
        return bool(complaints)

    def take(self, key: ConfigKey, value: object, source: str) -> None:
        """Take a value; refuse one with characters that TOML forbids."""
        if forbidden(" ".join(_texts(value))):
            why = "which has invisible characters"
            self.refuse(key, ConfigValue(value, source), why, "it without them")
        else:
            self._taken[key] = Taken(key, value, source)

    def source(self, found: ConfigValue | None) -> str:
        """Return where a value is from, in words."""
        return found.source if found else self.default

    def remark(self, key: ConfigKey, what: str, todo: str = "") -> None:
        """Add what to know or do about a key of broadsheet.toml."""
        self._remarked.add(key)
        self._remarks.append(Problem(what, todo, key=key))

    def refuse(self, key: ConfigKey, found: ConfigValue, why: str, example: str) -> None:
        """Add why a value was not taken, and what to write by hand."""
        what = f"{found.source} says {said(found.value)}, {why}"
        self.remark(key, what, f"write {example} by hand")

    def _refuse_unfit(self, key: ConfigKey, found: ConfigValue, why: str) -> None:
        """Refuse a value of the wrong kind; code is one for any key."""
        is_code = isinstance(found.value, Code)
        self.refuse(
            key, found, "which is code that init does not run" if is_code else why, _EXAMPLES[key]
        )

    def site(self) -> GeneratedSite:
        """Return everything that was taken, in the order of broadsheet.toml."""
        for key in _REQUIRED:
            if key not in self._taken and key not in self._remarked:
                what = f"not found in the config of {self.generator}"
                self.remark(key, what, f"write {_EXAMPLES[key]} by hand")
        taken = tuple(self._taken[key] for key in get_args(ConfigKey) if key in self._taken)
        return GeneratedSite(self.generator, taken, tuple(dict.fromkeys(self._remarks)))

    def title(self, *places: ConfigValue | None) -> None:
        """Take publication.title."""
        if found := _first(places):
            # YAML gives a number for `title: 2025`.
            title = str(found.value) if _is_year(found.value) else found.value
            if isinstance(title, str):
                self.take("publication.title", " ".join(title.split()), found.source)
            else:
                self._refuse_unfit("publication.title", found, "which is not text")

    def url(self, *places: ConfigValue | None, below: ConfigValue | None = None) -> None:
        """Take publication.url. below: the path of the site under it."""
        if not (found := _first(places)):
            return
        url, source = _absolute(found.value), found.source
        if url is None:
            self._refuse_unfit("publication.url", found, "which is not a plain absolute URL")
            return
        if _LOCAL.fullmatch(urlsplit(url).hostname or ""):
            self.refuse(
                "publication.url", found, "which is the local machine", "the URL of the web site"
            )
            return
        if (below := _first([below])) and below.value != "/":
            url, source = self._put_below(url, found, below)
        self.take("publication.url", url, source)
        if _STAND_INS.fullmatch(urlsplit(url).hostname or ""):
            self.remark(
                "publication.url",
                f"{url} looks like a placeholder",
                "write the real URL of the site",
            )

    def _put_below(self, url: str, found: ConfigValue, below: ConfigValue) -> tuple[str, str]:
        path = below.value.strip("/. ") if isinstance(below.value, str) else ""
        if not re.fullmatch(r"[^\s:?#\\{}]+", path) or ".." in path:
            self._refuse_unfit("publication.url", below, "which is not a plain path")
            return url, found.source
        other = below.key if below.file == found.file else below.source
        return f"{url}{path}/", f"{found.source} + {other}"

    def language(self, *places: ConfigValue | None) -> None:
        """Take publication.language, spelled as BCP 47 recommends (zh-cn becomes zh-CN)."""
        if not (found := _first(places)):
            return
        if tag := language_tag(found.value):
            self.take("publication.language", tag, found.source)
        else:
            self._refuse_unfit("publication.language", found, "which is not a language tag")

    def timezone(self, *places: ConfigValue | None) -> None:
        """Take publication.timezone if it has the form of an IANA name."""
        if not (found := _first(places)):
            return
        if isinstance(found.value, str) and _TIMEZONE.fullmatch(found.value.strip()):
            self.take("publication.timezone", found.value.strip(), found.source)
        else:
            self._refuse_unfit("publication.timezone", found, "which is not an IANA time zone")

    def author(self, *places: ConfigValue | None) -> None:
        """Take publication.author from a text, a mapping with a name, or a list of these."""
        if not (found := _first(places)):
            return
        first = found.value[0] if isinstance(found.value, list) and found.value else found.value
        if person := _person(first):
            self.take("publication.author", person, found.source)
        else:
            self._refuse_unfit("publication.author", found, "which has no name")

    def folders(self, folders: list[str], source: str) -> None:
        """Take articles.folders."""
        self.take("articles.folders", folders, source)

    def addresses(self, style: str, *, keeps_case: bool = True) -> None:
        """Take articles.addresses and, if the generator keeps capital letters, that."""
        self.take("articles.addresses", style, f"the site is {self.generator}'s")
        if keeps_case:
            self.keep_case(f"{self.generator} keeps capital letters")

    def keep_case(self, source: str) -> None:
        """Take articles.lowercase: URLs keep the capital letters of file names."""
        self.take("articles.lowercase", False, source)

    def title_from(self, *places: str) -> None:
        """Take articles.title_from."""
        self.take("articles.title_from", list(places), self.default)

    def date_from_git(self) -> None:
        """Take articles.date_from: an article without a date has that of its first commit."""
        self.take("articles.date_from", ["git"], self.default)

    def within(self, place: str, source: str, **values: object) -> None:
        """Add `values` to what is taken of articles.in for `place`, if there are any."""
        given = {name: value for name, value in values.items() if value}
        if not given:
            return
        taken = self._taken.get("articles.in")
        places = dict(taken.value) if taken and isinstance(taken.value, Mapping) else {}
        places[place] = {**places.get(place, {}), **given}
        self.take("articles.in", places, f"{taken.source}, {source}" if taken else source)

    def permalink(self, pattern: str, source: str) -> bool:
        """Take articles.permalink, and return whether it could."""
        if tells_articles_apart(pattern):
            self.take("articles.permalink", pattern, source)
            return True
        found = ConfigValue(pattern, source)
        self.refuse(
            "articles.permalink",
            found,
            "which gives many articles the same URL",
            '"/posts/{slug}/"',
        )
        return False

    def no_permalink(self, found: ConfigValue, unknown: Collection[str]) -> None:
        """Report that the permalink pattern has parts without a token here."""
        parts = ", ".join(unknown)
        self.refuse(
            "articles.permalink",
            found,
            f"and no token here means {parts}",
            'the nearest, such as "/{year}/{month}/{slug}/", and `url` in the front matter of '
            "articles that it does not fit,",
        )

    def markdown(self, dialect: str, *switches: tuple[str, ConfigValue | None]) -> None:
        """Take articles.markdown, and for each extension whether the site switches it on or off."""
        self.take("articles.markdown", dialect, f"the dialect of {self.generator}")
        found = {name: place for name, place in switches if place and isinstance(place.value, bool)}
        if found:
            values = {name: place.value for name, place in found.items()}
            sources = ", ".join(dict.fromkeys(place.source for place in found.values()))
            self.take("articles.markdown_extensions", values, sources)

    def assets(self, folders: Iterable[str], source: str) -> None:
        """Take articles.assets, each folder once."""
        self.take("articles.assets", list(dict.fromkeys(folders)), source)


def relative_folder(value: object) -> str | None:
    """Return a folder inside the project, without "./" and a trailing slash; "." is the project.

    None if `value` is not text, is absolute, or leaves the project.
    """
    if not isinstance(value, str) or value.startswith(("/", "~")) or re.search(r"[\\:]", value):
        return None
    parts = [part for part in value.strip().split("/") if part not in {"", "."}]
    return None if ".." in parts else "/".join(parts) or "."


def folder_in(found: ConfigValue | None, default: str) -> str:
    """Return the folder that a value names, as `relative_folder` does; else the default."""
    return (relative_folder(found.value) if found else None) or default


def under(folder: str, name: str) -> str:
    """Return the path of `name` in `folder`; "." is the project itself."""
    return name if folder == "." else f"{folder}/{name}"


def said(value: object) -> str:
    """Return a config value as a remark quotes it: on one line, at most 80 characters."""
    if isinstance(value, Code):
        text = " ".join(value.text.split())
    elif isinstance(value, str | bool | float) or _is_year(value):
        text = json.dumps(value, ensure_ascii=not str(value).isprintable())
    else:
        # Never written out: YAML's aliases can make the value of a small file endless.
        text = {list: "a list", dict: "a group of keys", int: "a number"}.get(type(value), "a date")
    return text if len(text) <= 80 else f"{text[:79]}…"


def _is_year(value: object) -> bool:
    return type(value) is int and 0 <= value <= 9999


def _texts(value: object) -> list[str]:
    """Return the texts in a value: itself, or those of its list or mapping."""
    if isinstance(value, Mapping):
        return [text for each in value.items() for item in each for text in _texts(item)]
    return [str(text) for text in value] if isinstance(value, list) else [str(value)]


def _first(places: Iterable[ConfigValue | None]) -> ConfigValue | None:
    """Return the first value that is not empty."""
    return next((found for found in places if found and not _is_blank(found.value)), None)


def _is_blank(value: object) -> bool:
    return not value.strip() if isinstance(value, str) else value in ({}, [])


def _absolute(value: object) -> str | None:
    """Return an absolute URL that ends with a slash; None if `value` is not a URL."""
    if not isinstance(value, str):
        return None
    try:
        url = BaseUrl(value.strip())
        parts = urlsplit(url)
        plain = parts.username is None and parts.port != 0
    except ValueError:
        return None
    if not plain or re.search(r"[\"'<>\\{}]", url):
        return None
    path = re.sub(r"/{2,}", "/", parts.path)
    return f"{parts.scheme}://{parts.netloc}{path}"


def language_tag(value: object) -> str | None:
    """Return a language tag in the case that BCP 47 (RFC 5646, 2.1.1) recommends: zh-Hans-CN."""
    if not isinstance(value, str):
        return None
    try:
        first, *rest = Language(value.strip()).split("-")
    except ValueError:
        return None
    spelling = {2: str.upper, 4: str.title}
    return "-".join([first.lower(), *(spelling.get(len(part), str.lower)(part) for part in rest)])


def _person(value: object) -> dict[str, str] | None:
    if isinstance(value, str):
        return _person_in_one_line(" ".join(value.split()))
    document = nested(value)
    name, email = value_of(document.find("name")), value_of(document.find("email"))
    if not isinstance(name, str) or _is_blank(name):
        return None
    person = {"name": " ".join(name.split())}
    if isinstance(email, str) and _EMAIL.fullmatch(email.strip()):
        person["email"] = email.strip()
    return person


def _person_in_one_line(text: str) -> dict[str, str] | None:
    if both := _NAME_AND_EMAIL.fullmatch(text):
        return {"name": both[1] or both[2], "email": both[2]}
    if both := _EMAIL_AND_NAME.fullmatch(text):
        return {"name": both[2], "email": both[1]}
    return {"name": text} if text else None
