"""What the rules look at: everything a run reads and would write, gathered once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from broadsheet.articles import Article
from broadsheet.catalogue import Catalogue
from broadsheet.checks.prose import Prose
from broadsheet.digests.remarks import Mail
from broadsheet.errors import Problem
from broadsheet.markup import Library, Links, Rendition
from broadsheet.settings import Settings


@dataclass(frozen=True, slots=True)
class Published:
    """An entry of the last build. text: of its content, to be recognised by."""

    id: str
    title: str
    text: str


@dataclass(frozen=True)
class Material:
    """The project as it is and as it would be published.

    texts: source path -> the whole text. articles: all that could be read, drafts too.
    pages: source path -> why it is no article. problems: what is wrong with the other files, and
    templates: with the user's mail templates.
    renditions: by article id, of the catalogue. outputs: path -> bytes of what would be written.
    mails: the folder of an issue that comes next -> its mail. published: the last build.
    """

    settings: Settings
    now: datetime
    texts: Mapping[str, str]
    articles: tuple[Article, ...]
    pages: Mapping[str, str]
    problems: tuple[Problem, ...]
    templates: tuple[Problem, ...]
    catalogue: Catalogue
    library: Library
    renditions: Mapping[str, Rendition]
    outputs: Mapping[str, bytes]
    mails: Mapping[str, Mail]
    published: tuple[Published, ...]

    @cached_property
    def prose(self) -> Mapping[str, Prose]:
        """Each article's text as the rules read it: what is code in it does not count."""
        return {article.source: Prose.of(self.texts[article.source]) for article in self.articles}

    def links(self, article: Article) -> Links:
        """What resolves the references of `article`."""
        return Links(self.library, article.source, article.url)

    def is_missing(self, article: Article, path: str) -> bool:
        """Whether the file at `path` is known not to be there."""
        if path.startswith("/") and not self.library.rooted:
            return False  # nothing is known of what lies at the root of the site
        return self.links(article).asset(path) is None

    def line(self, article: Article, *fields: str) -> int | None:
        """The line of the first of `fields` that the article's front matter has."""
        return self.prose[article.source].field_line(*fields)

    def each(self) -> Iterator[tuple[Article, Prose]]:
        """Every article with its prose, by path."""
        for article in sorted(self.articles, key=lambda article: article.source):
            yield article, self.prose[article.source]

    def unchecked(self, path: str) -> tuple[str, ...]:
        """The rules that the article at `path` has switched off for itself."""
        return self._unchecked.get(path, ())

    @cached_property
    def _unchecked(self) -> Mapping[str, tuple[str, ...]]:
        return {article.source: article.unchecked for article in self.articles}
