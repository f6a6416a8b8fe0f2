"""The articles of a project at `now`, the feeds that they are in, and their rendered bodies."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property

from broadsheet.articles import Article
from broadsheet.articles.catalogue import Catalogue, Catalogues, duplicate_problems
from broadsheet.articles.entries import Entry, article_entry, featured_image
from broadsheet.digests.selection import Digest
from broadsheet.errors import Problem, RenderError
from broadsheet.feeds.plan import Feed, plan
from broadsheet.markup import LinkIndex, Rendition
from broadsheet.model.settings import FeedSettings
from broadsheet.pipeline.memo import Memo
from broadsheet.pipeline.notes import Notes
from broadsheet.pipeline.project import Project
from broadsheet.pipeline.reading import Articles, read_articles
from broadsheet.pipeline.rendering import Renderings, link_targets, render_articles


@dataclass(frozen=True)
class Content:
    """The articles of a project, and what they can link to.

    memo: makes what is made of them. catalogue_at: the catalogue at a time.
    """

    project: Project
    memo: Memo
    articles: Articles
    catalogue_at: Catalogues

    @property
    def catalogue(self) -> Catalogue:
        """What is public now."""
        return self.catalogue_at(self.project.now)

    @cached_property
    def link_index(self) -> LinkIndex:
        """Everything that the articles can link to."""
        public = [article for article in self.articles.read if not article.hidden]
        return link_targets(self.project, self.memo, self.articles, public)

    @cached_property
    def _notes(self) -> dict[str, Notes]:
        """The editor's notes of each digest."""
        return {
            name: Notes(self.project, self.memo, self.articles, lambda: self.link_index, name)
            for name in self.project.settings.digests
        }

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the articles that are left out."""
        return self.articles.problems

    def digest(self, name: str) -> Digest:
        """Return the digest called `name` in the config."""
        return self.project.digest(name, self.catalogue_at, self._notes[name])

    def without(self, problems: Iterable[Problem]) -> Content:
        """Return the content without the articles that `problems` name."""
        return content_of(self.project, self.memo, self.articles.without(problems))

    def render(self, wanted: Collection[Article]) -> Renderings:
        """Return the rendered bodies of the articles `wanted`; see `render_articles`."""
        settings = self.project.settings.articles
        return render_articles(self.memo, wanted, self.articles, self.link_index, settings)


@dataclass(frozen=True)
class Edition:
    """The feeds of a project, with the rendered bodies that they hold."""

    content: Content
    feeds: tuple[Feed, ...]
    renderings: Renderings


def read_content(project: Project, memo: Memo) -> Content:
    """Return the content of `project`. Raises the errors of `read_articles`."""
    return content_of(project, memo, read_articles(project, memo))


def content_of(project: Project, memo: Memo, articles: Articles) -> Content:
    """Return the content that consists of `articles`, without those whose id an older one has."""
    if problems := duplicate_problems(articles.read, project.now):
        articles = articles.without(problems)
    return Content(project, memo, articles, Catalogues(articles.read, project.settings.topics))


def make_edition(content: Content) -> Edition:
    """Return the feeds of `content`, without the articles that cannot be rendered."""
    settings = content.project.settings
    while True:
        feeds = plan(content.catalogue, settings.feeds, settings.publication)
        renderings = content.render(to_render(feeds, settings.feeds))
        if not renderings.problems:
            return Edition(content, feeds, renderings)
        content = content.without(renderings.problems)


def to_render(feeds: Iterable[Feed], settings: FeedSettings) -> list[Article]:
    """Return the articles whose body some feed needs, each once."""
    inside = {article.id: article for feed in feeds for article in feed.articles}
    return [each for each in inside.values() if settings.content == "full" or not each.summary]


def entries_of(
    content: Content, articles: Collection[Article], catalogue: Catalogue
) -> dict[str, Entry]:
    """Return the entries of `articles`, by id, as they are in `catalogue`.

    Raises RenderError with a problem for each article that cannot be rendered.
    """
    made = content.render(articles)
    if made.problems:
        raise RenderError(*made.problems)
    return {
        article.id: article_entry(
            article,
            content.memo.value(made.addresses[article.source], Rendition),
            catalogue.topics_of(article),
            catalogue.tags_of(article),
            featured_image(article, content.link_index),
            content.project.settings.publication,
        )
        for article in articles
    }
