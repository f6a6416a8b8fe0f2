"""Determine what each column of a list holds; no column that may be about consent is ignored.

A list is imported only if every column is known, or clearly does not say who may be mailed: by its
heading, and by its values. Otherwise the import stops before it writes, and says which option to
add.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from broadsheet.delivery.lists import consent
from broadsheet.delivery.lists.consent import (
    FIELDS,
    KINDS,
    PLACE_HEADINGS,
    STATUS_WORDS,
    UNAMBIGUOUS,
    ColumnKind,
    StatusReader,
    field_of,
    normalized,
)
from broadsheet.delivery.lists.services import recognised_service
from broadsheet.delivery.subscribers import STATUSES, Status
from broadsheet.errors import ConsentError, Problem, UsageError

IGNORE: Final = "ignore"

_MAX_KEPT: Final = 2000  # values of a column
_MAX_SHOWN: Final = 5  # values in a message
_MAX_STATES: Final = 12  # values; a column with more is not a status


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the user says about a file.

    columns: heading -> a field, a kind of consent, or `ignore`. words: value -> the status that it
    means. Both are in the form of `consent.normalized`. status: of every line, unless the line has
    a stricter one.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Status] = field(default_factory=dict)
    status: Status | None = None

    @classmethod
    def parse(
        cls, columns: Iterable[str], words: Iterable[str], status: Status | None
    ) -> ImportOptions:
        """Parse texts like "HEADING=WHAT" and "VALUE=STATUS". Raises UsageError."""
        statuses: Any = dict(_pairs("--status", words, STATUSES))
        return cls(dict(_pairs("--column", columns, (*FIELDS, *KINDS, IGNORE))), statuses, status)


class ColumnValues:
    """The distinct values of each column: up to a limit, and all that mean a status."""

    def __init__(self, width: int) -> None:
        self._columns: list[set[str]] = [set() for _ in range(width)]

    def add_row(self, cells: Sequence[str]) -> None:
        """Note the cells of a row."""
        for seen, cell in zip(self._columns, cells, strict=False):
            if cell not in seen and (len(seen) < _MAX_KEPT or cell.casefold() in UNAMBIGUOUS):
                seen.add(cell)
        for seen in self._columns[len(cells) :]:
            seen.add("")

    def filled(self, index: int) -> list[str]:
        """Return the values of a column that are not blank, sorted."""
        return sorted(cell.strip() for cell in self._columns[index] if not consent.is_blank(cell))

    def has_blanks(self, index: int) -> bool:
        """Whether a cell of the column is blank."""
        return any(map(consent.is_blank, self._columns[index]))


class Columns:
    """The columns of a file. fields: field -> index. states: index, heading and reader of a status.

    ignored: headings. status: the mildest that a line can have. width: the number of columns.
    """

    def __init__(
        self, headings: Sequence[str], values: ColumnValues, given: ImportOptions, shown: str
    ) -> None:
        """Determine what each column holds; `shown` is what messages call the file.

        Raises ConsentError if a column may be about consent but is not known, UsageError if no
        column has the addresses, or the options name a column that does not exist.
        """
        self.fields: dict[str, int] = {}
        self.states: list[tuple[int, str, StatusReader]] = []
        self.ignored: list[str] = []
        self.width = len(headings)
        self._headings = [each.replace("\0", "").strip() or "(no heading)" for each in headings]
        self._names = [normalized(heading) for heading in headings]
        self._given = given
        self._shown = shown
        self._problems: list[Problem] = []
        self.service = recognised_service(self._names)
        self._words = {**(self.service.values if self.service else {}), **given.words}
        if missing := [name for name in given.columns if name not in self._names]:
            self._refuse(f"no column is called {missing[0]!r}", "use the heading of a column")
        for index in range(self.width):
            self._classify(index, values)
        if "address" not in self.fields:
            todo = 'rename the column of addresses to `address`, or add --column "HEADING=address"'
            self._refuse("no column is called address or email", todo)
        self.status = self._status_of_all()
        if self._problems:
            raise ConsentError(*self._problems)

    def _refuse(self, what: str, todo: str) -> None:
        listed = ", ".join(self._headings)[:200]
        raise UsageError(Problem(f"{what}; the columns are: {listed}", todo, self._shown, 1))

    def _status_of_all(self) -> Status:
        """Return the status of every line, by the options or the name of the file."""
        name = normalized(self._shown)
        by_name = self.service.file_names if self.service else {}
        status = self._given.status or next(
            (each for start, each in by_name.items() if name.startswith(start)), None
        )
        if status is None and not self.states and consent.is_suspect_file(name):
            what = "by the file's name, these people must not be mailed, but no column says so"
            todo = (
                "add --as unsubscribed (or bounced, complained, pending); if they are subscribers, "
                "--as active"
            )
            self._problems.append(Problem(what, todo, self._shown))
        return status or "active"

    def _classify(self, index: int, values: ColumnValues) -> None:
        heading, found = self._headings[index], values.filled(index)
        what = self._content(self._names[index])
        if what is None:
            if _may_be_consent(self._names[index], found, blanks=values.has_blanks(index)):
                self._report_unclear(heading, found)
            else:
                self.ignored.append(heading)
        elif what in FIELDS and what not in self.fields:
            self.fields[what] = index
            if self.service is None and what in {"topics", "digests"} and _are_flags(found):
                self._report_unclear(heading, found)
        elif what in KINDS and found:
            self._classify_state(index, what, found)
        else:
            self.ignored.append(heading)

    def _content(self, name: str) -> str | None:
        """Return a field, a kind of consent, `ignore`, or None if it is unknown."""
        if name in self._given.columns:
            return self._given.columns[name]
        if self.service is not None:
            if name in self.service.consent:
                return self.service.consent[name]
            is_given_elsewhere = not self.service.consent.keys().isdisjoint(self._names)
            if name in self.service.ignored and (
                is_given_elsewhere or not consent.is_about_leaving(name)
            ):
                return IGNORE
        held = field_of(name)
        if held is not None and held not in self._given.columns.values():
            # `Subscriber` can be the heading of the addresses, or of the names beside them.
            others = (field_of(other) for other in self._names if other != name)
            return IGNORE if name == "subscriber" and "address" in others else held
        return consent.kind_of(name)

    def _classify_state(self, index: int, kind: ColumnKind, found: Sequence[str]) -> None:
        heading, name = self._headings[index], self._names[index]
        has_places = not PLACE_HEADINGS.isdisjoint(self._names)
        read = consent.status_reader(kind, self._words)
        if any(map(read, found)):
            self.states.append((index, heading, read))
        elif name == "state" and name not in self._given.columns and has_places:
            self.ignored.append(heading)
        else:
            self._report(
                f"no value of column {heading!r} is known ({_examples(found)})",
                f'say what each means, for example --status "{found[0][:40]}=unsubscribed"; or, if'
                f' it is not about consent, add --column "{heading}={IGNORE}"',
            )

    def _report_unclear(self, heading: str, found: Sequence[str]) -> None:
        kinds = ("opted-in", "opted-out") if _are_flags(found) else ("status",)
        ways = " or ".join(f'--column "{heading}={kind}"' for kind in kinds)
        self._report(
            f"column {heading!r} may say who must not be mailed, but is not understood"
            f" ({_examples(found)})",
            f'add {ways} to read it, or --column "{heading}={IGNORE}"',
        )

    def _report(self, what: str, todo: str) -> None:
        self._problems.append(Problem(what, todo, self._shown, 1))


def _pairs(option: str, given: Iterable[str], known: Sequence[str]) -> Iterator[tuple[str, str]]:
    for text in given:
        name, equals, what = text.rpartition("=")
        if not equals or what not in known:
            todo = f"write NAME=WHAT, with one of {', '.join(known)}"
            raise UsageError(Problem(f"{option}: {text!r}", todo))
        yield normalized(name), what


def _are_flags(found: Sequence[str]) -> bool:
    return bool(found) and all(map(consent.is_flag, found))


def _may_be_consent(name: str, found: Sequence[str], *, blanks: bool) -> bool:
    """Whether an unknown column may say who can be mailed."""
    words = [normalized(value) for value in found]
    is_few = len(words) <= _MAX_STATES
    if any(
        word in UNAMBIGUOUS or (is_few and STATUS_WORDS.get(word, "active") != "active")
        for word in words
    ):
        return True
    # A time that everyone has, such as that of joining, does not distinguish anyone.
    if not found or (not blanks and all(map(consent.is_time, found))):
        return False
    is_coded = is_few and all(map(consent.is_code, found))
    return consent.is_suspect(name, flags=_are_flags(found), codes=is_coded, blanks=blanks)


def _examples(found: Sequence[str]) -> str:
    values = ", ".join(repr(value[:30]) for value in found[:_MAX_SHOWN])
    return f"values: {values}{', ...' if len(found) > _MAX_SHOWN else ''}"
