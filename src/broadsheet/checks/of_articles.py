"""Rules on front matter: what an article says of itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from difflib import get_close_matches

from broadsheet.articles import Article, fields
from broadsheet.checks.material import Material
from broadsheet.checks.rule import rule
from broadsheet.errors import Problem
from broadsheet.markup import width
from broadsheet.topics import key

_PREVIOUS_CENTURY = datetime(1900, 1, 1, tzinfo=UTC)
_LONGEST_SUMMARY = 400  # columns: more than a mail shows of it
_LARGEST_IMAGE = 1_000_000  # bytes


@rule(
    "unreadable",
    "error",
    "The file cannot be read as an article: its front matter does not parse, or its title or "
    "date is missing or unreadable. It is left out of everything until that is mended.",
)
def unreadable(material: Material) -> Iterator[Problem]:
    yield from material.problems


@rule(
    "no-date",
    "warning",
    "A file with front matter but no date is taken for a page of the site, and is in no feed. "
    "Switch this rule off if your articles folder holds many pages.",
)
def no_date(material: Material) -> Iterator[Problem]:
    for path, why in material.pages.items():
        if "no date" in why:
            yield Problem("it has no date, so it is no article", "write `date: ...`", path, 1)


@rule(
    "future-date",
    "warning",
    "An article dated in the future is not published before then. That may be what you want.",
)
def future_date(material: Material) -> Iterator[Problem]:
    for article, _ in material.each():
        if not article.draft and article.date > material.now:
            what = f"its date, {article.date:%Y-%m-%d %H:%M %z}, is still to come"
            line = material.line(article, *fields.DATE)
            yield Problem(what, "it will appear then; mend the date if not", article.source, line)


@rule("old-date", "warning", "A date before 1900 is most often a slip of the finger.")
def old_date(material: Material) -> Iterator[Problem]:
    for article, _ in material.each():
        if article.date < _PREVIOUS_CENTURY:
            what = f"its date is in the year {article.date.year}"
            line = material.line(article, *fields.DATE)
            yield Problem(what, "mend it, or switch this rule off here", article.source, line)


@rule(
    "no-summary",
    "warning",
    "Without a summary, digests and feeds show the article's first paragraph, cut.",
)
def no_summary(material: Material) -> Iterator[Problem]:
    for article, _ in material.each():
        if not article.summary:
            yield Problem("it has no summary", "write `summary: ...`", article.source, 1)


@rule("long-summary", "warning", "A mail with a long summary is skipped; the link does the rest.")
def long_summary(material: Material) -> Iterator[Problem]:
    for article, _ in material.each():
        if (columns := width(article.summary)) > _LONGEST_SUMMARY:
            what = f"its summary takes {columns} columns; a mail has room for {_LONGEST_SUMMARY}"
            line = material.line(article, *fields.SUMMARY)
            yield Problem(what, "shorten it to two or three sentences", article.source, line)


@rule(
    "unknown-topic",
    "error",
    "With `topics.known` in the config, a topic that is not listed there is a slip; it would make "
    "a feed of its own.",
)
def unknown_topic(material: Material) -> Iterator[Problem]:
    if not (known := material.settings.topics.known):
        return
    keys = {key(name) for name in known}
    for article in material.articles:
        for topic in article.topics:
            if key(name := material.catalogue.topic_name(topic)) in keys:
                continue
            near = get_close_matches(name, known, n=1, cutoff=0.4)
            todo = f"did you mean {near[0]!r}?" if near else "add it to topics.known, or mend it"
            line = material.line(article, *fields.TOPICS)
            yield Problem(f"the topic {topic!r} is not known", todo, article.source, line)


@rule(
    "topic-spelling",
    "warning",
    "Spellings of a topic that differ only by case, width or spaces are one topic; the oldest "
    "article's spelling is shown. One spelling everywhere is easier to search for.",
)
def topic_spelling(material: Material) -> Iterator[Problem]:
    yield from _spellings(material, "topic", fields.TOPICS, lambda article: article.topics)


@rule("tag-spelling", "warning", "The same for tags.")
def tag_spelling(material: Material) -> Iterator[Problem]:
    yield from _spellings(material, "tag", fields.TAGS, lambda article: article.tags)


def _spellings(
    material: Material,
    noun: str,
    names: tuple[str, ...],
    of: Callable[[Article], tuple[str, ...]],
) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for article in sorted(material.articles, key=lambda a: (a.date, a.id)):
        for spelling in of(article):
            used = first.setdefault(key(spelling), spelling)
            if used != spelling:
                what = f"the {noun} {spelling!r} is elsewhere written {used!r}"
                line = material.line(article, *names)
                yield Problem(what, "write it in one way", article.source, line)


@rule(
    "duplicate-id",
    "error",
    "Two articles with one id are one article to a reader: one of them would never be seen.",
)
def duplicate_id(material: Material) -> Iterator[Problem]:
    yield from _shared(material, lambda a: a.id, "id {}", "give each a slug or id of its own")


@rule(
    "duplicate-address",
    "error",
    "Two articles with one address: the site shows only one of them.",
)
def duplicate_address(material: Material) -> Iterator[Problem]:
    ids = defaultdict(set)
    for article in material.articles:
        ids[article.url].add(article.id)
    several = {url for url, found in ids.items() if len(found) > 1}
    for problem in _shared(material, lambda a: a.url, "address {}", "give each a slug of its own"):
        if any(url in problem.what for url in several):
            yield problem


@rule(
    "duplicate-title",
    "warning",
    "In a list, two articles with one title look like one that was sent twice.",
)
def duplicate_title(material: Material) -> Iterator[Problem]:
    yield from _shared(material, lambda a: key(a.title), "title", "tell them apart by their titles")


def _shared(
    material: Material, of: Callable[[Article], str], noun: str, todo: str
) -> Iterator[Problem]:
    groups: defaultdict[str, list[Article]] = defaultdict(list)
    for article, _ in material.each():
        if not article.draft:
            groups[of(article)].append(article)
    for value, articles in groups.items():
        for article in articles[1:]:
            what = f"its {noun.format(value)} is also that of {articles[0].source}"
            yield Problem(what, todo, article.source, material.line(article, "title"))


@rule(
    "assets-folder",
    "warning",
    "Images that are named from the root of the site (/images/...) lie in an assets folder. "
    "Without one they cannot be checked, and feeds cannot tell their size.",
)
def assets_folder(material: Material) -> Iterator[Problem]:
    if not material.library.rooted:
        listed = ", ".join(material.settings.articles.assets) or "none"
        todo = "name the folder whose content lies at the root of the site, or create it"
        yield Problem(f"articles.assets ({listed}) holds no file", todo)


@rule(
    "image-missing",
    "error",
    "The featured image is in no assets folder and not beside the article: readers see a gap.",
)
def image_missing(material: Material) -> Iterator[Problem]:
    for article, _ in material.each():
        if not article.image or _elsewhere(article.image):
            continue
        if material.is_missing(article, article.image):
            folders = ", ".join(material.settings.articles.assets)
            yield Problem(
                f"the image {article.image!r} is not on disk",
                f"put it beside the article or into an assets folder ({folders})",
                article.source,
                material.line(article, *fields.IMAGE),
            )


@rule("image-large", "warning", "A reader on a phone waits for an image above a megabyte.")
def image_large(material: Material) -> Iterator[Problem]:
    for article, _ in material.each():
        asset = material.links(article).asset(article.image) if article.image else None
        if asset and asset.length > _LARGEST_IMAGE:
            what = f"the image {article.image!r} has {asset.length / 1e6:.1f} MB"
            line = material.line(article, *fields.IMAGE)
            yield Problem(what, "make it smaller than 1 MB", article.source, line)


@rule(
    "image-alt",
    "warning",
    "Who cannot see the image reads its alternative text; many mail clients show no images.",
)
def image_alt(material: Material) -> Iterator[Problem]:
    for article, _ in material.each():
        if article.image and not article.image_alt:
            what = f"the featured image {article.image!r} has no alternative text"
            line = material.line(article, *fields.IMAGE)
            yield Problem(what, "write `image_alt: ...`", article.source, line)


def _elsewhere(address: str) -> bool:
    return address.startswith(("http://", "https://", "//", "data:"))
