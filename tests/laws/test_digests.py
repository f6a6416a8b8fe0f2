"""Laws of digests: nothing is issued twice, nothing is lost, nothing changes.

A year of a newsroom is a list of steps: articles are added on time, late or back-dated, and edited,
and cron runs, which may be missed, doubled or out of order, make the issues. Only the records go
from one run to the next, as they would on disk.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from broadsheet.articles import Article
from broadsheet.digests.issue import Issue, parse_record, record_bytes
from broadsheet.digests.schedule import ticks
from broadsheet.digests.selection import Digest, History
from broadsheet.model.values import Schedule
from laws import law, long
from newsletters import digest, story

START, END = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
CLOSING = END + timedelta(days=40)  # a run after everything else
ALWAYS = 1000  # days; no article of the year is too late

# A schedule whose time is skipped in spring, one whose time occurs twice in autumn, and usual ones.
YEARS = [
    ("Asia/Shanghai", "0 8 * * MON"),
    ("Asia/Shanghai", "30 18 * * *"),
    ("America/New_York", "30 2 * * *"),
    ("America/New_York", "30 1 * * *"),
    ("America/New_York", "0 0 * * SUN"),
    ("America/New_York", "0 1,2,3 * * *"),
    ("Australia/Lord_Howe", "15 2 * * *"),
    ("Australia/Lord_Howe", "45 1 * * *"),
    ("Australia/Lord_Howe", "0 8,20 * * *"),
    ("Australia/Lord_Howe", "0 8 1 * *"),
]
KEY = re.compile(r"\d{4}-\d\d-\d\d(-\d{4}(-\d+)?)?")


@dataclass(frozen=True)
class Run:
    """The command runs when its clock says `now`."""

    now: datetime


@dataclass(frozen=True)
class Add:
    """An article is merged."""

    date: datetime


@dataclass(frozen=True)
class Edit:
    """One of the articles gets another title and text."""

    which: int


Year = tuple[str, str]
Steps = list[Run | Add | Edit]


@cache
def _ticks(year: Year) -> tuple[datetime, ...]:
    zone, schedule = year
    return tuple(ticks(Schedule(schedule), ZoneInfo(zone), START, END))


def _moments(year: Year, near: int) -> st.SearchStrategy[datetime]:
    """Moments of the year: most in the few periods after its `near`th tick, many exactly at a
    tick."""
    few = _ticks(year)[near % len(_ticks(year)) :][:5]
    seconds = st.sampled_from((-1, 0, 0, 1, 5000))
    close = st.builds(lambda tick, s: tick + timedelta(seconds=s), st.sampled_from(few), seconds)
    anywhere = st.integers(0, 525_599).map(lambda minute: START + timedelta(minutes=minute))
    return close | close | close | anywhere


@st.composite
def _years(draw: st.DrawFn) -> tuple[Year, Steps]:
    """A year: steps mostly in order, since clocks go back and articles are back-dated."""
    year = draw(st.sampled_from(YEARS))
    moments = _moments(year, draw(st.integers(0, 400)))
    step = st.builds(Run, moments) | st.builds(Add, moments) | st.builds(Edit, st.integers(0, 30))
    steps = draw(st.lists(step, min_size=2, max_size=40))
    if draw(st.booleans()):
        steps.sort(key=lambda each: getattr(each, "now", getattr(each, "date", START)))
    return year, steps


def _newsletter(year: Year, articles: list[Article], **given: object) -> Digest:
    zone, schedule = year
    return digest(articles, schedule, ZoneInfo(zone), **{"late_days": ALWAYS, **given})


@dataclass(frozen=True)
class Outcome:
    """The result of a year: all articles, and the issues."""

    articles: list[Article]
    issues: tuple[Issue, ...]


def _live_through(year: Year, steps: Steps, **given: object) -> Outcome:
    """Run `steps` and a last run, and check after each what must hold."""
    articles: list[Article] = []
    made: list[Issue] = []
    for step in [*steps, Run(CLOSING)]:
        if isinstance(step, Add):
            articles.append(story(f"a{len(articles)}", step.date))
        elif isinstance(step, Edit) and articles:
            which = step.which % len(articles)
            edited = structs.replace(articles[which], title=f"edited {len(made)}", sha256="0" * 64)
            articles[which] = edited
        elif isinstance(step, Run):
            newsletter = _newsletter(year, articles, **given)
            fresh = newsletter.due(step.now, History.of(made))
            made += [parse_record(record_bytes(issue), "issue.json") for issue in fresh]
            assert made[len(made) - len(fresh) :] == list(fresh), "the record says all"
            assert newsletter.due(step.now, History.of(made)) == (), "a second run makes nothing"
    return Outcome(articles, tuple(made))


def _ids(issues: tuple[Issue, ...]) -> list[str]:
    return [id_ for issue in issues for id_ in issue.ids]


@given(told=_years(), missed=st.sampled_from(["merge", "each"]))
@law(10)
def test_every_article_is_in_exactly_one_issue(told: tuple[Year, Steps], missed: str) -> None:
    """This holds for every article from the first issue's window on."""
    year, steps = told
    result = _live_through(year, steps, missed=missed)
    ids = _ids(result.issues)
    assert len(ids) == len(set(ids))
    if result.issues:
        began = result.issues[0].since
        assert set(ids) == {article.id for article in result.articles if article.date > began}


@given(told=_years(), missed=st.sampled_from(["merge", "each"]))
@law(10)
def test_windows_are_contiguous_and_keys_unique(told: tuple[Year, Steps], missed: str) -> None:
    """Each window starts where the last one ended; numbers count up; no two issues share a
    folder."""
    year, steps = told
    issues = _live_through(year, steps, missed=missed).issues
    for one, other in pairwise(issues):
        assert one.tick == other.since < other.tick
    assert [issue.number for issue in issues] == list(range(1, len(issues) + 1))
    assert len({issue.key for issue in issues}) == len(issues)
    assert all(KEY.fullmatch(issue.key) for issue in issues)
    for issue in issues:
        dates = {placed.id: placed.late for placed in issue.articles}
        assert dates, "no articles, no issue"


@given(told=_years(), missed=st.sampled_from(["merge", "each", "skip"]))
@law(10)
def test_articles_dated_before_the_window_are_late(told: tuple[Year, Steps], missed: str) -> None:
    """An article is marked late if and only if it is dated before the issue's window."""
    year, steps = told
    result = _live_through(year, steps, missed=missed)
    date = {article.id: article.date for article in result.articles}
    for issue in result.issues:
        for placed in issue.articles:
            assert placed.late == (date[placed.id] <= issue.since)
            assert date[placed.id] <= issue.tick


@given(told=_years())
@law(10)
def test_skipped_articles_never_come_back(told: tuple[Year, Steps]) -> None:
    """With `skip` each window is one period, and articles between two windows are in no issue."""
    year, steps = told
    result = _live_through(year, steps, missed="skip")
    ids = _ids(result.issues)
    assert len(ids) == len(set(ids))
    known = set(_ticks(year))
    for issue in result.issues:
        if issue.since > START and issue.tick < END:
            between = [tick for tick in known if issue.since < tick < issue.tick]
            assert not between
            assert issue.since in known or issue.since < min(known)
    date = {article.id: article.date for article in result.articles}
    for one, other in pairwise(result.issues):
        assert not [id_ for id_ in ids if one.tick < date[id_] <= other.since]


@given(told=_years(), missed=st.sampled_from(["merge", "each"]), days=st.integers(0, 90))
@law(10)
def test_late_days_excludes_exactly_the_too_old(
    told: tuple[Year, Steps], missed: str, days: int
) -> None:
    """An article in an issue was not too late for it; an article left out is too late for the
    next."""
    year, steps = told
    result = _live_through(year, steps, missed=missed, late_days=days)
    if not result.issues:
        return
    limit = timedelta(days=days)
    date = {article.id: article.date for article in result.articles}
    for issue in result.issues:
        assert all(date[id_] > issue.since - limit for id_ in issue.ids)
    left = set(date) - set(_ids(result.issues))
    began, last = result.issues[0].since, result.issues[-1].tick
    assert all(date[id_] <= began or date[id_] <= last - limit for id_ in left)


_ON_TIME = st.sampled_from(YEARS).flatmap(
    lambda year: st.tuples(
        st.just(year),
        st.lists(_moments(year, 0), min_size=1, max_size=30),
        st.lists(_moments(year, 0), max_size=20),
    )
)


@given(year=_ON_TIME, start=st.integers(0, 50))
@law(5)
def test_late_runs_make_the_same_issues(
    year: tuple[Year, list[datetime], list[datetime]], start: int
) -> None:
    """For articles on time, `each` makes the same issues whenever it runs, and `merge` one with the
    same articles."""
    of, dates, runs = year
    articles = [story(f"a{number}", date) for number, date in enumerate(dates)]
    each = _newsletter(of, articles, missed="each")
    first = _first(each, start)
    if first is None:
        return
    history = History((first,))
    at_once = each.due(CLOSING, history)
    assert _by_and_by(each, history, sorted(runs)) == at_once
    merged = _newsletter(of, articles, missed="merge")
    assert set(_ids(merged.due(CLOSING, history))) == set(_ids(at_once))
    assert set(_ids(_by_and_by(merged, history, sorted(runs)))) == set(_ids(at_once))


def _first(newsletter: Digest, start: int) -> Issue | None:
    """Return the first issue of a digest that begins at the `start`th tick of the year, or
    later."""
    year = (newsletter.zone.key, str(newsletter.settings.schedule))
    for tick in _ticks(year)[start:]:
        if made := newsletter.issue(tick, History()):
            return made
    return None


def _by_and_by(newsletter: Digest, history: History, runs: list[datetime]) -> tuple[Issue, ...]:
    before = len(history.issues)
    for now in [*runs, CLOSING]:
        history = history.and_then(*newsletter.due(now, history))
    return history.issues[before:]


def _around_changes_of_the_clocks(
    periods: list[tuple[datetime, datetime]], zone: ZoneInfo
) -> list[tuple[datetime, datetime]]:
    offsets = [one.astimezone(zone).utcoffset() for one, _ in periods]
    changes = [n for n, (one, other) in enumerate(pairwise(offsets)) if one != other]
    near = {n for change in changes for n in range(change - 12, change + 13)}
    return [each for n, each in enumerate(periods) if n in near or n < 25]


@pytest.mark.parametrize("year", [*YEARS[1:4], *long(YEARS[0], *YEARS[4:])], ids=" ".join)
def test_every_period_has_its_issue(year: Year) -> None:
    """With one article per period, runs at every tick and one run at the end both make an issue for
    each."""
    periods = _around_changes_of_the_clocks(list(pairwise(_ticks(year))), ZoneInfo(year[0]))
    articles = [story(f"a{n}", one + (other - one) / 2) for n, (one, other) in enumerate(periods)]
    for missed in ("merge", "each", "skip"):
        newsletter = _newsletter(year, articles, missed=missed)
        history = History()
        for _, tick in periods[:20]:
            history = history.and_then(*newsletter.due(tick, history))
        assert [issue.ids for issue in history.issues] == [{a.id} for a in articles[:20]]
    newsletter = _newsletter(year, articles, missed="each")
    history = history.and_then(*newsletter.due(periods[-1][1], history))
    assert [issue.ids for issue in history.issues] == [{a.id} for a in articles]
    assert [issue.tick for issue in history.issues] == [tick for _, tick in periods]
