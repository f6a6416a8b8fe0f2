"""What article rules look up about the rest of the project. Each answer is recorded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from broadsheet.articles import Article
from broadsheet.articles.catalogue import absence
from broadsheet.markup import LinkIndex
from broadsheet.text.urls import join


def lookups(
    by_path: Sequence[Article],
    pages: Collection[str],
    index: LinkIndex,
    now: datetime,
    is_file: Callable[[str], bool],
    is_on_site: Callable[[str], bool],
    is_template_id: Callable[[str], bool],
) -> dict[str, Callable[[str], Any]]:
    """Return the lookups by name; each takes a key, and returns None if it finds nothing.

    by_path: every article. pages: the paths of the other files. is_file: whether a path in the
    project is a file. is_on_site: whether the site is known to have a path, decoded and without the
    slash at its start. is_template_id: whether a template of the site has an element of this id.
    """
    articles = {article.source: article for article in by_path}
    by_address = {address_key(article.url): article.source for article in reversed(by_path)}
    others = frozenset(_other_addresses(by_path, index))
    paths = frozenset(pages)
    return {
        "article at": by_address.get,
        "is known address": lambda key: key in by_address or key in others,
        "absence": lambda path: absence(articles[path], now),
        "is file": is_file,
        "is on site": is_on_site,
        "is template id": is_template_id,
        "has assets": lambda _: bool(index.rooted),
        "spellings": _spellings(index).get,
        "plain page": paths.__contains__,
        "plain page end": lambda end: any(f"/{page}".endswith(end) for page in paths),
    }


def address_key(address: str) -> str:
    """What two addresses of one page have in common: neither mark nor name of an index counts."""
    address = address.partition("#")[0].partition("?")[0].removesuffix("index.html")
    return address.rstrip("/").casefold()


def _other_addresses(articles: Iterable[Article], index: LinkIndex) -> Iterator[str]:
    """Yield what else is on the site, as far as it is known."""
    for article in articles:
        for alias in article.aliases:
            yield address_key(join(article.url, alias))
    for asset in (*index.rooted.values(), *index.beside.values()):
        yield address_key(asset.url)


def _spellings(index: LinkIndex) -> Mapping[str, tuple[str, ...]]:
    """Return the paths of the files on disk, by name in lower case."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted({each.path for each in (*index.rooted.values(), *index.beside.values())}):
        found[path.rpartition("/")[2].casefold()].append(path)
    return {name: tuple(each) for name, each in found.items()}
