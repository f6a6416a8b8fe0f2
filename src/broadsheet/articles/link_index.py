"""The targets of links in articles: other articles, files beside them, and the site's files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from posixpath import dirname, normpath
from types import MappingProxyType
from urllib.parse import quote, unquote

from msgspec import Struct
from msgspec.structs import replace

from broadsheet.markup import Asset, LinkIndex
from broadsheet.model.publication import Publication
from broadsheet.model.settings import ArticleSettings

_NOTHING: Mapping[str, str] = MappingProxyType({})


class File(Struct, frozen=True):
    """A file on disk that is not an article: its path relative to the project, and its bytes."""

    path: str
    length: int


def link_index(
    files: Iterable[File],
    pages: Mapping[str, str],
    publication: Publication,
    settings: ArticleSettings,
    others: Mapping[str, str] = _NOTHING,
) -> LinkIndex:
    """Return the link index of `files` and of the articles in `pages`: source path -> URL.

    others: the same for pages of the site that are no articles.

    A file in a page bundle is served under its article's address, one in an assets folder from
    the root of the site, and any other at its path in the articles folder, as Hugo does.
    """
    addresses = _bundles({**others, **pages})
    bundles = {folder: urls[0] for folder, urls in addresses.items()}
    if settings.addresses == "hexo":  # the folder of a post's assets has its name
        bundles |= {source.rpartition(".")[0]: url for source, url in pages.items()}
    beside: dict[str, Asset] = {}
    rooted: dict[str, Asset] = {}
    for file in files:
        asset = _asset(file, bundles, publication, settings)
        for root in settings.roots:
            if (inner := _within(file.path, root)) is not None:
                rooted.setdefault(inner, asset)
        # A link may also name it by its URL, which it has once in each language.
        folder, _, name = file.path.rpartition("/")
        in_bundles = (_page_folder(url) + _quoted(name) for url in addresses.get(folder, []))
        for url in (asset.url, *in_bundles):
            if url.startswith(publication.url):
                place = unquote(url.removeprefix(publication.url))
                rooted.setdefault(place, asset if url == asset.url else replace(asset, url=url))
        if any(_within(file.path, folder) is not None for folder in settings.folders):
            beside[file.path] = asset
    named = _only_ones({**rooted, **beside}.values())
    return LinkIndex(
        publication.url, pages, beside, {**rooted, **named}, {}, settings.shortcodes, others
    )


def _bundles(pages: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the folders of page bundles -> their URLs, first that of `index.md`, then those of its
    translations, such as `index.fr.md`."""
    found: dict[str, list[str]] = {}
    for source, url in sorted(pages.items(), key=lambda each: each[0].count(".")):
        folder, _, name = source.rpartition("/")
        if name.startswith("index."):
            found.setdefault(folder, []).append(url)
    return found


def _only_ones(assets: Iterable[Asset]) -> dict[str, Asset]:
    """Return the files that no other shares its name with, by "*/" and that name."""
    found: dict[str, Asset | None] = {}
    for asset in assets:
        name = "*/" + asset.path.rpartition("/")[2]
        found[name] = asset if found.get(name, asset) == asset else None
    return {name: asset for name, asset in found.items() if asset}


def _asset(
    file: File, bundles: dict[str, str], publication: Publication, settings: ArticleSettings
) -> Asset:
    folder = dirname(file.path)
    while folder:
        if folder in bundles:
            inner = file.path.removeprefix(folder).lstrip("/")
            return Asset(file.path, _page_folder(bundles[folder]) + _quoted(inner), file.length)
        folder = dirname(folder)
    places = (_within(file.path, root) for root in (*settings.roots, *settings.folders))
    inner = next((place for place in places if place is not None), file.path)
    return Asset(file.path, publication.url + _quoted(inner), file.length)


def _page_folder(url: str) -> str:
    """The URL of the folder of the page at `url`; Hugo serves the files of `x.html` in `x/`."""
    return url if url.endswith("/") else url.removesuffix(".html") + "/"


def _quoted(path: str) -> str:
    """A path on disk, encoded. Unlike a link, it has no escapes, queries or fragments yet."""
    return quote(path, safe="/:@!$&'()*+,;=~")


def _within(path: str, folder: str) -> str | None:
    """`path` relative to `folder` of the config; None if it is not in it."""
    start = normpath(folder.strip("/") or ".")
    if start == ".":
        return path
    inner = path.removeprefix(start + "/")
    return None if inner == path else inner
