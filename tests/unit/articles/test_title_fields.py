"""Titles in front matter."""

from __future__ import annotations

import pytest

from broadsheet.articles import fields, titles


@pytest.mark.parametrize(
    ("given", "title"),
    [
        ("Q &amp; A", "Q & A"),
        ("a &lt; b", "a < b"),
        ("two&#10;lines", "two lines"),
        ("R&D", "R&D"),
        ("&#" + "9" * 5000 + ";", "\ufffd"),
        ("一&nbsp;二", "一 二"),
    ],
)
def test_character_references_in_a_title_are_resolved(given: str, title: str) -> None:
    """WordPress exports contain them; the title stays one line, whatever they resolve to."""
    assert fields.title(given) == title


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("Without `__init__` files", "Without __init__ files"),
        ("`a*b` and **`c_d`** and *e*", "a*b and c_d and e"),
        ("``x`y`` [`__z__`](a.md)", "x`y __z__"),
        ("An `open", "An open"),
        ("`<T>` <b>bold</b>", "<T> bold"),
    ],
)
def test_code_in_a_heading_keeps_its_marks(heading: str, title: str) -> None:
    """Where the title is taken from it."""
    assert titles.first_heading(f"# {heading}\n\nText.\n") == title
