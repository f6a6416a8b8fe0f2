"""What is made in a quicker way is what the plain way makes, for any text."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown import Markdown
from markdown.inlinepatterns import LINK_RE, LinkInlineProcessor, SimpleTagInlineProcessor

from broadsheet.markup import blocks, dialect, inline, skimming, text

QUICK, PLAIN = dialect.quick(dialect.new_converter()), dialect.new_converter()
SEEDS = sorted((Path(__file__).parent.parent / "seeds").glob("*.md"))

_INLINE = [*"ab `*_~[]()!<>&:@/\\^.\n{}", "  \n", "https://", "a@b.cd", "![", "[^1]", "\\*", "](b)"]
_BLOCKS = [
    *"\n#->+*|:=.&", "\n\n", "    ", "  ", "\t", "word ", "中文", "1. ", "2) ", "- [ ] ", "- [x] ",
    "```\n", "~~~ py\n", "[^1]", "[^1]: ", "[a]: /b ", "[a]", "*[HTML]: x", "HTML", ": ", "---\n",
    "===\n", "| a | b |\n|---|---|\n", "{.c}", "{: #d }", "<div>", "</div>", "<div markdown=1>",
    "<!-- c -->", "<b>", "</b>", "<hr>", "&amp;", "\\", "`", "**", "<pre>", "</pre>", "\r",
    "\u3000",
]  # fmt: skip


def _both(markdown: str) -> None:
    assert QUICK.reset().convert(markdown) == PLAIN.reset().convert(markdown)


@settings(max_examples=300)
@given(st.lists(st.sampled_from(_INLINE)))
def test_a_pattern_that_is_not_asked_would_not_have_matched(pieces: list[str]) -> None:
    """Each inline pattern is asked wherever it could match: the HTML is what the library makes."""
    _both("".join([*pieces, "\n\n[^1]: note"]))


@settings(max_examples=600)
@given(st.lists(st.sampled_from(_BLOCKS)))
def test_what_is_not_looked_for_is_not_there(pieces: list[str]) -> None:
    """The same for block processors and for whole passes."""
    _both("".join(pieces))


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.stem)
def test_an_article_is_what_the_library_makes_of_it(seed: Path) -> None:
    """The same for real articles, front matter and all."""
    _both(seed.read_text("utf-8"))


@settings(max_examples=400)
@given(st.lists(st.sampled_from(_BLOCKS)).map("".join))
def test_a_line_that_stays_would_have_stayed(markdown: str) -> None:
    """It is what all questions that may be asked of a line leave of it, and so is what follows."""
    made = [*blocks.rewrite(markdown.split("\n"), str)]
    with patch("broadsheet.markup.blocks._State.stays", lambda *_: False):
        assert made == [*blocks.rewrite(markdown.split("\n"), str)]


EXAMPLES: list[tuple[dict[str, Any], dict[str, str]]] = [
    (
        skimming.BLOCKS,
        {
            "markdown_block": "<div markdown=1>\n*a*\n</div>",
            "defindent": "a\n:   b\n\n    c",
            "code": "a\n\n    b",
            "table": "a | b\n--|--",
            "hashheader": "a\n# b",
            "setextheader": "a\n=",
            "hr": "a\n* * *",
            "ulist": "+ a",
            "deflist": "a\n: b",
            "quote": "a\n > b",
            "footnote": "a[^1]\n\n [^1]: b",
            "abbr": "a\n\n*[a]: b",
            "reference": "[a]\n\n [a]: b",
        },
    ),
    (
        skimming.PASSES,
        {
            "fenced_code_block": "~~~ py\na\n~~~",
            "html_block": "a\n<!-- b -->",
            "footnote": "a[^1]\n\n[^1]: b",
            "footnote-duplicate": "a[^1] b[^1]\n\n[^1]: c",
            "task-list": "- [ ] a",
            "attr_list": "*a*{.b}",
            "unescape": "\\*a",
        },
    ),
    (
        inline.MARKS,
        {
            "backtick": "`a`",
            "backslash_break": "a\\\nb",
            "escape": "\\*a*",
            "footnote": "a[^1]\n\n[^1]: b",
            "reference": "[a][b]\n\n[b]: c",
            "link": "[a](b)",
            "image_link": "![a](b)",
            "image_reference": "![a][b]\n\n[b]: c",
            "short_reference": "[a]\n\n[a]: c",
            "short_image_ref": "![a]\n\n[a]: c",
            "autolink": "<ftp://a>",
            "automail": "<a+b@c>",
            "linebreak": "a  \nb",
            "html": "a <b>*c*</b>",
            "entity": "https://b.org/a&lt;",
            "del": "~~a~~",
            "bare_address": "a https://b.org",
            "bare_mail": "a b@c.org",
            "em_strong": "_a_",
        },
    ),
]
ALL = [(table, *example) for table, examples in EXAMPLES for example in examples.items()]


@pytest.mark.parametrize(("table", "name", "markdown"), ALL, ids=[name for _, name, _ in ALL])
def test_each_part_is_asked_by_its_mark(table: dict[str, Any], name: str, markdown: str) -> None:
    """Each finds what it is for, and does not where its mark is not the right one."""
    _both(markdown)
    with patch.dict(table, {name: "\0"}):
        assert _quick().convert(markdown) != PLAIN.reset().convert(markdown)


def test_every_part_of_the_library_is_known() -> None:
    """A part that the library renames or adds one day is not asked for a wrong mark."""
    parts = dialect.new_converter()
    examples = {name for _, name, _ in ALL} | {"indent"}  # what it does, "defindent" does too
    assert {name for table, _ in EXAMPLES for name in table} == examples
    assert len(parts.inlinePatterns) == len(inline.MARKS)
    assert len(parts.parser.blockprocessors) == len(
        [*skimming.BLOCKS, "empty", "olist", "paragraph"]
    )


def _quick() -> Markdown:
    return dialect.quick(dialect.new_converter())


def test_a_pattern_that_nobody_knows_is_asked() -> None:
    """One of a later release is asked about every text, whatever is in it."""
    made = []
    for quick in (dialect.quick, lambda md: md):
        md = dialect.new_converter()
        md.inlinePatterns.register(SimpleTagInlineProcessor("()(foo)", "b"), "new", 70)
        made.append(quick(md).convert("foo xfoox 中文foo中文 [foo](a) *foo*"))
    assert made[0] == made[1]
    assert made[0].count("<b>foo</b>") == 5


def test_much_emphasis_is_as_deep_as_the_library_goes() -> None:
    """What it can read is read, though Python calls itself no deeper than it may."""
    _both("*a _b " * 600 + "x" + " b_ a*" * 600)


def test_the_library_goes_from_bracket_to_bracket() -> None:
    """It still calls the methods that we put in the place of its own."""
    with patch.object(inline, "words", lambda _, index: ("c", index, False)):
        assert _quick().convert("[c](b)") == "<p>[c](b)</p>"
    with patch.object(inline, "address", lambda *_: ("", None, 0, False)):
        assert _quick().convert("[c](b)") == "<p>[c](b)</p>"


@settings(max_examples=300)
@given(st.text("ab [](<>)'\"\n\\"), st.integers(0, 5))
def test_a_link_is_read_from_bracket_to_bracket(data: str, index: int) -> None:
    """Its words, address and title are those that the library finds letter by letter."""
    plain = LinkInlineProcessor(LINK_RE, PLAIN)
    index = min(index, len(data))
    PLAIN.reset().convert("a")
    assert inline.words(data, index) == plain.getText(data, index)
    read = plain.getLink(data, index)
    assert inline.address(plain.getLink, plain.unescape, data, index) == read


_LINE_END = re.compile(r"(?<![ \t])[ \t]*\n[ \t]*")


def _joined(found: re.Match[str]) -> str:
    """What stands at a line end, looked at one by one."""
    before = re.sub(r"(</(em|strong|a|del|span)>)*\Z", "", found.string[: found.start()])
    after = re.sub(r"\A(<(em|strong|a|del|span)\b[^<>]*>)*", "", found.string[found.end() :])
    joined = before and text.is_unspaced(before[-1], after[:1])
    return "" if joined else found[0]


def test_lines_are_joined_in_a_time_that_grows_with_the_text() -> None:
    """A long table, or prose of many lines, costs what its length is, not the square of it."""
    taken = []
    for rows in (2_000, 20_000):
        html = "<tr>\n<td>a</td>\n<td>中文</td>\nprose and more\n</tr>\n" * rows
        start = time.process_time()
        assert dialect.join_lines(html) == html
        taken.append(time.process_time() - start)
    assert taken[1] < 40 * taken[0]


@given(
    st.lists(
        st.sampled_from(
            [*" \t\na中。“…", "</em>", "<em>", "</p>", "<p>", '<a href="x">', "</a>", "<br>"]
        )
    ).map("".join)
)
def test_lines_are_joined_where_they_are_chinese(html: str) -> None:
    """At each line end the same is found as by a search that tries every place."""
    assert dialect.join_lines(html) == _LINE_END.sub(_joined, html)
