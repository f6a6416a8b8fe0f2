"""What the site rules look at: the project as it is, and as it would be published."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass, field, replace
from datetime import datetime
from difflib import get_close_matches
from functools import cached_property
from typing import Literal

from broadsheet.articles import Article
from broadsheet.articles.catalogue import Catalogue
from broadsheet.articles.entries import PublishedEntry
from broadsheet.articles.site_check import BuiltSite
from broadsheet.checks.prose import field_line
from broadsheet.digests.linted_mail import LintedMail
from broadsheet.errors import Problem
from broadsheet.feeds.plan import Feed
from broadsheet.feeds.retired import Retired
from broadsheet.markup import LinkIndex
from broadsheet.model.settings import Settings

NameKind = Literal["files", "addresses"]
_MOST_SEARCHES = 49  # for a name like a misspelled one; each takes long


@dataclass(frozen=True)
class SiteView:
    """The project as its rules look at it.

    config: the path of broadsheet.toml as shown in messages, and its text. by_path: all articles
    that could be read, drafts too, by path. pages: source path -> why it is not an article.
    text_of: returns the whole text of an article, by its path. html_of: returns an article as
    readers get it; None if it is in no feed.
    problems: those of the other files, of the user's mail templates and of the records of issues.
    own: path -> the severities that an article or page sets for itself. rooted_images: how many
    images are named from the site's root.
    sizes: path -> the least bytes of a feed that may be large. mails: the folder of a next issue ->
    its mail. refused: digest -> why its next issue would not be made, and whether it is due.
    published: the entries of the last build. dialect: that of the generator beside the articles;
    None if unknown. ending: the folder of each published feed that would end; the file name if a
    format would. built_site: the site as its generator built it; None if it is not here.
    stale_pages: the articles that are newer than their pages there, with `articles.rendered`.
    """

    settings: Settings
    config: tuple[str, str]
    now: datetime
    by_path: tuple[Article, ...]
    pages: Mapping[str, str]
    text_of: Callable[[str], str]
    html_of: Callable[[Article], str | None]
    problems: tuple[Problem, ...]
    templates: tuple[Problem, ...]
    records: tuple[Problem, ...]
    own: Mapping[str, Mapping[str, str]]
    catalogue: Catalogue
    feeds: tuple[Feed, ...]
    link_index: LinkIndex
    rooted_images: int
    sizes: Mapping[str, int]
    mails: Mapping[str, LintedMail]
    refused: Mapping[str, tuple[tuple[Problem, ...], bool]]
    published: tuple[PublishedEntry, ...]
    dialect: str | None
    ending: Mapping[str, Retired]
    built_site: BuiltSite | None
    stale_pages: tuple[Problem, ...]
    _searches: dict[NameKind, int] = field(default_factory=dict)

    def line(self, article: Article, *fields: str) -> int | None:
        """Return the line of the first of `fields` in the front matter; None if it has none."""
        return field_line(self.text_of(article.source), *fields)

    def config_line(self, name: str) -> int | None:
        """Return the first line of the config with the word `name` in it, comments last."""
        lines = [pair for pair in enumerate(self.config[1].split("\n"), 1) if name in pair[1]]
        lines.sort(key=lambda pair: pair[1].lstrip().startswith("#"))
        return lines[0][0] if lines else None

    def completed(self, problem: Problem, kind: NameKind, name: str) -> Problem:
        """Return the problem of a link to `name`, which does not exist, with what to do."""
        self._searches[kind] = self._searches.get(kind, 0) + 1
        near: list[str] = []
        if self._searches[kind] <= _MOST_SEARCHES:
            near = get_close_matches(name.casefold(), self._names[kind], n=1, cutoff=0.75)
        fix = f"did you mean {self._names[kind][near[0]]}?" if near else "fix or remove the link"
        return replace(problem, todo=fix)

    @cached_property
    def _names(self) -> dict[NameKind, dict[str, str]]:
        """What links can lead to, by name in lower case."""
        return {
            "files": {stem(path).casefold(): path for path in sorted(self.link_index.pages)},
            "addresses": {last_part(each.url).casefold(): each.url for each in self.by_path},
        }


_MANY = 50  # articles; of fewer, each is named


def is_usual(without: Sized, of: Sized) -> bool:
    """Whether so many articles of a site lack something that one message is enough."""
    return len(without) > _MANY and 2 * len(without) > len(of)


def stem(path: str) -> str:
    """Return the name of a file without its ending; for a bundle that of its folder."""
    folder, _, name = path.rpartition("/")
    start = name.partition(".")[0]
    return folder.rpartition("/")[2] if start == "index" and folder else start


def last_part(address: str) -> str:
    """Return what follows the last slash within `address`."""
    return address.rstrip("/").rpartition("/")[2]
