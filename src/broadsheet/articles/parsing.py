"""One source text to one `Article`, by its front matter and its file's name.

Importing this takes 0.1 s, mostly for PyYAML; a run that reads no file does without.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from types import MappingProxyType
from typing import TypeVar

from broadsheet.articles import dates, fields, front_matter, permalinks, titles, visibility
from broadsheet.articles.article import Article, NotAnArticle, Source
from broadsheet.articles.fields import fold
from broadsheet.articles.fingerprint import fingerprint
from broadsheet.articles.front_matter import FrontMatter
from broadsheet.articles.media import media_of, type_of
from broadsheet.articles.styles import STYLES
from broadsheet.errors import ArticleError, Problem
from broadsheet.model.publication import Person, Publication
from broadsheet.model.settings import ArticleSettings, TitleSource
from broadsheet.text.urls import encode

_T = TypeVar("_T")
_WEB = re.compile(r"https?://", re.IGNORECASE)
_DATED = re.compile(r"\{(?:year|month|day|hour|minute|second)")
_NO_DATE = datetime(2000, 1, 1, tzinfo=UTC)
_NOBODY: Mapping[str, Person] = MappingProxyType({})
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def parse(
    source: Source,
    publication: Publication,
    settings: ArticleSettings,
    *,
    with_body: bool = True,
    added: str = "",
    authors: Mapping[str, Person] = _NOBODY,
) -> Article:
    """Return the article in `source`; without its body if not `with_body`.

    added: the date (ISO 8601) of a file that has none itself. authors: people by the keys that
    front matter may name them with.

    Raises NotAnArticle if the file is not meant as one, and ArticleError with every problem if it
    is.
    """
    is_section = source.path.rpartition("/")[2].partition(".")[0] == "_index"
    if is_section and settings.addresses not in {"hugo", "zola"}:
        raise NotAnArticle("it is a section page (_index.md)")
    is_pelican = settings.addresses == "pelican"
    parts = front_matter.split(source.text, source.path, is_metadata=is_pelican)
    if parts is None and not settings.title_from:
        raise NotAnArticle("it has no front matter")
    matter, body = parts or (
        FrontMatter({}, {}, "", 0),
        front_matter.body(source.text, source.path),
    )
    reader = _Reader(source, matter, publication, settings, authors)
    if is_section:
        raise NotAnArticle("it is a section page (_index.md)", reader.section_url())
    return reader.article(body, with_body=with_body, added=added)


def body(source: Source) -> str:
    """Return the Markdown in `source`, as `parse` does."""
    return front_matter.body(source.text, source.path)


def _found(given: Mapping[str, object], name: str) -> object:
    """The value of a field by its name, or by several joined by dots: `params.hero`."""
    value: object = given
    for part in name.split("."):
        if not isinstance(value, Mapping):
            return None
        value = next((each for key, each in value.items() if fold(str(key)) == fold(part)), None)
    return value


_MAYBE_NO_DATE = fields.names(fields.PUBLISH, fields.EXPIRES)


@cache
def _folded(known: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((fold(name), name) for name in known)


class _Reader:
    """Reads the fields of one article, and collects their problems."""

    def __init__(
        self,
        source: Source,
        matter: FrontMatter,
        publication: Publication,
        settings: ArticleSettings,
        authors: Mapping[str, Person],
    ) -> None:
        self.source, self.publication, self.settings = source, publication, settings
        self.authors = authors
        given = dict(matter.fields)
        self.matter = matter
        self.problems: list[Problem] = []
        # Zola has topics and tags in [taxonomies].
        if isinstance(nested := given.get("taxonomies"), dict):
            given = {**{fold(str(key)): nested[key] for key in nested}, **given}
        for field, name in settings.fields.items():
            if (value := _found(matter.given, name)) is not None:
                given[fold(fields.BY_USE[field])] = value
        self.given = {name: value for name, value in given.items() if value is not None}
        self.rules = settings.place(source.path)
        self.style = STYLES[settings.addresses]
        language = self._read(fields.LANGUAGE, fields.language, "").replace("_", "-")
        self.language = language or self.rules.language or publication.language

    def article(self, body: str, *, with_body: bool, added: str) -> Article:
        date = self._date(fields.DATE) or self._date_in_name()
        if date is None and added:
            date = dates.parse_date(added, self.publication.timezone)
        title = self._read(fields.TITLE, fields.title, "") or self._title_elsewhere(body)
        if date is None and not self.problems:
            raise NotAnArticle("it has no date", self._page_url(title))
        if not title:
            self._wrong(fields.TITLE[0], "is missing", 'write `title: "..."`', line=1)
        hidden, unclear, doubts = self._visibility()
        if self.problems or date is None:
            raise ArticleError(*self._problems(unclear))
        image, alt = self._read(fields.IMAGE, fields.image, ("", ""))
        url = self._url(self._pattern, self.publication.url, title, date)
        article = Article(
            source=self.source.path,
            url=url,
            id=self._id(title, date, url),
            title=title,
            date=date,
            updated=max(self._date(fields.UPDATED) or date, date),
            publish=max(self._dates(fields.PUBLISH), default=None),
            expires=min(self._dates(fields.EXPIRES), default=None),
            hidden=hidden,
            authors=self._read(fields.AUTHORS, self._people, ()) or self._default_author(),
            topics=self._read(fields.TOPICS, fields.texts, ()),
            tags=self._read(fields.TAGS, fields.texts, ()),
            image=image,
            image_alt=self._read(fields.IMAGE_ALT, fields.text, "") or alt,
            summary=self._read(fields.SUMMARY, fields.text, ""),
            language=self.language,
            aliases=self._aliases(),
            body=body if with_body else None,
            sha256=self.source.sha256,
            unclear=unclear,
            doubts=doubts,
            body_sha256=fingerprint(body),
            markdown=self.settings.dialect_of(self.source.path),
            media=media_of(self.given),
            external_url=self._external(url),
            digests=self._digests(),
            pin=any(fields.is_switch(v) and fields.truth(v) for _, v in self._given(fields.PIN)),
            digest_summary=self._read(fields.DIGEST_SUMMARY, fields.text, ""),
        )
        if self.problems:
            raise ArticleError(*self._problems(unclear))
        return article

    def _problems(self, unclear: tuple[Problem, ...]) -> list[Problem]:
        return sorted((*self.problems, *unclear), key=lambda each: each.line or 0)

    def _given(self, known: tuple[str, ...]) -> list[tuple[str, object]]:
        """The names of `known` that are given, with their values."""
        given = self.given
        return [(name, given[folded]) for folded, name in _folded(known) if folded in given]

    def _read(self, known: tuple[str, ...], reader: Callable[[object], _T], default: _T) -> _T:
        """The first non-empty field of `known`, by `reader`."""
        for name, value in self._given(known):
            try:
                read = reader(value)
            except ValueError as error:
                self._wrong(name, str(error), "see the fields in docs/articles.md")
                continue
            if read and read != default:
                return read
        return default

    def _external(self, url: str) -> str:
        """The page elsewhere that a link post is about; "" if none."""
        found = self._read(fields.EXTERNAL, fields.external_url, "")
        return "" if found == url or (found and type_of(found)) else found

    def _digests(self) -> tuple[str, ...] | None:
        """The digests that may have the article; None for all."""
        for name, value in self._given(fields.DIGEST):
            try:
                return fields.digests(value)
            except ValueError as error:
                self._wrong(name, str(error), "write false, or the names of digests")
        return None

    def _aliases(self) -> tuple[str, ...]:
        """The former URLs of the article, from all fields with any."""
        none: tuple[str, ...] = ()
        named = (self._read((name,), fields.texts, none) for name, _ in self._given(fields.ALIASES))
        return tuple(dict.fromkeys(alias for each in named for alias in each))

    def _date(self, known: tuple[str, ...]) -> datetime | None:
        return next(self._dates(known), None)

    def _dates(self, known: tuple[str, ...]) -> Iterator[datetime]:
        """The dates in the fields of `known`."""
        for name, value in self._given(known):
            folded = fold(name)
            if isinstance(value, dict):  # Material for MkDocs: {created: ..., updated: ...}
                value = value.get("created", value)
            if value is None or value == "":
                continue
            if folded in _MAYBE_NO_DATE and visibility.speaks(folded, value):
                continue  # such as Jekyll's switch `published`
            try:
                yield dates.parse_date(value, self.publication.timezone, self.language)
            except ValueError as error:
                if known is fields.PUBLISH and folded == "published":
                    continue  # of a book, perhaps: 1998
                self._wrong(name, str(error), "write one like 2025-06-19T07:20:04+08:00")

    def _date_in_name(self) -> datetime | None:
        """The date in the file's path, else that in the URL of the front matter."""
        zone = self.publication.timezone
        return dates.in_name(self.source.inner, zone) or dates.in_name(
            self._read(fields.ADDRESS, fields.address, ""), zone
        )

    def _visibility(self) -> tuple[str, tuple[Problem, ...], tuple[Problem, ...]]:
        """Why the article is not public, and the problems of `unclear` and of `doubts`."""
        if by_path := visibility.in_path(self.source.path, self.source.folder):
            return by_path, (), ()
        said = visibility.stated_visibility(self.matter.given, self.settings.public)
        problems = [
            (doubt.out, visibility.problem(doubt, self.matter, self.source.path))
            for doubt in said.doubts
        ]
        unclear = tuple(problem for is_out, problem in problems if is_out)
        doubts = tuple(problem for is_out, problem in problems if not is_out)
        if said.field:
            return visibility.clause(said, self.matter), (), doubts
        return (unclear[0].what if unclear else ""), unclear, doubts

    def _people(self, value: object) -> tuple[Person, ...]:
        return fields.people(value, self.authors)

    def _default_author(self) -> tuple[Person, ...]:
        return (self.publication.author,) if self.publication.author else ()

    def _title_elsewhere(self, body: str) -> str:
        """The title by `articles.title_from`; "" if nothing gives one."""
        readers: dict[TitleSource, Callable[[], str]] = {
            "heading": lambda: titles.first_heading(body),
            "filename": lambda: titles.of_file_name(self._place.slug),
            "text": lambda: titles.start_of_text(body),
        }
        return next(filter(None, (readers[each]() for each in self.settings.title_from)), "")

    @property
    def _place(self) -> permalinks.FilePlace:
        suffix = self.settings.suffix(self.source.path)
        inner, section = self.source.inner, self.source.section
        return permalinks.FilePlace.of(inner, suffix, style=self.style, section=section)

    @property
    def _pattern(self) -> str:
        return self.rules.permalink or self.settings.permalink

    def _asked(self) -> str:
        """The URL or path in the front matter; "" if none."""
        asked = self._read(fields.ADDRESS, fields.address, "")
        if not asked or "{{" in asked:  # an Eleventy template
            return ""
        return asked if ":" not in asked or _SCHEME.match(asked) else ""

    def _url(self, pattern: str, base: str, title: str, date: datetime) -> str:
        """The article's address under `base`: what its front matter asks for, else `pattern`."""
        prefix = self.rules.prefix and permalinks.tidy_path(self.rules.prefix)
        if asked := self._asked():
            if _WEB.match(asked):
                return asked
            # Not urljoin: it would return `javascript:x` unchanged.
            path = permalinks.tidy_path(asked)
            # Hugo's `url` is under the language's own address unless it begins with a slash.
            is_under = self.settings.addresses == "hugo" and not asked.startswith("/")
            return (
                base
                + (prefix if is_under else "")
                + permalinks.closed_path(path, self.style.closed)
            )
        is_hugo = self.settings.addresses == "hugo"
        return (
            base
            + prefix
            + permalinks.permalink(
                pattern,
                self._place,
                slug=self._read(("slug",), fields.text, ""),
                title=title,
                date=date if is_hugo else date.astimezone(self.publication.timezone),
                lowercase=self.settings.lowercase,
                style=self.style,
                categories=self._categories() if "{categories" in pattern else (),
            )
        )

    def section_url(self) -> str:
        """The address of the section that this page begins (Hugo, Zola): that of its folder."""
        base, folder = self.publication.url, self.source.inner.rpartition("/")[0]
        if self._asked():
            return self._url(self._pattern, base, "", _NO_DATE)
        path = self.style.path(folder, self.settings.lowercase)
        path = path.lower() if self.settings.lowercase else path
        return base + permalinks.tidy_path(f"{self.rules.prefix}/{path}/")

    def _page_url(self, title: str) -> str:
        """The address of a page without a date; "" if it would have one in it."""
        if self._asked() or not _DATED.search(self._pattern):
            return self._url(self._pattern, self.publication.url, title, _NO_DATE)
        return ""

    def _categories(self) -> tuple[str, ...]:
        """The categories in the address. Jekyll takes the folders above `_posts` too."""
        none: tuple[str, ...] = ()
        if self.settings.addresses != "jekyll":
            return self._read(fields.TOPICS, fields.texts, none)
        above, posts, _ = f"/{self.source.path}".rpartition("/_posts/")
        roots = (f"/{sources.strip('/')}" for sources in self.settings.assets)
        root = max((each for each in roots if above.startswith(each)), key=len, default="")
        folders = above.removeprefix(root).strip("/").split("/") if posts else []
        return tuple(dict.fromkeys((*filter(None, folders), *fields.jekyll_categories(self.given))))

    def _id(self, title: str, date: datetime, url: str) -> str:
        """The article's `id`, else its permalink under `id_base` (RFC 4287, section 4.2.6)."""
        base = self.publication.id_base
        if given := self._read(("id",), fields.text, ""):
            if _WEB.match(given):
                return encode(given)
            if _SCHEME.match(given):
                return given.replace(" ", "%20")
            return base + encode(given.lstrip("/"))
        pattern = self.rules.id or self._pattern
        if (pattern, base) == (self._pattern, self.publication.url):
            return url
        return self._url(pattern, base, title, date)

    def _wrong(self, name: str, what: str, todo: str, line: int | None = None) -> None:
        line = self.matter.lines.get(fold(name), line)
        problem = Problem(what, todo, self.source.path, line, name)
        if problem not in self.problems:
            self.problems.append(problem)
