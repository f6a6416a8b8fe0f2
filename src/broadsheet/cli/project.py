"""A project on disk, brought through the house as far as a command needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path

from msgspec.structs import replace

from broadsheet import feeds
from broadsheet.articles.catalogue import Catalogue
from broadsheet.articles.link_index import link_index
from broadsheet.cli.options import Options
from broadsheet.digests.issue import Issue, issue_folder
from broadsheet.digests.refusals import Refusals
from broadsheet.digests.selection import Digest, History
from broadsheet.errors import Problem
from broadsheet.markup import LinkIndex, Links
from broadsheet.model.settings import Settings
from broadsheet.pipeline import reading, standing
from broadsheet.pipeline.cache import Cache
from broadsheet.pipeline.clock import moment
from broadsheet.pipeline.reading import Articles, Reader
from broadsheet.pipeline.standing import Look
from broadsheet.storage import config, folders, issue_records, outputs, sources

STATE = standing.STATE
PREVIEWS = "previews"


class Project:
    """The folder of a broadsheet.toml, read step by step, each step once."""

    seen: Look | None = None
    """What was already seen of the folders, and still counts."""

    def __init__(self, options: Options, *, workers: int | None = None) -> None:
        """workers: how many processes may work on it; None: as many as there are cores."""
        self.workers = workers
        # What this process may do while others read the articles.
        self.meanwhile: Callable[[], object] = lambda: None
        # Whether what nothing waits for is left for `catch_up`.
        self.puts_off = False
        self._left: list[Callable[[Cache], None]] = []
        given = options.config or Path(config.CONFIG_NAME)
        path = options.directory / given
        self.root = path.parent
        self.config_name = path.name
        self.settings: Settings = config.load(path, str(given))
        now = moment(options.now)
        self.now = now if now.tzinfo else now.replace(tzinfo=self.settings.publication.timezone)

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
        """The paths in the feeds folder that a build does not make and keeps: issues.

        Not the remains of an issue whose run was killed and that was then made at a later tick:
        they have no record. The issues and page of a digest that left the config stay.
        """
        former = [
            path
            for path in self.feeds_folder.glob("digests/*/*")
            if path.parent.name not in self.settings.digests
        ]
        pages = (issue_folder(each.parent.name) + feeds.INDEX for each in former)
        theirs = (issue_folder(each.parent.name, each.name) for each in former if each.is_dir())
        issues = (issue for history in self.histories.values() for issue in history.issues)
        return (
            *sorted({*pages, *theirs}),
            *(issue_folder(issue.digest, issue.key) for issue in issues),
        )

    @cached_property
    def manifest(self) -> outputs.Manifest:
        """The manifest of the last build. The caller must hold the lock."""
        return outputs.read_manifest(self.feeds_folder)

    @property
    def scope(self) -> standing.Scope:
        """All that a build looks at."""
        settings = self.settings
        return standing.Scope(
            searched=[*sources.searched(settings.articles)],
            needed=[*map(sources.inside, settings.articles.folders)],
            but=[sources.inside(folder) for folder in self._ours],
            feeds=settings.feeds.folder,
            others=[str(path) for path in self.reader.rules_of_time],
        )

    @property
    def fingerprint(self) -> str:
        """All that outputs depend on, beside the files and the code."""
        return f"{self.settings!r} {self.reader.fingerprint}"

    @property
    def _ours(self) -> tuple[str, ...]:
        """What a run wrote must not be what the next one reads."""
        return self.settings.feeds.folder, PREVIEWS

    @cached_property
    def found(self) -> sources.Found:
        """The files in the folders, after the disk time `before`."""
        settings, seen = self.settings.articles, self.seen
        if seen and (seen.searched, seen.but) == (self.scope.searched, self.scope.but):
            self.before = seen.before
            return sources.find(self.root, settings, but=self._ours, listed=seen.stamps)
        self.before = folders.disk_time(self.state)
        return sources.find(self.root, settings, but=self._ours)

    @cached_property
    def articles(self) -> Articles:
        """The article files, parsed; what is wrong with one does not hinder the others."""
        found = self.found
        with Cache(self.state) as cache:
            return reading.read(
                self.reader,
                found,
                cache,
                before=self.before,
                workers=self.workers,
                meanwhile=self.meanwhile,
                later=self._left.append if self.puts_off else None,
            )

    def catch_up(self, cache: Cache) -> None:
        """Does what was put off."""
        while self._left:
            self._left.pop()(cache)

    @cached_property
    def reader(self) -> Reader:
        """What reads the articles, and later the body of one."""
        return Reader(self.root, self.settings.publication, self.settings.articles)

    def leave_out(self, problems: Iterable[Problem]) -> None:
        """Goes on without the articles that `problems` name."""
        wrong = tuple(problems)
        paths = {problem.path for problem in wrong}
        read = tuple(article for article in self.articles.read if article.source not in paths)
        self.articles = replace(self.articles, read=read, problems=self.articles.problems + wrong)
        for name in ("catalogue_at", "catalogue", "link_index", "feeds"):
            self.__dict__.pop(name, None)  # they are made anew from what is left

    @cached_property
    def catalogue(self) -> Catalogue:
        """What may be published now."""
        return self.catalogue_at(self.now)

    @cached_property
    def link_index(self) -> LinkIndex:
        """What the articles can link to, with the sizes of their featured images."""
        settings = self.settings
        pages = {article.source: article.url for article in self.articles.read}
        made = link_index(self.found.files, pages, settings.publication, settings.articles)
        named = (
            Links(made, article.source, article.url).asset(article.image)
            for article in self.catalogue.articles
            if article.image
        )
        paths = sorted({asset.path for asset in named if asset})
        return replace(made, sizes=sources.measure(self.root, paths))

    @cached_property
    def feeds(self) -> tuple[feeds.Feed, ...]:
        """Every feed of the catalogue."""
        return feeds.plan(self.catalogue, self.settings.feeds, self.settings.publication)

    @cached_property
    def histories(self) -> dict[str, History]:
        """The issues of each digest that were made before this run."""
        return {name: self.history(name) for name in self.settings.digests}

    def history(self, name: str) -> History:
        """The issues that were made of the digest called `name`. Raises RecordError."""
        digest = self.settings.digests.get(name)
        former = digest.renamed_from if digest else ()
        return issue_records.history(
            self.feeds_folder, name, self.settings.feeds.folder, former=former
        )

    @cached_property
    def former(self) -> dict[str, History]:
        """Digest name -> issues, for digests that were removed from the config."""
        known = self.settings.digests.keys() | self.settings.renamed.keys()
        names = (name for name in issue_records.names(self.feeds_folder) if name not in known)
        return {name: self.history(name) for name in names}

    def admitted(
        self, name: str, issues: Iterable[Issue], *, late: bool = False, new: bool = False
    ) -> tuple[tuple[Issue, ...], Problem | None]:
        """The issues of one digest that may be made, and why the next one may not.

        late, new: whether the command line allows late issues, and new digests.
        """
        guard = Refusals(lambda: self.former, allow_late=late, allow_new=new)
        return guard.admit(issues, self.digest(name), self.histories[name])

    def digest(self, name: str) -> Digest:
        """The digest called `name` in the config."""
        zone = self.settings.publication.timezone
        site = str(self.settings.publication.url)
        return Digest(name, self.settings.digests[name], zone, self.catalogue_at, site)

    @cached_property
    def templates(self) -> dict[str, str]:
        """The user's own mail templates."""
        return sources.templates(self.root, self.settings.mail.templates)

    @cached_property
    def catalogue_at(self) -> Callable[[datetime], Catalogue]:
        """What may be published at a moment. Who asks twice asks in a row; each takes its room."""

        @lru_cache(4)
        def at(moment: datetime) -> Catalogue:
            return Catalogue.at(moment, self.articles.read, self.settings.topics)

        return at
