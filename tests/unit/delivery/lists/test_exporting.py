"""An exported list: no spreadsheet executes a cell of it, and importing it restores it."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.delivery.lists.exporting import exported_lines, quoted, unquoted
from broadsheet.delivery.lists.reading import open_list
from broadsheet.delivery.subscribers import Subscriber
from broadsheet.errors import Problem
from newsroom import MOMENT, Newsroom

ADDRESSES = [
    "=cmd|'/C-calc'!A0@x.example", "+ann@x.example", "-ann@x.example", "'+ann@x.example",
    "''=ann@x.example", "=1+1@x.example", "'ann@x.example", "=@x.example",
]  # fmt: skip
HOSTILE = [
    "=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(1)", "\tx", "\rx", "\n=1", " =1", "\t=1", "\xa0=1",
    "\u200b=1", "\ufeff=1", "\x00=1", "＝1+1", "＋1", "－1", "＠SUM(1)", "﹦1", "−1", "'=1", "''=1",
    "a;=1", "a; =1", "a\n=1", "a\r\n+1", "a;\t=1", "a\t@x", "a;'=1", '"=1"', 'a;"=1"',
    '=HYPERLINK("https://evil.example","x")', "=\n", ";=1;＝2", "\t\t=1", "' =1", "a;' =1",
]  # fmt: skip
CELLS = st.one_of(
    st.text(alphabet=st.sampled_from("=+-@＝'\";\t\r\n \xa0\ufeff\x00aZ"), max_size=12),
    st.text(max_size=30),
)


def runs(cell: str) -> bool:
    """Whether a spreadsheet may execute `cell`, decided here without our code."""
    if cell.startswith(("\t", "\r", "\n")):
        return True
    pieces = re.split("[;\t\r\n]", cell)
    return any(_first(piece) in set("=+-@") for piece in pieces)


def _first(piece: str) -> str:
    unseen = {"Cc", "Cf", "Zs", "Zl", "Zp"}
    seen = (c for c in piece if unicodedata.category(c) not in unseen and c != '"')
    return unicodedata.normalize("NFKC", next(seen, ""))


@given(CELLS)
def test_no_cell_is_executed_and_each_round_trips(cell: str) -> None:
    """Whatever it contains; nor does a part of it run if a spreadsheet splits it at semicolons."""
    assert not runs(quoted(cell))
    assert unquoted(quoted(cell)) == cell


@pytest.mark.parametrize("cell", HOSTILE)
def test_known_attacks_do_not_run(cell: str) -> None:
    """Attacks on real spreadsheets; several already begin with an apostrophe."""
    assert not runs(quoted(cell))
    assert unquoted(quoted(cell)) == cell


def test_lookalike_signs_are_quoted() -> None:
    """Unicode has several characters that normalise to one of the four."""
    signs = [
        chr(i) for i in range(0x110000) if unicodedata.normalize("NFKC", chr(i)) in set("=+-@")
    ]
    assert len(signs) > 10
    assert all(quoted(f"{sign}1") == f"'{sign}1" for sign in signs)


def test_invisible_characters_hide_no_sign() -> None:
    """A spreadsheet may drop any of these before it looks."""
    unseen = [chr(i) for i in range(0x110000) if unicodedata.category(chr(i)) in {"Cc", "Cf", "Zs"}]
    assert len(unseen) > 200
    assert not any(runs(quoted(f"{char}=1")) for char in unseen)
    assert all(unquoted(quoted(f"{char}=1")) == f"{char}=1" for char in unseen)


@pytest.mark.parametrize("cell", ["Ann", "O'Brien", "a-b", "a=b", "'tis", "a, -b", "Ann + Bob", ""])
def test_other_cells_are_unchanged(cell: str) -> None:
    """Most names need no apostrophe."""
    assert quoted(cell) == cell


def one(address: str, text: str) -> Subscriber:
    """Return a subscriber with `text` wherever a stranger may write it."""
    topics = tuple(filter(None, [text.strip()]))
    return Subscriber(1, address, text, "", topics, (), "active", MOMENT, text)


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("text", HOSTILE)
def test_a_line_of_an_export_is_safe_and_complete(address: str, text: str) -> None:
    """In the column of addresses as in all others."""
    made = "".join(exported_lines([one(address, text)]))
    rows = list(csv.reader(io.StringIO(made, newline="")))
    assert not any(runs(cell) for row in rows for cell in row)
    assert not runs(made), "where it is cut at semicolons and line ends, whatever is in quotes"
    (found,) = open_list(made.encode(), "x").subscribers()
    if "\0" in text:  # no list may contain one, so no name does
        assert isinstance(found, Problem)
        return
    assert not isinstance(found, Problem)
    assert found.address == address
    assert found.preferences["name"] == text.rstrip()
    assert found.cause == text.rstrip()


def test_addresses_that_look_like_formulas_round_trip(newsroom: Newsroom, tmp_path: Path) -> None:
    """Added, exported, imported elsewhere, and exported again."""
    for address in ADDRESSES:
        added = newsroom.run("subscribers", "add", "--name", "=1+1", "--", address)
        assert added.code == 0, added.err
    exported = newsroom.run("subscribers", "export").out
    cells = [row[0] for row in csv.reader(io.StringIO(exported))][1:]
    assert not any(runs(cell) for cell in cells)
    (tmp_path / "other").mkdir()
    other = Newsroom.open(tmp_path / "other")
    assert other.run("subscribers", "import", str(other.write("all.csv", exported))).code == 0
    found = json.loads(other.run("subscribers", "list", "--json").out)
    assert [each["address"] for each in found] == ADDRESSES
    assert {each["name"] for each in found} == {"=1+1"}
    assert other.run("subscribers", "export").out == exported
