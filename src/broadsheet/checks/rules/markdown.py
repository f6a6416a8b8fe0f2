"""Rules on Markdown that is left in the text that readers see, and on dialects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from html import escape
from typing import NamedTuple

from broadsheet.checks.article import ArticleView
from broadsheet.checks.rule import article_rule, more
from broadsheet.errors import Problem
from broadsheet.markup import Dialect, dialect
from broadsheet.markup.differences import Block, DialectDifference, difference
from broadsheet.markup.positions import Reading, Text, read_rendered


class _Mark(NamedTuple):
    """A mark that readers should not see: its pattern, what it is, and what to do about it.

    signs: texts of which one is in every match. extension: the one of a dialect in which it is a
    mark; "" for every dialect. starts_line: whether it is one only at the start of a line.
    """

    signs: tuple[str, ...]
    pattern: re.Pattern[str]
    what: str
    fix: str
    extension: str = ""
    starts_line: bool = False


_AS_CODE = "if readers are meant to see it, write it as code: `...`"
_MARKS = (
    _Mark(
        ("```", "~~~"),
        re.compile(r"(?<!`)`{3,}|^[ \t]*~{3,}", re.MULTILINE),
        "a fence of a code block",
        "put each fence on a line of its own, indented like the text around it",
    ),
    _Mark(("{/*",), re.compile(r"\{/\*"), "an MDX comment", "remove it, or name the file .mdx"),
    _Mark(
        ("{:",),
        re.compile(r"\{::?[^{}\n]{0,200}\}"),
        "a kramdown attribute list",
        'remove it, or set articles.markdown to "jekyll" if the site reads kramdown',
    ),
    _Mark(
        ("{#",),
        re.compile(r"\{#[\w:.-]{1,100}[^{}\n]{0,200}\}"),
        "an attribute list",
        "remove it, or set articles.markdown_extensions.attributes to true",
    ),
    _Mark(
        (":::",),
        re.compile(r"^[ \t]*:{3,}", re.MULTILINE),
        "a container mark",
        "remove it, or set articles.markdown_extensions.containers to true",
        starts_line=True,
    ),
    _Mark(
        ("!!!", "???"),
        re.compile(r"^[ \t]*(?:!!!|\?\?\?)\+?[ \t]+\w+", re.MULTILINE),
        "a Python-Markdown admonition",
        'write a block quote, or set articles.markdown to "mkdocs" if that is its dialect',
        starts_line=True,
    ),
    _Mark(
        ("[!",),
        re.compile(r"\[!(?:note|tip|important|warning|caution|info|danger)\]", re.IGNORECASE),
        "an alert mark",
        "put it alone on the first line of the quote, or set "
        "articles.markdown_extensions.alerts to true",
    ),
    _Mark(
        ("[[",),
        # Not what programs write: `list[[1]]`.
        re.compile(r"(?<![A-Za-z0-9_$)\]])!?\[\[(?=[^\[\]\n]*[^\W\d])[^\[\]\n]{1,300}\]\]"),
        "a wiki link, or a link in brackets whose label is not defined,",
        "write [text](file.md), define the label, or set articles.markdown_extensions.wikilinks "
        "to true",
    ),
    _Mark(
        ("**",),
        re.compile(r"(?<![*\w\\/])\*\*(?=[^\s*/])[^*\n]{1,300}\*\*(?!\*)"),
        "an emphasis mark",
        "leave no space inside the marks, and a space or punctuation outside",
    ),
    _Mark(
        ("](",),
        re.compile(
            r"\]\((?:\Z|(?:https?://|\.{0,2}/|#)[^()\s]{0,500}\)?)"
            r"|(?<![\w\])])\[[^\[\]\n]{1,300}\]\([^()\n]{1,500}(?:\)|$)",
            re.MULTILINE,
        ),
        "an incomplete link",
        "close its brackets, and leave no space in the URL: [text](<a b.md>)",
    ),
    _Mark(
        ("]:",),
        re.compile(
            r"^\[[^\[\]\n^][^\[\]\n]{0,200}\]:[ \t]*(?:\Z|(?:https?://|\.{0,2}/)\S)", re.MULTILINE
        ),
        "a definition of a link",
        "put a blank line above it, and its URL in angle brackets: [label]: <https://...>",
    ),
    _Mark(
        ("%%",),
        re.compile(r"(?<![\w%\\])%%(?!%)"),
        "a comment mark",
        "close the comment with %% in the same paragraph, or begin a line with it",
        extension="comments",
    ),
    _Mark(
        ("<",),
        # What is a tag of HTML (CommonMark 0.31, 6.6) is read as one, so its author escaped it.
        re.compile(
            r"(?!</?[A-Za-z][A-Za-z0-9-]*\s*/?>)</?[A-Za-z][\w.-]{0,60}(?:[\s/][^<>]{0,500})?/?>"
        ),
        "an HTML tag",
        _AS_CODE,
    ),
)
_TEMPLATE = _Mark(
    ("{{", "{%", "<%"), re.compile(r"(?<!\$)\{\{|\{%|<%[=\s-]"), "a template tag", _AS_CODE
)
_OPEN_TEMPLATE = _Mark(
    ("{{<", "{{%", "{%"),
    re.compile(r"\{(?:\{[<%]|%)(?![^\n]*[>%]\})"),
    "a template tag that does not end",
    "close it on the same line",
)
_IN_ADDRESS = re.compile(r"\{\{|\{%|\A\{")
_LEAD = " \t>*+-0123456789."  # of a quote or list item
_BRACE = re.compile(r"%7[Bb]")


@article_rule(
    "markdown-left",
    "error",
    "A Markdown or template mark is left in the text or in an address, where readers see it. Often "
    "the article is written in another dialect than `articles.markdown` says.",
)
def markdown_left(view: ArticleView) -> Iterator[Problem]:
    prose, read_as = view.prose, dialect(view.article.markdown)
    lines = prose.text.split("\n")
    marks = [mark for mark in _marks(read_as) if any(_may_have(view, sign) for sign in mark.signs)]
    texts = _reading(view).texts if marks else []
    for mark in marks:
        if found := sorted(set(_places(mark, texts, lines))):
            line, written = found[0]
            what = f"{mark.what} is left in the text: {written!r}"
            others = more([number for number, _ in found])
            yield Problem(what + others, mark.fix, view.path, line)
    for each in prose.links:
        if _has_template(each.target or "", prose.source):
            what = f"a template tag is left in an address: {each.target}"
            fix = "write the full address"
            yield Problem(what, fix, view.path, each.line)


def _marks(read_as: Dialect) -> list[_Mark]:
    """Return what is a mark in a dialect.

    HTML has no Markdown. What is left of the templates of a known generator after they were
    resolved was written for readers: `{{</* figure */>}}`, `$${{a}}$$`.
    """
    known = read_as.templates not in {"any", "none"}
    template = _OPEN_TEMPLATE if known else _TEMPLATE
    found = (template,) if read_as.engine == "html" else (template, *_MARKS)
    return [mark for mark in found if mark.extension in {"", *read_as.extensions}]


def _may_have(view: ArticleView, sign: str) -> bool:
    """Whether `sign` may be in the text that readers see."""
    made = view.rendition
    text = view.prose.text
    # The source first: it is shorter than the HTML. One character is found faster than several.
    is_there = sign[0] in text and sign in text
    return is_there and (made is None or _in_html(sign) in made.html)


@cache
def _in_html(sign: str) -> str:
    return escape(sign, quote=False)


def _has_template(target: str, source: str) -> bool:
    """Whether a template tag is in the address `target`. Its author may have encoded a brace."""
    if _BRACE.search(target) and target not in source:
        return True
    return bool(_IN_ADDRESS.search(target))


def _reading(view: ArticleView) -> Reading:
    """Return what readers see of an article."""
    reading = view.prose.reading
    if reading and dialect(view.article.markdown).engine != "python-markdown":
        return reading
    return read_rendered(view.rendition.html if view.rendition else "", view.text)


def _places(mark: _Mark, texts: list[Text], lines: list[str]) -> Iterator[tuple[int, str]]:
    """Yield line and wording of each mark that is in the text, and unescaped in the source.

    lines: of the source, in which spaces stand for code and for what is escaped.
    """
    for each in texts:
        first, last = each.lines
        for found in mark.pattern.finditer(each.text):
            written = found[0].strip()
            numbers = [
                n
                for n in range(first, min(last, len(lines)) + 1)
                if written in lines[n - 1]
                and (not mark.starts_line or lines[n - 1].lstrip(_LEAD).startswith(written))
            ]
            if numbers:
                around = _around(each.text, found)
                number = next((n for n in numbers if around in lines[n - 1]), numbers[0])
                yield number, written if len(written) <= 40 else written[:39] + "…"


def _around(text: str, found: re.Match[str]) -> str:
    """Return what is found with up to 40 characters before it on its line: it may come twice."""
    start = text.rfind("\n", max(found.start() - 40, 0), found.start()) + 1
    return text[start or max(found.start() - 40, 0) : found.end()].strip()


@article_rule(
    "other-dialect",
    "warning",
    "CommonMark, which Hugo, Jekyll, Zola, Astro, Eleventy and GitHub use, and Python-Markdown "
    "read the article differently. Checked for articles in a Python-Markdown dialect, unless the "
    "site's generator reads that dialect; otherwise only if `[checks.rules]` gives this rule a "
    "severity.",
)
def other_dialect(view: ArticleView) -> Iterator[Problem]:
    read_as = dialect(view.article.markdown)
    is_known = read_as.engine != "python-markdown" or view.article.markdown == view.settings.dialect
    if is_known and "other-dialect" not in view.settings.severities:
        return
    expanded, made = view.prose.expanded, view.rendition
    if expanded is None or made is None:
        return
    # What an engine cannot read is reported when the article is rendered.
    with suppress(Exception):
        if found := difference(expanded, read_as, made.html, view.article.title):
            yield _differs(view, found)


def _differs(view: ArticleView, found: DialectDifference) -> Problem:
    one, other = found.commonmark, found.python_markdown
    what = f"CommonMark reads {_called(one)} here, Python-Markdown {_called(other)}"
    line = next((each.line for each in (one, other) if each and each.line), None)
    fix = "set articles.markdown to the dialect of the site, or write it so that both read it alike"
    return Problem(what, fix, view.path, view.prose.before + line if line else 1)


def _called(block: Block | None) -> str:
    if block is None:
        return "nothing more"
    return f"{block.kind} ({block.text[:24]}…)" if len(block.text) > 24 else block.kind
