"""Plain front matter that is read without PyYAML: as PyYAML reads it, or not at all."""

from __future__ import annotations

import time

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from broadsheet.articles import plain_yaml
from broadsheet.articles.front_matter import TextLoader
from newsroom import ROOT

SEEDS = ROOT / "seeds"
HEAD = """
title: 第 1 篇：a "b" c
date: 2025-06-29T11:00:00+08:00
draft: false
summary: 'one: two # three'
url: https://example.org/a?b=[c]&d
image: ""
none: null
tags:
  - 标签 1
  - "x, y"
  - null
main_topics: [a, 'b, c', "", null]
aliases: [ ]

author:
slug: a-b
"""

_PARTS = st.sampled_from(
    [
        *(":", "#", "'", '"', "[", "]", "{", "}", ",", "-", "?", "&", "*", "!", "|", ">", "%", "@"),
        *(
            "`",
            "~",
            "\\",
            "=",
            ".",
            "/",
            ": ",
            " #",
            ", ",
            "- ",
            "'a'",
            '"a"',
            "[a, b]",
            "<<",
            "---",
        ),
        *("a", "b1", "null", "Null", "中文", "《", "é", "_", "😀", "٣", "1:30", "..."),
        *(" ", "  ", "\n", "\n  ", "\n- ", "\n  - ", "\na: ", "\t", "\r", "\xa0", "\xad", "\u3000"),
        *("\0", "\x07", "\x7f", "\x85", "\u200b", "\u2028", "\ufeff", "\ufffe", "\U0001fffe"),
        "a" * 1025,
    ]
)
_TEXTS = st.lists(_PARTS, max_size=6).map("".join) | st.text(max_size=5)
_NAMES = st.sampled_from(
    ["title", "tags", "a_b-c", "中文", "1", "null", "~", "<<", "-", "? a", "a b"]
)
_INDENTS = st.sampled_from(["", "", " ", "  ", "    ", "\t"])
_SPACES = st.sampled_from(["", "", "", " ", "  "])
_LINES = st.one_of(
    st.builds("{1}: {0}{2}\n".format, _TEXTS, _NAMES, _SPACES),
    st.builds("{}:{}\n".format, _NAMES, _SPACES),
    st.builds("{}- {}{}\n".format, _INDENTS, _TEXTS, _SPACES),
    st.builds("{}- a\n".format, _INDENTS),
    st.builds("{}{}\n".format, _INDENTS, _TEXTS),
)
_CHANGES = st.lists(st.tuples(st.integers(0, len(HEAD)), st.integers(0, 3), _TEXTS), max_size=3)


def changed(changes: list[tuple[int, int, str]]) -> str:
    """The head with some characters, at a place, gone and others in their place."""
    text = HEAD
    for place, gone, put in changes:
        text = text[:place] + put + text[place + gone :]
    return text


def agrees(text: str) -> bool:
    """Whether `text` is left to PyYAML, or read as PyYAML reads it, in the same order."""
    read = plain_yaml.fields(text)
    if read is None:
        return True
    by_pyyaml = yaml.load(text, TextLoader)
    return list(read.items()) == list(by_pyyaml.items())


@settings(max_examples=300)
@given(st.lists(_LINES, max_size=6).map("".join) | _CHANGES.map(changed))
@example("a:\n  - b\n - c\n")
@example("a: b\n  - c\n")
@example("a: null\n- c\n")
@example("a: b\na:\n- c\na: d\n")
@example("a: [b]\n- c\n")
@example("null: a\n")
@example("a: b\n\n\n- c\n")
@example("a" * 1025 + ": b\n")
@example("a:\n- " + "b" * 1025 + "\n")
@example('a: "b" c\n')
@example("a: 'b''c'\n")
@example('a: "b\\n"\n')
@example("a: b:\n")
@example("a: b: c\n")
@example("a: b #c\n")
@example("a: [b c , d ]\n")
@example("a: [b: c]\n")
@example("a: ['b':c]\n")
@example("a: [b, ]\n")
@example("a: b\u2028c\n")
@example("a: b\u2029c\n")
@example("a: b\ufffec\n")
@example("a: b\ud800c\n")
def test_what_is_read_here_pyyaml_reads_the_same(text: str) -> None:
    """Whatever front matter holds, it is read as PyYAML reads it or left to PyYAML."""
    assert agrees(text)


def test_the_given_articles_are_plain() -> None:
    """What people write is read here, as PyYAML reads it."""
    texts = [path.read_text(encoding="utf-8") for path in SEEDS.glob("2*.md")]
    heads = [text.split("---\n")[1] for text in texts if text.startswith("---\n")]
    assert len(heads) > 5
    assert all(map(plain_yaml.fields, heads))
    assert all(map(agrees, heads))


def test_all_forms_of_a_text_are_plain() -> None:
    """Plain and quoted texts, lists of both forms, fields without a value."""
    assert plain_yaml.fields(HEAD) == {
        "title": '第 1 篇：a "b" c',
        "date": "2025-06-29T11:00:00+08:00",
        "draft": "false",
        "summary": "one: two # three",
        "url": "https://example.org/a?b=[c]&d",
        "image": "",
        "none": None,
        "tags": ["标签 1", "x, y", None],
        "main_topics": ["a", "b, c", "", None],
        "aliases": [],
        "author": None,
        "slug": "a-b",
    }
    assert agrees(HEAD)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "\n",
            "# a\n",
            "- a\n",
            "a: b",
            "a: # b\n",
            "a: &b c\n",
            "a: |\n  b\n",
            "a: b\n  c\n",
        ),
        *("a: 'b\n  c'\n", "a:\n  b: c\n", "a:\n  -\n", "a:\n  - b: c\n", "a:\n  - - b\n"),
        *("a: [b,\n  c]\n", "a: [[b]]\n", "a: {b: c}\n"),
    ],
)
def test_the_rest_is_left_to_pyyaml(text: str) -> None:
    """What nests, what goes on in the next line, and all that is not a field and its text."""
    assert plain_yaml.fields(text) is None


@pytest.mark.parametrize("line", ["a: {}#", "a: [{}#", 'a: "{}', "{}", "a:\n{}- b #", "a: b{}: c"])
@pytest.mark.parametrize("part", ["b", " ", "b ", ":b", "b:b", '"b" ', ", b", '"b", ', " '", "\n"])
def test_no_text_takes_longer_than_it_is_long(line: str, part: str) -> None:
    """A quarter of a megabyte, of which each part can be read in two ways, is left at once."""
    text = line.format(part * (250_000 // len(part))) + "\n"
    start = time.process_time()
    plain_yaml.fields(text)
    assert time.process_time() - start < 2  # seconds; with the square of the length it is minutes
