"""Read a list of subscribers from CSV (RFC 4180), as people and mail services write it.

A row that cannot be read does not affect the others.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from itertools import chain
from typing import Any, BinaryIO, Final, NamedTuple

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
_HASHES: Final = 1 << 27
_FORMAT: Final[Any] = {"skipinitialspace": True, "strict": True}
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


@dataclass(frozen=True)
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
        rows = read_rows(self.decoded.file)
        if self.has_headings:
            next(rows, None)
        return rows

    @cached_property
    def repeated(self) -> Collection[str]:
        """The keys of addresses that have several lines, and perhaps a few others.

        A bit for each hash takes far less memory than the keys of a long list.
        """
        seen, found = bytearray(_HASHES // 8), set()
        for key in map(self._key, self._rows()):
            byte, bit = divmod(hash(key) % _HASHES, 8)
            if seen[byte] >> bit & 1:
                found.add(key)
            seen[byte] |= 1 << bit
        return found

    def _opted_out(self) -> set[str]:
        """Return the keys of addresses that have several lines, at least one of them an opt-out."""
        repeated = self.repeated if self.columns.states else ()
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
    data: bytes | BinaryIO, shown: str, given: ImportOptions | None = None, encoding: str = ""
) -> SubscriberList:
    """Open a CSV file, which stays open; `shown` is its name in messages.

    Columns can be in any order; a file without headings is one column of addresses. encoding: a
    name, or "" to detect it. Raises UsageError if this is not such a file, ConsentError if it may
    say who opted out in a way that is not known.
    """
    if _start(data).startswith(_WORKBOOKS):
        what = "this is a ZIP archive or an Excel workbook, not a CSV file"
        raise UsageError(Problem(what, "extract it, or save it as CSV (UTF-8)", shown))
    decoded = decode_text(data, shown, encoding)
    rows = read_rows(decoded.file)
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


def _start(data: bytes | BinaryIO) -> bytes:
    if isinstance(data, bytes):
        return data
    data.seek(0)
    return data.read(8)


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


def read_rows(source: str | BinaryIO) -> Iterator[CsvRow]:
    """Return the rows of a CSV text that are not empty.

    Cells are separated by the most frequent of comma, semicolon, tab and bar in the first line.
    source: the text, or a file in UTF-8 with "\\n" as line end.
    """
    if isinstance(source, str):
        text = source if "\n" in source else source.replace("\r", "\n")
        source = io.BytesIO(text.encode("utf-8", "replace"))
    lines = _Lines(source)
    delimiter, line = _delimiter(lines)
    reader, read, width = None, 0, 0
    while True:
        if reader is None:
            reader, read = csv.reader(lines, delimiter=delimiter, **_FORMAT), 0
        start = lines.at
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            cells = None
        number, read = reader.line_num - read, reader.line_num
        if cells is None or (number > 1 and width and len(cells) != width):
            # An unclosed quotation mark may have taken in many lines: continue with the next one.
            yield CsvRow(line, [], "the quotation marks do not match")
            lines.go_to(start)
            next(lines, "")
            number, reader = 1, None
        elif any(cells):
            width = width or len(cells)
            yield CsvRow(line, cells)
        line += number


class _Lines:
    """The lines of a file. at: the offset of the next one.

    Several readers may use the file, one after another.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.go_to(0)

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._file.readline()
        if not line:
            raise StopIteration
        self.at += len(line)
        return line.decode("utf-8", "replace")

    def go_to(self, at: int) -> None:
        """Continue at the offset `at`."""
        self.at = self._file.seek(at)


def _delimiter(lines: _Lines) -> tuple[str, int]:
    """Return what separates the cells, and the number of the next line; skip Excel's hint."""
    number = 1
    for line in lines:
        number += 1
        if line.strip():
            if hint := _DELIMITER_HINT.fullmatch(line.rstrip("\n")):
                return hint[1], number
            lines.go_to(0)
            return max(_DELIMITERS, key=_QUOTED.sub("", line).count), 1
    lines.go_to(0)
    return ",", 1
