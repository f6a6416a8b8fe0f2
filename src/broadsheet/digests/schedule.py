"""The ticks of a digest: the times of a cron expression in the publication's time zone.

cronsim evaluates it as Debian's cron does when clocks change: a fixed time that is skipped in
spring comes right after the gap, and one that happens twice in autumn comes once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim

from broadsheet.model.values import Schedule

# How far back to look for the tick before a moment: wider and wider, since the time it takes grows
# with the number of ticks in between.
_SPANS = tuple(timedelta(days=days) for days in (1, 8, 32, 367, 1500, 20_000))


def ticks(
    schedule: Schedule, zone: ZoneInfo, after: datetime, until: datetime
) -> Iterator[datetime]:
    """Yield the ticks t with after < t <= until, in order. after, until: aware."""
    end = until.astimezone(UTC)
    for tick in _from(schedule, zone, after):
        if tick > end:
            return
        yield tick


def next_tick(schedule: Schedule, zone: ZoneInfo, after: datetime) -> datetime | None:
    """Return the first tick after `after`; None if there is none in 50 years."""
    return next(_from(schedule, zone, after), None)


def last_tick(schedule: Schedule, zone: ZoneInfo, until: datetime) -> datetime | None:
    """Return the last tick t <= until; None if there was none in 50 years."""
    return _last(schedule, zone, until.astimezone(UTC))


@lru_cache(maxsize=1024)
def _last(schedule: Schedule, zone: ZoneInfo, end: datetime) -> datetime | None:
    for span in _SPANS:
        if newest := deque(ticks(schedule, zone, end - span, end), maxlen=1):
            return newest[0]
    return None


def tick_before(schedule: Schedule, zone: ZoneInfo, tick: datetime) -> datetime | None:
    """Return the tick before `tick`, which is a tick itself; None as in `last_tick`."""
    return last_tick(schedule, zone, tick - timedelta(seconds=1))


def after_quiet_hours(moment: datetime, quiet: str, zone: ZoneInfo) -> datetime:
    """Return `moment`, or the end of the quiet hours that it is in.

    quiet: such as 22:00-07:00, by the clocks of `zone`; "" for none.
    """
    if not quiet:
        return moment
    start, end = (time.fromisoformat(each) for each in quiet.split("-"))
    local = moment.astimezone(zone)
    clock = local.time()
    is_overnight = end <= start
    is_quiet = (clock >= start or clock < end) if is_overnight else start <= clock < end
    if not is_quiet:
        return moment
    day = local.date() + timedelta(days=1 if is_overnight and clock >= start else 0)
    return _settled(datetime.combine(day, end, zone))


def _from(schedule: Schedule, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    if schedule.is_per_article:
        return
    # From a day earlier: cronsim does not know in which of two equal hours in autumn it starts.
    start = (after.astimezone(UTC) - timedelta(days=1)).astimezone(zone)
    before = after.astimezone(UTC)
    for tick in map(_settled, CronSim(schedule.expression, start)):
        if tick > before:
            before = tick
            yield tick


def _settled(tick: datetime) -> datetime:
    """`tick` with the UTC offset of its zone at that time, instead of the zone.

    Python compares two times of one zone without their offsets, so the second of two equal hours in
    autumn would not be later than the first.
    """
    real = tick.astimezone(UTC).astimezone(tick.tzinfo)
    return real.replace(tzinfo=timezone(real.utcoffset() or timedelta()), fold=0)
