"""Subscribers as CSV (RFC 4180), read as people, other services and `exporting` write it."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Final

import msgspec

from broadsheet.delivery.addresses import AddressError, address_key, checked_address
from broadsheet.delivery.charsets import BROKEN, Decoded, decode
from broadsheet.delivery.columns import NOTHING_TOLD, Columns, Told, Values, understand
from broadsheet.delivery.consent import strictest
from broadsheet.delivery.exporting import unquoted
from broadsheet.delivery.rows import Row, read_rows
from broadsheet.delivery.subscribers import GONE, STATUSES, Status
from broadsheet.errors import Problem, UsageError
from broadsheet.model.publication import Language

_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx or .zip, .xls


class Entry(msgspec.Struct, frozen=True):
    """A line of a file. topics, digests, name, language: None where the file has no such column.

    key: of the address (`address_key`). since (aware), cause: of the status; None and "" where the
    file gives none.
    """

    line: int
    address: str
    key: str
    name: str | None
    language: str | None
    topics: tuple[str, ...] | None
    digests: tuple[str, ...] | None
    status: Status
    since: datetime | None
    cause: str


@dataclass(frozen=True, slots=True)
class Listing:
    """A list that was read and understood. shown: what messages call the file."""

    shown: str
    decoded: Decoded
    columns: Columns
    has_headings: bool

    def lines(self) -> Iterator[Entry | Problem]:
        """Read each line, or say what is wrong with it. An opt-out counts in a bad line too.

        Where one line of an address is an opt-out, those that are none are left out: nobody is
        subscribed even until that line is reached.
        """
        left = self._opted_out()
        for row in self._rows():
            for line in _read(row, self.columns, self.shown):
                if isinstance(line, Problem) or line.key not in left or line.status in GONE:
                    yield line

    def _rows(self) -> Iterator[Row]:
        rows = read_rows(self.decoded.text)
        if self.has_headings:
            next(rows, None)
        return rows

    def _opted_out(self) -> set[str]:
        """The keys of addresses that have several lines, at least one of them an opt-out."""
        if not self.columns.states:
            return set()
        counts = Counter(map(self._key, self._rows()))
        repeated = {key for key, number in counts.items() if number > 1}
        lines = (
            line
            for row in (self._rows() if repeated else ())
            if self._key(row) in repeated
            for line in _read(row, self.columns, self.shown)
        )
        return {line.key for line in lines if isinstance(line, Entry) and line.status in GONE}

    def _key(self, row: Row) -> str:
        """The key of the address in a row; some text if there is none."""
        index = self.columns.fields["address"]
        return address_key(unquoted(row.cells[index].strip())) if index < len(row.cells) else ""


def open_list(data: bytes, shown: str, told: Told = NOTHING_TOLD, encoding: str = "") -> Listing:
    """Read a CSV file as spreadsheets and mail services write it; `shown` is its name in messages.

    Any usual encoding, or the one named; any order of columns; with no headings one column of
    addresses. Raises UsageError if it is no such file, ConsentError if it may say who opted out in
    a way that is not understood.
    """
    if data.startswith(_WORKBOOKS):
        what = "this is a ZIP archive or an Excel workbook, not a CSV file"
        raise UsageError(Problem(what, "extract it, or save it as CSV (UTF-8)", shown))
    decoded = decode(data, shown, encoding)
    rows = read_rows(decoded.text)
    first = next(rows, Row(1, ["address"]))
    if first.error:
        raise UsageError(Problem(first.error, "correct the headings", shown, first.line))
    bare = len(first.cells) == 1 and "@" in first.cells[0]
    headings = ["address"] if bare else first.cells
    values = Values(len(headings))
    for row in rows:
        values.add(row.cells)
    return Listing(shown, decoded, understand(headings, values, told, shown), not bare)


def _read(row: Row, columns: Columns, shown: str) -> Iterator[Entry | Problem]:
    """Read a row. A bad cell costs all of it, but for the address and an opt-out."""
    try:
        if row.error:
            raise _BadCell(row.error, "correct the line")
        if any(row.cells[columns.width :]):
            what = f"{len(row.cells)} cells, but only {columns.width} headings"
            raise _BadCell(what, "quote the cells that hold a comma")
        cells = _padded(row, columns)
        address = checked_address(unquoted(cells[columns.fields["address"]].strip()))
        status, why = _status(cells, columns)
    except AddressError as error:
        yield replace(error.problems[0], path=shown, line=row.line)
        return
    except _BadCell as error:
        yield replace(error.problem, path=shown, line=row.line)
        return
    cause = f"import of {shown}: {why}" if why else ""
    bare = Entry(row.line, address, address.casefold(), None, None, None, None, status, None, cause)
    try:
        yield _complete(bare, cells, columns.fields)
    except _BadCell as error:
        yield replace(error.problem, path=shown, line=row.line)
        if status in GONE:
            yield bare


def _padded(row: Row, columns: Columns) -> list[str]:
    """The cells of a row, one for each column; what is not there is empty, but for consent."""
    cells = row.cells
    missing = columns.width - len(cells)
    if missing <= 0:
        return cells
    lost = [heading for index, heading, _ in columns.states if index >= len(cells)]
    if lost:
        raise _BadCell(f"the line ends before the column {lost[0]!r}", "complete the line")
    return cells + [""] * missing


class _BadCell(Exception):  # noqa: N818 - it ends a line, not the program
    def __init__(self, what: str, todo: str) -> None:
        super().__init__(what)
        self.problem = Problem(what, todo)


def _status(cells: Sequence[str], columns: Columns) -> tuple[Status, str]:
    """The status that the cells of a line say, and which of them says so."""
    found: dict[Status, str] = {}
    unknown: list[tuple[str, str]] = []
    for index, heading, read in columns.states:
        cell = cells[index].strip()
        status = read(cell)
        if status is None:
            unknown.append((heading, cell))
        elif status != "active":
            found.setdefault(status, f"{heading} {cell[:60]}".strip())
    status = strictest((*found, columns.status))
    if unknown and status not in GONE:
        heading, cell = unknown[0]
        shown = f"{cell[:40]!r} in the column {heading!r} is no status"
        raise _BadCell(
            shown if cell else f"the column {heading!r} is empty",
            f"write one of {', '.join(STATUSES)}; or say what it means, as in"
            f' --status "{cell[:40]}=unsubscribed"',
        )
    return status, found.get(status, "")


def _complete(bare: Entry, cells: Sequence[str], fields: Mapping[str, int]) -> Entry:
    """Add to `bare` what the other cells of its line say."""
    whole = "".join(cells)
    if "\0" in whole:
        raise _BadCell("a cell contains a NUL character", "remove it")
    if BROKEN in whole:
        raise _BadCell("a cell is not valid in the encoding of the file", "correct it")
    given = {field: cells[index].strip() for field, index in fields.items()}
    if "'" in whole:
        given = {field: unquoted(cell) for field, cell in given.items()}
    names = [given[field] for field in ("first", "last") if field in given]
    return Entry(
        bare.line,
        bare.address,
        bare.key,
        given.get("name", " ".join(filter(None, names)) if names else None),
        _language(given.get("language")),
        _names(given.get("topics")),
        _names(given.get("digests")),
        bare.status,
        _moment(given.get("since", "")),
        given.get("cause") or bare.cause,
    )


def _language(cell: str | None) -> str | None:
    try:
        return str(Language(cell)) if cell else cell
    except ValueError as error:
        raise _BadCell(str(error), "correct it") from None


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _names(cell: str | None) -> tuple[str, ...] | None:
    """The names in a cell, which is itself CSV: separated by semicolons, else commas, or lines."""
    if cell is None:
        return None
    delimiter = ";" if ";" in cell or '"' in cell else ","
    lines = io.StringIO(cell, newline="")
    parts = chain.from_iterable(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))
