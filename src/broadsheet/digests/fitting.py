"""Fits the mail into Gmail's limit: it clips HTML above about 102 kB, and hides the rest.

A mail that is too large gives up, in this order and only as much as needed: the content of whole
articles from its end on, which then have a summary; words of its summaries; summaries and pictures
from its end on; articles from its end on. It says so at its head, and counts and links what it
leaves out; the web version and the text part have everything.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from functools import cache

from msgspec import Struct
from msgspec.structs import replace

from broadsheet.digests.context import ArticleContext, IssueContext, SectionContext
from broadsheet.digests.html_mail import mail_html
from broadsheet.errors import Problem, TemplateError
from broadsheet.i18n import Words
from broadsheet.text.plain import shorten

_MOST_TITLES = 30  # without a summary; more of them are better read on the web
_SUMMARY_COLUMNS = (400, 280, 200, 140, 100, 70)


class _Cut(Struct, frozen=True):
    """What a mail gives up.

    columns: the greatest width of a summary. summaries: how many articles, from the end, show their
    summary instead of all their content. titles: how many articles, from the end, show only
    their title. left_out: how many of these, from the end, are not in the mail.
    """

    columns: int
    titles: int = 0
    left_out: int = 0
    summaries: int = 0


def fit_mail(
    context: IssueContext, templates: Mapping[str, str], max_bytes: int
) -> tuple[IssueContext, str]:
    """Return `context`, shortened until its HTML takes at most `max_bytes` in UTF-8, and that HTML.

    templates: the user's own, name -> text. Raises TemplateError if a mail without articles is too
    large.
    """
    in_full = any(article.content for article in context.articles)
    cuts = _cuts(len(context.articles), in_full=in_full)

    @cache
    def fitted(number: int) -> tuple[IssueContext, str]:
        shortened = _shortened(context, cuts[number - 1]) if number else context
        return shortened, mail_html(shortened, templates)

    def fits(number: int) -> bool:
        return len(fitted(number)[1].encode()) <= max_bytes

    if fits(0):
        return fitted(0)
    least = bisect_left(range(len(cuts) + 1), True, lo=1, key=fits)
    if least > len(cuts):
        size = len(fitted(len(cuts))[1].encode())
        raise TemplateError(
            Problem(
                f"the mail takes {size} bytes with no article in it; max_bytes is {max_bytes}",
                "make the template smaller, or give the digest a larger max_bytes",
                context.templates,
            )
        )
    return fitted(least)


def _cuts(articles: int, *, in_full: bool) -> list[_Cut]:
    """Every cut, the least first. in_full: whether articles are shown whole."""
    widest, least = _SUMMARY_COLUMNS[0], _SUMMARY_COLUMNS[-1]
    every = range(1, articles + 1)
    few = min(articles, _MOST_TITLES)
    return [
        *(_Cut(widest, summaries=number) for number in every if in_full),
        *(_Cut(columns, summaries=articles) for columns in _SUMMARY_COLUMNS),
        *(_Cut(least, titles, max(titles - few, 0), articles) for titles in every),
        *(_Cut(least, articles, articles - titles, articles) for titles in reversed(range(few))),
    ]


def _shortened(context: IssueContext, cut: _Cut) -> IssueContext:
    # By number, not by place: a mail of some sections keeps the numbers of the whole issue.
    numbers = [0, *(article.number for article in context.articles)]
    kept, whole, full = (numbers[-1 - each] for each in (cut.left_out, cut.titles, cut.summaries))
    sections = tuple(
        _shortened_section(section, cut.columns, kept, whole, full) for section in context.sections
    )
    # By URL, since a digest may show an article under each of its topics.
    with_text = {article.url for article in context.articles if article.number <= whole}
    shown = {article.url for article in context.articles if article.number <= kept}
    everything = {article.url for article in context.articles}
    summarised = {a.url for a in context.articles if a.content and full < a.number <= whole}
    words = Words(context.language, context.texts)
    titles, left_out = len(shown - with_text), len(everything - shown)
    note = words.sentences(
        words.plural(
            "This is a long issue: {count} article is shown by its summary only.",
            "This is a long issue: {count} articles are shown by their summaries only.",
            len(summarised),
        )
        if summarised
        else "",
        words("This is a long issue: summaries are shortened here.")
        if with_text and not summarised
        else "",
        words.plural(
            "{count} article is shown by its title only.",
            "{count} articles are shown by their titles only.",
            titles,
        )
        if titles
        else "",
        words.plural(
            "{count} article is only in the web version.",
            "{count} articles are only in the web version.",
            left_out,
        )
        if left_out
        else "",
    )
    return replace(
        context,
        sections=tuple(section for section in sections if section.articles),
        note=note,
        more=words.plural(
            "{count} more article on the web", "{count} more articles on the web", left_out
        )
        if left_out
        else "",
    )


def _shortened_section(
    section: SectionContext, columns: int, kept: int, whole: int, full: int
) -> SectionContext:
    """kept, whole, full: the last number of an article that is shown, has a text, is complete."""
    articles = (
        article
        if article.content and article.number <= full
        else _shortened_article(article, columns, brief=article.number > whole)
        for article in section.articles
        if article.number <= kept
    )
    return replace(section, articles=tuple(articles))


def _shortened_article(article: ArticleContext, columns: int, *, brief: bool) -> ArticleContext:
    if brief:
        return replace(
            article, summary="", content="", picture=None, lead=False, topics=(), brief=True
        )
    return replace(article, summary=shorten(article.summary, columns), content="")
