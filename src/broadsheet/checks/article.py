"""What the article rules look at: one article, and what they look up about others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from posixpath import dirname, normpath
from typing import Any
from urllib.parse import quote, unquote, urljoin

from msgspec import Struct

from broadsheet.articles import Article
from broadsheet.checks.anchors import Anchors, anchors
from broadsheet.checks.lookups import address_key
from broadsheet.checks.own import severities
from broadsheet.checks.prose import Prose, field_line
from broadsheet.markup import Asset, LinkIndex, Links, Rendition, dialect
from broadsheet.markup.links import INTERNAL
from broadsheet.markup.templates import expand
from broadsheet.model.settings import ArticleSettings

_PAGE = re.compile(r"\.(?:md|markdown|mdx|qmd)(?:#.*)?$", re.IGNORECASE)
_DRAWN = re.compile(r"[^/]+_files/")  # by Quarto
_NOT_RELATIVE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//|#|\?|\{")


class ArticleRuleSettings(Struct, frozen=True):
    """The settings that the article rules depend on.

    site: the publication's URL. severities: those of the config, by rule. dialect: that of the
    generator beside the articles; None if unknown.
    """

    site: str
    articles: ArticleSettings
    severities: Mapping[str, str]
    dialect: str | None


@dataclass(frozen=True)
class ArticleView:
    """One article, as its rules look at it.

    text: the whole source. rendition: the body as readers get it; None if it is in no feed.
    index: link targets. look_up: name of a lookup (`lookups`) and key -> value. anchors_of: returns
    the anchors of another article, by its path.
    """

    article: Article
    text: str
    settings: ArticleRuleSettings
    index: LinkIndex
    look_up: Callable[[str, str], Any]
    rendition: Rendition | None
    anchors_of: Callable[[str], Anchors]

    @cached_property
    def own(self) -> Mapping[str, str]:
        """The severities that the article sets for itself, by rule."""
        return severities(self.text)

    @property
    def path(self) -> str:
        """The path of its file."""
        return self.article.source

    @cached_property
    def links(self) -> Links:
        """What resolves the references of the article."""
        return Links(self.index, self.article.source, self.article.url)

    @cached_property
    def prose(self) -> Prose:
        """The text as the rules read it, without code."""
        read_as = dialect(self.article.markdown)
        expanding = partial(
            expand,
            links=self.links,
            mdx=self.article.is_mdx or read_as.mdx,
            shortcodes=self.index.shortcodes,
            language=read_as.templates,
            values={"page": self.article.page},
        )
        links = self.rendition.links if self.rendition else None
        return Prose.of(self.text, read_as, expanding, links)

    @property
    def lines_of_removed_tags(self) -> set[int]:
        """The lines with a template tag that is removed because it cannot be resolved."""
        expanded = self.prose.expanded
        return {self.prose.before + each.line for each in (expanded.unknown if expanded else ())}

    @cached_property
    def anchors(self) -> Anchors:
        """The anchors of the article; it may have others if it has templates of its generator."""
        expanded = self.prose.expanded
        return anchors(self.prose, unsure=bool(expanded and expanded.unknown))

    def targets(self, *, images: bool) -> Iterator[tuple[int, str]]:
        """Yield line and target of every relative link, or of every relative image."""
        for each in self.prose.links:
            if each.is_image == images and each.target and is_relative(each.target):
                yield each.line, each.target

    @property
    def rooted_images(self) -> int:
        """How many images are named from the root of the site."""
        images = (self.article.image, *(target for _, target in self.targets(images=True)))
        return sum(image.startswith("/") for image in images)

    def line(self, *fields: str) -> int | None:
        """Return the line of the first of `fields` in the front matter; None if it has none."""
        return field_line(self.text, *fields)

    def asset(self, path: str) -> Asset | None:
        """Return the file on disk that the article calls `path`."""
        return self.links.asset(path)

    def is_missing(self, path: str) -> bool:
        """Whether the file at `path` is known not to exist."""
        if path.startswith("/") and not self.look_up("has assets", ""):
            return False  # nothing is known about the root of the site
        if self.path.endswith(".qmd") and _DRAWN.match(path):
            return False  # code cells of the article make it
        return self.asset(path) is None and not self.is_on_disk(path)

    def is_on_disk(self, path: str) -> bool:
        """Whether `path`, as a link in the article, names a file of the project or the site.

        Beside the article's source, or where its address leads: from the root of the site, which
        is an assets folder or the project.
        """
        wanted = unquote(path).removeprefix(INTERNAL)
        url = unquote(urljoin(self.article.url, quote(wanted, safe="/")))
        inside = url.removeprefix(self.settings.site).lstrip("/")
        roots = (".", *self.settings.articles.assets, *self.settings.articles.folders)
        places = [f"{root.strip('/')}/{each}" for root in roots for each in (wanted, inside)]
        if not wanted.startswith("/"):
            places.append(f"{dirname(self.path)}/{wanted}")
        return self.look_up("is on site", inside) or any(
            self.look_up("is file", place)
            for each in places
            if not (place := normpath(each.lstrip("/"))).startswith("..")
        )

    def meant(self, path: str) -> str:
        """Return a question about the file that `path` may be meant to name; "" for none."""
        wanted = unquote(path)
        alike = self.look_up("spellings", wanted.rpartition("/")[2].casefold())
        if not alike:
            return ""
        near = normpath(f"{dirname(self.path)}/{wanted}").casefold()
        same = [each for each in alike if each.casefold().endswith(wanted.lstrip("./").casefold())]
        best = next((each for each in alike if each.casefold() == near), (same or alike)[0])
        return f"did you mean {best}?"

    def is_plain_page(self, path: str) -> bool:
        """Whether `path`, as a link in the article, names a file that is not an article."""
        wanted = unquote(path)
        if wanted.startswith((INTERNAL, "/")):
            end = "/" + wanted.removeprefix(INTERNAL).lstrip("/")
            return bool(self.look_up("plain page end", end))
        return bool(self.look_up("plain page", normpath(f"{dirname(self.path)}/{wanted}")))

    def has_address(self, path: str) -> bool:
        """Whether the address of the file that `path`, as a link in the article, names is known."""
        return not _PAGE.search(self.links.resolve(path))

    def resolved(self, target: str) -> str:
        """Return the absolute URL of `target`, without query and fragment."""
        return self.links.resolve(target).partition("#")[0].partition("?")[0]

    def article_at(self, address: str) -> str | None:
        """Return the path of the article whose URL is `address`; None if there is none."""
        found: str | None = self.look_up("article at", address_key(address))
        return found

    def absence(self, path: str) -> str | None:
        """Return why the article at `path` is not published now; None if it is."""
        found: str | None = self.look_up("absence", path)
        return found


def is_relative(target: str) -> bool:
    """Whether `target` is a path, rather than an address, a place in the page or a template."""
    return bool(target) and not _NOT_RELATIVE.match(target)
