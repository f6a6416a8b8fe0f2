"""Absolute URLs for the links of an article (RFC 3986).

Some readers ignore `xml:base`, and at least one resolves relative images against the feed's own
address. So every URL in a feed or mail is absolute, and encoded exactly once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from posixpath import dirname, normpath
from urllib.parse import unquote

from msgspec import Struct, field

from broadsheet.text.urls import WHOLE_URL, encode, join

INTERNAL = "@/"
"""Begins a reference to another article by its file, wherever it lies (as in Zola)."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_WEB = re.compile(r"https?:", re.IGNORECASE)
_PAGE = re.compile(r"\.(?:md|markdown|mdx|qmd)\Z", re.IGNORECASE)
_OWN = re.compile(r"#[\w:.~-]+", re.ASCII)  # a place in the article that stays as it is
DROPPED = re.compile(r"[\t\n\r]")  # by every browser (WHATWG URL, 4.4)


_BY_PELICAN = re.compile(
    r"(?:\{(?:filename|static|attach)\}|%7B(?:filename|static|attach)%7D"
    r"|\|(?:filename|static|attach)\|)",
    re.IGNORECASE,
)


def plain_reference(reference: str) -> str:
    """Return a reference without what Pelican has in front of one to a source file.

    Source: docs.getpelican.com/en/latest/content.html, Linking to internal content.
    """
    if reference[:1] not in {"{", "|", "%"}:
        return reference
    return _BY_PELICAN.sub("", reference, count=1) if _BY_PELICAN.match(reference) else reference


class Asset(Struct, frozen=True):
    """A file beside the articles, on disk and on the web.

    path: relative to the project, with slashes.
    url: its absolute address.
    length: its size in bytes.
    """

    path: str
    url: str
    length: int


class LinkOrImage(Struct, frozen=True, array_like=True):
    """A link or an image.

    target: as written; None if nothing defines its `label`. text: of the link, or the image's
    alternative text; None for an `<img>` without one. line: 1-based. is_html: whether it is
    written as HTML.
    """

    is_image: bool
    target: str | None
    text: str | None
    line: int
    is_html: bool = False
    label: str = ""


class LinkIndex(Struct, frozen=True, dict=True):
    """Everything that links can lead to, collected once for all articles.

    site: the address of the web site, ending in a slash.
    pages: source path of an article -> its URL.
    beside: path of a file in an article folder, as `source` paths are written -> its asset.
    rooted: path of a file under an assets folder, relative to it -> its asset; and "*/name" -> the
    only file with that name.
    sizes: path of an image's asset -> its width and height in pixels, if measured.
    shortcodes: templates of the config, by the name of the tag that they replace.
    others: source path of any other page of the site -> its URL.
    """

    site: str
    pages: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, Asset] = field(default_factory=dict)
    rooted: Mapping[str, Asset] = field(default_factory=dict)
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    shortcodes: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)

    def page_at(self, path: str) -> str | None:
        """Return the URL of the article or page whose source is at `path`; None if unknown."""
        return self.pages.get(path) or self.others.get(path)

    @cached_property
    def _by_end(self) -> Mapping[str, str]:
        """Ends of the paths of `pages`, without file ending -> URL; "" if two pages share one."""
        found: dict[str, str] = {}
        for page, url in self.pages.items():
            for end in _ends(page):
                if found.setdefault(end, url) != url:
                    found[end] = ""
        for page, url in self.others.items():
            for end in _ends(page):
                found.setdefault(end, url)
        return found

    def page(self, path: str) -> str | None:
        """Return the URL of the only article whose path ends in `path`, with or without its file
        ending or `/index.md`; None if there is none, or more than one."""
        return self._by_end.get(_PAGE.sub("", path)) or None


def _ends(page: str) -> list[str]:
    """Return the paths by which `LinkIndex.page` finds the article at `page`."""
    parts = _PAGE.sub("", page).split("/")
    ends = ["/".join(parts[start:]) for start in range(len(parts))]
    if parts[-1] in {"index", "_index"}:
        ends += ["/".join(parts[start:-1]) for start in range(len(parts) - 1)]
    return ends


class Links(Struct, frozen=True, dict=True):
    """Resolves the references of one article.

    source: its path, as in `LinkIndex.pages`.
    url: its address.
    """

    link_index: LinkIndex
    source: str
    url: str

    def resolve(self, reference: str) -> str:
        """Return `reference`, as the author wrote it, as an absolute URL encoded once.

        A link to another article's source file becomes that article's address; a file that lies
        beside the article or in an assets folder gets the address it is served at. A link to a
        file that does not exist is resolved as a browser would.
        """
        if reference[:1] == "#" and _OWN.fullmatch(reference):
            return self._own + reference
        if WHOLE_URL.fullmatch(reference):
            return reference
        reference = plain_reference(DROPPED.sub("", reference.strip()))
        if reference[:1] == "#":
            return encode(self.url.partition("#")[0] + reference)
        if _WEB.match(reference) or reference.startswith("//"):
            return encode(join(self.link_index.site, _slashed(reference)))
        if _SCHEME.match(reference):
            return encode(reference)
        path, rest = _split(_slashed(reference))
        if not path:
            return encode(join(self.url, rest))
        if (page := self._page(path)) is not None:
            return encode(page + rest) if rest.startswith("#") else encode(page)
        if (asset := self.asset(path.removeprefix(INTERNAL))) is not None:
            return encode(asset.url + rest)
        if path.startswith(INTERNAL):
            return encode(join(self.link_index.site, encode(path.removeprefix(INTERNAL) + rest)))
        return encode(join(self.url, encode(path + rest)))

    @cached_property
    def _own(self) -> str:
        """The start of the URLs of the article's own headings and footnotes."""
        return encode(self.url.partition("#")[0])

    def asset(self, reference: str) -> Asset | None:
        """Return the file on disk that `reference` names, or None."""
        plain = unquote(_split(reference)[0])
        for path in dict.fromkeys((reference, unquote(reference), plain)):
            if not path.startswith("/"):
                near = normpath(f"{dirname(self.source)}/{path}")
                own = normpath(f"{self.source.rpartition('.')[0]}/{path}")  # Hexo's asset folder
                for place in (near, own):
                    if (asset := self.link_index.beside.get(place)) is not None:
                        return asset
            if (asset := self.link_index.rooted.get(normpath(path.lstrip("/")))) is not None:
                return asset
        return self._asset_at(join(self.url, encode(_split(reference)[0])))

    def featured(self, name: str) -> Asset | None:
        """Return the file of a featured image: that which `name` leads to, else the only one with
        this name, since themes put a folder in front of it."""
        return self.asset(name) or self.link_index.rooted.get(f"*/{unquote(name)}")

    def _asset_at(self, url: str) -> Asset | None:
        """Return the file that is served at `url`, to which a path relative to the page leads."""
        inner = url.removeprefix(self.link_index.site)
        return self.link_index.rooted.get(unquote(inner)) if inner != url else None

    def _page(self, path: str) -> str | None:
        """Return the URL of the article whose file is at `path`, or None."""
        internal = path.startswith(INTERNAL)
        path = unquote(path.removeprefix(INTERNAL))
        if not internal and not _PAGE.search(path):
            return None
        near = normpath(f"{dirname(self.source)}/{path}")
        if not path.startswith("/") and near in self.link_index.pages:
            return self.link_index.pages[near]
        if internal or path.startswith("/"):
            return self.link_index.page(normpath(path.lstrip("/")))
        return None


def _split(reference: str) -> tuple[str, str]:
    """Return the path of `reference`, and its query and fragment with their marks."""
    found = re.search(r"[?#]", reference)
    return (reference[: found.start()], reference[found.start() :]) if found else (reference, "")


def _slashed(reference: str) -> str:
    """Return `reference` with slashes for backslashes in its path, as browsers read it."""
    path, rest = _split(reference)
    return path.replace("\\", "/") + rest
