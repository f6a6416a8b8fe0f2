"""A project on disk, brought through the house as far as a command needs it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from broadsheet import config, feeds, inputs, records
from broadsheet.articles import Article, NotAnArticle, parse
from broadsheet.catalogue import Catalogue
from broadsheet.cli.options import Options
from broadsheet.digests import archive
from broadsheet.digests.due import Digest, History
from broadsheet.errors import ArticleError, Problem, UsageError
from broadsheet.library import library
from broadsheet.markup import Library, Links
from broadsheet.settings import Settings

STATE = ".broadsheet"
PREVIEWS = "previews"


@dataclass(frozen=True, slots=True)
class Articles:
    """What the article files turned out to be.

    read: in no order that means anything. pages: path -> why it is no article.
    problems: what is wrong with the files that are neither.
    """

    read: tuple[Article, ...]
    pages: dict[str, str]
    problems: tuple[Problem, ...]


class Project:
    """The folder of a broadsheet.toml, read step by step, each step once."""

    def __init__(self, options: Options) -> None:
        given = options.config or Path(config.CONFIG_NAME)
        path = options.directory / given
        self.root = path.parent
        self.config_name = path.name
        self.settings: Settings = config.load(path, str(given))
        self.now = moment(options.now, self.settings)

    @property
    def state(self) -> Path:
        """The folder of the lock and the cache; it can be deleted at any time."""
        return self.root / STATE

    @property
    def feeds_folder(self) -> Path:
        """Where the feeds are written."""
        return self.root / self.settings.feeds.folder

    @property
    def kept(self) -> tuple[str, ...]:
        """What a build leaves in the feeds folder, though it does not make it: issues.

        Not what a killed run left of an issue that was then made at a later tick: no record
        names it. Whatever a digest that is no longer in the config has made stays.
        """
        names = (path.name for path in self.feeds_folder.glob("digests/*"))
        former = (archive.folder(name) for name in names if name not in self.settings.digests)
        issues = (issue for history in self.histories.values() for issue in history.issues)
        return (*former, *(archive.folder(issue.digest, issue.key) for issue in issues))

    @cached_property
    def found(self) -> inputs.Found:
        """The files in the folders."""
        ours = (self.settings.feeds.folder, PREVIEWS)
        return inputs.find(self.root, self.settings.articles, but=ours)

    @cached_property
    def articles(self) -> Articles:
        """The article files, parsed; what is wrong with one does not hinder the others."""
        read: list[Article] = []
        pages: dict[str, str] = {}
        problems: list[Problem] = []
        for path, folder in self.found.articles:
            try:
                source = inputs.read(self.root, path, folder)
                read.append(parse(source, self.settings.publication, self.settings.articles))
            except NotAnArticle as reason:
                pages[path] = str(reason)
            except ArticleError as error:
                problems.extend(error.problems)
        return Articles(tuple(read), pages, tuple(problems))

    def leave_out(self, problems: Iterable[Problem]) -> None:
        """Goes on without the articles that `problems` name."""
        wrong = tuple(problems)
        paths = {problem.path for problem in wrong}
        read = tuple(article for article in self.articles.read if article.source not in paths)
        self.articles = replace(self.articles, read=read, problems=self.articles.problems + wrong)
        for name in ("catalogue", "library", "feeds"):
            self.__dict__.pop(name, None)  # they are made anew from what is left

    @cached_property
    def catalogue(self) -> Catalogue:
        """What may be published now."""
        return Catalogue.at(self.now, self.articles.read, self.settings.topics)

    @cached_property
    def library(self) -> Library:
        """What the articles can link to, with the sizes of their featured images."""
        settings = self.settings
        made = library(
            self.found.files, self.articles.read, settings.publication, settings.articles
        )
        named = (
            Links(made, article.source, article.url).asset(article.image)
            for article in self.catalogue.articles
            if article.image
        )
        paths = sorted({asset.path for asset in named if asset})
        return Library(
            made.site, made.pages, made.beside, made.rooted, inputs.measure(self.root, paths)
        )

    @cached_property
    def feeds(self) -> tuple[feeds.Feed, ...]:
        """Every feed of the catalogue."""
        return feeds.plan(self.catalogue, self.settings.feeds, self.settings.publication)

    @cached_property
    def histories(self) -> dict[str, History]:
        """The issues of each digest that were made before this run."""
        shown = self.settings.feeds.folder
        return {
            name: records.history(self.feeds_folder, name, shown) for name in self.settings.digests
        }

    def digest(self, name: str) -> Digest:
        """The digest called `name` in the config."""
        zone = self.settings.publication.timezone
        return Digest(name, self.settings.digests[name], zone, self.catalogue_at)

    @cached_property
    def templates(self) -> dict[str, str]:
        """The user's own mail templates."""
        return inputs.templates(self.root, self.settings.mail.templates)

    def catalogue_at(self, moment: datetime) -> Catalogue:
        """What may be published at `moment`."""
        return Catalogue.at(moment, self.articles.read, self.settings.topics)


def moment(given: str, settings: Settings) -> datetime:
    """The one `now` of a run: from --now, SOURCE_DATE_EPOCH (reproducible-builds.org) or the clock.

    Raises UsageError when one of the first two cannot be read.
    """
    try:
        if given:
            found = datetime.fromisoformat(given)
            zone = settings.publication.timezone
            return found if found.tzinfo else found.replace(tzinfo=zone)
        if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
            return datetime.fromtimestamp(int(epoch), UTC)
    except (ValueError, OverflowError, OSError):
        name = "--now" if given else "SOURCE_DATE_EPOCH"
        raise UsageError(
            Problem(
                f"{name}: {given or epoch!r} is no time",
                "write one like 2025-06-30T08:00:00+08:00"
                if given
                else "it counts seconds from 1970",
            )
        ) from None
    return datetime.now(UTC)
