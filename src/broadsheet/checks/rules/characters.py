"""Rules on characters: those that XML forbids, and invisible ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from unicodedata import name
from urllib.parse import unquote

from broadsheet.articles import Article, fields
from broadsheet.checks.article import ArticleView
from broadsheet.checks.invisible import invisible
from broadsheet.checks.rule import article_rule, more
from broadsheet.errors import Problem
from broadsheet.text.characters import forbidden, printable

_SOFT_HYPHEN = "\u00ad"


@article_rule(
    "forbidden-character",
    "warning",
    "Characters that XML forbids make a whole feed unreadable, and validators report those that it "
    "discourages, so both are dropped. They come from copying out of PDF files and terminals.",
)
def forbidden_character(view: ArticleView) -> Iterator[Problem]:
    if printable(view.text) == view.text:
        return
    lines: defaultdict[str, list[int]] = defaultdict(list)
    for number, line in enumerate(view.text.split("\n"), 1):
        for char in forbidden(line):
            lines[char].append(number)
    for char, found in lines.items():
        what = f"U+{ord(char):04X} is dropped{more(found)}"
        yield Problem(what, "delete it", view.path, found[0])


@article_rule(
    "invisible-character",
    "warning",
    "Invisible characters make two names of one, turn the rest of a line around, or break "
    "an address that is typed. Emoji, and scripts that need such characters, may have them.",
)
def invisible_character(view: ArticleView) -> Iterator[Problem]:
    for what, text, names in _shown(view.article):
        found = invisible(text)
        if what not in {"title", "summary"} and _SOFT_HYPHEN in text:
            found.append(_SOFT_HYPHEN)
        if found:
            chars = ", ".join(f"U+{ord(char):04X} {name(char, '')}".strip() for char in found)
            line = view.line(*names) or 1
            told = f"its {what} has an invisible character: {chars}"
            yield Problem(told, "delete it, or type the line anew", view.path, line)


def _shown(article: Article) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield each text that shows or names an article: what it is, the text, and its fields."""
    yield "title", article.title, fields.TITLE
    yield "summary", article.summary, fields.SUMMARY
    for topic in article.topics:
        yield f"topic {topic!r}", topic, (*fields.TOPICS, "taxonomies")
    for tag in article.tags:
        yield f"tag {tag!r}", tag, (*fields.TAGS, "taxonomies")
    yield "address", unquote(article.url), ("slug", *fields.ADDRESS)
