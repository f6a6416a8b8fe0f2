"""Titles in front matter."""

from __future__ import annotations

import pytest

from broadsheet.articles import fields


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
