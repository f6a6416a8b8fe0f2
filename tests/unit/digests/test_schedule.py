"""When issues are due: cron as in Debian's cron(8), through every change of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise, product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from broadsheet.digests.schedule import last_tick, next_tick, tick_before, ticks
from broadsheet.errors import ConfigError
from broadsheet.model.values import Schedule
from broadsheet.storage.config import parse
from laws import long

NEW_YORK, LORD_HOWE, SHANGHAI = map(
    ZoneInfo, ("America/New_York", "Australia/Lord_Howe", "Asia/Shanghai")
)
CAIRO = ZoneInfo("Africa/Cairo")  # its clocks go forward at midnight: a day without 00:00
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)

# Where the clocks change: the zone, and the minute (UTC) when they do.
CHANGES = {
    "New York, spring: 02:00 to 03:00": (NEW_YORK, datetime(2025, 3, 9, 7, tzinfo=UTC)),
    "New York, autumn: 02:00 to 01:00": (NEW_YORK, datetime(2025, 11, 2, 6, tzinfo=UTC)),
    "Lord Howe, spring: 02:00 to 02:30": (LORD_HOWE, datetime(2025, 10, 4, 15, 30, tzinfo=UTC)),
    "Lord Howe, autumn: 02:00 to 01:30": (LORD_HOWE, datetime(2025, 4, 5, 15, tzinfo=UTC)),
    "Cairo, spring: 00:00 to 01:00": (CAIRO, datetime(2025, 4, 24, 22, tzinfo=UTC)),
    "Shanghai: no change": (SHANGHAI, datetime(2025, 3, 9, tzinfo=UTC)),
}
EXPRESSIONS = (
    *("30 2 * * *", "30 1 * * *", "0 0 * * *", "0,30 1,2,3 * * *", "*/15 1-2 * * *"),
    *("0 8 * * *", "15 2 * * *", "45 1 * * *", "0 2 * * *", "10 0-4 * * *", "59 23 * * *"),
    *("0 * * * *", "*/20 * * * *", "30 */2 * * *"),
)
TRIED = [*EXPRESSIONS[:5], *long(*EXPRESSIONS[5:])]


def _wall(schedule: Schedule) -> set[tuple[int, int]]:
    """Return the hours and minutes of `schedule`, which applies to all days."""
    minutes, hours = (
        {number for term in field.split(",") for number in _range(term, last)}
        for field, last in zip(schedule.expression.split()[:2], (59, 23), strict=True)
    )
    return set(product(hours, minutes))


def _range(term: str, last: int) -> range:
    span, _, step = term.partition("/")
    first, _, until = span.partition("-")
    if first == "*":
        return range(0, last + 1, int(step or 1))
    return range(int(first), int(until or first) + 1)


def _scan(schedule: Schedule, zone: ZoneInfo, after: datetime, until: datetime) -> list[datetime]:
    """Return the ticks after < t <= until (UTC, whole minutes), by testing every minute.

    cron(8): jobs with a wildcard for minute or hour run whenever the clock shows their time; any
    other whose time is skipped runs right after, and one whose time comes twice runs once.
    """
    minute, hour = schedule.expression.split()[:2]
    wall = _wall(schedule)
    if minute.startswith("*") or hour.startswith("*"):
        count = int((until - after) / MINUTE)
        moments = [after + step * MINUTE for step in range(1, count + 1)]
        return [m for m in moments if _clock(m.astimezone(zone)) in wall]
    first, last = ((after - DAY).astimezone(zone).date(), (until + DAY).astimezone(zone).date())
    days = (first + step * DAY for step in range((last - first).days + 1))
    found = {_at(datetime.combine(day, time(*clock)), zone) for day, clock in product(days, wall)}
    return sorted(each for each in found if after < each <= until)


def _clock(moment: datetime) -> tuple[int, int]:
    return moment.hour, moment.minute


def _at(naive: datetime, zone: ZoneInfo) -> datetime:
    """Return the first moment (UTC) at which the clocks in `zone` show `naive` or later."""
    while True:
        moment = naive.replace(tzinfo=zone).astimezone(UTC)
        if moment.astimezone(zone).replace(tzinfo=None) == naive:
            return moment
        naive += MINUTE


@pytest.mark.parametrize("expression", TRIED)
@pytest.mark.parametrize("change", CHANGES)
def test_ticks_are_those_of_debian_cron_around_a_change_of_the_clocks(
    change: str, expression: str
) -> None:
    """The ticks of four days are exactly those found by testing every minute with cron(8)'s
    rules."""
    zone, moment = CHANGES[change]
    schedule = Schedule(expression)
    after, until = moment - timedelta(days=1, hours=5), moment + timedelta(days=1, hours=5)
    found = [tick.astimezone(UTC) for tick in ticks(schedule, zone, after, until)]
    assert found == _scan(schedule, zone, after, until)


@pytest.mark.parametrize("expression", TRIED)
@pytest.mark.parametrize("change", CHANGES)
def test_the_last_and_the_next_tick_are_the_neighbours_that_a_scan_finds(
    change: str, expression: str
) -> None:
    """Around each tick near the change, and at the change itself, both agree with the scan."""
    zone, moment = CHANGES[change]
    schedule = Schedule(expression)
    scanned = _scan(schedule, zone, moment - timedelta(days=2), moment + timedelta(days=2))
    reach = (25 if schedule.startswith("*/20") else 70) * MINUTE
    near = {tick for tick in scanned if abs(tick - moment) < reach} | {moment}
    for at in sorted(tick + step * MINUTE for tick in near for step in (-1, 0, 1)):
        for now in (at, at.astimezone(zone)):  # whatever the zone of the moment
            assert last_tick(schedule, zone, now) == max(t for t in scanned if t <= at)
            assert next_tick(schedule, zone, now) == min(t for t in scanned if t > at)


@pytest.mark.parametrize("expression", TRIED)
@pytest.mark.parametrize("change", CHANGES)
def test_the_tick_before_a_tick_is_its_neighbour(change: str, expression: str) -> None:
    """Two successive ticks are each other's previous and next."""
    zone, moment = CHANGES[change]
    schedule = Schedule(expression)
    before, after = (2, 2) if schedule.startswith("*/20") else (26, 26)  # hours
    start, end = moment - timedelta(hours=before), moment + timedelta(hours=after)
    found = list(ticks(schedule, zone, start, end))
    assert found
    for one, other in pairwise(found):
        assert tick_before(schedule, zone, other) == one
        assert next_tick(schedule, zone, one) == other


@given(
    expression=st.sampled_from(EXPRESSIONS),
    change=st.sampled_from(sorted(CHANGES)),
    minutes=st.lists(st.integers(-2000, 2000), min_size=2, max_size=2, unique=True),
)
@example("0 * * * *", "New York, autumn: 02:00 to 01:00", [-30, 31])
def test_where_the_search_starts_changes_no_tick(
    expression: str, change: str, minutes: list[int]
) -> None:
    """The ticks after a later moment are the end of the ticks after an earlier one."""
    zone, moment = CHANGES[change]
    schedule = Schedule(expression)
    early, late = sorted(moment + minute * MINUTE for minute in minutes)
    until = moment + timedelta(days=3)
    whole = list(ticks(schedule, zone, early, until))
    rest = list(ticks(schedule, zone, late, until))
    assert rest == whole[len(whole) - len(rest) :]
    assert rest == [tick for tick in whole if tick > late]


@pytest.mark.parametrize("zone", [NEW_YORK, LORD_HOWE, SHANGHAI, CAIRO], ids=str)
def test_every_day_of_a_year_has_its_tick(zone: ZoneInfo) -> None:
    """A daily digest has one tick on each of 365 days, even if its time is skipped or occurs
    twice."""
    for expression in ("30 2 * * *", "45 1 * * *", "0 0 * * *"):
        year = ticks(
            Schedule(expression),
            zone,
            datetime(2024, 12, 31, 12, tzinfo=zone),
            datetime(2025, 12, 31, 12, tzinfo=zone),
        )
        days = [tick.astimezone(zone).date() for tick in year]
        assert len(days) == len(set(days)) == 365


def test_ticks_are_written_with_the_offset_of_their_moment() -> None:
    """A tick's own fields are local time and offset, so comparing needs no zone."""
    autumn = datetime(2025, 11, 2, 4, tzinfo=UTC)
    found = list(ticks(Schedule("0 * * * *"), NEW_YORK, autumn, autumn + timedelta(hours=4)))
    assert [tick.isoformat() for tick in found] == [
        "2025-11-02T01:00:00-04:00",
        "2025-11-02T01:00:00-05:00",
        "2025-11-02T02:00:00-05:00",
        "2025-11-02T03:00:00-05:00",
    ]
    assert found == sorted(found)
    assert len(set(found)) == 4


@pytest.mark.parametrize(
    ("nickname", "same"),
    [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        (" @Weekly ", "0 0 * * SUN"),
    ],
)
def test_nicknames_mean_what_crontab_says(nickname: str, same: str) -> None:
    """crontab(5): a nickname has the same ticks as the five fields that it abbreviates."""
    span = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 3, 1, tzinfo=UTC)
    one, other = (ticks(Schedule(each), NEW_YORK, *span) for each in (nickname, same))
    assert list(one) == list(other) != []


@pytest.mark.parametrize(
    "schedule",
    [
        "0 0 30 2 *",  # it never comes
        "0 0 31 4 *",
        "61 8 * * MON",
        "0 8 * *",
        "0 0 8 * * MON",  # with seconds
        "0 8 * * Monday",
        "",
        "@reboot",
        "every Monday",
    ],
)
def test_an_invalid_or_impossible_schedule_is_refused(schedule: str) -> None:
    """The message names line, key, value, and what to write; nothing hangs."""
    text = (
        '[publication]\ntitle = "A"\nurl = "https://example.org/"\n'
        f'[digests.weekly]\ntitle = "W"\nschedule = "{schedule}"\n'
    )
    with pytest.raises(ConfigError) as refused:
        parse(text)
    (problem,) = refused.value.problems
    assert str(problem).startswith(f"broadsheet.toml:6: digests.weekly.schedule: {schedule!r} "), (
        problem
    )
    assert "minute, hour, day, month, weekday" in str(problem)


def test_a_rare_schedule_is_found_over_decades() -> None:
    """29 February has a next and a last tick, although years lie between."""
    schedule, now = Schedule("0 8 29 2 *"), datetime(2025, 6, 1, tzinfo=UTC)
    assert next_tick(schedule, SHANGHAI, now) == datetime(2028, 2, 29, tzinfo=UTC)
    assert last_tick(schedule, SHANGHAI, now) == datetime(2024, 2, 29, tzinfo=UTC)


def test_the_bounds_are_half_open() -> None:
    """A tick at `after` itself is not in the span; one at `until` itself is."""
    schedule = Schedule("0 8 * * *")
    one, other = datetime(2025, 6, 1, tzinfo=UTC), datetime(2025, 6, 2, tzinfo=UTC)
    assert list(ticks(schedule, SHANGHAI, one, other)) == [other]
    assert last_tick(schedule, SHANGHAI, other) == other
    assert tick_before(schedule, SHANGHAI, other) == one
