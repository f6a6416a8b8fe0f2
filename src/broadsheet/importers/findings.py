"""Collects what a generator's config says, under the keys of broadsheet.toml.

Each method gets the values that may apply, best first, and takes the first one. A value that cannot
be taken becomes a remark that says what to write by hand: nothing is guessed silently.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from urllib.parse import urlsplit

from broadsheet.errors import Problem
from broadsheet.importers.config_file import ConfigFile, ConfigValue
from broadsheet.importers.generator import GeneratedSite, Taken
from broadsheet.importers.javascript import Code
from broadsheet.importers.patterns import tells_articles_apart
from broadsheet.model.publication import BaseUrl, Language
from broadsheet.text.characters import forbidden

TITLE = "publication.title"
URL = "publication.url"
LANGUAGE = "publication.language"
TIMEZONE = "publication.timezone"
AUTHOR = "publication.author"
FOLDERS = "articles.folders"
PERMALINK = "articles.permalink"
ID = "articles.id"
LOWERCASE = "articles.lowercase"
ADDRESSES = "articles.addresses"
WITHIN = "articles.in"
EXCLUDE = "articles.exclude"
TITLE_FROM = "articles.title_from"
ASSETS = "articles.assets"
MARKDOWN = "articles.markdown"
EXTENSIONS = "articles.markdown_extensions"

# In the order of broadsheet.toml. The first two have no default, so their absence is always
# reported.
_KEYS = (
    *(TITLE, URL, LANGUAGE, TIMEZONE, AUTHOR),
    *(FOLDERS, PERMALINK, ID, LOWERCASE, ADDRESSES, WITHIN, EXCLUDE, TITLE_FROM),
    *(ASSETS, MARKDOWN, EXTENSIONS),
)
_REQUIRED = {TITLE: '"The Daily Example"', URL: '"https://www.example.org/"'}

_TIMEZONE = re.compile(r"UTC|GMT|[A-Z][A-Za-z_]+(?:/[A-Za-z0-9_+-]+)+")
_NAME_AND_EMAIL = re.compile(r"([^<>]*?)\s*<\s*([^<>@\s]+@[^<>@\s]+)\s*>")
_EMAIL_AND_NAME = re.compile(r"([^<>@\s()]+@[^<>@\s()]+)\s*\(\s*([^()]+?)\s*\)")  # as in RSS
_EMAIL = re.compile(r"[^<>@\s]+@[^<>@\s]+")
_STAND_INS = re.compile(r"(?:.*\.)?example\.(?:com|org|net)")
_LOCAL = re.compile(r"(?:.*\.)?localhost|127\.[\d.]+|0\.0\.0\.0|::1|.*\.local")


class Findings:
    """What one generator's config gave so far; `site` returns it."""

    def __init__(self, generator: str) -> None:
        self.generator = generator
        self._taken: dict[str, Taken] = {}
        self._remarks: list[Problem] = []
        self._remarked: set[str] = set()

    def complain(self, documents: Iterable[ConfigFile]) -> bool:
        """Add the complaints of `documents`, and return whether there were any."""
        complaints = [document.complaint for document in documents if document.complaint]
        self._remarks.extend(complaints)
        return bool(complaints)

    def take(self, key: str, value: object, source: str) -> None:
        """Take a value; refuse one with characters that TOML forbids."""
        if forbidden(" ".join(_texts(value))):
            why = "which has invisible characters"
            self.refuse(key, ConfigValue(value, source), why, "it without them")
        else:
            self._taken[key] = Taken(key, value, source)

    def remark(self, key: str, what: str, todo: str = "") -> None:
        """Add what to know or do about a key of broadsheet.toml."""
        self._remarked.add(key)
        self._remarks.append(Problem(what, todo, key=key))

    def refuse(self, key: str, found: ConfigValue, why: str, example: str) -> None:
        """Add why a value was not taken, and what to write by hand."""
        what = f"{found.source} says {said(found.value)}, {why}"
        self.remark(key, what, f"write {example} by hand")

    def site(self) -> GeneratedSite:
        """Return everything that was taken, in the order of broadsheet.toml."""
        for key, example in _REQUIRED.items():
            if key not in self._taken and key not in self._remarked:
                what = f"not found in the config of {self.generator}"
                self.remark(key, what, f"write {example} by hand")
        taken = tuple(self._taken[key] for key in _KEYS if key in self._taken)
        return GeneratedSite(self.generator, taken, tuple(dict.fromkeys(self._remarks)))

    def title(self, *places: ConfigValue | None) -> None:
        """Take publication.title."""
        if found := _first(places):
            # YAML gives a number for `title: 2025`.
            title = str(found.value) if _is_year(found.value) else found.value
            if isinstance(title, str):
                self.take(TITLE, " ".join(title.split()), found.source)
            else:
                self.refuse(TITLE, found, _unfit(found, "which is not text"), _REQUIRED[TITLE])

    def address(self, *places: ConfigValue | None, below: ConfigValue | None = None) -> None:
        """Take publication.url. below: the path of the site under it."""
        if not (found := _first(places)):
            return
        url = _absolute(found.value)
        if url is None:
            why = _unfit(found, "which is not a plain absolute URL")
            self.refuse(URL, found, why, _REQUIRED[URL])
            return
        if _LOCAL.fullmatch(urlsplit(url).hostname or ""):
            self.refuse(URL, found, "which is the local machine", "the URL of the web site")
            return
        source = found.source
        if (below := _first([below])) and below.value != "/":
            url, source = self._put_below(url, found, below)
        self.take(URL, url, source)
        if _STAND_INS.fullmatch(urlsplit(url).hostname or ""):
            self.remark(URL, f"{url} looks like a placeholder", "write the real URL of the site")

    def _put_below(self, url: str, found: ConfigValue, below: ConfigValue) -> tuple[str, str]:
        path = below.value.strip("/. ") if isinstance(below.value, str) else ""
        if not re.fullmatch(r"[^\s:?#\\{}]+", path) or ".." in path:
            self.refuse(URL, below, _unfit(below, "which is not a plain path"), "the whole URL")
            return url, found.source
        other = below.key if below.file == found.file else below.source
        return f"{url}{path}/", f"{found.source} + {other}"

    def language(self, *places: ConfigValue | None) -> None:
        """Take publication.language, spelled as BCP 47 recommends (zh-cn becomes zh-CN)."""
        if not (found := _first(places)):
            return
        if tag := language_tag(found.value):
            self.take(LANGUAGE, tag, found.source)
        else:
            self.refuse(LANGUAGE, found, _unfit(found, "which is not a language tag"), '"en"')

    def timezone(self, *places: ConfigValue | None) -> None:
        """Take publication.timezone if it has the form of an IANA name."""
        if not (found := _first(places)):
            return
        if isinstance(found.value, str) and _TIMEZONE.fullmatch(found.value.strip()):
            self.take(TIMEZONE, found.value.strip(), found.source)
        else:
            why = _unfit(found, "which is not in the time zone database")
            self.refuse(TIMEZONE, found, why, 'one such as "Europe/Paris"')

    def author(self, *places: ConfigValue | None) -> None:
        """Take publication.author from a text, a mapping with a name, or a list of these."""
        if not (found := _first(places)):
            return
        first = found.value[0] if isinstance(found.value, list) and found.value else found.value
        if person := _person(first):
            self.take(AUTHOR, person, found.source)
        else:
            self.refuse(AUTHOR, found, _unfit(found, "which names no one"), '{ name = "Ann Lee" }')

    def within(self, place: str, source: str, **values: object) -> None:
        """Adds `values` to what is taken of articles.in for `place`, if there are any."""
        given = {name: value for name, value in values.items() if value}
        if not given:
            return
        taken = self._taken.get(WITHIN)
        places = dict(taken.value) if taken and isinstance(taken.value, Mapping) else {}
        places[place] = {**places.get(place, {}), **given}
        self.take(WITHIN, places, f"{taken.source}, {source}" if taken else source)

    def permalink(self, pattern: str, source: str) -> bool:
        """Take articles.permalink, and return whether it could."""
        if tells_articles_apart(pattern):
            self.take(PERMALINK, pattern, source)
            return True
        found = ConfigValue(pattern, source)
        self.refuse(PERMALINK, found, "which gives many articles the same URL", '"/posts/{slug}/"')
        return False

    def no_permalink(self, found: ConfigValue, unknown: Collection[str]) -> None:
        """Add that the permalink pattern has parts without a token here."""
        parts = ", ".join(unknown)
        self.refuse(
            PERMALINK,
            found,
            f"and no token here means {parts}",
            'the nearest, such as "/{year}/{month}/{slug}/", and `url` in the front matter of '
            "articles that it does not fit,",
        )

    def markdown(self, dialect: str, *switches: tuple[str, ConfigValue | None]) -> None:
        """Take articles.markdown, and for each extension whether the site switches it on or off."""
        self.take(MARKDOWN, dialect, f"the dialect of {self.generator}")
        found = {name: place for name, place in switches if place and isinstance(place.value, bool)}
        if found:
            values = {name: place.value for name, place in found.items()}
            sources = ", ".join(dict.fromkeys(place.source for place in found.values()))
            self.take(EXTENSIONS, values, sources)

    def assets(self, folders: Iterable[str], source: str) -> None:
        """Take articles.assets, each folder once."""
        self.take(ASSETS, list(dict.fromkeys(folders)), source)


def relative_folder(value: object) -> str | None:
    """Return a folder inside the project, without "./" and a trailing slash; "." is the project.

    None if `value` is not text, is absolute, or leaves the project.
    """
    if not isinstance(value, str) or value.startswith(("/", "~")) or re.search(r"[\\:]", value):
        return None
    parts = [part for part in value.strip().split("/") if part not in {"", "."}]
    return None if ".." in parts else "/".join(parts) or "."


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
    """The texts in a value: itself, or those of its list or mapping."""
    if isinstance(value, Mapping):
        return [text for each in value.items() for item in each for text in _texts(item)]
    return [str(text) for text in value] if isinstance(value, list) else [str(value)]


def _first(places: Iterable[ConfigValue | None]) -> ConfigValue | None:
    """The first non-empty value."""
    return next(
        (found for found in places if found and found.value not in ({}, []) and not _blank(found)),
        None,
    )


def _blank(found: ConfigValue) -> bool:
    return isinstance(found.value, str) and not found.value.strip()


def _unfit(found: ConfigValue, why: str) -> str:
    return "which is code that init does not run" if isinstance(found.value, Code) else why


def _absolute(value: object) -> str | None:
    """An absolute URL that ends with a slash; None if `value` is not one."""
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
    """A language tag in the case that BCP 47 (RFC 5646, 2.1.1) recommends: zh-Hans-CN."""
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
    document = ConfigFile("", value) if isinstance(value, Mapping) else ConfigFile("")
    name, email = document.find("name"), document.find("email")
    if not name or not isinstance(name.value, str) or _blank(name):
        return None
    person = {"name": " ".join(name.value.split())}
    if email and isinstance(email.value, str) and _EMAIL.fullmatch(email.value.strip()):
        person["email"] = email.value.strip()
    return person


def _person_in_one_line(text: str) -> dict[str, str] | None:
    if both := _NAME_AND_EMAIL.fullmatch(text):
        return {"name": both[1] or both[2], "email": both[2]}
    if both := _EMAIL_AND_NAME.fullmatch(text):
        return {"name": both[2], "email": both[1]}
    return {"name": text} if text else None
