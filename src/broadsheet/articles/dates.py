"""Dates as people write them in front matter, as aware datetimes.

An ambiguous date (06/07/2025) is refused, not guessed.
"""

from __future__ import annotations

import re
import reprlib
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any

_CHINESE = re.compile(
    r"(\d{4})\s*年\s*(\d{1,2})\s*月\s*(\d{1,2})\s*[日号]?\s*(?:[(（]?(?:星期|周)[一二三四五六日天][)）]?)?"
    r"\s*(?:(\d{1,2})\s*[:：时点]\s*(?:(\d{1,2})\s*分?)?(?:\s*[:：]?\s*(\d{1,2})\s*秒?)?)?"
)
_TWO_READINGS = re.compile(r"\s*(\d{1,2})[/.-](\d{1,2})[/.-](\d{2,4})\b")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
    *("October", "November", "December"),
)
_YEAR_FIRST = re.compile(r"\d{4}[-/.](\d{1,2})[-/.]\d{1,2}\b")
_SPACED_OFFSET = re.compile(r"^(\d{4}-\d{1,2}-\d{1,2})[T ]+([\d:.]+) *(Z|[+-]\d{2}:?\d{2})?$")
_GREENWICH = re.compile(r"\b(?:GMT|UTC)\s*(?=[+-]\d)")  # dateutil reads GMT+8 as POSIX: west
# As JavaScript and Ruby read them, and the command `date` prints them; in hours from UTC. Not CST,
# which is Chinese time too.
# fmt: off
_ZONES = {
    "UTC": 0, "UT": 0, "GMT": 0, "Z": 0,  # and the next line: RFC 5322, 4.3
    "EST": -5, "EDT": -4, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "JST": 9,
}
# fmt: on
_LONGEST = 100  # characters; no date is longer, and parsing a whole text takes long
_IN_NAME = re.compile(r"(?:^|/)(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?=[-/_.]|$)")


def parse_date(value: object, zone: tzinfo, language: str = "en") -> datetime:
    """Return the value of a date field as an aware datetime.

    zone: of a value without an offset. language: that of month names, and of the order of numbers
    (a BCP 47 tag).

    Raises ValueError for an invalid or ambiguous date.
    """
    if isinstance(value, datetime):
        found = value
    elif isinstance(value, date):
        found = datetime.combine(value, time())
    elif isinstance(value, str) and value.strip():
        found = _from_text(value.strip(), language)
    else:
        raise ValueError(f"{reprlib.repr(value)} is not a date")
    return _settle(found if found.tzinfo else found.replace(tzinfo=zone), zone, value)


def _settle(aware: datetime, zone: tzinfo, value: object) -> datetime:
    """`aware` with whole seconds and an offset in whole minutes, as RFC 3339, section 5.6, allows.

    Years before 1000 are refused: RSS readers take 0099 for 1999, and Go writes 0001 for no date.
    """
    try:
        if not 1000 < aware.year < 9999:
            aware.astimezone(
                zone
            )  # the first and last days of the calendar do not exist in every zone
            if aware.astimezone(UTC).year < 1000:
                raise ValueError
        offset = aware.utcoffset() or timedelta()
    except (OverflowError, ValueError):
        raise ValueError(f"{value!r} has a year that cannot be published") from None
    if (whole := _whole(offset)) is None:
        return aware.astimezone(UTC).replace(microsecond=0)
    return aware.replace(microsecond=0, tzinfo=whole)


@lru_cache(256)
def _whole(offset: timedelta) -> timezone | None:
    """The zone of an offset in whole minutes; None for any other, as local mean time had."""
    return None if offset % timedelta(minutes=1) else timezone(offset)


def in_name(path: str, zone: tzinfo) -> datetime | None:
    """Return the date in a file name (Jekyll) or a path like 2026/03/26/, at midnight."""
    found = _IN_NAME.search(path)
    if not found:
        return None
    try:
        day = datetime(int(found[1]), int(found[2]), int(found[3]), tzinfo=zone)
        return _settle(day, zone, found[0])
    except ValueError:
        return None


def _from_text(text: str, language: str) -> datetime:
    if len(text) > _LONGEST:
        raise ValueError(f"{reprlib.repr(text)} is not a date")
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    if spaced := _SPACED_OFFSET.match(text):
        text = f"{spaced[1]}T{spaced[2]}{spaced[3] or ''}"
    elif chinese := _CHINESE.fullmatch(text):
        return datetime(*(int(part or 0) for part in chinese.groups()))  # type: ignore[arg-type]  # noqa: DTZ001 - six integers; `parse_date` adds the zone
    elif (numbers := _TWO_READINGS.match(text)) and _day_first(language):
        text = f"{numbers[3]}-{numbers[2]:0>2}-{numbers[1]:0>2}{text[numbers.end() :]}"
    elif numbers:
        raise ValueError(f"{text!r} can be read as two dates")
    if (numbers := _YEAR_FIRST.match(text)) and int(numbers[1]) > 12:
        # dateutil would read it as the day.
        raise ValueError(f"{text!r} names a month {numbers[1]}")
    return _from_words(_in_english(text, language))


def _day_first(language: str) -> bool:
    """Whether dates in numbers begin with the day (CLDR). Not for English without a country."""
    locale = _locale(language)
    if locale is None or (locale.language == "en" and not locale.territory):
        return False
    return str(locale.date_formats["short"].pattern).lstrip()[:1] == "d"


def _in_english(text: str, language: str) -> str:
    """`text` with the names of months in English, which is what dateutil reads (CLDR)."""
    locale = _locale(language)
    if locale is None or locale.language == "en" or not re.search(r"[^\W\d_]{3}", text):
        return text
    names = {
        name.casefold().rstrip("."): _MONTHS[number - 1]
        for context in locale.months.values()
        for width in ("wide", "abbreviated")
        for number, name in context[width].items()
    }
    words = (names.get(word.casefold(), word) for word in re.split(r"([^\W\d_]+)", text))
    return re.sub(r"(?<=\d)\. |\b(?:de|del|den|of)\b|,|º|(?<=\d)er\b", " ", "".join(words))


@lru_cache(16)
def _locale(language: str) -> Any:
    """Babel's locale of a language tag; None if it has none."""
    from babel import Locale, UnknownLocaleError  # 30 ms, which few dates need

    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return None


def _from_words(text: str) -> datetime:
    """`text` by dateutil, which takes missing parts from a default: two defaults must agree."""
    from dateutil import parser as dateutil_parser  # 20 ms, which few dates need

    text = _GREENWICH.sub("", text)
    try:
        one, other = (
            dateutil_parser.parse(text, default=default, tzinfos=_offset, ignoretz=False)
            for default in (datetime(2000, 1, 1), datetime(2001, 2, 2))  # noqa: DTZ001
        )
    except (ValueError, ArithmeticError, TypeError, AttributeError, LookupError) as error:
        raise ValueError(f"{text!r} is not a date") from error
    if one != other or f"{one.year:04}" not in text:
        raise ValueError(f"{text!r} is not a complete date")
    return one


def _offset(name: str | None, seconds: int | None) -> timezone | None:
    """The zone named in a text. Without this, dateutil would use the machine's own zone."""
    if name is None and seconds is None:
        return None
    if seconds is not None:
        return timezone(timedelta(seconds=seconds))
    if name in _ZONES:
        return timezone(timedelta(hours=_ZONES[name]))
    raise ValueError(f"{name} is not a UTC offset; write one like +08:00")
