"""What the rules look at: everything a run reads and would write, gathered once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from posixpath import dirname, normpath
from urllib.parse import quote, unquote, urljoin

from broadsheet.articles import Article
from broadsheet.articles.catalogue import Catalogue
from broadsheet.articles.entries import PublishedEntry
from broadsheet.articles.site_check import BuiltSite
from broadsheet.checks.own import severities
from broadsheet.checks.prose import Prose
from broadsheet.digests.lint import LintedMail
from broadsheet.errors import Problem
from broadsheet.feeds.retired import Retired
from broadsheet.markup import Asset, LinkIndex, Links, Rendition, dialect
from broadsheet.markup.links import INTERNAL
from broadsheet.markup.templates import Expanded, expand
from broadsheet.model.settings import Settings


@dataclass(frozen=True)
class Material:
    """The project as it is and as it would be published.

    config: the path of broadsheet.toml as shown in messages, and its text.
    texts: source path -> the whole text. articles: all that could be read, drafts too.
    pages: source path -> why it is not an article. of_pages: source path of a page -> the
    severities that it sets for itself. problems: those of the other files, the user's mail
    templates and the records of issues.
    renditions: by article id, of the catalogue. sizes: path -> bytes of each file that
    would be written.
    letters: the folder of a next issue -> its mail. refused: digest -> why its next issue would
    not be made, and whether that issue is due. published: the entries of the
    last build.
    dialect: that of the generator beside the articles; None if unknown.
    ending: the folder of each published feed that would end; the file name if a format would.
    built_site: the site as its generator built it; None if it is not beside the articles.
    exists: whether a path, relative to the project, is a file.
    """

    settings: Settings
    config: tuple[str, str]
    now: datetime
    texts: Mapping[str, str]
    articles: tuple[Article, ...]
    pages: Mapping[str, str]
    of_pages: Mapping[str, Mapping[str, str]]
    problems: tuple[Problem, ...]
    templates: tuple[Problem, ...]
    records: tuple[Problem, ...]
    catalogue: Catalogue
    link_index: LinkIndex
    renditions: Mapping[str, Rendition]
    sizes: Mapping[str, int]
    letters: Mapping[str, LintedMail]
    refused: Mapping[str, tuple[Problem, bool]]
    published: tuple[PublishedEntry, ...]
    dialect: str | None
    ending: Mapping[str, Retired]
    built_site: BuiltSite | None
    exists: Callable[[str], bool]

    @cached_property
    def prose(self) -> Mapping[str, Prose]:
        """Each article's text as the rules read it: what is code in it does not count."""
        return {
            article.source: Prose.of(
                self.texts[article.source], dialect(article.markdown), self._expanding(article)
            )
            for article in self.by_path
        }

    def _expanding(self, article: Article) -> Callable[[str], Expanded]:
        """Return the function that removes the templates from the body of `article`."""
        read_as = dialect(article.markdown)
        return partial(
            expand,
            links=self.links(article),
            mdx=article.is_mdx or read_as.mdx,
            shortcodes=self.link_index.shortcodes,
            language=read_as.templates,
            values={"page": article.page},
        )

    @cached_property
    def by_path(self) -> tuple[Article, ...]:
        """Every article, by the path of its file."""
        return tuple(sorted(self.articles, key=lambda article: article.source))

    def each(self) -> Iterator[tuple[Article, Prose]]:
        """Every article with its prose, by path."""
        for article in self.by_path:
            yield article, self.prose[article.source]

    @cached_property
    def by_address(self) -> Mapping[str, Article]:
        """Every article by its address, as it is compared."""
        return {address_key(article.url): article for article in reversed(self.by_path)}

    def links(self, article: Article) -> Links:
        """What resolves the references of `article`."""
        return Links(self.link_index, article.source, article.url)

    def asset(self, article: Article, path: str) -> Asset | None:
        """The file on disk that `article` calls `path`."""
        return self.links(article).asset(path)

    def is_missing(self, article: Article, path: str) -> bool:
        """Whether the file at `path` is known not to be there."""
        if path.startswith("/") and not self.link_index.rooted:
            return False  # nothing is known of what lies at the root of the site
        return self.asset(article, path) is None and not self.is_on_disk(article, path)

    def is_on_disk(self, article: Article, path: str) -> bool:
        """Whether `path`, as a link in `article`, names a file of the project.

        Beside the article's source, or where its address leads: from the root of the site, which
        is an assets folder or the project.
        """
        wanted = unquote(path).removeprefix(INTERNAL)
        url = unquote(urljoin(article.url, quote(wanted, safe="/")))
        inside = url.removeprefix(self.settings.publication.url).lstrip("/")
        roots = (".", *self.settings.articles.assets, *self.settings.articles.folders)
        places = [f"{root.strip('/')}/{each}" for root in roots for each in (wanted, inside)]
        if not wanted.startswith("/"):
            places.append(f"{dirname(article.source)}/{wanted}")
        return any(
            self.exists(place)
            for each in places
            if not (place := normpath(each.lstrip("/"))).startswith("..")
        )

    def meant(self, article: Article, path: str) -> str:
        """A question after the file on disk that `path` may have been meant for; "" for none."""
        wanted = unquote(path)
        alike = self._spellings.get(wanted.rpartition("/")[2].casefold(), ())
        if not alike:
            return ""
        near = normpath(f"{dirname(article.source)}/{wanted}").casefold()
        same = [each for each in alike if each.casefold().endswith(wanted.lstrip("./").casefold())]
        best = next((each for each in alike if each.casefold() == near), (same or alike)[0])
        return f"did you mean {best}?"

    def is_plain_page(self, article: Article, path: str) -> bool:
        """Whether `path`, as a link in `article`, names a file that is no article."""
        wanted = unquote(path)
        if wanted.startswith((INTERNAL, "/")):
            end = "/" + wanted.removeprefix(INTERNAL).lstrip("/")
            return any(f"/{page}".endswith(end) for page in self.pages)
        return normpath(f"{dirname(article.source)}/{wanted}") in self.pages

    @cached_property
    def _spellings(self) -> Mapping[str, tuple[str, ...]]:
        """The paths of the files on disk, by name in lower case."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        paths = {
            each.path
            for each in (*self.link_index.rooted.values(), *self.link_index.beside.values())
        }
        for path in sorted(paths):
            found[path.rpartition("/")[2].casefold()].append(path)
        return {name: tuple(each) for name, each in found.items()}

    def line(self, article: Article, *fields: str) -> int | None:
        """The line of the first of `fields` that the article's front matter has."""
        return self.prose[article.source].field_line(*fields)

    def config_line(self, name: str) -> int | None:
        """The first line of the config that has the word `name` in it, comments last."""
        lines = [pair for pair in enumerate(self.config[1].split("\n"), 1) if name in pair[1]]
        lines.sort(key=lambda pair: pair[1].lstrip().startswith("#"))
        return lines[0][0] if lines else None

    @cached_property
    def own(self) -> Mapping[str, Mapping[str, str]]:
        """Source path -> what the file says of the rules for itself."""
        of_articles = ((path, severities(text)) for path, text in self.texts.items())
        return {**self.of_pages, **{path: said for path, said in of_articles if said}}


def address_key(address: str) -> str:
    """What two addresses of one page have in common: neither mark nor name of an index counts."""
    address = address.partition("#")[0].partition("?")[0].removesuffix("index.html")
    return address.rstrip("/").casefold()
