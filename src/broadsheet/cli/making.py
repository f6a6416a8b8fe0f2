"""Build the outputs of a project as bytes, for every command."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from hashlib import sha256
from types import MappingProxyType
from typing import TypeVar

import msgspec
from msgspec import Struct

from broadsheet import feeds
from broadsheet.articles import Article
from broadsheet.articles.catalogue import Catalogue
from broadsheet.articles.entries import Entry, Held, entry, surroundings
from broadsheet.cli.options import options
from broadsheet.cli.progress import progress
from broadsheet.cli.project import Project
from broadsheet.digests.issue import Issue, issue_folder
from broadsheet.digests.selection import History
from broadsheet.errors import RenderError
from broadsheet.feeds import Newsletter
from broadsheet.feeds.retired import Retired, Successors, document, is_in_doubt, retire
from broadsheet.markup import LinkIndex, Rendition
from broadsheet.model.document import Document
from broadsheet.model.publication import Publication
from broadsheet.model.settings import DigestSettings
from broadsheet.pipeline import rendering
from broadsheet.pipeline.cache import Cache
from broadsheet.storage import folders

_T = TypeVar("_T")


def without_bad(project: Project, make: Callable[[], _T]) -> _T:
    """What `make` makes of `project`, without the articles that cannot be rendered."""
    while True:
        try:
            return make()
        except RenderError as error:
            project.leave_out(error.problems)


class Site(Struct, frozen=True):
    """All files of `build`, each made when it is needed.

    held: the articles in the feeds. retired: the ended feeds that still stay, by path. ending: the
    feeds that this run ends, whether they stay or not. waiting: feeds that may only lack an article
    with an error; they are not changed.
    """

    documents: dict[str, Document]
    held: tuple[Held, ...]
    retired: dict[str, Retired]
    ending: dict[str, Retired]
    waiting: frozenset[str]


def site_files(project: Project) -> tuple[Site, dict[str, bytes]]:
    """All files of `build`: the feeds, and the pages and feeds of issues; and their bytes.

    An article that cannot be rendered is left out, and becomes one of the project's problems.
    """
    with Cache(project.state) as kept:
        made = site(project, kept)
        return made, {path: each.make() for path, each in made.documents.items()}


def site(project: Project, kept: Cache) -> Site:
    """All files of `build` without their bytes, while the cache `kept` is open."""
    return without_bad(project, lambda: _site(project, kept))


def _site(project: Project, kept: Cache) -> Site:
    publication, settings = project.settings.publication, project.settings.feeds
    around = {
        article.id: surroundings(article, project.catalogue, project.link_index)
        for article in feeds.inside(project.feeds)
    }
    copy = feeds.Copy(publication, settings)
    # What no rendition is needed for.
    others = {
        path: Document(each.made_of, cache(each.make))
        for path, each in digest_documents(project, project.histories).items()
    }

    def meanwhile() -> None:
        feeds.prepare(settings, overview=True)
        project.catch_up(kept)
        for each in others.values():
            each.make()

    rendered = renditions_from(
        project,
        feeds.to_render(project.feeds, settings),
        project.link_index,
        kept,
        forget=True,
        made_one=lambda article, made: copy.set(article, made, around[article.id]),
        meanwhile=meanwhile,
    )
    held = {
        article.id: Held(article, around[article.id], rendered.marks.get(article.id))
        for article in feeds.inside(project.feeds)
    }
    made = feeds.documents(project.feeds, held, rendered, publication, settings, copy=copy)
    live = made | others
    before = retired_before(project)
    ended = retire(
        before, _successors(project, live), project.now, lambda path: _published(project, path)
    )
    waiting = _in_doubt(project, ended.keys() - before.keys())
    ended = {path: each for path, each in ended.items() if path not in waiting}
    stay = {path: each for path, each in ended.items() if project.now < each.until(settings)}
    return Site(
        live | _retired_documents(project, stay),
        tuple(held.values()),
        stay,
        {path: each for path, each in ended.items() if path not in before},
        waiting,
    )


def _in_doubt(project: Project, ending: Collection[str]) -> frozenset[str]:
    """The feeds among `ending` that may only lack an article that has an error now."""
    if not project.articles.problems:
        return frozenset()
    read = {article.id for article in project.articles.read}
    return frozenset(
        path for path in ending if is_in_doubt(path, _published(project, path) or b"", read)
    )


def retired_before(project: Project) -> dict[str, Retired]:
    """The feeds that had ended at the last build, by path."""
    found = {}
    for path, told in project.manifest.retired.items():
        with suppress(msgspec.ValidationError):
            found[path] = msgspec.convert(told, Retired)
    return found


def _successors(project: Project, live: Mapping[str, Document]) -> Successors:
    """What to follow instead of a feed that is not among the `live` documents."""
    settings, catalogue = project.settings, project.catalogue
    groups = {
        f"{folder}/{topic.slug}/": articles
        for folder in settings.feeds.by
        for topic, articles in {"topics": catalogue.topics, "tags": catalogue.tags}[folder].items()
    }
    published, aliases = project.manifest.files, settings.topics.aliases
    renamed = {old: name for name, each in settings.digests.items() for old in each.renamed_from}
    return Successors(live.keys(), published, groups, aliases, settings.feeds.formats, renamed)


def _retired_documents(project: Project, ended: Mapping[str, Retired]) -> dict[str, Document]:
    publication = project.settings.publication
    public = frozenset(article.id for article in project.catalogue.articles)
    of_all = sha256("\n".join(sorted(public)).encode()).hexdigest() if ended else ""

    def make(path: str, each: Retired) -> bytes:
        return document(_published(project, path), path, each, publication, public)

    return {
        path: Document(f"{path} {each!r} {of_all}", partial(make, path, each))
        for path, each in ended.items()
    }


def _published(project: Project, path: str) -> bytes | None:
    """The file at `path` in the feeds folder; None if it cannot be read."""
    with suppress(OSError):
        return folders.content(project.feeds_folder / path)
    return None


def leave_out_as_build(project: Project) -> None:
    """Leaves out of the feeds what `build` would: the articles that cannot be rendered.

    Which was rendered before, by the cache, can be; so only what is new is tried.
    """

    def untried(known: frozenset[str]) -> list[Article]:
        wanted = feeds.to_render(project.feeds, project.settings.feeds)
        return [article for article in wanted if rendering.key(article) not in known]

    with Cache(project.state) as kept:
        known = kept.keys("links")
        without_bad(
            project, lambda: renditions_from(project, untried(known), project.link_index, kept)
        )


def digest_files(project: Project, histories: Mapping[str, History]) -> dict[str, bytes]:
    """What tells of the issues in `histories`: each digest's page and feed, and the overview."""
    return {path: each.make() for path, each in digest_documents(project, histories).items()}


def digest_documents(project: Project, histories: Mapping[str, History]) -> dict[str, Document]:
    """The same, each to be made when it is needed."""
    publication, settings = project.settings.publication, project.settings.feeds
    documents: dict[str, Document] = {}
    for name, digest in project.settings.digests.items():
        documents |= _of_digest(name, digest, histories[name].issues[::-1], project)

    @cache
    def newsletters() -> list[Newsletter]:
        return [
            _newsletter(name, digest, histories[name].issues[::-1], publication)
            for name, digest in project.settings.digests.items()
        ]

    told = [(name, history.issues) for name, history in histories.items()]
    overview = feeds.overview(project.feeds, newsletters, repr(told), publication, settings)
    return documents | overview


def _of_digest(
    name: str, digest: DigestSettings, issues: Sequence[Issue], project: Project
) -> dict[str, Document]:
    """The page and the feed of a digest whose issues are `issues`, newest first."""
    publication, settings = project.settings.publication, project.settings.feeds
    path = issue_folder(name)

    # A run that changes nothing of a digest does not import what writes it.
    def page_of_issues() -> bytes:
        from broadsheet.digests import archive
        from broadsheet.feeds import page

        return archive.archive_page(
            issues, digest, publication, page.links(path, publication, settings)
        )

    @cache
    def entries() -> list[Entry]:
        from broadsheet.digests import archive

        return [archive.issue_entry(issue, digest, publication) for issue in issues]

    def newsletter() -> Newsletter:
        return _newsletter(name, digest, issues, publication)

    made_of = repr(issues)
    return {
        **feeds.of_issues(path, newsletter, entries, made_of, publication, settings),
        path + feeds.INDEX: Document(made_of, page_of_issues),
    }


def _newsletter(
    name: str, digest: DigestSettings, issues: Sequence[Issue], publication: Publication
) -> Newsletter:
    from broadsheet.digests import archive

    newest = archive.issue_entry(issues[0], digest, publication) if issues else None
    return Newsletter(
        path=issue_folder(name),
        title=digest.title,
        description=digest.description,
        language=archive.digest_language(digest, publication),
        issues=len(issues),
        newest_title=newest.title if newest else "",
        newest_url=newest.url if newest else "",
        newest_date=newest.published if newest else None,
    )


def entries(
    project: Project, articles: Sequence[Article], catalogue: Catalogue
) -> dict[str, Entry]:
    """The entries of `articles`, by id, as they stand in `catalogue`."""
    rendered = renditions(project, articles)
    publication = project.settings.publication
    return {
        article.id: entry(
            article,
            rendered[article.id],
            surroundings(article, catalogue, project.link_index),
            publication,
        )
        for article in articles
    }


def renditions(project: Project, articles: Sequence[Article]) -> dict[str, Rendition]:
    """The renditions of `articles`, by id; the state folder must exist, which the lock sees to."""
    with Cache(project.state) as kept:
        rendered = renditions_from(project, articles, project.link_index, kept)
        rendered.fetch()
        return dict(rendered)


def renditions_from(
    project: Project,
    articles: Sequence[Article],
    link_index: LinkIndex,
    kept: Cache,
    *,
    marks: Mapping[str, str] = MappingProxyType({}),
    forget: bool = False,
    made_one: Callable[[Article, Rendition], object] = lambda _article, _rendition: None,
    meanwhile: Callable[[], object] = lambda: None,
    aside: bool = False,
) -> rendering.Renditions:
    """The same, each when it is asked for, while the cache `kept` is open; see `renditions`."""
    with progress(len(articles), options()) as step:
        return rendering.renditions(
            articles,
            link_index,
            kept,
            body=project.reader.body,
            marks=marks,
            forget=forget,
            workers=project.workers,
            made_one=made_one,
            step=step,
            meanwhile=meanwhile,
            aside=aside,
        )
