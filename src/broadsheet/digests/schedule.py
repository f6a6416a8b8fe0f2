"""When a digest is due: the ticks of a cron expression in the publication's time zone.

Read by cronsim, which follows Debian's cron where clocks change: a fixed time that is skipped in
spring comes right after the gap, one that happens twice in autumn comes once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from cronsim import CronSim

from broadsheet.model.values import Schedule

# How far back to look for the tick before a moment: wider and wider, since looking costs time in
# proportion to the ticks on the way.
_SPANS = tuple(timedelta(days=days) for days in (1, 8, 32, 367, 1500, 20_000))


def ticks(
    schedule: Schedule, zone: ZoneInfo, after: datetime, until: datetime
) -> Iterator[datetime]:
    """The ticks t with after < t <= until, both aware, in their order."""
    end = until.astimezone(UTC)
    for tick in _from(schedule, zone, after):
        if tick > end:
            return
        yield tick


def next_tick(schedule: Schedule, zone: ZoneInfo, after: datetime) -> datetime | None:
    """The first tick after `after`; None where there is none in 50 years."""
    return next(_from(schedule, zone, after), None)


def last_tick(schedule: Schedule, zone: ZoneInfo, until: datetime) -> datetime | None:
    """The last tick t <= until; None where there was none in 50 years."""
    end = until.astimezone(UTC)
    for span in _SPANS:
        if newest := deque(ticks(schedule, zone, end - span, end), maxlen=1):
            return newest[0]
    return None


def tick_before(schedule: Schedule, zone: ZoneInfo, tick: datetime) -> datetime | None:
    """The tick that comes before `tick`, itself one of the schedule's."""
    return last_tick(schedule, zone, tick - timedelta(seconds=1))


def _from(schedule: Schedule, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    # From a day earlier: cronsim forgets which of two equal hours in autumn it starts in.
    start = (after.astimezone(UTC) - timedelta(days=1)).astimezone(zone)
    before = after.astimezone(UTC)
    for tick in map(_settled, CronSim(schedule.expression, start)):
        if tick > before:
            before = tick
            yield tick


def _settled(tick: datetime) -> datetime:
    """`tick` as the clocks show it then, with their offset instead of the zone.

    Python compares two times of one zone without their offsets, so of the hour that autumn has
    twice the second would be no later than the first.
    """
    real = tick.astimezone(UTC).astimezone(tick.tzinfo)
    return real.replace(tzinfo=timezone(real.utcoffset() or timedelta()), fold=0)
