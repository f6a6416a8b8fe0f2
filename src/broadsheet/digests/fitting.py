"""The size of the mail: Gmail clips HTML above about 102 kB, and hides what stands below.

A letter too long gives up, in this order and no more than it must: words of its summaries, then
summaries and pictures from its end on, then articles from its end on. It says so at its head, and
what is not in it is counted and linked; the web version and the text part have all of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import accumulate

from lxml import etree
from msgspec import Struct
from msgspec.structs import replace

from broadsheet.digests.context import ArticleContext, IssueContext, SectionContext
from broadsheet.digests.html_mail import Draft, HtmlElement, inline_css, lay_out_mail
from broadsheet.errors import Problem, TemplateError
from broadsheet.i18n import Words
from broadsheet.text.characters import printable
from broadsheet.text.plain import shorten

_SUMMARY_COLUMNS = (400, 280, 200, 140, 100, 70)


class _Cut(Struct, frozen=True):
    """How much a letter gives up.

    columns: how wide a summary may be. titles: how many stories, from the end,
    show their title only. left_out: how many of these, from the end, are not in the mail.
    """

    columns: int
    titles: int = 0
    left_out: int = 0


class _Weighed(Struct, frozen=True):
    """A letter, its draft, finished or not, and the bytes that it takes when it is."""

    context: IssueContext
    draft: Draft
    size: int


def fit_mail(
    context: IssueContext, templates: Mapping[str, str], max_bytes: int
) -> tuple[IssueContext, str]:
    """`context`, shortened until its HTML takes at most `max_bytes` in UTF-8, and that HTML.

    Raises TemplateError when it does not fit even with no article in it.
    """
    whole = lay_out_mail(context, templates)
    known = [whole]
    with suppress(TemplateError):  # a user's template may fail with this; it may never be needed
        known.append(lay_out_mail(_scanty(context), templates))
    scales = MailScales(*known)

    def weighed(each: IssueContext) -> _Weighed:
        laid_out = whole if each is context else lay_out_mail(each, templates)
        return _Weighed(each, laid_out, scales.weigh(laid_out))

    def measured(each: IssueContext) -> _Weighed:
        done = inline_css(lay_out_mail(each, templates))
        return _Weighed(each, done, _size(done.text))

    found = _fitting(context, max_bytes, weighed)
    html = inline_css(found.draft).text
    if _size(html) != found.size:  # its CSS is such as only the whole mail can tell the weight of
        found = _fitting(context, max_bytes, measured)
        html = found.draft.text
    if found.size > max_bytes:
        raise TemplateError(
            Problem(
                f"the mail takes {found.size} bytes with no article in it; "
                f"max_bytes is {max_bytes}",
                "make the template smaller, or give the digest a larger max_bytes",
                context.templates,
            )
        )
    return found.context, html


def _scanty(context: IssueContext) -> IssueContext:
    """`context` with all that only a shortened one has: titles alone, and what is said of it."""
    stories = len(context.articles)
    return _shortened(context, _Cut(_SUMMARY_COLUMNS[-1], stories, left_out=min(1, stories - 1)))


def _fitting(
    context: IssueContext, max_bytes: int, weigh: Callable[[IssueContext], _Weighed]
) -> _Weighed:
    """`context`, shortened until it takes at most `max_bytes`.

    More than that only when it does not fit even with no article in it.
    """
    over = weigh(context)  # the last that is known to be too large
    if over.size <= max_bytes:
        return over
    cuts, ends = _cuts(len(context.articles))
    low = -1
    for high in ends:
        found = weigh(_shortened(context, cuts[high]))
        if found.size <= max_bytes:
            break
        low, over = high, found
    else:
        return over
    # Between two ends the sizes lie about on a line, which leads near the least cut that does; the
    # middle now and then, for where they do not.
    step = 0
    while high - low > 1:
        step += 1
        share = (over.size - max_bytes) / (over.size - found.size) if step % 3 else 0.5
        guess = min(max(low + round(share * (high - low)), low + 1), high - 1)
        shorter = weigh(_shortened(context, cuts[guess]))
        if shorter.size <= max_bytes:
            high, found = guess, shorter
        else:
            low, over = guess, shorter
    return found


def _cuts(stories: int) -> tuple[Sequence[_Cut], Sequence[int]]:
    """Every cut, the least first, and the places of the last of each kind."""
    least = _SUMMARY_COLUMNS[-1]
    kinds = (
        [_Cut(columns) for columns in _SUMMARY_COLUMNS],
        [_Cut(least, titles) for titles in range(1, stories + 1)],
        [_Cut(least, stories, left_out) for left_out in range(1, stories + 1)],
    )
    ends = [total - 1 for total in accumulate(map(len, kinds))]
    return [cut for kind in kinds for cut in kind], ends


def _shortened(context: IssueContext, cut: _Cut) -> IssueContext:
    # By number and not by place: an excerpt of an issue keeps the numbers of the whole.
    numbers = [0, *(story.number for story in context.articles)]
    kept, whole = numbers[-1 - cut.left_out], numbers[-1 - cut.titles]
    parts = (_shortened_part(part, cut.columns, kept, whole) for part in context.sections)
    # By address, since a digest may show an article under each of its topics.
    in_full = {story.url for story in context.articles if story.number <= whole}
    shown = {story.url for story in context.articles if story.number <= kept}
    everything = {story.url for story in context.articles}
    words = Words(context.language)
    titles, left_out = len(shown - in_full), len(everything - shown)
    said = (
        words("mail.cut") if in_full else "",
        words("mail.titles", titles) if titles else "",
        words("mail.left_out", left_out) if left_out else "",
    )
    return replace(
        context,
        sections=tuple(part for part in parts if part.articles),
        note=words("mail.between").join(filter(None, said)),
        more=words("mail.more", left_out) if left_out else "",
    )


def _shortened_part(part: SectionContext, columns: int, kept: int, whole: int) -> SectionContext:
    stories = (
        _shortened_story(story, columns, brief=story.number > whole)
        for story in part.articles
        if story.number <= kept
    )
    return replace(part, articles=tuple(stories))


def _shortened_story(story: ArticleContext, columns: int, *, brief: bool) -> ArticleContext:
    if brief:
        return replace(story, summary="", picture=None, lead=False, topics=(), brief=True)
    return replace(story, summary=shorten(story.summary, columns))


def _size(html: str) -> int:
    return len(html.encode())


# What selectors look at, and what premailer puts in the place of what was there.
_LOOKED_AT = {
    *("class", "id", "style", "align", "valign", "bgcolor"),
    *("type", "media", "data-premailer"),
}
_NO_NAME = re.compile(r"[^\w.-]")

_Kind = tuple[int, str, tuple[tuple[str, str], ...], str, str]
"""An element's parent's kind, tag, attributes and, of a style only, its text and what follows."""


class MailScales:
    """Weighs drafts of one letter, as it is and shortened.

    Selectors of tags, classes, ids and the elements around them are told right; with others, such
    as `:first-child`, the weight may be wrong.
    """

    def __init__(self, *drafts: Draft) -> None:
        """drafts: such as have, between them, most of the kinds that are to come."""
        self._numbers: dict[_Kind, int] = {}
        self._added: list[int] = []
        for draft in drafts:
            for _ in self._kinds(draft.root):
                pass

    def weigh(self, draft: Draft) -> int:
        """The bytes that `draft` takes in UTF-8 when it is finished; it is left as it is.

        Raises TemplateError when its CSS cannot be put into elements.
        """
        numbers = Counter(self._kinds(draft.root))
        if len(self._added) < len(self._numbers):
            self._learn(draft)
        added = sum(self._added[number] * count for number, count in numbers.items())
        return len(draft.text.encode()) + added

    def _kinds(self, root: HtmlElement) -> Iterator[int]:
        """The numbers of the kinds of `root` and all within, in their order; new ones get one."""
        left = [(root, -1)]
        while left:
            element, parent = left.pop()
            tag = element.tag
            if not isinstance(tag, str):  # a comment
                continue
            there = tuple(pair for pair in element.items() if pair[0] in _LOOKED_AT)
            own = (element.text or "", element.tail or "") if tag == "style" else ("", "")
            kind = (parent, tag, there, *own)
            number = self._numbers.setdefault(kind, len(self._numbers))
            yield number
            left += [(inner, number) for inner in reversed(element)]

    def _learn(self, draft: Draft) -> None:
        """Finds what is added to an element of each kind that there is by now."""
        made: list[HtmlElement] = []
        for parent, tag, attributes, text, tail in self._numbers:
            # A mail may hold what no element may be made of; its weight is then not told right.
            element = etree.Element(_NO_NAME.sub("-", tag))
            for name, value in attributes:
                element.set(name, printable(value))
            element.text, element.tail = printable(text), printable(tail)
            if made:
                made[parent].append(element)
            made.append(element)
        before = [_weight(element) for element in made]
        inline_css(Draft(made[0], whole=False, tags={}, path=draft.path))
        gone = [bool(number) and made[number].getparent() is None for number in range(len(made))]
        after = [0 if away else _weight(each) for away, each in zip(gone, made, strict=True)]
        self._added = [more - less for more, less in zip(after, before, strict=True)]


def _weight(element: HtmlElement) -> int:
    """The bytes of `element` without those within."""
    alone = etree.Element(element.tag, dict(element.attrib))
    alone.text, alone.tail = element.text, element.tail
    return len(etree.tostring(alone, method="html", encoding="utf-8"))
