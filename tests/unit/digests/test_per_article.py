"""One mail for each article: each once, in order, outside of quiet hours."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from broadsheet.digests import refusals
from broadsheet.digests.issue import Issue
from broadsheet.digests.schedule import after_quiet_hours
from broadsheet.digests.selection import History
from newsletters import SHANGHAI, at, digest, names, story

START = at("2025-06-20 12:00")
QUIET = "22:00-07:00"


def _due(stories: list[tuple[str, datetime]], now: datetime, history: History) -> tuple[Issue, ...]:
    articles = [story(name, date) for name, date in stories]
    return digest(articles, "per-article", quiet_hours=QUIET).due(now, history)


def _is_quiet(moment: datetime) -> bool:
    return moment.astimezone(SHANGHAI).hour >= 22 or moment.astimezone(SHANGHAI).hour < 7


HOURS = st.integers(0, 240)


@given(dates=st.lists(HOURS, max_size=12), runs=st.lists(HOURS, min_size=1, max_size=12))
def test_each_article_has_one_issue_in_order(dates: list[int], runs: list[int]) -> None:
    """Whenever it runs, and however late articles are merged: nothing twice, nothing lost."""
    stories = [("first", START)]
    history = History(_due(stories, START + timedelta(minutes=1), History()))
    assert [names(issue) for issue in history.issues] == [["first"]]
    stories += [(f"a{n}", START + timedelta(hours=hour)) for n, hour in enumerate(dates)]
    for now in [*(START + timedelta(hours=hour) for hour in runs), at("2025-07-01 12:00")]:
        made = _due(stories, now, history)
        assert not (made and _is_quiet(now))
        history = history.and_then(*made)
        assert _due(stories, now, history) == ()
    issued = [name for issue in history.issues for name in names(issue)]
    assert sorted(issued) == sorted(name for name, _ in stories)
    assert all(one.tick < other.tick for one, other in pairwise(history.issues))
    assert all(one.tick == other.since for one, other in pairwise(history.issues))
    assert len({issue.key for issue in history.issues}) == len(history.issues)
    assert not any(_is_quiet(issue.tick) for issue in history.issues)


def test_a_digest_begins_with_the_newest_article() -> None:
    """The archive of a site is not mailed, however often it runs."""
    stories = [(f"a{day}", START + timedelta(days=day)) for day in range(5)]
    first = _due(stories, at("2025-06-30 12:00"), History())
    assert [names(issue) for issue in first] == [["a4"]]
    assert _due(stories, at("2025-06-30 13:00"), History(first)) == ()


def test_many_late_articles_need_permission() -> None:
    """As after a change of addresses, or an import; one that was merged late is normal."""
    first = History(_due([("a", START)], START, History()))

    def admitted(count: int, *, allow: bool = False) -> tuple[int, int]:
        late = [(f"late{n}", START + timedelta(minutes=-n - 1)) for n in range(count)]
        older = History(tuple(_older(issue) for issue in first.issues))
        articles = [story(name, date) for name, date in late]
        newsletter = digest(articles, "per-article")
        issues = newsletter.due(at("2025-06-21 12:00"), older)
        made, problems = refusals.admitted(issues, newsletter, older, dict, late=allow)
        return len(made), len(problems)

    assert admitted(1) == (1, 0)
    assert admitted(3) == (0, 1)
    assert admitted(3, allow=True) == (3, 0)


def _older(issue: Issue) -> Issue:
    return structs.replace(issue, since=issue.since - timedelta(days=30))


@pytest.mark.parametrize(
    ("moment", "quiet", "end"),
    [
        ("2025-06-20 21:59", QUIET, "2025-06-20 21:59"),
        ("2025-06-20 22:00", QUIET, "2025-06-21 07:00"),
        ("2025-06-21 06:59", QUIET, "2025-06-21 07:00"),
        ("2025-06-21 07:00", QUIET, "2025-06-21 07:00"),
        ("2025-06-21 12:30", "12:00-13:30", "2025-06-21 13:30"),
        ("2025-06-21 13:30", "12:00-13:30", "2025-06-21 13:30"),
        ("2025-06-21 12:30", "", "2025-06-21 12:30"),
    ],
)
def test_quiet_hours(moment: str, quiet: str, end: str) -> None:
    """Half open, over midnight too, by the clocks of the publication."""
    assert after_quiet_hours(at(moment), quiet, SHANGHAI) == at(end)


def test_what_waits_is_previewed_and_explained() -> None:
    """In quiet hours nothing is due, and what comes at their end is shown."""
    night = digest([story("a", "2025-06-20 23:00")], "per-article", quiet_hours=QUIET)
    now = at("2025-06-20 23:30")
    assert night.due(now, History()) == ()
    (coming,) = night.upcoming(now, History())
    assert (names(coming), coming.tick) == (["a"], at("2025-06-21 07:00"))
    article = night.catalogue_at(now).articles[0]
    assert night.explain(article, now, History()) == (
        True,
        f"it will be in the issue of {coming.key}",
    )
