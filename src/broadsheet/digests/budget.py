"""The size of the mail: Gmail clips HTML above about 102 kB, and hides what stands below.

A letter too long gives up, in this order and no more than it must: words of its summaries, then
summaries and pictures from its end on, then articles from its end on. It says so at its head, and
what is not in it is counted and linked; the web version and the text part have all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import accumulate

from msgspec import Struct
from msgspec.structs import replace

from broadsheet.digests.html_mail import Draft, draft, finished
from broadsheet.digests.letter import Letter, Part, Story
from broadsheet.digests.weight import Scales
from broadsheet.errors import Problem, TemplateError
from broadsheet.i18n import Words
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

    letter: Letter
    draft: Draft
    size: int


def fit(letter: Letter, templates: Mapping[str, str], max_bytes: int) -> tuple[Letter, str]:
    """`letter`, shortened until its HTML takes at most `max_bytes` in UTF-8, and that HTML.

    Raises TemplateError when it does not fit even with no article in it.
    """
    whole = draft(letter, templates)
    known = [whole]
    with suppress(TemplateError):  # a user's template may fail with this; it may never be needed
        known.append(draft(_scanty(letter), templates))
    scales = Scales(*known)

    def weighed(each: Letter) -> _Weighed:
        laid_out = whole if each is letter else draft(each, templates)
        return _Weighed(each, laid_out, scales.weigh(laid_out))

    def measured(each: Letter) -> _Weighed:
        done = finished(draft(each, templates))
        return _Weighed(each, done, _size(done.text))

    found = _fitting(letter, max_bytes, weighed)
    html = finished(found.draft).text
    if _size(html) != found.size:  # its CSS is such as only the whole mail can tell the weight of
        found = _fitting(letter, max_bytes, measured)
        html = found.draft.text
    if found.size > max_bytes:
        raise TemplateError(
            Problem(
                f"the mail takes {found.size} bytes with no article in it; "
                f"max_bytes is {max_bytes}",
                "make the template smaller, or give the digest a larger max_bytes",
                letter.templates,
            )
        )
    return found.letter, html


def _scanty(letter: Letter) -> Letter:
    """`letter` with all that only a shortened one has: titles alone, and what is said of it."""
    stories = len(letter.stories)
    return _shortened(letter, _Cut(_SUMMARY_COLUMNS[-1], stories, left_out=min(1, stories - 1)))


def _fitting(letter: Letter, max_bytes: int, weigh: Callable[[Letter], _Weighed]) -> _Weighed:
    """`letter`, shortened until it takes at most `max_bytes`.

    More than that only when it does not fit even with no article in it.
    """
    over = weigh(letter)  # the last that is known to be too large
    if over.size <= max_bytes:
        return over
    cuts, ends = _cuts(len(letter.stories))
    low = -1
    for high in ends:
        found = weigh(_shortened(letter, cuts[high]))
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
        shorter = weigh(_shortened(letter, cuts[guess]))
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


def _shortened(letter: Letter, cut: _Cut) -> Letter:
    # By number and not by place: an excerpt of an issue keeps the numbers of the whole.
    numbers = [0, *(story.number for story in letter.stories)]
    kept, whole = numbers[-1 - cut.left_out], numbers[-1 - cut.titles]
    parts = (_shortened_part(part, cut.columns, kept, whole) for part in letter.parts)
    # By address, since a digest may show an article under each of its topics.
    in_full = {story.url for story in letter.stories if story.number <= whole}
    shown = {story.url for story in letter.stories if story.number <= kept}
    everything = {story.url for story in letter.stories}
    words = Words(letter.language)
    titles, left_out = len(shown - in_full), len(everything - shown)
    said = (
        words("mail.cut") if in_full else "",
        words("mail.titles", titles) if titles else "",
        words("mail.left_out", left_out) if left_out else "",
    )
    return replace(
        letter,
        parts=tuple(part for part in parts if part.stories),
        note=words("mail.between").join(filter(None, said)),
        more=words("mail.more", left_out) if left_out else "",
    )


def _shortened_part(part: Part, columns: int, kept: int, whole: int) -> Part:
    stories = (
        _shortened_story(story, columns, brief=story.number > whole)
        for story in part.stories
        if story.number <= kept
    )
    return replace(part, stories=tuple(stories))


def _shortened_story(story: Story, columns: int, *, brief: bool) -> Story:
    if brief:
        return replace(story, summary="", picture=None, lead=False, topics=(), brief=True)
    return replace(story, summary=shorten(story.summary, columns))


def _size(html: str) -> int:
    return len(html.encode())
