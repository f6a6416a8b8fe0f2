"""Rules on the feeds that would be published, and on what readers have of them already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from broadsheet.articles import Article
from broadsheet.articles.catalogue import TERMS
from broadsheet.articles.entries import PublishedEntry
from broadsheet.checks.rule import site_rule
from broadsheet.checks.site import SiteView
from broadsheet.errors import Problem
from broadsheet.model.settings import FEED_FORMATS
from broadsheet.text.plain import plain

LARGEST_FEED = 1_000_000  # bytes; several readers stop at one megabyte
_PIECE = 8  # characters by which two texts are compared
_ALIKE = 0.6  # the part of these pieces that two versions of a text have in common
_FEW = 2_000  # comparisons of texts that take no time to speak of


@site_rule(
    "id-changed",
    "error",
    "An id that readers know is gone, while its text lives on under another: they will all see "
    "it as new. It happens when a file is renamed or a date or permalink changes.",
)
def id_changed(site: SiteView) -> Iterator[Problem]:
    ids = {article.id for article in site.by_path}
    known = {each.id for each in site.published}
    gone = [each for each in site.published if each.id not in ids]
    new = [article for article in site.catalogue.articles if article.id not in known]
    if gone and new:
        for article, old in _renamed(gone, new, _texts(site, new)):
            what = f"its id was {old.id} in the last build and is {article.id} now"
            todo = f"write `id: {old.id}` to keep it"
            yield Problem(what, todo, article.source, site.line(article, "id", "slug") or 1)


def _texts(site: SiteView, articles: Sequence[Article]) -> dict[str, str]:
    """Return the text of each of `articles` that is in a feed, by id."""
    made = ((article.id, site.html_of(article)) for article in articles)
    return {id_: plain(html) for id_, html in made if html is not None}


def _renamed(
    gone: Sequence[PublishedEntry], new: Sequence[Article], texts: Mapping[str, str]
) -> Iterator[tuple[Article, PublishedEntry]]:
    """Each new article with the entry, gone now, that it was."""
    by_text = {each.text: each for each in gone if each.text}
    by_title = {each.title: each for each in gone}
    few = len(gone) * len(new) <= _FEW
    for article in new:
        text = texts.get(article.id, "")
        old = by_text.get(text) or by_title.get(article.title)
        if old is None and few and text:
            old = next((each for each in gone if _alike(each.text, text)), None)
        elif old is not None and old.title == article.title and text and old.text:
            # A column's title may come every week: the text decides.
            old = old if old.text == text or _alike(old.text, text) else None
        if old is not None:
            yield article, old


def _alike(one: str, other: str) -> bool:
    """Whether two texts are versions of one."""
    first, second = _pieces(one), _pieces(other)
    shared = len(first & second)
    return shared > _ALIKE * max(len(first), len(second), 1)


def _pieces(text: str) -> set[str]:
    return {text[at : at + _PIECE] for at in range(max(len(text) - _PIECE + 1, 1))}


@site_rule(
    "feed-ends",
    "warning",
    "A feed that readers may follow would end: its topic or tag has no articles left (perhaps it "
    "was renamed), or it was removed from the config. It stays for `feeds.keep_retired_days`, with "
    "a last entry that links to another feed; then it is removed.",
)
def feed_ends(site: SiteView) -> Iterator[Problem]:
    settings = site.settings.feeds
    for path, each in site.ending.items():
        what = f"this published feed would end: {_why(path, settings.by)}"
        then = (
            f"keep it for {settings.keep_retired_days} days, with a last entry that links to "
            f"{each.address(f'{settings.folder}/')}"
            if settings.keep_retired_days
            else "remove it (feeds.keep_retired_days is 0)"
        )
        todo = f"undo that to keep the feed; otherwise the next build will {then}"
        yield Problem(what, todo, f"{settings.folder}/{path}")


def _why(path: str, by: Sequence[str]) -> str:
    """Why the feed at `path` would end: a folder, or a file name for all feeds of a format."""
    kind, slash, _ = path.partition("/")
    if not slash:
        return "its format was removed from feeds.formats"
    if kind == "digests":
        return "its digest was removed from the config"
    if kind not in TERMS:
        return f"the config has no [feeds.{kind}]"
    return f"no article has its {kind.rstrip('s')}" if kind in by else f"feeds.by has no {kind}"


@site_rule(
    "feed-size", "warning", "Several readers reject feeds over 1 MB, or read only the start."
)
def feed_size(site: SiteView) -> Iterator[Problem]:
    folder = site.settings.feeds.folder
    files = tuple(each.file for each in FEED_FORMATS.values())
    for path, size in site.sizes.items():
        if path.endswith(files) and size > LARGEST_FEED:
            what = f"it would have at least {size / 1e6:.1f} MB"
            fewer = "take a shorter feeds.archive" if "archive/" in path else "lower feeds.entries"
            todo = f'{fewer}, or set feeds.content = "summary"'
            yield Problem(what, todo, f"{folder}/{path}")
