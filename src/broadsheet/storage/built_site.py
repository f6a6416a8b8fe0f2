"""Find what is known of the web site beside the articles: its pages, sitemaps, feeds, redirects."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from posixpath import join

from broadsheet.articles.permalinks import FilePlace
from broadsheet.articles.redirects import redirected_paths
from broadsheet.articles.site_check import BuiltSite, page_name, path_of
from broadsheet.storage import folders
from broadsheet.storage.survey import other_texts

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
_TEMPLATES = re.compile(
    r"(?:^|/)(?:_?(?:includes|layouts|partials|components)|templates|themes?)/(?:.*)\."
    r"(?:html?|njk|liquid|hbs|ejs|j2|jinja2?|astro|vue|svelte|[jt]sx)\Z"
)
_SLUG = re.compile(rb"\bslug\W{1,9}([\w.-]+)")
_ID = re.compile(rb"\sid\s*=\s*[\"'`{]*([^\s\"'`<>{}$]+\$?\{?)")  # {: a template completes it
_LONGEST = 50_000_000  # bytes; the limit of sitemaps (sitemaps.org)
_LONGEST_TEMPLATE = 1_000_000  # bytes


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


class WebSite:
    """What is known of the web site beside the articles, as far as it is asked for.

    root: the project. assets: the folders whose content is served from the site's root. base:
    `publication.url`.
    """

    def __init__(self, root: Path, assets: Iterable[str], base: str) -> None:
        self._root, self._assets, self._base = root, assets, base
        self.built = find_built_site(root, base)

    def has_path(self, path: str) -> bool:
        """Whether a page of the built site has this path, the host redirects it, or a text has its
        name that Broadsheet does not read."""
        is_built = self.built is not None and path in self.built.paths
        return is_built or self._is_redirected(path) or page_name(path.strip("/")) in self._unread

    def has_template_id(self, id_: str) -> bool:
        """Whether a template of the site has an element with this id: it is on many pages.

        Of an id that a template completes, only its beginning is known.
        """
        return id_ in self._template_ids or any(
            id_.startswith(each.rstrip("${")) for each in self._template_ids if each.endswith("{")
        )

    @cached_property
    def _is_redirected(self) -> Callable[[str], bool]:
        copied = dict.fromkeys((*_COPIED, *self._assets))
        names = (*_HOSTS_FILES, *(join(folder.strip("/"), "_redirects") for folder in copied))
        texts: dict[str, str] = {}
        for name in names:
            with suppress(OSError, UnicodeDecodeError):
                texts[name] = folders.text(self._root / name)
        return redirected_paths(texts, self._base)

    @cached_property
    def _unread(self) -> frozenset[str]:
        paths = other_texts(self._root)
        given = (_SLUG.findall(folders.content_of(self._root / path) or b"") for path in paths)
        slugs = {each.decode(errors="replace") for found in given for each in found}
        return frozenset(slugs.union(FilePlace.of(path).slug for path in paths))

    @cached_property
    def _template_ids(self) -> frozenset[str]:
        found: set[bytes] = set()
        for path, (length, *_) in folders.walk(self._root, "."):
            if _TEMPLATES.search(path) and length <= _LONGEST_TEMPLATE:
                found.update(_ID.findall(folders.content_of(self._root / path) or b""))
        return frozenset(each.decode(errors="replace") for each in found)


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
