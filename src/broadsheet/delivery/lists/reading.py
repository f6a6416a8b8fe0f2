"""Read a list of subscribers from CSV (RFC 4180), as people and mail services write it.

A row that cannot be read does not affect the others.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from typing import Any, Final, NamedTuple

from broadsheet.delivery.addresses import AddressError, address_key, checked_address
from broadsheet.delivery.lists.columns import Columns, ColumnValues, ImportOptions
from broadsheet.delivery.lists.consent import strictest
from broadsheet.delivery.lists.encodings import BROKEN, DecodedText, decode_text
from broadsheet.delivery.lists.exporting import unquoted
from broadsheet.delivery.subscribers import GONE, STATUSES, Preferences, Status
from broadsheet.errors import Problem, UsageError
from broadsheet.model.publication import Language

_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx or .zip, .xls
_DELIMITERS: Final = ",;\t|"
_FORMAT: Final[Any] = {"skipinitialspace": True, "strict": True}
_FILLED_LINE: Final = re.compile(r"^.*\S.*\n?", re.MULTILINE)
_QUOTED: Final = re.compile(r'"[^"]*"')
_DELIMITER_HINT: Final = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)  # Excel's own first line


@dataclass(frozen=True, slots=True)
class ListedSubscriber:
    """A line of a list. key: of the address (`address_key`). preferences: those in the line.

    since (aware), cause: of the status; None and "" if the file has none.
    """

    line: int
    address: str
    key: str
    status: Status
    cause: str
    since: datetime | None = None
    preferences: Preferences = field(default_factory=Preferences)


@dataclass(frozen=True, slots=True)
class SubscriberList:
    """A decoded file whose columns are known. shown: its name in messages."""

    shown: str
    decoded: DecodedText
    columns: Columns
    has_headings: bool

    def subscribers(self) -> Iterator[ListedSubscriber | Problem]:
        """Return each line, or what is wrong with it. An opt-out counts even in a bad line.

        If one line of an address is an opt-out, its other lines are left out, so that no one is
        subscribed until that line is reached.
        """
        left = self._opted_out()
        for row in self._rows():
            for line in _read_row(row, self.columns, self.shown):
                if isinstance(line, Problem) or line.key not in left or line.status in GONE:
                    yield line

    def _rows(self) -> Iterator[CsvRow]:
        rows = read_rows(self.decoded.text)
        if self.has_headings:
            next(rows, None)
        return rows

    def _opted_out(self) -> set[str]:
        """Return the keys of addresses that have several lines, at least one of them an opt-out."""
        if not self.columns.states:
            return set()
        counts = Counter(map(self._key, self._rows()))
        repeated = {key for key, number in counts.items() if number > 1}
        lines = (
            line
            for row in (self._rows() if repeated else ())
            if self._key(row) in repeated
            for line in _read_row(row, self.columns, self.shown)
        )
        return {line.key for line in lines if not isinstance(line, Problem) and line.status in GONE}

    def _key(self, row: CsvRow) -> str:
        """Return the key of the address in a row; some text if there is none."""
        index = self.columns.fields["address"]
        return address_key(unquoted(row.cells[index].strip())) if index < len(row.cells) else ""


def open_list(
    data: bytes, shown: str, given: ImportOptions | None = None, encoding: str = ""
) -> SubscriberList:
    """Open a CSV file; `shown` is its name in messages.

    Columns can be in any order; a file without headings is one column of addresses. encoding: a
    name, or "" to detect it. Raises UsageError if this is not such a file, ConsentError if it may
    say who opted out in a way that is not known.
    """
    if data.startswith(_WORKBOOKS):
        what = "this is a ZIP archive or an Excel workbook, not a CSV file"
        raise UsageError(Problem(what, "extract it, or save it as CSV (UTF-8)", shown))
    decoded = decode_text(data, shown, encoding)
    rows = read_rows(decoded.text)
    first = next(rows, CsvRow(1, ["address"]))
    if first.error:
        raise UsageError(Problem(first.error, "correct the headings", shown, first.line))
    is_bare = len(first.cells) == 1 and "@" in first.cells[0]
    headings = ["address"] if is_bare else first.cells
    values = ColumnValues(len(headings))
    for row in rows:
        values.add_row(row.cells)
    columns = Columns(headings, values, given or ImportOptions(), shown)
    return SubscriberList(shown, decoded, columns, not is_bare)


class _BadLineError(Exception):
    """A line of a list is invalid; it is reported, and the others are read."""

    def __init__(self, what: str, todo: str) -> None:
        super().__init__(what)
        self.problem = Problem(what, todo)


def _read_row(row: CsvRow, columns: Columns, shown: str) -> Iterator[ListedSubscriber | Problem]:
    """Read a row. After a bad cell, only its address and an opt-out are kept."""
    try:
        cells = _cells(row, columns)
        address = checked_address(unquoted(cells[columns.fields["address"]].strip()))
        status, why = _status(cells, columns)
    except AddressError as error:
        yield replace(error.problems[0], path=shown, line=row.line)
        return
    except _BadLineError as error:
        yield replace(error.problem, path=shown, line=row.line)
        return
    cause = f"import of {shown}: {why}" if why else ""
    bare = ListedSubscriber(row.line, address, address.casefold(), status, cause)
    try:
        yield _complete(bare, cells, columns.fields)
    except _BadLineError as error:
        yield replace(error.problem, path=shown, line=row.line)
        if status in GONE:
            yield bare


def _cells(row: CsvRow, columns: Columns) -> list[str]:
    """Return a cell for each column. Missing cells are empty, but those of consent must exist."""
    if row.error:
        raise _BadLineError(row.error, "correct the line")
    cells = row.cells
    if any(cells[columns.width :]):
        what = f"{len(cells)} cells, but only {columns.width} headings"
        raise _BadLineError(what, "quote the cells that hold a comma")
    if lost := [heading for index, heading, _ in columns.states if index >= len(cells)]:
        raise _BadLineError(f"the line ends before column {lost[0]!r}", "complete the line")
    return cells + [""] * (columns.width - len(cells))


def _status(cells: Sequence[str], columns: Columns) -> tuple[Status, str]:
    """Return the status of a line, and the cell that it comes from."""
    found: dict[Status, str] = {}
    unknown: list[tuple[str, str]] = []
    for index, heading, read_status in columns.states:
        cell = cells[index].strip()
        status = read_status(cell)
        if status is None:
            unknown.append((heading, cell))
        elif status != "active":
            found.setdefault(status, f"{heading} {cell[:60]}".strip())
    status = strictest((*found, columns.status))
    if unknown and status not in GONE:
        heading, cell = unknown[0]
        what = f"{cell[:40]!r} in column {heading!r} is not a known status"
        raise _BadLineError(
            what if cell else f"column {heading!r} is empty",
            f"write one of {', '.join(STATUSES)}; or say what it means, for example"
            f' --status "{cell[:40]}=unsubscribed"',
        )
    return status, found.get(status, "")


def _complete(
    bare: ListedSubscriber, cells: Sequence[str], fields: Mapping[str, int]
) -> ListedSubscriber:
    """Add the other cells of a line to `bare`."""
    whole = "".join(cells)
    if "\0" in whole:
        raise _BadLineError("a cell contains a NUL character", "remove it")
    if BROKEN in whole:
        raise _BadLineError("a cell is not valid in the encoding of the file", "correct it")
    given = {name: unquoted(cells[index].strip()) for name, index in fields.items()}
    return replace(
        bare,
        cause=given.get("cause") or bare.cause,
        since=_moment(given.get("since", "")),
        preferences=_preferences(given),
    )


def _preferences(given: Mapping[str, str]) -> Preferences:
    found = Preferences()
    names = [given[part] for part in ("first", "last") if part in given]
    if "name" in given or names:
        found["name"] = given.get("name", " ".join(filter(None, names)))
    if "topics" in given:
        found["topics"] = _names(given["topics"])
    if "digests" in given:
        found["digests"] = _names(given["digests"])
    if "language" in given:
        try:
            found["language"] = str(Language(given["language"])) if given["language"] else ""
        except ValueError as error:
            raise _BadLineError(str(error), "correct it") from None
    return found


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _names(cell: str) -> tuple[str, ...]:
    """Return the names in a cell, separated by semicolons, else by commas, or by line ends.

    The cell is itself CSV, so a name can be quoted.
    """
    delimiter = ";" if ";" in cell or '"' in cell else ","
    lines = io.StringIO(cell, newline="")
    parts = chain.from_iterable(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


class CsvRow(NamedTuple):
    """A row that begins in `line` (1-based). error: why it has no cells, or ""."""

    line: int
    cells: list[str]
    error: str = ""


def read_rows(text: str) -> Iterator[CsvRow]:
    """Return the rows of a CSV text that are not empty.

    Cells are separated by the most frequent of comma, semicolon, tab and bar in the first line.
    """
    text = text if "\n" in text else text.replace("\r", "\n")
    delimiter, at = _delimiter(text)
    line, width = 1 + text.count("\n", 0, at), 0

    def lines() -> Iterator[str]:
        nonlocal at
        while at < len(text):
            start, at = at, _next_line(text, at)
            yield text[start:at]

    reader = None
    while at < len(text):
        if reader is None:
            reader, read = csv.reader(lines(), delimiter=delimiter, **_FORMAT), 0
        start = at
        try:
            cells = next(reader)
        except csv.Error:
            cells = None
        number, read = reader.line_num - read, reader.line_num
        if cells is None or (number > 1 and width and len(cells) != width):
            # An unclosed quotation mark may have taken in many lines: continue with the next one.
            yield CsvRow(line, [], "the quotation marks do not match")
            at, number, reader = _next_line(text, start), 1, None
        elif any(cells):
            width = width or len(cells)
            yield CsvRow(line, cells)
        line += number


def _next_line(text: str, start: int) -> int:
    return text.find("\n", start) + 1 or len(text)


def _delimiter(text: str) -> tuple[str, int]:
    """Return what separates the cells, and the offset of the first line of the table."""
    found = _FILLED_LINE.search(text)
    first = found[0] if found else ""
    if found and (hint := _DELIMITER_HINT.fullmatch(first)):
        return hint[1], found.end()
    return max(_DELIMITERS, key=_QUOTED.sub("", first).count), 0
