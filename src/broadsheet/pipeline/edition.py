"""The articles of a project at `now`, the feeds that they are in, and their rendered bodies."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final

from broadsheet.articles import Article
from broadsheet.articles.catalogue import Catalogue, duplicate_problems
from broadsheet.articles.entries import Entry, article_entry, featured_image
from broadsheet.digests.selection import CatalogueAt, Digest
from broadsheet.errors import Problem, RenderError
from broadsheet.feeds.plan import Feed, plan
from broadsheet.markup import LinkIndex, Rendition
from broadsheet.model.settings import FeedSettings
from broadsheet.pipeline.memo import Memo
from broadsheet.pipeline.project import Project
from broadsheet.pipeline.reading import Articles, read_articles
from broadsheet.pipeline.rendering import Renderings, link_targets, render_articles

_CATALOGUES: Final = 4  # each takes its room, and who asks for one twice does so in a row


@dataclass(frozen=True)
class Content:
    """The articles of a project, and what they can link to.

    catalogue: what is public now; catalogue_at: what is at a moment.
    """

    project: Project
    articles: Articles
    catalogue: Catalogue
    catalogue_at: CatalogueAt
    link_index: LinkIndex

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the articles that are left out."""
        return self.articles.problems

    def digest(self, name: str) -> Digest:
        """Return the digest called `name` in the config."""
        return self.project.digest(name, self.catalogue_at)

    def without(self, problems: Iterable[Problem], memo: Memo) -> Content:
        """Return the content without the articles that `problems` name."""
        return content_of(self.project, self.articles.without(problems), memo)


@dataclass(frozen=True)
class Edition:
    """The feeds of a project, with the rendered bodies that they hold."""

    content: Content
    feeds: tuple[Feed, ...]
    renderings: Renderings


def read_content(project: Project, memo: Memo) -> Content:
    """Return the content of `project`. Raises the errors of `read_articles`."""
    return content_of(project, read_articles(project, memo), memo)


def content_of(project: Project, articles: Articles, memo: Memo) -> Content:
    """Return the content that consists of `articles`, without those whose id an older one has."""
    if problems := duplicate_problems(articles.read, project.now):
        articles = articles.without(problems)
    topics = project.settings.topics
    at = lru_cache(_CATALOGUES)(partial(Catalogue.at, articles=articles.read, settings=topics))
    public = [article for article in articles.read if not article.hidden]
    index = link_targets(project, memo, articles, public)
    return Content(project, articles, at(project.now), at, index)


def make_edition(content: Content, memo: Memo) -> Edition:
    """Return the feeds of `content`, without the articles that cannot be rendered."""
    settings = content.project.settings
    while True:
        feeds = plan(content.catalogue, settings.feeds, settings.publication)
        wanted = to_render(feeds, settings.feeds)
        renderings = render_articles(memo, wanted, content.articles, content.link_index)
        if not renderings.problems:
            return Edition(content, feeds, renderings)
        content = content.without(renderings.problems, memo)


def to_render(feeds: Iterable[Feed], settings: FeedSettings) -> list[Article]:
    """Return the articles whose body some feed needs, each once."""
    inside = {article.id: article for feed in feeds for article in feed.articles}
    return [each for each in inside.values() if settings.content == "full" or not each.summary]


def entries_of(
    content: Content, articles: Collection[Article], catalogue: Catalogue, memo: Memo
) -> dict[str, Entry]:
    """Return the entries of `articles`, by id, as they are in `catalogue`.

    Raises RenderError with a problem for each article that cannot be rendered.
    """
    index = content.link_index
    made = render_articles(memo, articles, content.articles, index)
    if made.problems:
        raise RenderError(*made.problems)
    return {
        article.id: article_entry(
            article,
            memo.value(made.addresses[article.source], Rendition),
            catalogue.topics_of(article),
            catalogue.tags_of(article),
            featured_image(article, index),
            content.project.settings.publication,
        )
        for article in articles
    }
