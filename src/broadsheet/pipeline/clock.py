"""The one `now` of a run: from --now, SOURCE_DATE_EPOCH (reproducible-builds.org) or the clock."""

from __future__ import annotations

import os
from datetime import MAXYEAR, MINYEAR, UTC, datetime

from broadsheet.errors import Problem, UsageError


def moment(given: str) -> datetime:
    """The moment; naive where --now names no offset, for the publication's time zone.

    Raises UsageError when what was given cannot be read, or lies where no calendar reaches.
    """
    try:
        if given:
            return _counted(datetime.fromisoformat(given))
        if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
            return _counted(datetime.fromtimestamp(int(epoch), UTC))
    except (ValueError, OverflowError, OSError):
        name = "--now" if given else "SOURCE_DATE_EPOCH"
        raise UsageError(
            Problem(
                f"{name}: {given or epoch!r} is not a valid time",
                "write one like 2025-06-30T08:00:00+08:00"
                if given
                else "it counts seconds from 1970",
            )
        ) from None
    return datetime.now(UTC)


def _counted(moment: datetime) -> datetime:
    """`moment`, if schedules can be counted from it: a century from either end of the calendar."""
    if not MINYEAR + 100 <= moment.year <= MAXYEAR - 100:
        raise ValueError
    return moment
