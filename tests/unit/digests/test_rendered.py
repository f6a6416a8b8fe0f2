"""The plain text of the mail: complete, and wrapped by display width."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import letters
from broadsheet.digests.rendered import mail_text
from broadsheet.text.plain import width
from broadsheet.text.wrapping import COLUMNS, wrap

CLOSING = "、。，．：；！？）》」』】”’…"
OPENING = "（《「『【“‘"
PROSE = st.lists(
    st.one_of(
        st.text("字词句章 ", min_size=1, max_size=12),
        st.sampled_from([*CLOSING, *OPENING, "GPU", "word", " ", "——", "🖥️", "👩‍🚀", "3.14", "é"]),
    ),
    max_size=60,
).map(lambda parts: " ".join("".join(parts).split(" ")).strip())


@given(PROSE)
def test_wrapping_loses_and_adds_nothing_but_line_ends(text: str) -> None:
    """The lines are pieces of the text in order; only spaces between them are dropped."""
    lines = wrap(text, 40)
    place = 0
    for line in lines:
        found = text.index(line, place)
        assert text[place:found].strip(" ") == ""
        place = found + len(line)
    assert text[place:].strip(" ") == ""


@given(PROSE)
def test_no_line_is_wider_than_asked_for(text: str) -> None:
    """A Chinese character takes two columns, a combining mark none."""
    assert all(width(line) <= 40 for line in wrap(text, 40))


@given(st.text("字词" + CLOSING + OPENING, max_size=80))
def test_chinese_line_breaking_rules(text: str) -> None:
    """No line begins with closing punctuation or ends with opening, unless there is nothing
    else."""
    tame = re.sub(f"[{CLOSING}]{{2,}}", "。", re.sub(f"[{OPENING}]{{2,}}", "（", text))
    if tame and tame[0] not in CLOSING:
        lines = wrap(tame, 20)
        assert not [line for line in lines[1:] if line[0] in CLOSING]
        assert not [line for line in lines[:-1] if line[-1] in OPENING]


def test_english_breaks_at_spaces_only() -> None:
    """A word keeps its adjacent punctuation."""
    text = "A timeline decides what you see — don't wait (really); a feed doesn't."
    assert wrap(text, 24) == [
        "A timeline decides what",
        "you see — don't wait",
        "(really); a feed",
        "doesn't.",
    ]


def test_chinese_with_english_in_it() -> None:
    """A space between Chinese and English stays within a line; a line may break next to Chinese."""
    assert wrap("本文用 GPU 和 RSS 举例，说明“开放权重”与开源的分别。", 20) == [
        "本文用 GPU 和 RSS 举",
        "例，说明“开放权重”与",
        "开源的分别。",
    ]


@pytest.mark.parametrize("mark", ["[12] ", "  [1] ", "* ", "• "])
def test_continuation_lines_are_indented(mark: str) -> None:
    """A numbered title of two lines has a hanging indent."""
    lines = wrap(mark + "word " * 30, 40)
    assert lines[0].startswith(mark + "word")
    assert all(line.startswith(" " * len(mark) + "word") for line in lines[1:])


def test_addresses_are_never_broken() -> None:
    """A URL wider than a line is on one line; a very long word is broken."""
    url = "https://example.org/" + "a" * 100
    assert wrap(f"[1] {url}", 40) == [f"[1] {url}"]
    assert [width(line) for line in wrap("a" * 100, 40)] == [40, 40, 20]


def test_grapheme_clusters_stay_whole() -> None:
    """Neither a joined emoji nor one with a variation selector is split."""
    for emoji in ("👩‍🚀", "🖥️", "👍🏽"):
        assert set(wrap(emoji * 30, 20)) <= {emoji * count for count in range(1, 31)}


def test_every_story_is_complete() -> None:
    """Title, facts, summary and numbered URL of each story, under its section's name."""
    letter = letters.make()
    text = mail_text(letter, {})
    flat = text.replace("\n", "")
    for story in letter.articles:
        assert story.title in flat
        assert story.summary.replace(" ", "") in flat.replace(" ", "")
        assert f"\n[{story.number}] {story.url}\n" in text
        assert " · ".join(story.facts) in text
    for part in letter.sections:
        assert f"\n{part.name}\n{'-' * COLUMNS}\n" in text


def test_links_are_numbered_each_once() -> None:
    """The numbers of the URLs run from 1, and the contents use those of the stories."""
    text = mail_text(letters.make(), {})
    numbers = re.findall(r"^\[(\d+)\]", text, re.MULTILINE)
    assert numbers == [str(number) for number in range(1, 4 + 4 + 1)]
    assert '\n  [3] “开放权重” & "开源"：为什么前者 < 后者\n' in text


def test_lines_keep_to_the_columns() -> None:
    """Nothing but a URL is wider than 72 columns."""
    long = letters.entry(1, "主题", title="很长的标题" * 20, summary="A long one. " * 80)
    text = mail_text(letters.make(long), {})
    assert [line for line in text.splitlines() if width(line) > COLUMNS and "://" not in line] == []


def test_no_rule_without_a_section() -> None:
    """Articles without a topic, with nothing above them, follow the head directly."""
    short = letters.make(letters.entry(1), letters.entry(2))
    assert "-" * 72 not in mail_text(short, {})
    assert mail_text(letters.make(*map(letters.entry, range(4))), {}).count("-" * 72) == 1


def test_the_text_is_not_html() -> None:
    """Titles are as written, and no URL is relative."""
    text = mail_text(letters.make(), {})
    assert "&amp;" not in text
    assert "&lt;" not in text
    assert "mailto:editors@example.org?subject=unsubscribe" in text


def test_a_users_template_may_change_a_block() -> None:
    """The text is made by a template like the HTML."""
    block = '{% block masthead %}您好：{{ "好" * 60 }}{% endblock %}'
    own = '{% extends "bundled/digest.txt.j2" %}' + block
    text = mail_text(letters.make(), {"digest.txt.j2": own})
    assert text.startswith("您好：" + "好" * 33 + "\n" + "好" * 27 + "\n")
    assert "https://example.org/posts/1/" in text
