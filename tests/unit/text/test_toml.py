"""Places in TOML text: the line of a key, however it is written."""

from __future__ import annotations

import tomllib

import pytest

from broadsheet.text.toml import dotted, error_place, key_line, names_of

TEXT = """\
a = 1
[b]
c = 2
"d.e" = 3
f.g = 4

[b.h]
i = 5
[ "x y" . z ]
k = 6
"""


@pytest.mark.parametrize(
    ("names", "line"),
    [
        (("a",), 1),
        (("b", "c"), 3),
        (("b", "d.e"), 4),
        (("b", "f", "g"), 5),
        (("b", "h", "i"), 8),
        (("b", "h", "missing"), 7),
        (("b", "missing"), 2),
        (("x y", "z", "k"), 10),
        (("missing",), None),
    ],
)
def test_the_line_of_a_key(names: tuple[str, ...], line: int | None) -> None:
    """A key is found by its table and name; a missing one at its table."""
    assert key_line(TEXT, names) == line


@pytest.mark.parametrize("names", [("a",), ("digests", "weekly", "title"), ("a.b", "c d"), ("文",)])
def test_a_dotted_key_round_trips(names: tuple[str, ...]) -> None:
    """The key of a problem names the same key when it is parsed."""
    assert names_of(dotted(names)) == names


@pytest.mark.parametrize(("text", "line"), [("a = 1\nb = oops\n", 2), ('a = "', None)])
def test_the_place_of_an_error(text: str, line: int | None) -> None:
    """An error has its line, and its message no position; at the end of the text there is no
    line."""
    with pytest.raises(tomllib.TOMLDecodeError) as refused:
        tomllib.loads(text)
    message, found = error_place(refused.value)
    assert found == line or (line is None and found == 1)
    assert "at line" not in message
