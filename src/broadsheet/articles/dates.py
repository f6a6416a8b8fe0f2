"""Dates as people write them in front matter, always made aware.

A date that could be read in two ways (06/07/2025) is refused, never guessed.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo

from dateutil import parser as dateutil_parser

_CHINESE = re.compile(
    r"(\d{4})\s*年\s*(\d{1,2})\s*月\s*(\d{1,2})\s*[日号]?\s*(?:(\d{1,2})[:：时](\d{1,2}))?.*"
)
_TWO_READINGS = re.compile(r"\s*\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}\b")
_SPACED_OFFSET = re.compile(r"^(\d{4}-\d{1,2}-\d{1,2})[T ]+([\d:.]+) *(Z|[+-]\d{2}:?\d{2})?$")
_IN_NAME = re.compile(r"(?:^|/)(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?=[-/_.]|$)")


def read(value: object, zone: tzinfo) -> datetime:
    """`value` of a date field as an aware datetime; `zone` is for a value that names no offset.

    Raises ValueError, with what to write, when it is no date or could be two.
    """
    if isinstance(value, datetime):
        found = value
    elif isinstance(value, date):
        found = datetime.combine(value, time())
    elif isinstance(value, str) and value.strip():
        found = _from_text(value.strip())
    else:
        raise ValueError(f"{value!r} is no date")
    return _settle(found if found.tzinfo else found.replace(tzinfo=zone), value)


def _settle(aware: datetime, value: object) -> datetime:
    """`aware` with whole seconds and an offset in whole minutes, as RFC 3339 (5.6) can write it."""
    try:
        offset = aware.utcoffset() or timedelta()
        if offset % timedelta(minutes=1):  # local mean time, before there were zones
            return aware.astimezone(UTC).replace(microsecond=0)
        aware.astimezone(UTC)  # the first and the last day of the calendar may have no UTC
    except (OverflowError, ValueError):
        raise ValueError(f"{value!r} is no date that can be published") from None
    return aware.replace(microsecond=0, tzinfo=timezone(offset))


def in_name(path: str, zone: tzinfo) -> datetime | None:
    """The date that a file name (Jekyll) or a path like 2026/03/26/ gives, at midnight."""
    found = _IN_NAME.search(path)
    if not found:
        return None
    try:
        day = datetime(int(found[1]), int(found[2]), int(found[3]), tzinfo=zone)
        return _settle(day, found[0])
    except ValueError:
        return None


def _from_text(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    if spaced := _SPACED_OFFSET.match(text):
        text = f"{spaced[1]}T{spaced[2]}{spaced[3] or ''}"
    elif chinese := _CHINESE.fullmatch(text):
        year, month, day, hour, minute = (int(part or 0) for part in chinese.groups())
        return datetime(year, month, day, hour, minute)  # noqa: DTZ001 - `read` adds the zone
    elif _TWO_READINGS.match(text):
        raise ValueError(f"{text!r} can be read as two dates")
    return _from_words(text)


def _from_words(text: str) -> datetime:
    """`text` by dateutil, which fills what is missing from a default: two defaults must agree."""
    try:
        one, other = (
            dateutil_parser.parse(text, default=default, tzinfos=_offset, ignoretz=False)
            for default in (datetime(2000, 1, 1), datetime(2001, 2, 2))  # noqa: DTZ001
        )
    except (ValueError, OverflowError, TypeError, AttributeError) as error:
        raise ValueError(f"{text!r} is no date") from error
    if one != other:
        raise ValueError(f"{text!r} is no whole date")
    return one


def _offset(name: str | None, seconds: int | None) -> timezone:
    """The zone that a text names. Without this, dateutil would look at the machine's own zone."""
    if seconds is not None:
        return timezone(timedelta(seconds=seconds))
    if name in {"UTC", "GMT", "Z"}:
        return UTC
    raise ValueError(f"{name} is no offset; write one like +08:00")
