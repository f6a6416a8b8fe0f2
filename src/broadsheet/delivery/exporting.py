"""Subscribers as CSV (RFC 4180), safe to open in a spreadsheet and read back as they were.

A spreadsheet runs a cell that begins with `=`, `+`, `-` or `@`, in full-width forms too, perhaps
after spaces or control characters. Where its locale separates cells by semicolons, it also cuts a
cell of ours at semicolons and line ends, and runs what comes next. So an apostrophe goes in front
of each such place (OWASP, "CSV Injection"), and `unquoted` takes it away.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from broadsheet.delivery.subscribers import Subscriber

COLUMNS: Final = (
    "address", "name", "language", "topics", "digests", "status", "since", "cause", "id",
)  # fmt: skip

_FORMULA: Final = "=+\\-@＝＋－＠﹦﹢﹣﹫⁼⁺⁻₌₊₋−﬩"
_ENDS: Final = "\r\n"  # Python quotes a cell for these characters only if they end its lines
_CUTS: Final = "\t\r\n"
_UNSEEN: Final = (  # controls, and the characters of Unicode's category Cf
    r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e"
    r"\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000110bd\U000110cd"
    r"\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001-\U000e007f"
)
_IGNORED: Final = rf"(?:[^\S{_CUTS}]|[{_UNSEEN}\"])*"
_RUNS: Final = f"'*{_IGNORED}[{_FORMULA}{_CUTS}]"
_PLACE: Final = rf"(?:\A|(?<=[;{_CUTS}]))"
_UNQUOTED: Final = re.compile(f"{_PLACE}(?={_RUNS})")
_QUOTED: Final = re.compile(f"{_PLACE}'(?={_RUNS})")


def write(people: Iterable[Subscriber]) -> Iterator[str]:
    """The lines of a CSV file of `people`, the headings first."""
    yield _line(COLUMNS)
    for one in people:
        yield _line(
            (
                one.address, one.name, one.language, _cell(one.topics), _cell(one.digests),
                one.status, one.since.isoformat(), one.cause, str(one.id),
            )
        )  # fmt: skip


def quoted(text: str) -> str:
    """`text` as a cell that no spreadsheet runs, whole or cut at a semicolon or line end."""
    return _UNQUOTED.sub("'", text)


def unquoted(text: str) -> str:
    """What `quoted` made a cell of."""
    return _QUOTED.sub("", text) if "'" in text else text


def _cell(names: Sequence[str]) -> str:
    """`names` as one cell; a name with a comma is quoted, so that it stays one."""
    made = io.StringIO()
    commas = any("," in name for name in names)
    quoting: Final = csv.QUOTE_ALL if commas else csv.QUOTE_MINIMAL
    csv.writer(made, delimiter=";", lineterminator=_ENDS, quoting=quoting).writerow(names)
    return made.getvalue().removesuffix(_ENDS) if names else ""


def _line(cells: Sequence[str]) -> str:
    made = io.StringIO()
    csv.writer(made, lineterminator=_ENDS).writerow(map(quoted, cells))
    return made.getvalue().removesuffix(_ENDS) + "\n"
