"""Start a project: the values of its config, from the site and the articles that are there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from broadsheet.articles import site_check
from broadsheet.errors import ConfigError, Problem
from broadsheet.i18n import language_name
from broadsheet.importers import GeneratedSite
from broadsheet.importers.findings import language_tag
from broadsheet.model.settings import ArticleSettings
from broadsheet.storage import sources, survey
from broadsheet.storage.built_site import built_folder, find_built_site
from broadsheet.storage.detection import (
    FOLDERS,
    PERMALINK,
    PLACEHOLDER,
    URL,
    WRITTEN,
    articles_of,
    config_values,
    places,
    refuse_unusable,
    settings_of,
    site_of,
    url_beside,
    usable,
)
from broadsheet.storage.git_history import first_commits, history_file

_FEW: Final = 0.1  # of the articles
_DATE_FROM: Final = "articles.date_from"
_TITLE_FROM: Final = "articles.title_from"
# Files of a repository that are about it.
_ABOUT: Final = frozenset(
    ("readme", "contributing", "changelog", "code_of_conduct", "security", "license", "agents")
)


@dataclass(frozen=True)
class AddressComparison:
    """The addresses of the articles beside those of the built site.

    source: where these come from. public: how many articles are compared. same, ids: how many have
    the same address, and how many another id. problems: of those that differ, addresses first.
    """

    source: str
    public: int
    same: int
    ids: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class NewProject:
    """A project without a config.

    site: what its generator's config says. values: of the config to write, by key. files: path of
    each file that could be an article -> whether it has a date. refused: values of the generator
    that are invalid. untitled: dated files without a title. url_source: where the URL is
    from, if not from that config. given: keys whose values the user gave.
    """

    root: Path
    site: GeneratedSite | None
    values: Mapping[str, object]
    files: Mapping[str, bool]
    refused: tuple[Problem, ...]
    untitled: list[str]
    url_source: str = ""
    given: frozenset[str] = frozenset()

    @cached_property
    def read(self) -> Mapping[str, str]:
        """The files that a build reads -> the articles folder of each."""
        return places(dict(self.values), self.root)

    @property
    def dated_by_git(self) -> bool:
        """Whether the articles get the dates of their first commits, since none has another."""
        return _DATE_FROM in self.values and not any(self.files.values())

    @property
    def unread(self) -> list[str]:
        """The texts in formats that are not read."""
        return survey.other_texts(self.root, but=WRITTEN)

    @property
    def feeds_by_language(self) -> str:
        """The names of the feeds for one language each, other than the main feed."""
        feeds = self.values.get("feeds")
        return ", ".join(feeds) if isinstance(feeds, Mapping) else ""

    @property
    def built(self) -> str:
        """The folder of the built site; "" if there is none."""
        return built_folder(self.root)

    @property
    def remarks(self) -> list[Problem]:
        """What the user should look at."""
        given = self.site.remarks if self.site else ()
        settled = self.given | ({URL} if self.url_source else set())
        return [
            *(each for each in given if each.key not in settled),
            *self.refused,
            *self._guesses(),
        ]

    @property
    def missing_url(self) -> Problem | None:
        """Why the URL is missing, and what to do; None if it is known."""
        if URL in self.values:
            return None
        remarks = self.site.remarks if self.site else ()
        what = next((each.what for each in remarks if each.key == URL), "not found")
        todo = "give the URL of the web site: broadsheet init --url https://www.example.org/"
        return Problem(what, todo, key=URL)

    def compare_addresses(self) -> AddressComparison | None:
        """Compare the addresses of the articles with the built site; None if it is not here."""
        base = str(self.values.get(URL, PLACEHOLDER))
        site = find_built_site(self.root, base)
        if site is None:
            return None
        articles = [*articles_of(dict(self.values), self.root)]
        found = sorted(site_check.differences(articles, site, base), key=lambda each: each.kind)
        public = sum(not article.hidden for article in articles)
        ids = sum(each.kind == "id" for each in found)
        same = public - len(found) + ids
        problems = tuple(site_check.problems(found, site))
        return AddressComparison(site.source, public, same, ids, problems)

    @property
    def _taken(self) -> set[str]:
        return {*self.given, *(each.key for each in (self.site.taken if self.site else ()))}

    def _guesses(self) -> Iterator[Problem]:
        values, taken = self.values, self._taken
        folders = values[FOLDERS]
        listed = [str(folder) for folder in folders] if isinstance(folders, list) else []
        if not any(sources.holds_articles(self.root / folder) for folder in listed):
            yield Problem(f"no Markdown file in {', '.join(listed)} yet", key=FOLDERS)
        elif FOLDERS not in taken:
            yield Problem(f"the articles are taken from {', '.join(listed)}", key=FOLDERS)
        first = listed[0].partition("/")[0]
        if self.site is None and first != "." and (inner := site_of(self.root / first)):
            what = f"there is {with_article(inner.generator)} site in {first}/"
            yield Problem(what, f"run `broadsheet -C {first} init` to read its config", key=FOLDERS)
        if PERMALINK not in taken and (self.site is None or FOLDERS not in taken):
            pattern = values.get(PERMALINK, ArticleSettings().permalink)
            what = f'no generator says how addresses are made, and "{pattern}" is a guess'
            todo = "compare with the address of one article on the site"
            yield Problem(what, todo, key=PERMALINK)
        if _DATE_FROM in values and _DATE_FROM not in taken:
            what = "no file has a date; each gets that of its first commit"
            yield Problem(what, "if some are not articles, add them to exclude", key=_DATE_FROM)
        if self.url_source and URL not in self.given:
            yield Problem(f"{values[URL]} was taken from {self.url_source}", key=URL)


def _feeds_by_language(values: Mapping[str, object], root: Path) -> dict[str, object]:
    """Return a feed for each language if the articles are in several; {} if not.

    A few articles with a language in their front matter are left among the others. The main feed
    has the language of the publication, or else the one of most articles, so that no article is in
    two of these feeds.
    """
    articles = articles_of(dict(values), root)
    found = Counter(article.language for article in articles if not article.hidden)
    languages = {tag: number for tag, number in found.items() if language_tag(tag)}
    settings = settings_of(dict(values))
    own = settings.publication.language
    main = own if own in languages else max(languages, key=found.__getitem__, default=own)
    places = values.get("articles.in")
    by_place = isinstance(places, Mapping) and any("language" in each for each in places.values())
    others = sum(languages.values()) - languages.get(main, 0)
    if not others or (not by_place and others < _FEW * sum(languages.values())):
        return {}
    named = {
        tag.lower(): {
            "languages": [tag],
            "title": f"{settings.publication.title} ({language_name(tag)})",
        }
        for tag in sorted(languages)
        if tag != main
    }
    return {"feeds.main.languages": [main], "feeds": named}


def _is_dated_by_git(values: Mapping[str, object], root: Path, files: Mapping[str, bool]) -> bool:
    """Whether Git dates articles that have no other date."""
    undated = [path for path in places(dict(values), root) if not files.get(path)]
    folders = values[FOLDERS]
    with suppress(ConfigError):
        found = first_commits(root, folders if isinstance(folders, list) else [])
        return any(path in found for path in undated)
    return False


def _history_as_dates(root: Path, files: Mapping[str, bool]) -> dict[str, object]:
    """Return the keys that date `files` by their first commit, if none has a date; {} if not."""
    if not files or any(files.values()) or history_file(root) is None:
        return {}
    found = {path.rpartition("/")[2] for path in files}
    about = sorted(name for name in found if name.partition(".")[0].lower() in _ABOUT)
    values: dict[str, object] = {_DATE_FROM: ["git"], _TITLE_FROM: ["heading", "filename"]}
    return values | ({"articles.exclude": [f"**/{name}" for name in about]} if about else {})


def with_article(noun: str) -> str:
    """Return a noun after "a" or "an"."""
    return f"{'an' if noun[0] in 'AEIOU' else 'a'} {noun}"


def new_project(root: Path) -> NewProject:
    """Return what is known of the project in `root`, which has no config yet.

    Raises UsageError or ConfigError if a build would find no articles folder.
    """
    files = survey.dated_files(root, but=WRITTEN)
    site = site_of(root, files)
    taken = usable({each.key: each for each in (site.taken if site else ())}, root, files)
    values, refused = config_values(taken, root, files)
    refuse_unusable(values, site, root)
    values |= _feeds_by_language(values, root)
    if _DATE_FROM in values and not _is_dated_by_git(values, root, files):
        del values[_DATE_FROM]
    beside = None if URL in values else url_beside(root)
    if beside:
        values[URL] = beside[0]
    untitled: list[str] = []
    if site is None:
        values |= _history_as_dates(root, files)
    if _TITLE_FROM not in values:
        dated = [path for path in places(values, root) if files.get(path)]
        if untitled := survey.without_title(root, dated):
            values[_TITLE_FROM] = ["heading", "text", "filename"]
    return NewProject(root, site, values, files, refused, untitled, beside[1] if beside else "")
