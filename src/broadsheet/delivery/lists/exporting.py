"""Write subscribers as CSV (RFC 4180) that is safe to open in a spreadsheet and can be imported.

A spreadsheet evaluates a cell that begins with `=`, `+`, `-` or `@`, even in full-width forms, or
after spaces or control characters. If its locale separates cells by semicolons, it also splits our
cells at semicolons and line ends, and evaluates what follows. So each such place gets an apostrophe
(OWASP, "CSV Injection"), which `unquoted` removes.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

from broadsheet.delivery.subscribers import Subscriber

_HEADINGS: Final = (
    "address", "name", "language", "topics", "digests", "status", "since", "cause", "id",
)  # fmt: skip

_FORMULA: Final = "=+\\-@＝＋－＠﹦﹢﹣﹫⁼⁺⁻₌₊₋−﬩"
_LINE_END: Final = "\r\n"  # Python quotes these characters in cells only if they end its lines
_CUTS: Final = "\t\r\n"
_UNSEEN: Final = (  # control characters, and Unicode's category Cf
    r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e"
    r"\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000110bd\U000110cd"
    r"\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001-\U000e007f"
)
_IGNORED: Final = rf"(?:[^\S{_CUTS}]|[{_UNSEEN}\"])*"
_RUNS: Final = f"'*{_IGNORED}[{_FORMULA}{_CUTS}]"
_PLACE: Final = rf"(?:\A|(?<=[;{_CUTS}]))"
_NEEDS_QUOTE: Final = re.compile(f"{_PLACE}(?={_RUNS})")
_HAS_QUOTE: Final = re.compile(f"{_PLACE}'(?={_RUNS})")


def exported_lines(people: Iterable[Subscriber]) -> Iterator[str]:
    """Return the lines of a CSV file, headings first."""
    yield _line(_HEADINGS)
    for one in people:
        yield _line(
            (
                one.address, one.name, one.language, _cell(one.topics), _cell(one.digests),
                one.status, one.since.isoformat(), one.cause, str(one.id),
            )
        )  # fmt: skip


def quoted(text: str) -> str:
    """Return `text` as a cell that no spreadsheet evaluates, even if it splits the cell."""
    return _NEEDS_QUOTE.sub("'", text)


def unquoted(text: str) -> str:
    """Return the text that `quoted` made a cell of."""
    return _HAS_QUOTE.sub("", text) if "'" in text else text


def _cell(names: Sequence[str]) -> str:
    """Return `names` as one cell; names are quoted if one contains a comma."""
    if not names:
        return ""
    has_comma = any("," in name for name in names)
    return _joined(names, ";", csv.QUOTE_ALL if has_comma else csv.QUOTE_MINIMAL)


def _line(cells: Sequence[str]) -> str:
    return _joined([*map(quoted, cells)], ",", csv.QUOTE_MINIMAL) + "\n"


def _joined(cells: Sequence[str], delimiter: str, quoting: Literal[0, 1]) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=_LINE_END, quoting=quoting).writerow(cells)
    return text.getvalue().removesuffix(_LINE_END)
