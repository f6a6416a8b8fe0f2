"""What `check` knows about invisible characters and link targets."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.checks.anchors import anchors
from broadsheet.checks.invisible import invisible
from broadsheet.checks.prose import Prose

HEAD = "---\ntitle: A\n---\n"


@pytest.mark.parametrize(
    "text",
    [
        "Plain, é 中文 ｆｕｌｌ　ｗｉｄｔｈ \u00a0 no-break",
        "👨\u200d👩\u200d👧 👩🏽\u200d💻 🧔\u200d♂\ufe0f ❤\ufe0f\u200d🩹 🇩🇪 #\ufe0f\u20e3",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "می\u200cخواهم",  # Persian
        "क्\u200dष ന്\u200d",  # Hindi, Malayalam
        "ภาษา\u200bไทย ភាសា\u200bខ្មែរ",  # Thai, Khmer
        "ᠮᠣᠩᠭᠣᠯ\u180b",
        "葛\U000e0100城",  # a variant of a Chinese character
        "שלום\u200f! \u2067עברית\u2069 (a)",
    ],
)
def test_useful_invisible_characters_are_allowed(text: str) -> None:
    """Joiners, direction marks, variation selectors and flags, where they have an effect."""
    assert invisible(text) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a\u200bb\u200bc", ["\u200b"]),
        ("中\u200b文", ["\u200b"]),
        ("a\u200cb", ["\u200c"]),
        ("a\u200db", ["\u200d"]),
        ("👩\u200d", ["\u200d"]),
        ("\ufeffTitle", ["\ufeff"]),
        ("a\u2060b\u2063c", ["\u2060", "\u2063"]),
        ("a\u200eb", ["\u200e"]),
        ("\u2068a\u2069", ["\u2068", "\u2069"]),
        ("שלום \u2067עברית", ["\u2067"]),
        ("שלום\u202e", ["\u202e"]),
        ("a\U000e0049\U000e0067", ["\U000e0049", "\U000e0067"]),
        ("🏴\U000e0067\U000e0062", ["\U000e0067", "\U000e0062"]),
        ("a\U000e0101", ["\U000e0101"]),
        ("한\u3164글", ["\u3164"]),
    ],
)
def test_useless_invisible_characters_are_found(text: str, found: list[str]) -> None:
    """Each such character once, in their order."""
    assert invisible(text) == found


@given(st.text())
def test_any_text_can_be_searched_for_invisible_characters(text: str) -> None:
    """The findings occur in the text, each character once."""
    found = invisible(text)
    assert set(found) <= set(text)
    assert len(found) == len(set(found))


@given(st.text(st.sampled_from("ab \t`~<>[]()!^:-+.{}%#\\\n\"'=*_/&é中🦀"), max_size=80))
def test_any_text_has_anchors(text: str) -> None:
    """Whatever an article contains, each heading has an anchor made of its own words."""
    found = anchors(Prose.of(text))
    for key, heading in found.headings.items():
        assert found.has(key)
        assert found.nearest(key) == heading


@pytest.mark.parametrize(
    ("body", "anchor", "there"),
    [
        ("## What's new?", "whats-new", True),
        ("## What's new?", "what-s-new", True),
        ("## What's new?", "whats-old", False),
        ("## 2. Setup & run", "setup--run", True),
        ("## 2. Setup & run", "2-setup-and-run", True),
        ("## Größe", "gr%C3%B6%C3%9Fe", True),
        ("## Café", "cafe", True),
        ("> ## Quoted", "quoted", True),
        ("- ## Listed", "listed", True),
        ("```\n## Code\n```", "code", False),
        ("<!--\n## Comment\n-->", "comment-x", False),
        ("<h2>An <em>HTML</em> one</h2>", "an-html-one", True),
        ("## A {: #b .c}", "b", True),
        ("## A {#b}", "a", True),
        ("text\n{: #block}", "block", True),
        ("a | b\n---|---", "a-b", False),
        ("## A ##", "a", True),
        ("## Note[^1]\n\n[^1]: x", "note", True),
        ("# A\n\n    # not", "not", False),
        ("## A", ":~:text=x", True),
        ("## A", "user-content-fn-1", True),
        ("## A", "L10-L12", True),
    ],
)
def test_an_anchor_is_there_however_it_is_written(body: str, anchor: str, there: bool) -> None:
    """As GitHub, kramdown, Python-Markdown and others make ids of headings."""
    assert anchors(Prose.of(f"{HEAD}\n{body}\n")).has(anchor) == there


LENGTH = 200_000
UNITS = ("<h1>", "<h1>a</h1>", "{#", "{: #", "# ", "# a\n", "> ", "a\n-\n", "# [a", "id='", "# <a ")


@pytest.mark.long
@pytest.mark.parametrize("unit", UNITS)
def test_no_text_takes_long(unit: str) -> None:
    """A text designed to cause repeated scanning takes about a second."""
    prose = Prose.of(HEAD + unit * (LENGTH // len(unit)))
    began = time.process_time()
    assert anchors(prose).has("")
    assert time.process_time() - began < 5
