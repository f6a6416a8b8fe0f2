"""The size limit: a mail that is too long gives up no more than it must, says so, and loses
nothing."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

import letters
from broadsheet.digests.context import IssueContext
from broadsheet.digests.fitting import fit_mail
from broadsheet.digests.html_mail import mail_html
from broadsheet.errors import TemplateError
from broadsheet.i18n import Words

TOPICS = ("算力与芯片", "开源", "大模型", "编辑部")


def _long(count: int, sentences: int = 6) -> IssueContext:
    entries = [
        letters.entry(
            number,
            TOPICS[number * len(TOPICS) // (count + 1)],
            summary=letters.SUMMARY * sentences,
        )
        for number in range(1, count + 1)
    ]
    return letters.make(*entries)


def _size(html: str) -> int:
    return len(html.encode())


def _counted(text: str) -> int:
    return int(found[1]) if (found := re.search(r"还有 (\d+) 篇", text)) else 0


def test_a_mail_that_fits_is_left_alone() -> None:
    """Within the limit nothing is changed or added."""
    letter = letters.make()
    fitted, html = fit_mail(letter, {}, 100_000)
    assert fitted is letter
    assert html == mail_html(letter, {})
    assert fitted.note == fitted.more == ""


def test_whole_articles_become_summaries_from_the_end_on() -> None:
    """As many as needed, with their number; only then anything else is cut."""
    whole = structs.replace(letters.DIGEST, content="full")
    contents = "<p>" + "全文在此。" * 2000 + "</p>"
    entries = [letters.entry(number, "开源", content=contents) for number in range(1, 9)]
    letter = letters.make(*entries, digest=whole)
    fitted, html = fit_mail(letter, {}, 100_000)
    assert _size(html) <= 100_000
    shown = [bool(article.content) for article in fitted.articles]
    assert shown == sorted(shown, reverse=True)
    assert 0 < sum(shown) < 8
    assert all(article.summary == letters.SUMMARY for article in fitted.articles)
    assert fitted.note == Words("zh-CN").plural(
        "This is a long issue: {count} article is shown by its summary only.",
        "This is a long issue: {count} articles are shown by their summaries only.",
        8 - sum(shown),
    )
    smaller, html = fit_mail(letter, {}, 30_000)
    assert _size(html) <= 30_000
    assert not any(article.content for article in smaller.articles)


def test_first_summaries_get_shorter() -> None:
    """As long as that is enough, every article keeps its picture and a summary."""
    letter = _long(12, sentences=80)
    fitted, html = fit_mail(letter, {}, 100_000)
    assert _size(html) <= 100_000
    assert fitted.note == Words("zh-CN")("This is a long issue: summaries are shortened here.")
    assert fitted.note in html
    assert fitted.more == ""
    assert all(story.summary and not story.brief for story in fitted.articles)
    assert [s.picture for s in fitted.articles] == [s.picture for s in letter.articles]


def test_then_the_last_articles_have_titles_only() -> None:
    """The first articles keep their summaries; the note counts those that have lost them."""
    letter = _long(110)
    fitted, html = fit_mail(letter, {}, 100_000)
    assert _size(html) <= 100_000
    brief = [story.brief for story in fitted.articles]
    assert brief == sorted(brief)
    assert 0 < sum(brief) <= 30
    assert f"有 {sum(brief)} 篇文章只列出标题" in fitted.note
    assert fitted.note in html
    assert all(f'href="{story.url}"' in html for story in letter.articles)


def test_at_most_thirty_articles_have_titles_only() -> None:
    """The rest is counted and linked, although the mail would hold more titles."""
    letter = _long(150)
    fitted, html = fit_mail(letter, {}, 100_000)
    assert sum(story.brief for story in fitted.articles) == 30
    assert _counted(fitted.more) == 150 - len(fitted.articles) > 0
    assert _size(html) > 90_000


def test_then_articles_are_counted_and_linked() -> None:
    """Articles left out are counted, at the top and at the end, with a link to the web version."""
    letter = _long(400)
    fitted, html = fit_mail(letter, {}, 100_000)
    missing = 400 - len(fitted.articles)
    assert _size(html) <= 100_000
    assert missing > 0
    assert _counted(fitted.more) == missing
    assert f"有 {missing} 篇文章只在网页版中" in fitted.note
    assert fitted.note in html
    assert fitted.more in html
    assert html.count(f'href="{letter.urls.web}"') >= 4


@settings(max_examples=4, deadline=None)
@given(count=st.integers(1, 60), max_bytes=st.integers(20_000, 60_000))
def test_every_article_is_shown_or_counted(count: int, max_bytes: int) -> None:
    """For any issue and limit: it fits, and shown plus counted articles are all there are."""
    letter = _long(count)
    fitted, html = fit_mail(letter, {}, max_bytes)
    assert _size(html) <= max_bytes
    shown = sum(f'href="{story.url}"' in html for story in letter.articles)
    assert shown + _counted(fitted.more) == count
    assert bool(fitted.note) == (fitted != letter)


def test_no_more_is_given_up_than_necessary() -> None:
    """A limit slightly above the size changes nothing; one slightly below, little."""
    letter = _long(10)
    size = _size(mail_html(letter, {}))
    assert fit_mail(letter, {}, size)[0] is letter
    shorter = fit_mail(letter, {}, size - 1)[0]
    assert not any(story.brief for story in shorter.articles)


def test_an_article_under_two_topics_is_counted_once() -> None:
    """With `group = "every"` an article shown under one topic is not counted as missing."""
    entry = letters.entry(1, *TOPICS, summary=letters.SUMMARY * 400)
    issue = letters.issue(entry)
    section = issue.sections[0]
    doubled = type(issue)(
        digest=issue.digest,
        key=issue.key,
        number=issue.number,
        tick=issue.tick,
        since=issue.since,
        sections=tuple(type(section)(topic, section.articles) for topic in TOPICS),
    )
    letter = letters.make(entry, of=doubled)
    fitted, _ = fit_mail(letter, {}, 20_000)
    assert letter.total == 1
    assert fitted.more == ""


def test_a_frame_too_large_is_an_error() -> None:
    """If the template leaves no room for one article, the message has the numbers."""
    own = (
        '{% extends "bundled/digest.html.j2" %}{% block intro %}' + "x" * 30_000 + "{% endblock %}"
    )
    with pytest.raises(TemplateError, match=r"\d+ bytes with no article in it; max_bytes is 20000"):
        fit_mail(letters.make(), {"digest.html.j2": own}, 20_000)


def test_a_template_may_require_pictures_if_everything_fits() -> None:
    """It fails only when stories have to lose theirs."""
    wants = (
        "{% block section scoped %}{% for s in section.articles %}{{ s.picture.url }}{% endfor %}"
    )
    own = {"digest.html.j2": '{% extends "bundled/digest.html.j2" %}' + wants + "{% endblock %}"}
    letter = letters.make(*(letters.entry(n, image=letters.PICTURE) for n in range(1, 5)))
    whole, html = fit_mail(letter, own, 100_000)
    assert whole is letter
    with pytest.raises(TemplateError, match="url"):
        fit_mail(letter, own, _size(html) - 1)
