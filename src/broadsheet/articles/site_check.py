"""Compare the addresses and ids of articles with those of the site as its generator built it."""

from __future__ import annotations

import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from broadsheet.articles import Article
from broadsheet.errors import Problem


class BuiltSite(Struct, frozen=True):
    """What is known of a site that a generator built.

    source: where it was found, for messages. paths: of its pages, decoded, without the slash at
    the start; of a page that is served under several, all. ids: path -> the entry's id in a feed
    of the site.
    """

    source: str
    paths: frozenset[str]
    ids: Mapping[str, str]


class SiteDifference(Struct, frozen=True):
    """An article whose address or id is not that of the site.

    kind: "address" or "id". theirs: that of the site; "" if it is not known.
    """

    article: Article
    kind: str
    ours: str
    theirs: str


def path_of(url: str, base: str) -> str:
    """Return the decoded path of `url` below `base`, without the slash at its start."""
    inside = urlsplit(base).path
    return unquote(urlsplit(url).path).removeprefix(unquote(inside)).lstrip("/")


def page_name(file: str) -> str:
    """Return the last part of the address of the page in `file`."""
    parts = file.removesuffix(".html").split("/")
    return parts[-2] if len(parts) > 1 and parts[-1] == "index" else parts[-1]


def differences(articles: Iterable[Article], site: BuiltSite, base: str) -> list[SiteDifference]:
    """Return how public `articles` differ from `site`; base: `publication.url`.

    An article elsewhere on the web has no address to compare.
    """
    by_name: defaultdict[str, list[str]] = defaultdict(list)
    for path in site.paths:
        by_name[_name(path)].append(path)
    ours = [each for each in articles if not each.hidden and each.url.startswith(base)]
    found = (_difference(article, site, path_of(article.url, base), by_name) for article in ours)
    return [each for each in found if each]


def _difference(
    article: Article, site: BuiltSite, path: str, by_name: Mapping[str, list[str]]
) -> SiteDifference | None:
    if site.paths and path not in site.paths:
        names = dict.fromkeys((_name(path), _name(article.source), _slug(article.source)))
        theirs = next((by_name[name] for name in names if name in by_name), [])
        best = min(theirs, key=lambda each: (not each.endswith(("/", ".html")), each), default="")
        same = len({each.strip("/").removesuffix(".html") for each in theirs}) == 1
        return SiteDifference(article, "address", path, best if same else "")
    given = site.ids.get(path.strip("/"))
    return (
        SiteDifference(article, "id", article.id, given) if given and given != article.id else None
    )


def problems(found: Iterable[SiteDifference], site: BuiltSite) -> Iterator[Problem]:
    """Yield a problem for each difference, with the key to set."""
    suggested = suggestions(found)
    for each in found:
        folder = posixpath.dirname(each.article.source)
        if each.kind == "id":
            what = f"its id is {each.ours}, and that in the feed of {site.source} is {each.theirs}"
            todo = "set articles.id to the pattern of the site's ids, or `id` in the front matter"
        elif not each.theirs:
            what = f"{site.source} has no page at its address /{each.ours}"
            todo = "set articles.permalink, or articles.exclude if the site does not show it"
        else:
            what = f"its address is /{each.ours}, and in {site.source} it is /{each.theirs}"
            todo = suggested.get(folder) or "set `url` in its front matter"
        yield Problem(what, todo, each.article.source)


def suggestions(found: Iterable[SiteDifference]) -> dict[str, str]:
    """Return the folder of articles with other addresses -> the key that corrects most of them."""
    patterns: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for each in found:
        if each.kind == "address" and each.theirs:
            patterns[posixpath.dirname(each.article.source)][_pattern(each)] += 1
    return {
        folder: f'set permalink = "{counts.most_common(1)[0][0]}" in [articles.in."{folder}"]'
        for folder, counts in patterns.items()
    }


def _pattern(difference: SiteDifference) -> str:
    """The pattern of ours that gives the site's address."""
    article, path = difference.article, difference.theirs
    date = article.date
    values = {f"{date:%Y}": "{year}", f"{date:%m}": "{month}", f"{date:%d}": "{day}"}
    *folders, name = path.removesuffix("/").split("/")
    stem, ending = re.fullmatch(r"(.*?)(\.html?)?", name).groups()  # type: ignore[union-attr]
    token = "{filename}" if stem == _name(article.source) else "{slug}"
    parts = [values.get(folder, folder) for folder in folders]
    return "/" + "/".join([*parts, token]) + (ending or "") + ("/" if path.endswith("/") else "")


def _name(path: str) -> str:
    """The last part of a path without its ending; that of the folder for `index`."""
    parts = path.strip("/").split("/")
    if len(parts) > 1 and parts[-1].partition(".")[0] == "index":
        parts.pop()
    return re.sub(r"\.(?:html?|md|markdown|mdx|qmd)$", "", parts[-1])


def _slug(path: str) -> str:
    return re.sub(r"^\d{4}-\d{1,2}-\d{1,2}[-_]", "", _name(path))
