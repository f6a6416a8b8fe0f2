"""The one `now` of a run: from --now, SOURCE_DATE_EPOCH (reproducible-builds.org) or the clock."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from broadsheet.errors import Problem, UsageError


def moment(given: str) -> datetime:
    """The moment; naive where --now names no offset, for the publication's time zone.

    Raises UsageError when what was given cannot be read.
    """
    try:
        if given:
            return datetime.fromisoformat(given)
        if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
            return datetime.fromtimestamp(int(epoch), UTC)
    except (ValueError, OverflowError, OSError):
        name = "--now" if given else "SOURCE_DATE_EPOCH"
        raise UsageError(
            Problem(
                f"{name}: {given or epoch!r} is no time",
                "write one like 2025-06-30T08:00:00+08:00"
                if given
                else "it counts seconds from 1970",
            )
        ) from None
    return datetime.now(UTC)
