"""Subscribers as CSV (RFC 4180): read as people and other services write it, written to be read
back."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from broadsheet.delivery.addresses import AddressError, checked_address
from broadsheet.delivery.subscribers import STATUSES, Status, Subscriber
from broadsheet.errors import Problem, UsageError
from broadsheet.publication import Language

COLUMNS: Final = (
    "address", "name", "language", "topics", "digests", "status", "since", "cause", "id",
)  # fmt: skip

_HEADINGS: Final = {
    "address": (
        "email", "e-mail", "mail", "email address", "e-mail address", "mail address",
        "subscriber email", "邮箱", "邮件", "电子邮件", "电子邮箱", "邮箱地址", "邮件地址",
    ),
    "name": ("full name", "fullname", "display name", "姓名", "名字", "名称", "昵称"),
    "first": ("first name", "firstname", "given name", "名"),
    "last": ("last name", "lastname", "surname", "family name", "姓"),
    "language": ("lang", "locale", "语言"),
    "topics": ("topic", "interests", "主题", "话题"),
    "digests": ("digest", "lists", "newsletters", "周报", "简报"),
    "status": ("state", "subscription status", "状态"),
    "since": (),
    "cause": (),
}  # fmt: skip
_FIELDS: Final = {
    heading: field for field, others in _HEADINGS.items() for heading in (field, *others)
}
_STATUSES: Final[dict[str, Status]] = {
    **{status: status for status in STATUSES},
    "": "active",
    "subscribed": "active",
    "confirmed": "active",
    "enabled": "active",
    "unconfirmed": "pending",
    "opted out": "unsubscribed",
    "cleaned": "bounced",
    "complaint": "complained",
    "spam": "complained",
}
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a file. topics, digests, name, language: None where the file has no such column.

    since (aware), cause: of the status; None and "" where the file gives none.
    """

    line: int
    address: str
    name: str | None
    language: str | None
    topics: tuple[str, ...] | None
    digests: tuple[str, ...] | None
    status: Status
    since: datetime | None
    cause: str


def read(data: bytes, shown: str) -> Iterator[Entry | Problem]:
    """The lines of a CSV file, or what is wrong with each; messages call the file `shown`.

    Commas, semicolons or tabs; any order of columns, with the headings of the usual services; with
    no headings one column of addresses. Raises UsageError when it is no such file at all.
    """
    text = _decode(data, shown)
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns: dict[str, int] | None = None
    line = 1
    try:
        for cells in reader:
            started, line = line, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if columns is None:
                columns = _columns(cells, shown)
                if "@" not in "".join(cells):
                    continue
            yield _entry(cells, columns, started, shown)
    except csv.Error as error:
        yield Problem(
            f"the rest cannot be read as CSV: {error}", "mend the quotation marks", shown, line
        )


def write(people: Iterable[Subscriber]) -> Iterator[str]:
    """The lines of a CSV file of `people`, the headings first."""
    yield _line(COLUMNS)
    for one in people:
        yield _line(
            (
                one.address, _safe(one.name), one.language, _cell(one.topics), _cell(one.digests),
                one.status, one.since.isoformat(), _safe(one.cause), str(one.id),
            )
        )  # fmt: skip


def _decode(data: bytes, shown: str) -> str:
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"the byte 0x{data[error.start]:02x} is not UTF-8"
        raise UsageError(Problem(what, "save the file as UTF-8", shown, line)) from None


def _columns(cells: Sequence[str], shown: str) -> dict[str, int]:
    """The place of each field, by the headings `cells`."""
    names = [_FIELDS.get(re.sub(r"[\s_]+", " ", cell).strip().casefold(), "") for cell in cells]
    if "address" in names:
        return {name: names.index(name) for name in names if name}
    if len(cells) == 1 and "@" in cells[0]:
        return {"address": 0}
    raise UsageError(
        Problem(
            f"no column is called address or email; there are: {', '.join(cells)[:200]}",
            "give the column of the addresses the heading `address`",
            shown,
            1,
        )
    )


def _entry(cells: Sequence[str], columns: dict[str, int], line: int, shown: str) -> Entry | Problem:
    def cell(field: str) -> str | None:
        place = columns.get(field)
        if place is None:
            return None
        return _plain(cells[place].strip()) if place < len(cells) else ""

    try:
        address = checked_address(cell("address") or "")
    except AddressError as error:
        return Problem(error.problems[0].what, error.problems[0].todo, shown, line)
    language, status = cell("language"), (cell("status") or "").casefold()
    if status not in _STATUSES:
        known = ", ".join(STATUSES)
        return Problem(f"{status!r} is no status", f"there is: {known}", shown, line)
    try:
        language = str(Language(language)) if language else language
    except ValueError as error:
        return Problem(str(error), "", shown, line)
    names = (cell("first"), cell("last"))
    joined = " ".join(filter(None, names)) if any(n is not None for n in names) else None
    return Entry(
        line=line,
        address=address,
        name=cell("name") if cell("name") is not None else joined,
        language=language,
        topics=_names(cell("topics")),
        digests=_names(cell("digests")),
        status=_STATUSES[status],
        since=_moment(cell("since") or ""),
        cause=cell("cause") or "",
    )


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _names(cell: str | None) -> tuple[str, ...] | None:
    """The names in a cell, which is itself a line of CSV, divided by semicolons; or by commas."""
    if cell is None:
        return None
    delimiter = ";" if ";" in cell or '"' in cell else ","
    parts = next(csv.reader([cell], delimiter=delimiter, skipinitialspace=True), [])
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _cell(names: Sequence[str]) -> str:
    """`names` as one cell; a name with a comma is quoted, so that it stays one."""
    made = io.StringIO()
    commas = any("," in name for name in names)
    quoting: Final = csv.QUOTE_ALL if commas else csv.QUOTE_MINIMAL
    csv.writer(made, delimiter=";", lineterminator="", quoting=quoting).writerow(names)
    return _safe(made.getvalue()) if names else ""


def _line(cells: Sequence[str]) -> str:
    made = io.StringIO()
    csv.writer(made, lineterminator="\n").writerow(cells)
    return made.getvalue()


def _safe(text: str) -> str:
    """`text` so that a spreadsheet takes it for no formula; `read` takes the mark away."""
    return f"'{text}" if text.startswith((*_FORMULA, "'")) else text


def _plain(text: str) -> str:
    return text[1:] if text.startswith("'") and text[1:].startswith((*_FORMULA, "'")) else text
