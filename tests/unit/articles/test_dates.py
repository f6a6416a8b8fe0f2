"""Dates as people write them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from email.utils import format_datetime, parsedate_to_datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.articles import dates

SHANGHAI = ZoneInfo("Asia/Shanghai")
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2025-06-19T07:20:04+08:00", "2025-06-19T07:20:04+08:00"),
        ("2025-06-19T07:20:04Z", "2025-06-19T07:20:04+00:00"),
        ("2025-06-19T07:20:04.123456789Z", "2025-06-19T07:20:04+00:00"),
        ("2026-01-01 08:00:00 +0800", "2026-01-01T08:00:00+08:00"),
        ("2026-01-01 08:00:00 -05:30", "2026-01-01T08:00:00-05:30"),
        ("2026-01-01 08:00 +0800", "2026-01-01T08:00:00+08:00"),
        ("2026-1-1 8:05", "2026-01-01T08:05:00+08:00"),
        ("2025-06-19", "2025-06-19T00:00:00+08:00"),
        ("2025/06/19", "2025-06-19T00:00:00+08:00"),
        ("2025.6.19", "2025-06-19T00:00:00+08:00"),
        ("20250619", "2025-06-19T00:00:00+08:00"),
        ("20250619T072004Z", "2025-06-19T07:20:04+00:00"),
        ("2025-06-19T07:20:04", "2025-06-19T07:20:04+08:00"),
        ("2025-06-19 7:20 PM", "2025-06-19T19:20:00+08:00"),
        ("  2025-06-19  ", "2025-06-19T00:00:00+08:00"),
        ("June 19, 2025", "2025-06-19T00:00:00+08:00"),
        ("19 June 2025 10:00 UTC", "2025-06-19T10:00:00+00:00"),
        ("Jul 08 2022", "2022-07-08T00:00:00+08:00"),
        ("Thu, 19 Jun 2025 07:20:04 +0800", "2025-06-19T07:20:04+08:00"),
        ("Tue Dec  8 19:01:14 EST 2015", "2015-12-08T19:01:14-05:00"),
        ("Fri Sep  3 11:21:31 CEST 2021", "2021-09-03T11:21:31+02:00"),
        ("2016-04-23 02:07 PDT", "2016-04-23T02:07:00-07:00"),
        ("2025年6月19日", "2025-06-19T00:00:00+08:00"),
        ("2025 年 6 月 19 日（星期四）07:20", "2025-06-19T07:20:00+08:00"),
        ("2025年6月19日 7时20分4秒", "2025-06-19T07:20:04+08:00"),
        ("2025年6月19号 周四 7点", "2025-06-19T07:00:00+08:00"),
        (date(2025, 6, 19), "2025-06-19T00:00:00+08:00"),
        (datetime(2025, 6, 19, 7, 20, 4, 999), "2025-06-19T07:20:04+08:00"),  # noqa: DTZ001 - so TOML gives it
        (datetime(2025, 6, 19, tzinfo=UTC), "2025-06-19T00:00:00+00:00"),
    ],
)
def test_common_forms_are_parsed(written: object, read: str) -> None:
    """Each form that generators and people write gives the intended moment."""
    assert dates.parse_date(written, SHANGHAI).isoformat() == read


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("06/07/2025", "two dates"),
        ("6.7.2025", "two dates"),
        ("06-07-25", "two dates"),
        ("2025-19-06", "names a month 19"),
        ("2025-06-31", "not a date"),
        ("2025", "not a complete date"),
        ("June 2025", "not a complete date"),
        ("10:30", "not a complete date"),
        ("19 June 25", "not a complete date"),
        ("2025-06-19 10:00 CST", "not a date"),  # of America, of China, or of Cuba
        ("2025年6月19日 下午3:20", "not a date"),
        ("2025年13月1日", "month"),
        ("yesterday", "not a date"),
        (
            "Last Modified",
            "not a date",
        ),  # Eleventy's: it uses the file's time, which differs by machine
        ("9" * 5000, "not a date"),
        ("", "not a date"),
        (20250619, "not a date"),
        (True, "not a date"),
        (time(7, 20), "not a date"),
        ([["2025-06-19"]] * 1000, "not a date"),
        ({"year": 2025}, "not a date"),
        ("0001-01-01T00:00:00Z", "cannot|be published"),
    ],
)
def test_invalid_and_ambiguous_dates_are_refused(written: object, complaint: str) -> None:
    """A date is never guessed, and the message is short whatever was written."""
    with pytest.raises(ValueError, match=complaint) as refused:
        dates.parse_date(written, ZoneInfo("America/New_York"))
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("name", ["GMT+8", "UTC+8"])
def test_an_offset_by_name_is_what_people_mean(name: str) -> None:
    """`GMT+8` is eight hours ahead of Greenwich, not behind it as in POSIX."""
    assert dates.parse_date(f"2025-06-19 07:20 {name}", UTC).utcoffset() == timedelta(hours=8)


@pytest.mark.parametrize("day", ["1900-06-19", "1850-01-01T12:00:00", "1001-01-01"])
def test_local_mean_time_is_written_in_whole_minutes(day: str) -> None:
    """Before 1901 Shanghai's offset has seconds, which RFC 3339 cannot write: UTC is used."""
    read = dates.parse_date(day, SHANGHAI)
    assert RFC_3339.fullmatch(read.isoformat())
    assert read == datetime.fromisoformat(day).replace(tzinfo=SHANGHAI)


def test_the_zone_of_the_machine_is_never_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A zone name that only this machine knows is as ambiguous as elsewhere."""
    monkeypatch.setattr("time.tzname", ("CST", "CDT"))
    with pytest.raises(ValueError, match="not a date"):
        dates.parse_date("2025-06-19 10:00 CST", SHANGHAI)


@given(
    st.one_of(
        st.text(max_size=120),
        st.from_regex(r"[0-9A-Za-z:+/. ,-]{1,40}", fullmatch=True),
        st.datetimes(timezones=st.none() | st.timezones()),
        st.dates(),
        st.integers(),
        st.lists(st.text()),
    ),
    st.timezones(),
)
def test_any_value_is_a_date_that_feeds_can_write_or_is_refused(
    value: object, zone: ZoneInfo
) -> None:
    """A parsed date has whole seconds and an offset in minutes; anything else raises ValueError."""
    try:
        read = dates.parse_date(value, zone)
    except ValueError:
        return
    assert RFC_3339.fullmatch(read.isoformat())
    assert parsedate_to_datetime(format_datetime(read)) == read
    assert read.astimezone(zone) == read


@given(
    st.datetimes(timezones=st.builds(timezone, st.sampled_from([timedelta(), timedelta(hours=8)])))
)
def test_rfc_3339_round_trips(moment: datetime) -> None:
    """A date in the form that feeds use is read as the same moment."""
    whole = moment.replace(microsecond=0)
    if 1000 < whole.year < 9999:
        assert dates.parse_date(whole.isoformat(), SHANGHAI) == whole


@pytest.mark.parametrize(
    ("path", "day"),
    [
        ("2025-06-19-title.md", "2025-06-19"),
        ("posts/2025-6-9_title.md", "2025-06-09"),
        ("2025-06-19-title/index.md", "2025-06-19"),
        ("2026/03/26/title.md", "2026-03-26"),
        ("news/2026-03-26.md", "2026-03-26"),
    ],
)
def test_a_path_can_give_the_date(path: str, day: str) -> None:
    """Jekyll's file names and dated folders give midnight in the publication's zone."""
    assert dates.in_name(path, SHANGHAI) == datetime.fromisoformat(day).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize("path", ["title.md", "2025-13-01-title.md", "v2025-06-19.md", "1-2-3.md"])
def test_other_names_give_none(path: str) -> None:
    """A number that is not a date is part of the name."""
    assert dates.in_name(path, SHANGHAI) is None
