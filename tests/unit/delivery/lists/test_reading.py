"""CSV files as people and other programs write them."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.delivery.lists.columns import ImportOptions
from broadsheet.delivery.lists.reading import (
    open_list,
    read_rows,
)
from broadsheet.errors import Problem
from newsroom import Newsroom
from subscriber_lists import entries, import_file


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_a_cell_may_name_topics_on_several_lines(end: str) -> None:
    """As people write lists in spreadsheets; a quoted name is kept as one."""
    cell = f'AI{end}开源; "a{end}b"{end}'.replace('"', '""')
    text = f'email,topics\na@x.org,"{cell}"\nb@x.org,"AI{end}开源, x"\n'
    first, second = entries(open_list(text.encode(), "x"))
    assert first.preferences["topics"] == ("AI", "开源", f"a{end}b")
    assert second.preferences["topics"] == ("AI", "开源", "x")


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\ufffd")))
def test_a_cell_of_topics_may_hold_any_text(cell: str) -> None:
    """Whatever it contains, its line is read or reported."""
    table = io.StringIO()
    csv.writer(table).writerows([["email", "topics"], ["a@x.org", cell], ["b@x.org", "开源"]])
    assert len(list(open_list(table.getvalue().encode(), "x").subscribers())) == 2


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        (b"x@x.org,Ann\0Lee,active", "a cell contains a NUL character"),
        (b"x\0@x.org,Ann,active", "is not a valid email address"),
        (b"x@x.org,\xff\xfe,active", "a cell is not valid in the encoding of the file"),
        (b'x@x.org,"Ann" Lee,active', "the quotation marks do not match"),
        (b'x@x.org,"Ann,active', "the quotation marks do not match"),
        (b"x@x.org,Lee, Ann,active", "4 cells, but only 3 headings"),
        (b"x@x.org,Ann", "the line ends before column 'status'"),
        (b"x@x.org,Ann,gone fishing", "'gone fishing' in column 'status' is not a known status"),
        (b"x@x.org,Ann,", "column 'status' is empty"),
        (b"x at x.org,Ann,active", "is not a valid email address"),
        (b"x@x.org," + b"n" * 200_000 + b",active", "the quotation marks do not match"),
    ],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_bad_cell_costs_its_line_and_no_other(bad: bytes, what: str, end: bytes) -> None:
    """It is reported by its number; the lines before and after it are read."""
    good = [f"r{i}@x.org,\u5f20,active".encode() for i in range(6)]
    lines = [b"email,name,status", *good[:3], bad, *good[3:], b""]
    found = list(open_list(end.join(lines), "list.csv").subscribers())
    (problem,) = (line for line in found if isinstance(line, Problem))
    assert str(problem).startswith("list.csv:5: ")
    assert what in str(problem)
    assert [line.address for line in found if not isinstance(line, Problem)] == [
        f"r{i}@x.org" for i in range(6)
    ]


@pytest.mark.parametrize("text", ["\temail\nAnn\ta@x.org\n", "\n \n;email\nAnn;a@x.org\n"])
def test_the_first_heading_may_be_empty(text: str) -> None:
    """A leading delimiter is not taken for a space."""
    given = ImportOptions.parse(["=name"], (), None)
    (line,) = entries(open_list(text.encode(), "x", given))
    assert (line.address, line.preferences) == ("a@x.org", {"name": "Ann"})


CELLS = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\r\n\0\ufffd"), max_size=8
)


@given(
    st.lists(st.tuples(CELLS.filter(str.strip), CELLS, CELLS), min_size=1, max_size=6),
    st.sampled_from(",;\t|"),
)
def test_the_output_of_other_programs_is_read(rows: list[tuple[str, ...]], delimiter: str) -> None:
    """Every table that a CSV writer writes is read, with the number of each line."""
    made = io.StringIO()
    writer = csv.writer(made, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(("a", "b", "c"))
    writer.writerows(rows)
    found = list(read_rows(made.getvalue()))
    assert [tuple(row.cells) for row in found[1:]] == rows
    assert [row.line for row in found] == list(range(1, len(rows) + 2))


@given(st.lists(st.sampled_from(['x@x.org,"A', '"', 'b,"c"d', ',",', "a,b", ""]), max_size=30))
def test_no_quotation_marks_hide_a_good_line(lines: list[str]) -> None:
    """A line without any is read, unless it is inside a quoted cell."""
    text = "\n".join(["h,i", *lines, "good@x.org,1", "good@x.org,2", ""])
    found = list(read_rows(text))
    assert any("good@x.org" in cell for row in found for cell in row.cells)
    assert [row.line for row in found] == sorted({row.line for row in found})


@pytest.mark.parametrize("data", [b"PK\x03\x04rest", b"\xd0\xcf\x11\xe0\xa1\xb1rest"])
def test_a_workbook_is_refused_with_what_to_do(desk: Newsroom, data: bytes) -> None:
    """And so is the archive that some services send."""
    ran = import_file(desk, data, name="list.xlsx")
    assert ran.code == 2
    assert ran.err == (
        "list.xlsx: this is a ZIP archive or an Excel workbook, not a CSV file; extract it, or save"
        " it as CSV (UTF-8)\n"
    )


def test_a_first_line_that_names_the_delimiter_is_skipped(desk: Newsroom) -> None:
    """As Excel writes it."""
    assert import_file(desk, "sep=;\r\nName;Email\r\nAnn, Lee;a@x.org\r\n").code == 0
    assert json.loads(desk.run("subscribers", "list", "--json").out)[0]["name"] == "Ann, Lee"
