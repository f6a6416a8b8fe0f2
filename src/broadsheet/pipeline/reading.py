"""Read the articles of a project: each file once, as long as its stamp stays the same.

Only front matter is stored. The body is read again when it is rendered.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from hashlib import sha256
from pathlib import Path
from sys import intern
from typing import Final, TypeGuard, TypeVar
from zlib import crc32

from msgspec import Struct
from msgspec.structs import force_setattr, replace

from broadsheet.articles import Article, Cascade
from broadsheet.articles.site_check import page_name
from broadsheet.errors import BroadsheetError, Problem
from broadsheet.model.publication import Person, Publication
from broadsheet.model.settings import ArticleSettings
from broadsheet.pipeline.memo import Memo, Source, Step
from broadsheet.pipeline.project import Project
from broadsheet.pipeline.store import Digest
from broadsheet.storage import folders, sources
from broadsheet.storage.folders import Stamp
from broadsheet.storage.git_history import first_commits
from broadsheet.storage.sources import Found

T = TypeVar("T")

_CHUNK: Final = 128
_GROUP: Final = 64
_MEASURED_AT_ONCE: Final = 256


class StampedFile(Struct, frozen=True, array_like=True):
    """A file to read; the stamps stand for its content. folder: the articles folder it is in.

    metadata: the stamp of the file that has its front matter, if there is one (Nikola). added: the
    date of its first commit, if that is asked for; else "". section: see `Source`.
    """

    path: str
    folder: str
    stamp: Stamp
    metadata: Stamp | None = None
    added: str = ""
    section: str | None = None


class ParseSettings(Struct, frozen=True):
    """All that the outcome of reading a file depends on beside the file.

    zone_rules: digest of the system's file on the publication's time zone. authors: see
    `sources.known_authors`.
    """

    publication: Publication
    articles: ArticleSettings
    zone_rules: str
    authors: Mapping[str, Person] = {}


class Page(Struct, frozen=True, array_like=True, tag=True):
    """A file that is not an article. why: in words. url: its address, if it is known.

    cascades: statements of a section page about the articles below it.
    """

    why: str
    url: str = ""
    cascades: tuple[Cascade, ...] = ()


_Parsed = tuple[Digest, Article | Page] | BroadsheetError


class Articles(Struct, frozen=True):
    """What the article files are.

    found: the files; the stamp of one that may still change unnoticed matches no later one.
    read: the articles, by path, without their bodies. stored: path -> address of the `Article`.
    pages: path -> why it is not an article. page_urls: path -> its address, of those pages whose
    address is known. problems: those of the other files, and unclear
    statements about visibility.
    """

    found: Found
    read: tuple[Article, ...]
    stored: Mapping[str, Digest]
    pages: Mapping[str, str]
    problems: tuple[Problem, ...]
    page_urls: Mapping[str, str] = {}

    def stale_pages(self, articles: Iterable[Article]) -> tuple[Problem, ...]:
        """Return a problem for each of `articles` that is newer than its page in the built site.

        Only warnings: no output depends on the times of files, which a checkout sets anew.
        """
        return tuple(
            Problem(
                f"it was changed after its page {each.rendered} was built",
                "build the site again, then the feeds",
                each.source,
            )
            for each in articles
            if each.rendered and self._changed(each.source) > self._changed(each.rendered)
        )

    def _changed(self, path: str) -> int:
        _, changed, *_ = self.found.stamps[path]
        return changed

    def without(self, problems: Iterable[Problem]) -> Articles:
        """Return the same without the articles that `problems` name."""
        wrong = tuple(problems)
        paths = {problem.path for problem in wrong}
        read = tuple(article for article in self.read if article.source not in paths)
        return replace(self, read=read, problems=self.problems + wrong)


def read_articles(project: Project, memo: Memo) -> Articles:
    """Return the articles of `project`; what is wrong with one does not hinder the others.

    Raises ConfigError if a folder does not exist, and ArticleError if one cannot be read.
    """
    settings = project.settings
    before = folders.disk_time(project.state) if memo.is_lasting else 0
    found = sources.find(project.root, settings.articles, but=project.written_folders)
    if memo.is_lasting:
        stamps = {path: folders.trusted(stamp, before) for path, stamp in found.stamps.items()}
        found = replace(found, stamps=stamps)
    of = found.stamps
    asks_git = "git" in settings.articles.date_from
    added = first_commits(project.root, settings.articles.folders) if asks_git else {}
    files = [
        StampedFile(
            path,
            folder,
            of[path],
            of.get(sources.metadata_file(path)),
            added.get(path, ""),
            found.sections.get(path),
        )
        for path, folder in found.articles
    ]
    given = ParseSettings(
        settings.publication,
        settings.articles,
        zone_rules(settings.publication),
        sources.known_authors(project.root, settings.articles),
    )
    step = Step("broadsheet.pipeline.steps:parse_file", given, _CHUNK, "Reading")
    groups = in_groups(files, lambda file: file.path)
    with closing(memo.attempt_groups(step, groups, Article | Page)) as parsed:
        if settings.articles.rendered:
            return _sorted_out(found, _on_pages(parsed, found, given, memo))
        return _sorted_out(found, parsed)


def _on_pages(
    outcomes: Iterable[_Parsed],
    found: Found,
    given: ParseSettings,
    memo: Memo,
) -> list[_Parsed]:
    """Return the `outcomes`, the articles as their pages in the built site have them."""
    parsed = [*outcomes]
    step = Step("broadsheet.pipeline.steps:find_page", given, _CHUNK, "Reading")
    reads: dict[str, Source] = {"stamp": found.stamps.get, "page named": _pages(found).get}
    articles = [each for each in parsed if _is_article(each)]
    made = memo.map(step, [address for address, _ in articles], reads)
    on_pages = iter(zip(made, memo.values(made, Article), strict=True))
    return [next(on_pages) if _is_article(each) else each for each in parsed]


def _is_article(outcome: object) -> TypeGuard[tuple[Digest, Article]]:
    """Whether what `parse_file` came to, with its address, is an article."""
    return isinstance(outcome, tuple) and isinstance(outcome[1], Article)


def _pages(found: Found) -> dict[str, str]:
    """Return the last part of the addresses of HTML files -> the file; "" if there are several."""
    by_name: dict[str, str] = {}
    for path in found.stamps:
        if path.endswith(".html") and by_name.setdefault(page_name(path), path) != path:
            by_name[page_name(path)] = ""
    return by_name


def measure_images(
    memo: Memo, articles: Articles, paths: Collection[str]
) -> dict[str, tuple[int, int]]:
    """Return the width and height in pixels of each of the images at `paths` that has them."""
    files = [StampedFile(path, "", articles.found.stamps[path]) for path in sorted(paths)]
    step = Step("broadsheet.pipeline.steps:measure_image", None, _MEASURED_AT_ONCE)
    sizes = memo.values(memo.map(step, files), list[int])
    return {f.path: (size[0], size[1]) for f, size in zip(files, sizes, strict=True) if size}


def zone_paths(publication: Publication) -> list[Path]:
    """Return the system's files that may say what the time zone's offsets are."""
    return [Path(folder) / publication.timezone.key for folder in zoneinfo.TZPATH]


def zone_rules(publication: Publication) -> str:
    """Return the SHA-256 of these files in hexadecimal."""
    rules = sha256()
    for path in zone_paths(publication):
        with suppress(OSError):
            rules.update(path.read_bytes())
    return rules.hexdigest()


def in_groups(items: Iterable[T], path: Callable[[T], str]) -> list[list[T]]:
    """Return what belongs to files in groups of about `_GROUP`.

    path: returns the file's. A new file changes no group but its own.
    """
    groups: list[list[T]] = [[]]
    for item in items:
        groups[-1].append(item)
        if not crc32(path(item).encode()) % _GROUP:
            groups.append([])
    return groups


def _sorted_out(found: Found, parsed: Iterable[_Parsed]) -> Articles:
    read: list[Article] = []
    stored: dict[str, Digest] = {}
    pages: dict[str, str] = {}
    page_urls: dict[str, str] = {}
    problems = list(found.problems)
    cascades: list[Cascade] = []
    for (path, _), each in zip(found.articles, parsed, strict=True):
        if isinstance(each, BroadsheetError):
            problems += each.problems
            continue
        address, outcome = each
        if isinstance(outcome, Page):
            pages[path] = outcome.why
            page_urls[path] = outcome.url
            cascades += outcome.cascades
        else:
            read.append(_interned(outcome, path))
            stored[path] = address
            problems += outcome.unclear
    if cascades:
        read = [_below(cascades, article) for article in read]
    known = {path: url for path, url in page_urls.items() if url}
    return Articles(found, tuple(read), stored, pages, tuple(problems), known)


def _interned(article: Article, path: str) -> Article:
    """Return the article at `path` with each text that is in memory already as the same object."""
    force_setattr(article, "source", path)  # no one else has it yet, and a copy takes twice as long
    if article.id == article.url:
        force_setattr(article, "id", article.url)
    force_setattr(article, "topics", tuple(map(intern, article.topics)))
    force_setattr(article, "tags", tuple(map(intern, article.tags)))
    force_setattr(article, "language", intern(article.language))
    force_setattr(article, "markdown", intern(article.markdown))
    return article


def _below(cascades: Sequence[Cascade], article: Article) -> Article:
    """Return `article`, hidden if a section page above it says so."""
    if article.hidden:
        return article
    over = next((each for each in cascades if each.covers(article.source)), None)
    return replace(article, hidden=over.hidden) if over else article
