"""Which column of a list holds what; and no column that may hold consent is passed over.

A list comes in only if every column is understood, or certainly says nothing about who may be
mailed: by its heading, and by its values. Else the import stops before it writes, and says which
flag to add.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from broadsheet.delivery import consent
from broadsheet.delivery.consent import KINDS, Kind, Reading, plain
from broadsheet.delivery.headings import (
    FIELDS,
    PLACES,
    field_of,
    is_about_leaving,
    is_suspect,
    is_suspect_file,
    kind_of,
)
from broadsheet.delivery.services import Service, recognised
from broadsheet.delivery.subscribers import Status
from broadsheet.errors import ConsentError, Problem, UsageError

IGNORE: Final = "ignore"
_STRONG: Final = frozenset(
    word for word, status in consent.WORDS.items() if status != "active"
) - frozenset((
    "pending", "blocked", "removed", "deleted", "disabled", "cancelled", "canceled", "archived",
    "left", "invalid", "junk", "spam", "abuse", "invited", "baja", "cancelado", "cancellato",
    "取消", "已取消", "删除", "已删除", "停用", "禁用", "已禁用", "无效", "無效", "解除", "已刪除",
))  # fmt: skip
"""Words that say no more than one thing, wherever they stand alone in a cell."""

_MANY: Final = 2000  # values of a column that are kept
_SHOWN: Final = 5  # of them, in messages
_FEW: Final = 12  # values; a column with more is no state


@dataclass(frozen=True, slots=True)
class Told:
    """What the user says about a file. columns: heading -> a field, a kind, or `ignore`.

    words: a cell of a state -> the status it means; both in the form of `consent.plain`. status:
    that of every line, unless the line itself says something stricter.
    """

    columns: Mapping[str, str]
    words: Mapping[str, Status]
    status: Status | None = None


NOTHING_TOLD: Final = Told({}, {})


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a file. fields: field -> index. states: index, heading and how it is read.

    ignored: headings. status: of a line that has no state itself, and at least that. width: how
    many there are.
    """

    fields: Mapping[str, int]
    states: tuple[tuple[int, str, Reading], ...]
    ignored: tuple[str, ...]
    service: Service | None
    status: Status
    width: int


class Values:
    """The values of each column of a file, up to a limit, and every one that speaks of consent."""

    def __init__(self, width: int) -> None:
        self._columns: list[set[str]] = [set() for _ in range(width)]

    def add(self, cells: Sequence[str]) -> None:
        """Note the cells of a row."""
        for seen, cell in zip(self._columns, cells, strict=False):
            if cell not in seen and (len(seen) < _MANY or cell.casefold() in _STRONG):
                seen.add(cell)
        for seen in self._columns[len(cells) :]:
            seen.add("")

    def of(self, index: int) -> list[str]:
        """The values of a column that are not blank, sorted."""
        return sorted(cell.strip() for cell in self._columns[index] if not consent.is_blank(cell))

    def has_blanks(self, index: int) -> bool:
        """Whether a cell of the column is blank."""
        return any(consent.is_blank(cell) for cell in self._columns[index])


def understand(headings: Sequence[str], values: Values, told: Told, shown: str) -> Columns:
    """Say what each column of a file holds; `shown` is what messages call the file.

    Raises ConsentError where consent may be at stake and is not understood, UsageError where no
    column has the addresses, or the user names one that is not there.
    """
    names = [plain(heading) for heading in headings]
    _check_told(told, names, headings, shown)
    sorter = _Sorter(headings, names, told, shown)
    for index in range(len(names)):
        sorter.sort(index, values)
    if "address" not in sorter.fields:
        raise UsageError(_no_address(headings, shown))
    status = told.status or _by_name(shown, sorter.service)
    if status is None and not sorter.states and is_suspect_file(plain(shown)):
        sorter.problems.append(_unclear_file(shown))
    if sorter.problems:
        raise ConsentError(*sorter.problems)
    return Columns(
        sorter.fields,
        tuple(sorter.states),
        tuple(sorter.ignored),
        sorter.service,
        status or "active",
        len(names),
    )


class _Sorter:
    """Sorts the columns of a file, one after another, into fields, states and what is ignored."""

    def __init__(
        self, headings: Sequence[str], names: Sequence[str], told: Told, shown: str
    ) -> None:
        self.service = recognised(names)
        self.fields: dict[str, int] = {}
        self.states: list[tuple[int, str, Reading]] = []
        self.ignored: list[str] = []
        self.problems: list[Problem] = []
        self._headings = [each.replace("\0", "").strip() or "(no heading)" for each in headings]
        self._names = names
        self._told = told
        self._shown = shown
        self._words = {**(self.service.words if self.service else {}), **told.words}

    def sort(self, index: int, values: Values) -> None:
        """Sort one column."""
        heading, found = self._headings[index], values.of(index)
        what = _what(self._names[index], self._names, self.service, self._told)
        if what is None:
            if _may_be_consent(self._names[index], found, blanks=values.has_blanks(index)):
                self.problems.append(_unclear(heading, found, self._shown))
            else:
                self.ignored.append(heading)
        elif what in FIELDS and what not in self.fields:
            self.fields[what] = index
            if self.service is None and what in {"topics", "digests"} and _are_flags(found):
                self.problems.append(_unclear(heading, found, self._shown))
        elif what in KINDS and found:
            self._sort_state(index, what, found)
        else:
            self.ignored.append(heading)

    def _sort_state(self, index: int, kind: Kind, found: Sequence[str]) -> None:
        heading, name = self._headings[index], self._names[index]
        read = consent.reading(kind, self._words)
        if any(read(value) for value in found):
            self.states.append((index, heading, read))
        elif name == "state" and PLACES & set(self._names) and name not in self._told.columns:
            self.ignored.append(heading)
        else:
            self.problems.append(_unread(heading, found, self._shown))


def _check_told(told: Told, names: Sequence[str], headings: Sequence[str], shown: str) -> None:
    missing = [name for name in told.columns if name not in names]
    if missing:
        there = ", ".join(heading.strip() for heading in headings)[:200]
        raise UsageError(
            Problem(f"no column is called {missing[0]!r}", f"the columns are: {there}", shown, 1)
        )


def _what(name: str, names: Sequence[str], service: Service | None, told: Told) -> str | None:
    """A field, a kind of state, `ignore`, or None if that is not known."""
    if name in told.columns:
        return told.columns[name]
    if service is not None:
        if name in service.states:
            return service.states[name]
        told_elsewhere = not service.states.keys().isdisjoint(names)
        if name in service.harmless and (told_elsewhere or not is_about_leaving(name)):
            return IGNORE
    field = field_of(name)
    if field is not None and field not in told.columns.values():
        # Some head the addresses with `Subscriber`, others the names beside them.
        others = (field_of(other) for other in names if other != name)
        return IGNORE if name == "subscriber" and "address" in others else field
    return kind_of(name)


def _are_flags(found: Sequence[str]) -> bool:
    return bool(found) and all(map(consent.is_flag, found))


def _may_be_consent(name: str, found: Sequence[str], *, blanks: bool) -> bool:
    """Whether a column that is not understood may say who can be mailed."""
    words = [plain(value) for value in found]
    few = len(words) <= _FEW
    if any(word in _STRONG or (few and _says_no(word)) for word in words):
        return True
    # A time that all of them have, such as that of joining, tells nobody from the others.
    times = not blanks and all(consent.is_time(value) for value in found)
    return bool(found) and not times and is_suspect(name, flags=_are_flags(found), blanks=blanks)


def _says_no(word: str) -> bool:
    return consent.WORDS.get(word, "active") != "active"


def _by_name(shown: str, service: Service | None) -> Status | None:
    name = plain(shown)
    files = service.files if service else {}
    return next((status for start, status in files.items() if name.startswith(start)), None)


def _unclear(heading: str, found: Sequence[str], shown: str) -> Problem:
    kinds = ("opted-in", "opted-out") if _are_flags(found) else ("status",)
    ways = " or ".join(f'--column "{heading}={kind}"' for kind in kinds)
    return Problem(
        f"the column {heading!r} may say who must not be mailed, and is not understood"
        f" ({_some(found)})",
        f'add {ways} to read it, or --column "{heading}={IGNORE}"',
        shown,
        1,
    )


def _unread(heading: str, found: Sequence[str], shown: str) -> Problem:
    return Problem(
        f"no value of the column {heading!r} is known ({_some(found)})",
        f'say what each means, such as --status "{found[0][:40]}=unsubscribed"; or, if it has'
        f' nothing to do with consent, add --column "{heading}={IGNORE}"',
        shown,
        1,
    )


def _unclear_file(shown: str) -> Problem:
    return Problem(
        "its name says that these people must not be mailed, and no column says anything about it",
        "add --as unsubscribed (or bounced, complained, pending); if they are subscribers, --as"
        " active",
        shown,
    )


def _no_address(headings: Sequence[str], shown: str) -> Problem:
    there = ", ".join(heading.strip() for heading in headings)[:200]
    return Problem(
        f"no column is called address or email; there are: {there}",
        'give the column of the addresses the heading `address`, or add --column "HEADING=address"',
        shown,
        1,
    )


def _some(found: Iterable[str]) -> str:
    values = [repr(value[:30]) for value in found]
    more = ", ..." if len(values) > _SHOWN else ""
    return f"values: {', '.join(values[:_SHOWN])}{more}"
