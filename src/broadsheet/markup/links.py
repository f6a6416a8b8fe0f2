"""Absolute addresses for what an article links to (RFC 3986).

Some readers ignore `xml:base`, and at least one resolves relative images against the feed's own
address. So every address that leaves this house is absolute, and is encoded exactly once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from posixpath import dirname, normpath
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

# What may stand unencoded in a path, query or fragment (RFC 3986, section 3.3), and "%", which
# `_encode_part` has made sure begins an escape.
_SAFE = "/%:@!$&'()*+,;=~-._"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PAGE = re.compile(r"\.(md|markdown|mdx)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file beside the articles, as it lies on disk and on the web.

    path: relative to the project, with slashes.
    url: its absolute address.
    length: its size in bytes.
    """

    path: str
    url: str
    length: int


@dataclass(frozen=True, slots=True)
class Library:
    """What links can lead to, gathered once for all articles.

    site: the address of the web site, ending in a slash.
    pages: source path of an article -> its address.
    beside: path of a file in an article folder, as `source` paths are written -> its asset.
    rooted: path of a file under an assets folder, relative to it -> its asset.
    sizes: path of an image's asset -> its width and height in pixels, where it was measured.
    """

    site: str
    pages: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, Asset] = field(default_factory=dict)
    rooted: Mapping[str, Asset] = field(default_factory=dict)
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Links:
    """Resolves the references of one article.

    source: its path, as in `Library.pages`.
    url: its address.
    """

    library: Library
    source: str
    url: str

    def resolve(self, reference: str) -> str:
        """`reference`, as the author wrote it, as an absolute address encoded once.

        A link to another article's source file becomes that article's address; a file that lies
        beside the article or in an assets folder gets the address it is served at.
        """
        reference = reference.strip()
        if _SCHEME.match(reference) and not reference.lower().startswith(("http:", "https:")):
            return encode(reference) if reference.startswith("mailto:") else reference
        if _SCHEME.match(reference) or reference.startswith("//"):
            return encode(urljoin(self.library.site, reference))
        path, mark, rest = _split(reference)
        if not path:
            return encode(self.url + mark + rest)
        if (page := self._page(path)) is not None:
            return encode(page + mark + rest if mark == "#" else page)
        if (asset := self.asset(path)) is not None:
            return asset.url
        return encode(urljoin(self.url, encode(reference)))

    def asset(self, reference: str) -> Asset | None:
        """The file on disk that `reference` names, or None."""
        for path in dict.fromkeys((reference, unquote(reference))):
            if not path.startswith("/"):
                near = normpath(f"{dirname(self.source)}/{path}")
                if (asset := self.library.beside.get(near)) is not None:
                    return asset
            if (asset := self.library.rooted.get(normpath(path.lstrip("/")))) is not None:
                return asset
        return None

    def _page(self, path: str) -> str | None:
        if not _PAGE.search(path):
            return None
        near = normpath(f"{dirname(self.source)}/{unquote(path)}")
        if near in self.library.pages:
            return self.library.pages[near]
        tail = "/" + normpath(unquote(path).lstrip("./"))
        return next((url for page, url in self.library.pages.items() if page.endswith(tail)), None)


def encode(address: str) -> str:
    """`address` as an RFC 3986 URI: what needs an escape gets one, what has one keeps it."""
    try:
        parts = urlsplit(address)
    except ValueError:  # such as a bracketed host that is no IPv6 address
        return _encode_part(address)
    return urlunsplit(
        (
            parts.scheme,
            _encode_host(parts.netloc),
            _encode_part(parts.path),
            _encode_part(parts.query, "?"),
            _encode_part(parts.fragment, "?"),
        )
    )


def _split(reference: str) -> tuple[str, str, str]:
    """The path of `reference`, then the mark and text of what follows it, query or fragment."""
    found = re.search(r"[?#]", reference)
    if found is None:
        return reference, "", ""
    return reference[: found.start()], found[0], reference[found.end() :]


def _encode_part(text: str, also_safe: str = "") -> str:
    return quote(_STRAY_PERCENT.sub("%25", text), safe=_SAFE + also_safe)


def _encode_host(host: str) -> str:
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return quote(host, safe="@:[]")
