"""Rules on front matter."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from posixpath import dirname

from broadsheet.articles import Article, fields, site_check
from broadsheet.articles.catalogue import duplicates
from broadsheet.articles.topics import topic_key
from broadsheet.checks.article import ArticleView
from broadsheet.checks.rule import Found, Slight, article_rule, site_rule
from broadsheet.checks.rules.config import nearest
from broadsheet.checks.site import SiteView, is_usual
from broadsheet.errors import Problem
from broadsheet.text.counting import count
from broadsheet.text.plain import width

_PREVIOUS_CENTURY = datetime(1900, 1, 1, tzinfo=UTC)
_LONGEST_SUMMARY = 400  # columns: more than a mail shows of it
_FEW = 3  # files
_MANY_DIFFERENT = 20  # articles; of more, one for each folder is told
_MOST_NAMES = 50  # topics, or tags, of one article


@site_rule(
    "unreadable",
    "error",
    "The file cannot be read as an article: its front matter does not parse, its title or date is "
    "missing or unreadable, or its text cannot be rendered. It is left out of everything until "
    "that is fixed.",
)
def unreadable(site: SiteView) -> Iterator[Problem]:
    unclear = {problem for article in site.by_path for problem in article.unclear}
    yield from (problem for problem in site.problems if problem not in unclear)


@article_rule(
    "visibility",
    "error",
    "The front matter has a statement about visibility that Broadsheet does not know, so the "
    "article is left out until that is resolved (docs/articles.md). A warning for what only "
    "resembles such a statement or concerns search engines only.",
)
def visibility(view: ArticleView) -> Iterator[Found]:
    yield from view.article.unclear
    yield from map(Slight, view.article.doubts)


@site_rule(
    "no-date",
    "warning",
    "A file with front matter but no date is taken for a page of the site, and is in no feed. It "
    "is reported if it is among articles; a folder that holds mostly pages is left alone.",
)
def no_date(site: SiteView) -> Iterator[Problem]:
    undated = sorted(path for path, why in site.pages.items() if "no date" in why)
    if not site.by_path and len(undated) > _FEW:
        what = f"none of {len(undated):,} files has a date, so there are no articles"
        todo = "write `date: ...` into those that are articles, or correct articles.folders"
        yield Problem(what, todo, site.config[0], site.config_line("folders"))
        return
    articles = Counter(_home(article.source) for article in site.by_path)
    pages = Counter(map(_home, undated))
    for path in undated:
        home = _home(path)
        if not site.by_path or 2 * articles[home] >= pages[home]:
            yield Problem("it has no date, so it is not an article", "write `date: ...`", path, 1)


def _home(path: str) -> str:
    """The folder that the file at `path` belongs to: not that of a bundle, or of a year."""
    folder, _, name = path.rpartition("/")
    if name.partition(".")[0] == "index":
        folder = folder.rpartition("/")[0]
    while folder.rpartition("/")[2].isdecimal():
        folder = folder.rpartition("/")[0]
    return folder


@site_rule(
    "future-date",
    "warning",
    "An article dated in the future is not published before then. That may be what you want.",
)
def future_date(site: SiteView) -> Iterator[Problem]:
    for article in site.by_path:
        if not article.hidden and article.date > site.now:
            what = f"its date, {article.date:%Y-%m-%d %H:%M %z}, is in the future"
            line = site.line(article, *fields.DATE)
            yield Problem(
                what, "it will appear then; correct the date if that is wrong", article.source, line
            )


@article_rule("old-date", "warning", "A date before 1900 is most often a slip of the finger.")
def old_date(view: ArticleView) -> Iterator[Problem]:
    article = view.article
    if article.date < _PREVIOUS_CENTURY:
        what = f"its date is in the year {article.date.year}"
        line = view.line(*fields.DATE)
        todo = "correct it, or write check_off: [old-date] into the article"
        yield Problem(what, todo, view.path, line)


@site_rule(
    "no-summary",
    "warning",
    "Without a summary, digests and feeds show the article's first paragraph, cut. Where most of "
    "many articles have none, that is reported once.",
)
def no_summary(site: SiteView) -> Iterator[Problem]:
    without = [article for article in site.by_path if not article.summary]
    if is_usual(without, site.by_path):
        what = f"{len(without):,} of {len(site.by_path):,} articles have no summary"
        todo = "write `summary: ...` into new ones, or set checks.rules.no-summary to off"
        yield Problem(what, todo, site.config[0])
        return
    for article in without:
        yield Problem("it has no summary", "write `summary: ...`", article.source, 1)


@article_rule("long-summary", "warning", "Readers skip a long summary; the link does the rest.")
def long_summary(view: ArticleView) -> Iterator[Problem]:
    article = view.article
    if 2 * len(article.summary) <= _LONGEST_SUMMARY:  # however wide its characters are
        return
    if (columns := width(article.summary)) > _LONGEST_SUMMARY:
        what = f"its summary takes {columns} columns; a mail has room for {_LONGEST_SUMMARY}"
        line = view.line(*fields.SUMMARY)
        yield Problem(what, "shorten it to two or three sentences", view.path, line)


@site_rule(
    "unknown-topic",
    "error",
    "With `topics.known` in the config, a topic that is not listed there is a slip; it would make "
    "a feed of its own.",
)
def unknown_topic(site: SiteView) -> Iterator[Problem]:
    if not (known := site.settings.topics.known):
        return
    name_of = site.catalogue.topic_name
    keys = {topic_key(name_of(name)) for name in known}
    for article in site.by_path:
        for topic in article.topics:
            if topic_key(name_of(topic)) in keys:
                continue
            todo = nearest(topic, known) or "add it to topics.known, or correct it"
            line = site.line(article, *fields.TOPICS)
            yield Problem(f"the topic {topic!r} is not known", todo, article.source, line)


@site_rule(
    "topic-spelling",
    "warning",
    "Spellings of a topic that differ only by case, width or spaces are one topic; the oldest "
    "article's spelling is shown. One spelling everywhere is easier to search for.",
)
def topic_spelling(site: SiteView) -> Iterator[Problem]:
    topics = site.settings.topics
    chosen = (*topics.aliases, *(each for names in topics.aliases.values() for each in names))
    yield from _spellings(
        site,
        "topic",
        fields.TOPICS,
        lambda article: article.topics,
        chosen=(*topics.known, *chosen),
    )


@site_rule("tag-spelling", "warning", "The same for tags.")
def tag_spelling(site: SiteView) -> Iterator[Problem]:
    yield from _spellings(site, "tag", fields.TAGS, lambda article: article.tags)


def _spellings(
    site: SiteView,
    noun: str,
    names: tuple[str, ...],
    of: Callable[[Article], tuple[str, ...]],
    chosen: Iterable[str] = (),
) -> Iterator[Problem]:
    first = {topic_key(name): (name, "the config") for name in chosen}
    others: defaultdict[str, list[Article]] = defaultdict(list)
    for article in sorted(site.by_path, key=lambda a: (a.date, a.id, a.source)):
        for spelling in of(article):
            if first.setdefault(topic_key(spelling), (spelling, article.source))[0] != spelling:
                others[spelling].append(article)
    for spelling, articles in others.items():
        used, place = first[topic_key(spelling)]
        others_too = count(len(articles) - 1, "more article")
        more = f", here and in {others_too}," if len(articles) > 1 else ""
        what = f"the {noun} {spelling!r}{more} is written {used!r} in {place}"
        line = site.line(articles[0], *names, "taxonomies")
        yield Problem(what, "write it in one way", articles[0].source, line)


@article_rule(
    "many-topics",
    "warning",
    f"More than {_MOST_NAMES} topics or tags on one article are most often a slip, such as a text "
    "that was taken for a list. Each topic makes a feed.",
)
def many_topics(view: ArticleView) -> Iterator[Problem]:
    article = view.article
    for noun, given, names in (
        ("topics", article.topics, fields.TOPICS),
        ("tags", article.tags, fields.TAGS),
    ):
        if len(given) > _MOST_NAMES:
            line = view.line(*names, "taxonomies")
            what = f"it has {len(given):,} {noun}"
            yield Problem(what, "keep those that readers look for", view.path, line)


@site_rule(
    "digest-name",
    "error",
    "The `digest` field of an article names a digest that does not exist, so the article is in "
    "fewer digests than its author wants.",
)
def digest_name(site: SiteView) -> Iterator[Problem]:
    known = site.settings.digests.keys() | site.settings.renamed.keys()
    for article in site.by_path:
        for name in sorted({*(article.digests or ())} - known):
            what = f"unknown digest {name!r}"
            todo = f"there is: {', '.join(site.settings.digests) or 'none'}; or write false"
            yield _told(site, article, what, todo, *fields.DIGEST)


@site_rule(
    "duplicate-id",
    "error",
    "Two articles with one id are one article to a reader. The older one keeps it; `build` leaves "
    "the other out, and ends with exit code 1.",
)
def duplicate_id(site: SiteView) -> Iterator[Problem]:
    taken = duplicates(site.by_path, site.now)
    for article in site.by_path:
        if first := taken.get(article.source):
            what = f"its id {article.id} is also that of {first.source}, which is older"
            yield _told(site, article, what, "give each a slug or id of its own", "id", "slug")


@site_rule(
    "duplicate-address",
    "error",
    "Two articles with one address: the site shows only one of them.",
)
def duplicate_address(site: SiteView) -> Iterator[Problem]:
    for first, article in _sharing(site, lambda a: a.url):
        if article.id != first.id:
            what = f"its address {article.url} is also that of {first.source}"
            names = (*fields.ADDRESS, "slug")
            yield _told(site, article, what, "give each a slug of its own", *names)


@site_rule(
    "site-address",
    "error",
    "The URL or id differs from that in the built site, or in a sitemap or feed in the project: "
    "readers would follow a dead link, or see old articles as new. The finding names the key to "
    "set.",
)
def site_address(site: SiteView) -> Iterator[Problem]:
    if (built := site.built_site) is None:
        return
    base = site.settings.publication.url
    found = site_check.differences(site.catalogue.articles, built, base)
    told = list(zip(site_check.problems(found, built), found, strict=True))
    for folder, group in itertools.groupby(told, lambda each: dirname(each[0].path)):
        differing = [*group]
        shown = differing if len(told) <= _MANY_DIFFERENT else differing[:1]
        rest = len(differing) - len(shown)
        more = f" ({rest:,} more in {folder}/ differ too)" if rest else ""
        for problem, each in shown:
            what = problem.what + more
            yield _told(site, each.article, what, problem.todo, *fields.ADDRESS, "slug")


@site_rule(
    "stale-page",
    "warning",
    "With `articles.rendered`, the text of an article comes from its page in the built site. The "
    "article was changed after that was built, so readers would get the old text.",
)
def stale_page(site: SiteView) -> Iterator[Problem]:
    yield from site.stale_pages


@site_rule(
    "duplicate-title",
    "warning",
    "In a list, two articles with one title look like one that was sent twice.",
)
def duplicate_title(site: SiteView) -> Iterator[Problem]:
    for first, article in _sharing(site, lambda a: (topic_key(a.title), a.language)):
        what = f"its title is also that of {first.source}"
        yield _told(site, article, what, "tell them apart by their titles")


def _sharing(site: SiteView, of: Callable[[Article], object]) -> Iterable[tuple[Article, Article]]:
    """Of the articles for which `of` says the same, the first and each other one."""
    groups: defaultdict[object, list[Article]] = defaultdict(list)
    for article in site.by_path:
        if not article.hidden:
            groups[of(article)].append(article)
    return ((group[0], other) for group in groups.values() for other in group[1:])


def _told(site: SiteView, article: Article, what: str, todo: str, *names: str) -> Problem:
    line = site.line(article, *names, *fields.TITLE)
    return Problem(what, todo, article.source, line)
