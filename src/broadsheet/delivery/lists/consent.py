"""What headings and cells say about consent, in lists of any program, in common languages.

Every program has its own columns: a status in words, the time of an opt-out, a flag for or against.
Each is one of the kinds below. A cell that is not known has no status (None): no one is mailed on a
guess.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from importlib import resources
from typing import Final, Literal, get_args

from broadsheet.delivery.subscribers import Status

ColumnKind = Literal["status", "opted-in", "opted-out", "confirmed", "bounced", "complained"]
"""status: in words. The others: yes, no or a time; blank means no, except for `opted-in`."""

KINDS: Final[tuple[ColumnKind, ...]] = get_args(ColumnKind)

StatusReader = Callable[[str], Status | None]
"""Returns the status that a cell means; None if it is unknown."""

_TIME: Final = re.compile(
    r"""
    \d{4}[-/.年]\s?\d{1,2}[-/.月]\s?\d{1,2}.* |  # 2024-05-01 09:30:00 UTC
    \d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}.* |          # 5/1/24
    \d{1,2}[ -][^\W\d_]{3,9}[ -.,]+\d{2,4}.* |   # 1 May 2024
    (?:[^\W\d_]{3,9},?[ ])?[^\W\d_]{3,9}[ ]\d{1,2},?[ ].*\d{4}.* |  # Wed May 1 2024, May 1, 2024
    [12]\d{9}(?:\d{3})?(?:\.\d+)?                # seconds or milliseconds since 1970
    """,
    re.VERBOSE | re.DOTALL,
)
_NEVER: Final = re.compile(r"0000-00-00.*|0001-01-01.*")  # "no time" in databases
_CODE: Final = re.compile(r"[+-]?\d{1,3}(?:\.0)?|[^\W\d_]{1,2}")  # 7, A, 是

_FLAGS: Final[Mapping[ColumnKind, tuple[Status, Status, Status | None]]] = {
    # yes or a time, no, blank
    "opted-in": ("active", "unsubscribed", None),
    "opted-out": ("unsubscribed", "active", "active"),
    "confirmed": ("active", "pending", "pending"),
    "bounced": ("bounced", "active", "active"),
    "complained": ("complained", "active", "active"),
}
_MILDEST_FIRST: Final[tuple[Status, ...]] = (
    "active", "pending", "bounced", "unsubscribed", "complained",
)  # fmt: skip


def normalized(text: str) -> str:
    """Return `text` for comparison: in one case and form, with one space for each separator.

    `emailDisabled` and `email_disabled` both become "email disabled".
    """
    folded = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFKC", text))
    return re.sub(r"[\s_\-]+", " ", folded).strip("\ufeff '\"?:*").casefold()


_WORDS: Final = tomllib.loads(
    resources.files(__package__).joinpath("words.toml").read_text("utf-8")
)
STATUS_WORDS: Final[Mapping[str, Status]] = {
    normalized(word): status for status, words in _WORDS["status"].items() for word in words
}
"""Normalised word -> the status it means in a column of statuses; services add their own."""

UNAMBIGUOUS: Final = frozenset(
    word for word, status in STATUS_WORDS.items() if status != "active"
) - frozenset(map(normalized, _WORDS["values"]["ambiguous"]))
"""Words with one meaning only, whatever the heading of their column."""

FIELDS: Final[tuple[str, ...]] = tuple(_WORDS["fields"])
"""What a column can hold, except consent."""

_FIELD_OF: Final[Mapping[str, str]] = {
    normalized(heading): field
    for field, others in _WORDS["fields"].items()
    for heading in (field, *others)
}
_STATUS_HEADINGS: Final = frozenset(map(normalized, _WORDS["headings"]["status"]))
PLACE_HEADINGS: Final = frozenset(map(normalized, _WORDS["headings"]["place"]))
"""With a column of one of these headings, `state` may be part of a country."""

_YES: Final = frozenset(_WORDS["values"]["yes"])
_NO: Final = frozenset(_WORDS["values"]["no"])
_BLANK: Final = frozenset(_WORDS["values"]["blank"])


def _patterns(name: str) -> str:
    time = "(?: (?:at|on|date|time|datetime|timestamp))?"
    return "|".join(_WORDS["patterns"][name]).replace("{at}", time)


_KIND_HEADINGS: Final[Mapping[ColumnKind, re.Pattern[str]]] = {
    kind: re.compile(_patterns(kind)) for kind in _WORDS["patterns"] if kind in KINDS
}
_SUSPECT: Final = re.compile(_patterns("suspect"))
_ABOUT_MAIL: Final = re.compile(_patterns("mail"))
_OTHER_CODES: Final = re.compile(_patterns("other_codes"))
_ABOUT_LEAVING: Final = re.compile(_patterns("leaving"))
_LINK: Final = re.compile(rf".*\b(?:{_patterns('link')})")
_DETAIL: Final = re.compile(rf".*\b(?:{_patterns('detail')})")
_SUSPECT_FILE: Final = re.compile(_patterns("file"))


def is_blank(cell: str) -> bool:
    """Whether a cell is empty, or has a program's word for that."""
    word = cell.strip().casefold()
    return not word or word in _BLANK or _NEVER.fullmatch(word) is not None


def is_flag(cell: str) -> bool:
    """Whether a cell is a yes or a no."""
    return cell.strip().casefold() in _YES | _NO


def is_code(cell: str) -> bool:
    """Whether a cell is a flag or some other short code, such as 7 or A."""
    return is_flag(cell) or _CODE.fullmatch(cell.strip()) is not None


def is_time(cell: str) -> bool:
    """Whether a cell is a date or a time, in any form."""
    return _TIME.fullmatch(cell.strip()) is not None and not is_blank(cell)


def status_reader(kind: ColumnKind, words: Mapping[str, Status]) -> StatusReader:
    """Return the reader of a column's cells.

    words: normalised words and their status, in addition to `STATUS_WORDS`; "" for a blank cell.
    """
    known = {**STATUS_WORDS, **words}
    yes, no, blank = _FLAGS.get(kind, (None, None, None))
    blank = words.get("", blank)

    @lru_cache(maxsize=10_000)  # most columns have a few values, many times
    def read_status(cell: str) -> Status | None:
        if is_blank(cell):
            return blank
        word = cell.strip().casefold()
        if yes and normalized(cell) not in words:
            if word in _YES or is_time(cell):
                return yes
            if word in _NO:
                return no
        return known.get(normalized(cell))

    return read_status


def strictest(states: Iterable[Status]) -> Status:
    """Return the one status of a person with several: any opt-out counts."""
    return max(states, key=_MILDEST_FIRST.index, default="active")


def field_of(heading: str) -> str | None:
    """Return the field that a column with this normalised heading holds."""
    return _FIELD_OF.get(heading)


def kind_of(heading: str) -> ColumnKind | None:
    """Return the kind of consent in a column with this normalised heading; None if unclear."""
    if heading in _STATUS_HEADINGS:
        return "status"
    return next((k for k, pattern in _KIND_HEADINGS.items() if pattern.fullmatch(heading)), None)


def is_about_leaving(heading: str) -> bool:
    """Whether a column with this normalised heading is about people who must not be mailed."""
    return _ABOUT_LEAVING.search(heading) is not None


def is_suspect(heading: str, *, flags: bool, codes: bool, blanks: bool) -> bool:
    """Whether a column with this normalised heading may say who can be mailed.

    flags: its cells are yes or no. codes: its cells are a few short codes, such as 7 and 0. blanks:
    some cells are blank.
    """
    if is_about_leaving(heading):
        return blanks or _LINK.fullmatch(heading) is None
    if _DETAIL.fullmatch(heading):
        return False
    coded = flags or (codes and not _OTHER_CODES.search(heading))
    return bool(_SUSPECT.search(heading) or (coded and _ABOUT_MAIL.search(heading)))


def is_suspect_file(name: str) -> bool:
    """Whether a file with this normalised name may list people who must not be mailed."""
    return _SUSPECT_FILE.search(name) is not None
