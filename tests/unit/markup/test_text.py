"""Plain text and excerpts, as in a list of articles."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.markup import LinkIndex, Links, dialect, render
from broadsheet.text.characters import forbidden, printable
from broadsheet.text.plain import graphemes, is_unspaced, plain, shorten, width

LINKS = Links(LinkIndex("https://example.org/"), "a.md", "https://example.org/a/")
FAMILY = "👨\u200d👩\u200d👧"


def excerpt(markdown: str) -> str:
    return render(markdown, LINKS, dialect("commonmark")).excerpt


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("# Title\n\n![](cat.png)\n\nFirst words.\n\nMore.", "First words."),
        ("> A motto.\n\nThe article.", "The article."),
        ("> Only a motto.", "Only a motto."),
        ("- one\n- two", "one two"),
        ("A.\n\nB.\n\n<!--more-->\n\nC.", "A. B."),
        ("A.\n<!-- MORE -->\nB.", "A."),
        ("<!--more-->\n\nA.", "A."),
        ("```html\n<!--more-->\n```\n\nA.", "A."),
        ("See [the page][p].\n\n<!--more-->\n\n[p]: https://example.org/p", "See the page."),
        ("Said[^1].\n\n[^1]: By whom.", "Said."),
        ("10<sup>6</sup> words", "10⁶ words"),
        ("a &lt;b&gt; &amp; `c`", "a <b> & c"),
        ("", ""),
    ],
)
def test_an_excerpt_is_the_beginning_of_the_article(markdown: str, expected: str) -> None:
    """The text before the mark, otherwise the author's first paragraph, as plain text."""
    assert excerpt(markdown) == expected


def test_the_mark_leaves_no_trace() -> None:
    """The mark is in no output; in code it is content."""
    assert (
        render("A.\n\n<!--more-->\n\nB.", LINKS, dialect("commonmark")).html
        == "<p>A.</p>\n<p>B.</p>"
    )
    assert "&lt;!--more--&gt;" in render("```\n<!--more-->\n```", LINKS, dialect("commonmark")).html


@pytest.mark.parametrize(
    ("text", "columns", "expected"),
    [
        ("Short.", 20, "Short."),
        ("First one here. Second one goes on", 20, "First one here."),
        ("He paid 3.5 million for it, they say so", 24, "He paid 3.5 million for…"),
        ("Some fruit, e.g. apples and pears and more", 24, "Some fruit, e.g. apples…"),
        ("Asked of Dr. Smith about the whole matter", 20, "Asked of Dr. Smith…"),
        ("人工智能来了。它改变了一切的一切", 20, "人工智能来了。"),
        ("他说：“来了。”然后一切的一切都变了", 20, "他说：“来了。”"),
        ("人工智能改变了一切的一切的一切", 20, "人工智能改变了一切…"),
        ("a" * 30, 10, "a" * 9 + "…"),
    ],
)
def test_a_text_is_cut_where_a_sentence_ends(text: str, columns: int, expected: str) -> None:
    """A decimal or an abbreviation ends no sentence; a cut within one is marked."""
    assert shorten(text, columns) == expected


@given(st.text(alphabet="ab .。，中文é👩👨\u200d\ufe0f🏽🇨🇳", max_size=60), st.integers(2, 40))
def test_a_cut_text_is_never_too_wide(text: str, columns: int) -> None:
    """A shortened text fits, adds nothing but its mark, and is not shortened again."""
    cut = shorten(text, columns)
    assert width(cut) <= columns
    assert text.startswith(cut.removesuffix("…"))
    assert shorten(cut, columns) == cut


@pytest.mark.parametrize("cluster", [FAMILY, "🇨🇳", "👍🏽", "❤\ufe0f", "e\u0301"])
def test_grapheme_clusters_are_never_split(cluster: str) -> None:
    """Joined emoji, flags, skin tones and accents stay whole, wherever the cut is."""
    text = cluster * 20
    for columns in range(2, 20):
        kept = shorten(text, columns).removesuffix("…")
        assert kept == cluster * (len(kept) // len(cluster))


def test_wide_characters_count_twice() -> None:
    """140 Chinese characters are as wide as 280 Latin ones."""
    assert width("中文。") == 6
    assert width("abc") == 3
    assert width(FAMILY) == width("👍🏽") == 2


def test_a_width_known_without_the_library_is_that_of_the_library() -> None:
    """Of every character of ASCII that shows, and every common ideograph."""
    for code in (*range(0x20, 0x7F), *range(0x4E00, 0xA000)):
        assert width(f"文{chr(code)}") == width(f"文{chr(code)}é") - 1


def test_characters_that_xml_forbids_are_removed() -> None:
    """Controls, surrogates and U+FFFE, literal or as a reference; tabs and line ends stay."""
    assert printable("a\x00\x08\x1f\ufffe\ud800b\tc\n") == "ab\tc\n"
    assert forbidden("a\x00b\x0b") == ["\x00", "\x0b"]
    assert render("a&#1;b\x0cc", LINKS, dialect("commonmark")).html == "<p>abc</p>"
    # Python-Markdown puts marks of its own for HTML, and forgets those within an address.
    assert not forbidden(render('<!---->[]("(<script>', LINKS, dialect("python-markdown")).html)


@pytest.mark.parametrize("name", ["commonmark", "obsidian", "jekyll", "python-markdown", "html"])
@pytest.mark.parametrize(
    "text",
    ["a&#1;b", "a&%%c%%#xFFFE;b", "{{ page.title }}", "a\x02b\x03", r"<a\_b@e.org>", "<@`>`>"],
)
def test_no_forbidden_character_comes_from_within(name: str, text: str) -> None:
    """Neither from a reference, nor from a value of a template, nor from an engine."""
    values = {"page": {"title": "a\x01b"}}
    assert not forbidden(render(text, LINKS, dialect(name), values=values).html)


def test_the_shortcut_for_clean_text_is_right() -> None:
    """No forbidden character is one that Python calls printable."""
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    gone = forbidden(everything)
    kept_out = set(gone)
    assert len(gone) > 2000  # most of them surrogates
    assert not [char for char in gone if char.isprintable()]
    assert printable(everything) == "".join(char for char in everything if char not in kept_out)


@pytest.mark.parametrize(
    ("before", "after", "joined"),
    [
        ("中", "文", True),
        ("。", "中", True),
        ("”", "中", True),
        ("中", "a", False),
        ("한", "국", False),
    ],
)
def test_a_line_end_is_no_space_in_unspaced_scripts(before: str, after: str, joined: bool) -> None:
    """Chinese and Japanese lines are joined; Korean and Latin ones keep their space."""
    assert is_unspaced(before, after) is joined


def test_plain_words_leave_code_and_tables_out() -> None:
    """A list of articles has no room for code blocks and tables."""
    assert plain("<p>a<br>b</p>\n<pre>c</pre><table><tr><td>d</td></tr></table><p>e</p>") == "a b e"


@given(st.text("ab中。 é\u0301\u200d\ufe0f👧🏽🇦"))
def test_the_width_of_a_text_is_that_of_its_characters(text: str) -> None:
    """So a text that is cut between two of them is as wide as it was measured."""
    assert "".join(graphemes(text)) == text
    assert sum(map(width, graphemes(text))) == width(text)
