"""Find what is known of the web site beside the articles: its pages, sitemaps, feeds, redirects."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from posixpath import join

from broadsheet.articles.redirects import redirected_paths
from broadsheet.articles.site_check import BuiltSite, path_of
from broadsheet.storage import folders

_OUTPUTS = (
    *("public", "_site", "dist", "build", "output", "site"),
    *(f"{parent}{tool}/dist" for parent in ("", "docs/") for tool in (".vitepress", ".vuepress")),
)
_BESIDE = ("", "static/", "public/")
_SITEMAPS = ("sitemap.xml", "sitemap-0.xml", "sitemap-index.xml")
_FEEDS = (
    *("feed.xml", "atom.xml", "rss.xml", "index.xml", "feed.json", "feed/feed.xml"),
    *("blog/atom.xml", "blog/rss.xml", "feeds/all.atom.xml", "feed/index.xml"),
)
_HOSTS_FILES = ("netlify.toml", "vercel.json")
_COPIED = (".", "static", "public", "source", "src", "content", "docs")  # to the site's root
_LONGEST = 50_000_000  # bytes; the limit of sitemaps (sitemaps.org)


def find_built_site(root: Path, base: str) -> BuiltSite | None:
    """Return what is known about the built site in `root`; None if there is none.

    base: `publication.url`.
    """
    output = built_folder(root)
    places = [f"{output}/"] if output else [*_BESIDE]
    paths = set(_pages(root / output)) if output else set()
    sources = [output] if output else []
    ids: dict[str, str] = {}
    for file in (f"{place}{name}" for place in places for name in (*_SITEMAPS, *_FEEDS)):
        is_sitemap = file.rpartition("/")[2] in _SITEMAPS
        found = list(_locations(root / file) if is_sitemap else _entries(root / file))
        if not found:
            continue
        sources += [] if output else [file]
        for url, id_ in found:
            path = path_of(url, base)
            if is_sitemap:
                paths.add(path)
            elif id_:
                ids[path.strip("/")] = id_
    return BuiltSite(" and ".join(sources), frozenset(paths), ids) if paths or ids else None


def built_folder(root: Path) -> str:
    """Return the folder of the built site in `root`; "" if there is none."""
    pages = ((name, root / name / "index.html") for name in _OUTPUTS)
    return next((name for name, page in pages if page.is_file() and not _is_source(page)), "")


def find_redirects(root: Path, assets: Iterable[str], base: str) -> Callable[[str], bool]:
    """Return a function that tells whether the site's host redirects a path of it.

    assets: the folders whose content is served from the root. base: `publication.url`.
    """
    copied = dict.fromkeys((*_COPIED, *assets))
    names = (*_HOSTS_FILES, *(join(folder.strip("/"), "_redirects") for folder in copied))
    texts: dict[str, str] = {}
    for name in names:
        with suppress(OSError, UnicodeDecodeError):
            texts[name] = folders.text(root / name)
    return redirected_paths(texts, base)


def _is_source(page: Path) -> bool:
    """Whether a page is in a folder that a generator reads, not one that it writes."""
    if (page.parent / "_includes").is_dir():
        return True
    with suppress(OSError), page.open("rb") as file:
        return file.read(3) in {b"---", b"+++"}
    return False


def _pages(output: Path) -> Iterator[str]:
    """Yield the paths under which the HTML files in `output` may be served."""
    for path, _ in folders.walk(output, "."):
        if path.endswith("index.html"):
            folder = path.removesuffix("index.html")
            yield from (folder, folder.rstrip("/"))
        elif path.endswith(".html"):
            yield from (path, path.removesuffix(".html"))


def _locations(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the URL of each page in a sitemap (sitemaps.org/protocol.html), and "" for its id."""
    tree = _parsed(path)
    if tree is not None:
        for url in tree.xpath("//*[local-name()='url']/*[local-name()='loc']/text()"):
            yield str(url).strip(), ""


def _entries(path: Path) -> Iterator[tuple[str, str]]:
    """Yield URL and id of each entry of an Atom, RSS or JSON feed."""
    if path.suffix == ".json":
        with suppress(OSError, ValueError, TypeError, AttributeError):
            items = json.loads(folders.text(path)).get("items", [])
            yield from ((str(item["url"]), str(item["id"])) for item in items if "url" in item)
        return
    tree = _parsed(path)
    if tree is None:
        return
    for entry in tree.xpath("//*[local-name()='entry' or local-name()='item']"):
        url = entry.xpath(
            "string((*[local-name()='link'][not(@rel) or @rel='alternate'])[1]/@href"
            " | (*[local-name()='link'][not(@href)])[1])"
        )
        id_ = entry.xpath("string(*[local-name()='id' or local-name()='guid'])")
        if url:
            yield url.strip(), id_.strip()


def _parsed(path: Path):  # type: ignore[no-untyped-def]
    from lxml import etree  # takes 10 ms, and few projects have such files

    with suppress(OSError, etree.XMLSyntaxError):
        if path.stat().st_size <= _LONGEST:
            parser = etree.XMLParser(resolve_entities=False, no_network=True)
            return etree.fromstring(folders.content(path), parser)
    return None
