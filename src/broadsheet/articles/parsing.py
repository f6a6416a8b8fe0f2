"""One source text to one `Article`, by its front matter and its file's name.

Importing this takes 0.1 s, mostly for PyYAML; a run that reads no file does without.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TypeVar

from broadsheet.articles import dates, fields, front_matter, permalinks, visibility
from broadsheet.articles.article import Article, NotAnArticle, Source
from broadsheet.articles.fields import fold
from broadsheet.articles.fingerprint import fingerprint
from broadsheet.articles.front_matter import FrontMatter
from broadsheet.errors import ArticleError, Problem
from broadsheet.model.publication import Person, Publication
from broadsheet.model.settings import ArticleSettings
from broadsheet.text.urls import encode

_T = TypeVar("_T")
_WEB = re.compile(r"https?://", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def parse(
    source: Source, publication: Publication, settings: ArticleSettings, *, with_body: bool = True
) -> Article:
    """Return the article in `source`; without its body if not `with_body`.

    Raises NotAnArticle if the file is not meant as one, and ArticleError with every problem if it
    is.
    """
    if source.path.rpartition("/")[2].partition(".")[0] == "_index":
        raise NotAnArticle("it is a section page (_index.md)")
    parts = front_matter.split(source.text, source.path)
    if parts is None:
        raise NotAnArticle("it has no front matter")
    matter, body = parts
    return _Reader(source, matter, publication, settings).article(body, with_body=with_body)


def body(source: Source) -> str:
    """Return the Markdown in `source`, as `parse` does; "" if it has no front matter."""
    return front_matter.body(source.text, source.path)


_MAYBE_NO_DATE = fields.names(fields.PUBLISH, fields.EXPIRES)


class _Reader:
    """Reads the fields of one article, and collects their problems."""

    def __init__(
        self,
        source: Source,
        matter: FrontMatter,
        publication: Publication,
        settings: ArticleSettings,
    ) -> None:
        self.source, self.publication, self.settings = source, publication, settings
        self.given = dict(matter.fields)
        self.matter = matter
        self.problems: list[Problem] = []
        # Zola has topics and tags in [taxonomies].
        if isinstance(nested := self.given.get("taxonomies"), dict):
            self.given = {**{fold(str(key)): nested[key] for key in nested}, **self.given}

    def article(self, body: str, *, with_body: bool) -> Article:
        date = self._date(fields.DATE) or self._date_in_name()
        title = self._read(fields.TITLE, fields.text, "")
        if date is None and not self.problems:
            raise NotAnArticle("it has no date")
        if not title:
            self._wrong(fields.TITLE[0], "is missing", 'write `title: "..."`', line=1)
        hidden, unclear = self._visibility()
        if self.problems or date is None:
            raise ArticleError(*self._problems(unclear))
        image, alt = self._read(fields.IMAGE, fields.image, ("", ""))
        url = self._url(self.settings.permalink, self.publication.url, title, date)
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
            authors=self._read(fields.AUTHORS, fields.people, ()) or self._default_author(),
            topics=self._read(fields.TOPICS, fields.texts, ()),
            tags=self._read(fields.TAGS, fields.texts, ()),
            image=image,
            image_alt=self._read(fields.IMAGE_ALT, fields.text, "") or alt,
            summary=self._read(fields.SUMMARY, fields.text, ""),
            language=self._read(fields.LANGUAGE, fields.text, "").replace("_", "-")
            or self.publication.language,
            aliases=self._aliases(),
            body=body if with_body else None,
            sha256=self.source.sha256,
            unclear=unclear,
            body_sha256=fingerprint(body),
            markdown=self.settings.dialect_of(self.source.path),
        )
        if self.problems:
            raise ArticleError(*self._problems(unclear))
        return article

    def _problems(self, unclear: tuple[Problem, ...]) -> list[Problem]:
        return sorted((*self.problems, *unclear), key=lambda each: each.line or 0)

    def _given(self, known: tuple[str, ...]) -> Iterator[tuple[str, object]]:
        """The names of `known` that are given, with their values."""
        for name in known:
            if (value := self.given.get(fold(name))) is not None:
                yield name, value

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

    def _aliases(self) -> tuple[str, ...]:
        """The former URLs of the article, from all fields with any."""
        none: tuple[str, ...] = ()
        named = (self._read((name,), fields.texts, none) for name in fields.ALIASES)
        return tuple(dict.fromkeys(alias for each in named for alias in each))

    def _date(self, known: tuple[str, ...]) -> datetime | None:
        return next(self._dates(known), None)

    def _dates(self, known: tuple[str, ...]) -> Iterator[datetime]:
        """The dates in the fields of `known`."""
        for name, value in self._given(known):
            folded = fold(name)
            if value == "":
                continue
            if folded in _MAYBE_NO_DATE and visibility.speaks(folded, value):
                continue  # such as Jekyll's switch `published`
            try:
                yield dates.parse_date(value, self.publication.timezone)
            except ValueError as error:
                if known is fields.PUBLISH and folded == "published":
                    continue  # of a book, perhaps: 1998
                self._wrong(name, str(error), "write one like 2025-06-19T07:20:04+08:00")

    def _date_in_name(self) -> datetime | None:
        """The date in the file's path, else that in the URL of the front matter."""
        zone = self.publication.timezone
        place = self.source.path.removeprefix(self.source.folder)
        return dates.in_name(place, zone) or dates.in_name(
            self._read(fields.ADDRESS, fields.address, ""), zone
        )

    def _visibility(self) -> tuple[str, tuple[Problem, ...]]:
        """Why the article is not public, and the statements about that with an unknown meaning."""
        if by_path := visibility.in_path(self.source.path, self.source.folder):
            return by_path, ()
        said = visibility.stated_visibility(self.matter.given, self.settings.public)
        if said.field:
            return visibility.clause(said, self.matter), ()
        unclear = tuple(
            visibility.problem(doubt, self.matter, self.source.path)
            for doubt in said.doubts
            if doubt.out
        )
        return (unclear[0].what if unclear else ""), unclear

    def _default_author(self) -> tuple[Person, ...]:
        return (self.publication.author,) if self.publication.author else ()

    def _asked(self) -> str:
        """The URL or path in the front matter; "" if none."""
        asked = self._read(fields.ADDRESS, fields.address, "")
        if not asked or "{{" in asked:  # an Eleventy template
            return ""
        return asked if ":" not in asked or _SCHEME.match(asked) else ""

    def _url(self, pattern: str, base: str, title: str, date: datetime) -> str:
        """The article's URL under `base`: that of its front matter, else `pattern`."""
        if asked := self._asked():
            if _WEB.match(asked):
                return asked
            # Not urljoin: it would return `javascript:x` unchanged.
            path = permalinks.tidy_path(asked)
            return base + (
                path if self.settings.addresses == "plain" else permalinks.closed_path(path)
            )
        is_hugo = self.settings.addresses == "hugo"
        return base + permalinks.permalink(
            pattern,
            self.source.place,
            slug=self._read(("slug",), fields.text, ""),
            title=title,
            date=date if is_hugo else date.astimezone(self.publication.timezone),
            lowercase=self.settings.lowercase,
            like_hugo=is_hugo,
        )

    def _id(self, title: str, date: datetime, url: str) -> str:
        """The article's `id`, else its permalink under `id_base` (RFC 4287, section 4.2.6)."""
        base = self.publication.id_base
        if given := self._read(("id",), fields.text, ""):
            if _WEB.match(given):
                return encode(given)
            if _SCHEME.match(given):
                return given.replace(" ", "%20")
            return base + encode(given.lstrip("/"))
        pattern = self.settings.id or self.settings.permalink
        if (pattern, base) == (self.settings.permalink, self.publication.url):
            return url
        return self._url(pattern, base, title, date)

    def _wrong(self, name: str, what: str, todo: str, line: int | None = None) -> None:
        line = self.matter.lines.get(fold(name), line)
        problem = Problem(what, todo, self.source.path, line, name)
        if problem not in self.problems:
            self.problems.append(problem)
