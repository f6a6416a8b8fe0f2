"""From a project to the bytes of its outputs: the way through the house, for every command."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from broadsheet import feeds, rendering
from broadsheet.articles import Article
from broadsheet.cache import Cache
from broadsheet.catalogue import Catalogue
from broadsheet.cli.options import options
from broadsheet.cli.progress import progress
from broadsheet.cli.project import Project
from broadsheet.digests import archive
from broadsheet.digests.due import History
from broadsheet.entry import Entry, entry
from broadsheet.errors import RenderError
from broadsheet.feeds import Newsletter, page
from broadsheet.markup import Rendition

_T = TypeVar("_T")


def without_bad(project: Project, make: Callable[[], _T]) -> _T:
    """What `make` makes of `project`, without the articles that cannot be rendered."""
    while True:
        try:
            return make()
        except RenderError as error:
            project.leave_out(error.problems)


def site_files(project: Project, *, workers: int | None = None) -> dict[str, bytes]:
    """All that `build` makes: the feeds, and what tells of the digests' issues.

    An article that cannot be rendered is left out, and becomes one of the project's problems.
    """
    return without_bad(project, lambda: _site_files(project, workers))


def _site_files(project: Project, workers: int | None) -> dict[str, bytes]:
    settings = project.settings
    wanted = feeds.to_render(project.feeds, settings.feeds)
    return {
        **feeds.outputs(
            project.feeds,
            project.catalogue,
            renditions(project, wanted, workers=workers),
            project.library,
            settings.publication,
            settings.feeds,
        ),
        **digest_files(project, project.histories),
    }


def digest_files(project: Project, histories: Mapping[str, History]) -> dict[str, bytes]:
    """What tells of the issues in `histories`: each digest's page and feed, and the overview."""
    publication, settings = project.settings.publication, project.settings.feeds
    newsletters: list[Newsletter] = []
    files: dict[str, bytes] = {}
    for name, digest in project.settings.digests.items():
        issues = histories[name].issues[::-1]
        entries = [archive.entry(issue, digest, publication) for issue in issues]
        newsletter = Newsletter(
            path=archive.folder(name),
            title=digest.title,
            description=digest.description,
            language=archive.words_language(digest, publication),
            issues=len(issues),
            newest_title=entries[0].title if entries else "",
            newest_url=entries[0].url if entries else "",
            newest_date=entries[0].published if entries else None,
        )
        newsletters.append(newsletter)
        files |= feeds.of_issues(newsletter, entries, publication, settings)
        links = page.links(newsletter.path, publication, settings)
        files[newsletter.path + feeds.INDEX] = archive.page(issues, digest, publication, links)
    return files | feeds.overview(project.feeds, newsletters, publication, settings)


def entries(
    project: Project, articles: Sequence[Article], catalogue: Catalogue
) -> dict[str, Entry]:
    """The entries of `articles`, by id, as they stand in `catalogue`."""
    rendered = renditions(project, articles)
    publication = project.settings.publication
    return {
        article.id: entry(article, rendered[article.id], catalogue, publication, project.library)
        for article in articles
    }


def renditions(
    project: Project, articles: Sequence[Article], *, workers: int | None = None
) -> dict[str, Rendition]:
    """The renditions of `articles`, by id; the state folder must exist, which the lock sees to."""
    with Cache(project.state) as cache, progress(len(articles), options()) as step:
        return rendering.renditions(articles, project.library, cache, workers=workers, step=step)
