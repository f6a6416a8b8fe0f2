"""Where a run is, and its one `now`: what the command line says."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from pathlib import Path

from broadsheet.errors import Problem, UsageError
from broadsheet.storage import CONFIG_NAME


@dataclass(frozen=True, slots=True)
class Location:
    """Where a project is, and the time of a run.

    config: relative to the directory; None for the default. now: ISO 8601; "" for the present.
    """

    directory: Path = Path()
    config: Path | None = None
    now: str = ""

    @property
    def shown(self) -> str:
        """What messages call the config."""
        return str(self.config or CONFIG_NAME)

    @property
    def config_path(self) -> Path:
        """The file of the config."""
        return self.directory / self.shown


def moment(given: str) -> datetime:
    """Return the time of a run: `--now`, SOURCE_DATE_EPOCH (reproducible-builds.org), or the clock.

    It is naive if --now has no offset; then it is in the time zone of the publication. Raises
    UsageError for a time that cannot be read, or within a century of either end of the calendar,
    from where schedules cannot be counted.
    """
    epoch = "" if given else os.environ.get("SOURCE_DATE_EPOCH", "")
    try:
        if given:
            found = datetime.fromisoformat(given)
        else:
            found = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
        if MINYEAR + 100 <= found.year <= MAXYEAR - 100:
            return found
    except (ValueError, OverflowError, OSError):
        pass
    name, todo = "--now", "write one like 2025-06-30T08:00:00+08:00"
    if not given:
        name, todo = "SOURCE_DATE_EPOCH", "it counts seconds from 1970"
    raise UsageError(Problem(f"{name}: {given or epoch!r} is not a valid time", todo))
