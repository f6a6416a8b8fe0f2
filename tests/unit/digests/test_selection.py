"""Which issues are due and what they contain, rule by rule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from broadsheet.digests.issue import Issue
from broadsheet.digests.selection import Digest, History
from newsletters import at, digest, layout, names, story

NOTHING = History()


def _due(newsletter: Digest, now: str, *before: Issue) -> tuple[Issue, ...]:
    return newsletter.due(at(now), History.of(before))


def test_the_first_issue_looks_back_one_period() -> None:
    """Articles dated in the week before the last tick are in the first issue; older ones are
    not."""
    weekly = digest(
        [
            story("at-the-tick", "2025-06-23 08:00"),
            story("in-the-week", "2025-06-16 08:00:01"),
            story("at-the-tick-before", "2025-06-16 08:00"),
            story("after", "2025-06-23 08:00:01"),
        ]
    )
    (issue,) = _due(weekly, "2025-06-25 10:00")
    assert names(issue) == ["at-the-tick", "in-the-week"]
    assert (issue.since, issue.tick) == (at("2025-06-16 08:00"), at("2025-06-23 08:00"))
    assert (issue.key, issue.number) == ("2025-06-23", 1)


def test_an_issue_begins_where_the_one_before_ended() -> None:
    """With a recorded issue, the next window runs from its tick to the next one's."""
    articles = [story("a", "2025-06-20 12:00"), story("b", "2025-06-23 08:00:01")]
    (first,) = _due(digest(articles), "2025-06-23 08:00")
    (second,) = _due(digest(articles), "2025-06-30 08:00", first)
    assert names(second) == ["b"]
    assert (second.since, second.number) == (first.tick, 2)


def test_nothing_is_due_twice_or_without_articles() -> None:
    """A second run at the same now, and a week with no articles, make no issue."""
    weekly = digest([story("a", "2025-06-20 12:00")])
    (first,) = _due(weekly, "2025-06-23 08:00")
    assert _due(weekly, "2025-06-23 08:00", first) == ()
    assert _due(weekly, "2025-06-30 08:00", first) == ()
    assert _due(weekly, "2025-06-16 07:59") == ()


def test_an_issue_is_due_from_its_tick_on() -> None:
    """A second before the tick there is none; at the tick there is."""
    weekly = digest([story("a", "2025-06-20 12:00")])
    assert _due(weekly, "2025-06-23 07:59:59") == ()
    assert len(_due(weekly, "2025-06-23 08:00")) == 1


def test_a_late_article_is_in_the_next_issue_and_marked() -> None:
    """Articles merged late or back-dated into a past window are not lost."""
    (first,) = _due(digest([story("a", "2025-06-20 12:00")]), "2025-06-23 08:00")
    articles = [
        story("a", "2025-06-20 12:00"),
        story("back-dated", "2025-06-18 12:00"),
        story("b", "2025-06-25 12:00"),
    ]
    (second,) = _due(digest(articles), "2025-06-30 08:00", first)
    assert [(placed.title, placed.late) for placed in second.articles] == [
        ("b", False),
        ("back-dated", True),
    ]


def test_a_late_article_waits_for_the_next_tick() -> None:
    """An article merged after the tick causes no second issue, however often the command runs."""
    (first,) = _due(digest([story("a", "2025-06-20 12:00")]), "2025-06-23 08:00")
    late = digest([story("a", "2025-06-20 12:00"), story("late", "2025-06-19 12:00")])
    for now in ("2025-06-23 08:00", "2025-06-24 12:00", "2025-06-30 07:59"):
        assert _due(late, now, first) == ()
    (second,) = _due(late, "2025-06-30 08:00", first)
    assert names(second) == ["late"]


def test_an_article_dated_at_a_tick_belongs_to_the_window_that_ends_there() -> None:
    """Half open: since < date <= tick. Merged later, it is late; skipped, it does not come back."""
    at_tick = story("at-tick", "2025-06-23 08:00")
    (first,) = _due(digest([story("a", "2025-06-20 12:00")]), "2025-06-23 08:00")
    (second,) = _due(digest([at_tick]), "2025-06-30 08:00", first)
    assert [placed.late for placed in second.articles] == [True]
    begun = story("begun", "2025-06-12 12:00")
    (start,) = _due(digest([begun]), "2025-06-16 08:00")
    skipping = digest([begun, at_tick, story("b", "2025-06-25 12:00")], missed="skip")
    (issue,) = _due(skipping, "2025-06-30 08:00", start)
    assert names(issue) == ["b"]
    assert _due(digest([begun, at_tick]), "2025-07-07 08:00", start, issue) == ()


def test_articles_before_the_first_window_are_never_issued() -> None:
    """The years before the digest began are not sent, however late they are merged."""
    (first,) = _due(digest([story("a", "2025-06-20 12:00")]), "2025-06-23 08:00")
    articles = [story("old", "2025-06-16 08:00"), story("b", "2025-06-25 12:00")]
    (second,) = _due(digest(articles), "2025-06-30 08:00", first)
    assert names(second) == ["b"]
    inside, why = digest(articles).explain(articles[0], at("2025-06-25 12:00"), History((first,)))
    assert not inside
    assert why == "it is dated before the first issue's window"


def test_late_days_is_exact() -> None:
    """Dated exactly late_days before the window it is left out; a second later it is in."""
    first = digest([story("a", "2025-06-20 12:00")])
    (one,) = _due(first, "2025-06-23 08:00")
    articles = [
        story("b", "2025-09-02 12:00"),
        story("b2", "2025-08-26 12:00"),
        story("too-late", "2025-08-22 08:00"),
        story("just-in", "2025-08-22 08:00:01"),
    ]
    (two,) = _due(digest([articles[1]]), "2025-09-01 08:00", one)
    weekly = digest(articles, late_days=10)
    (three,) = _due(weekly, "2025-09-08 08:00", one, two)
    assert names(three) == ["b", "just-in"]
    inside, why = weekly.explain(articles[2], at("2025-09-07 08:00"), History((one, two)))
    assert (inside, why) == (False, "it is dated more than 10 days (late_days) before it")


@pytest.mark.parametrize(
    ("missed", "expected"),
    [
        ("merge", [("2025-07-07", ["c", "b", "a"])]),
        ("each", [("2025-06-23", ["a"]), ("2025-06-30", ["b"]), ("2025-07-07", ["c"])]),
        ("skip", [("2025-07-07", ["c"])]),
    ],
)
def test_missed_decides_about_missed_ticks(
    missed: str, expected: list[tuple[str, list[str]]]
) -> None:
    """One issue for all, one each, or only the newest period's."""
    before = story("before", "2025-06-15 12:00")
    (first,) = _due(digest([before]), "2025-06-16 08:00")
    articles = [
        before,
        story("a", "2025-06-20 12:00"),
        story("b", "2025-06-26 12:00"),
        story("c", "2025-07-02 12:00"),
    ]
    made = _due(digest(articles, missed=missed), "2025-07-08 12:00", first)
    assert [(issue.key, names(issue)) for issue in made] == expected


def test_skipped_articles_never_come_back() -> None:
    """With `skip`, an article of a skipped period is in no later issue, and `explain` says so."""
    articles = [story("one", "2025-06-15 12:00"), story("skipped", "2025-06-20 12:00")]
    (first,) = _due(digest(articles[:1]), "2025-06-16 08:00")
    weekly = digest([*articles, story("c", "2025-06-28 12:00")], missed="skip")
    (second,) = _due(weekly, "2025-06-30 08:00", first)
    assert names(second) == ["c"]
    later = digest([*articles, story("d", "2025-07-03 12:00")], missed="merge")
    (third,) = _due(later, "2025-07-07 08:00", first, second)
    assert names(third) == ["d"]
    inside, why = later.explain(articles[1], at("2025-07-01 08:00"), History((first, second)))
    assert not inside
    assert "skipped" in why


def test_an_edited_article_is_not_issued_again() -> None:
    """Another title and text under the same id is the same article."""
    (first,) = _due(digest([story("a")]), "2025-06-23 08:00")
    edited = story("a", title="Another title", sha256="0" * 64, updated=at("2025-06-24 12:00"))
    assert _due(digest([edited]), "2025-06-30 08:00", first) == ()


def test_drafts_expired_and_future_articles_are_not_issued() -> None:
    """An issue contains articles of the catalogue at its tick only."""
    articles = [
        story("draft", hidden="it is a draft"),
        story("expired", expires=at("2025-06-23 08:00")),
        story("expires-later", expires=at("2025-06-23 08:00:01")),
        story("held-back", publish=at("2025-06-23 08:00:01")),
        story("future", "2025-06-23 08:00:01"),
    ]
    (issue,) = _due(digest(articles), "2025-06-23 09:00")
    assert names(issue) == ["expires-later"]
    (following,) = _due(digest(articles), "2025-06-30 09:00", issue)
    assert [(p.title, p.late) for p in following.articles] == [
        ("future", False),
        ("held-back", True),
    ]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"topics": ("AI",)}, ["by-alias", "by-topic"]),
        ({"topics": ("人工智能",)}, ["by-alias", "by-topic"]),  # the config may use an alias
        ({"topics": ("ai", "Feeds")}, ["by-alias", "by-topic", "other-topic"]),
        ({"tags": ("ai",)}, ["by-tag"]),
        ({"tags": ("人工智能",)}, ["by-other-tag"]),  # aliases are for topics
        ({"languages": ("en",)}, ["american", "english"]),
        ({"languages": ("en-US",)}, ["american"]),
        ({"languages": ("e",)}, []),
        ({"topics": ("nowhere",)}, []),
    ],
)
def test_a_digest_selects_by_topic_tag_and_language(
    chosen: dict[str, object], expected: list[str]
) -> None:
    """Each selection takes what it names in any spelling, and nothing else."""
    articles = [
        story("by-topic", topics=("AI",)),
        story("by-alias", topics=("人工智能",)),
        story("other-topic", topics=("feeds",)),
        story("by-tag", tags=("AI",)),
        story("by-other-tag", tags=("人工智能",)),
        story("english", language="en"),
        story("american", language="EN-us"),
        story("est", language="est"),
    ]
    weekly = digest(articles, aliases={"AI": ("人工智能",)}, **chosen)
    found = [name for issue in _due(weekly, "2025-06-23 08:00") for name in names(issue)]
    assert sorted(found) == expected


def test_aliases_in_the_config_name_sections_too() -> None:
    """`topics` and `topic_order` may use any spelling of a topic."""
    articles = [
        story("a", topics=("AI",)),
        story("b", "2025-06-20 13:00", topics=("Feeds",)),
        story("c", "2025-06-20 14:00", topics=("Feeds",)),
    ]
    weekly = digest(
        articles,
        aliases={"AI": ("人工智能",), "Feeds": ("订阅",)},
        topics=("订阅", "人工智能"),
        topic_order=("人工智能",),
    )
    (issue,) = _due(weekly, "2025-06-23 08:00")
    assert layout(issue) == [("AI", ["a"]), ("Feeds", ["c", "b"])]


def test_the_record_identifies_each_article() -> None:
    """With id, address, title and the hash of its text."""
    article = story("a", title="The title", url="https://example.org/a/", id="urn:a")
    (issue,) = _due(digest([article]), "2025-06-23 08:00")
    (placed,) = issue.articles
    assert (placed.id, placed.url, placed.title) == ("urn:a", "https://example.org/a/", "The title")
    assert placed.sha256 == article.sha256


def test_the_order_of_the_records_does_not_matter() -> None:
    """History sorts issues by tick; due issues follow from them all."""
    articles = [story("a", "2025-06-20 12:00"), story("b", "2025-06-27 12:00")]
    first, second = _due(digest(articles), "2025-06-23 08:00") + _due(
        digest(articles[1:]), "2025-06-30 08:00"
    )
    assert History.of([second, first]) == History.of([first, second])
    assert _due(digest(articles), "2025-06-30 08:00", second, first) == ()


def test_several_issues_a_day_have_keys_of_their_own() -> None:
    """If a day has several ticks, the time is in the key; with one tick, it is not."""
    twice = digest(
        [story("a", "2025-06-23 07:00"), story("b", "2025-06-23 12:00")],
        "0 8,20 * * MON",
        missed="each",
    )
    (one,) = _due(twice, "2025-06-23 08:00")
    (two,) = _due(twice, "2025-06-23 20:00", one)
    assert (one.key, two.key) == ("2025-06-23-0800", "2025-06-23-2000")


def test_the_repeated_hour_in_autumn_has_two_keys() -> None:
    """Hourly issues at 01:00 and, an hour later, at 01:00 do not share a folder."""
    zone = ZoneInfo("America/New_York")
    start = datetime(2025, 11, 2, 4, 30, tzinfo=UTC)  # 00:30 by the clocks
    articles = [story(str(hour), start + timedelta(hours=hour)) for hour in range(4)]
    hourly = digest(articles, "0 * * * *", zone, missed="each")
    history = History.of(hourly.due(start + timedelta(minutes=30), NOTHING))
    made = (*history.issues, *hourly.due(start + timedelta(hours=4), history))
    assert [issue.key for issue in made] == [
        "2025-11-02-0100",
        "2025-11-02-0100-2",
        "2025-11-02-0200",
        "2025-11-02-0300",
    ]
    assert [names(issue) for issue in made] == [["0"], ["1"], ["2"], ["3"]]


@pytest.mark.parametrize("schedule", ["0 8 * * *", "0 8,20 * * *"])
def test_a_publication_that_moves_to_another_zone_overwrites_no_issue(schedule: str) -> None:
    """If the local time of an issue occurs again in the new zone, its key differs."""
    made: tuple[Issue, ...] = ()
    start = datetime(2025, 6, 22, 23, tzinfo=UTC)  # 07:00 in Shanghai
    articles = [story(str(hour), start + timedelta(hours=hour)) for hour in range(30)]
    for zone, now in (
        ("Asia/Shanghai", start + timedelta(hours=1)),
        ("America/New_York", start + timedelta(hours=13)),
        ("Pacific/Honolulu", start + timedelta(hours=19)),
    ):
        made += digest(articles, schedule, ZoneInfo(zone)).due(now, History.of(made))
    assert len(made) == 3
    assert len({issue.key for issue in made}) == 3


def test_upcoming_is_what_is_due_and_then_the_next() -> None:
    """A preview shows the issue that `digest` would make now, and the beginning of the next."""
    articles = [story("due", "2025-06-20 12:00"), story("next", "2025-06-24 12:00")]
    weekly = digest(articles)
    due, coming = weekly.upcoming(at("2025-06-25 12:00"), NOTHING)
    assert (due,) == _due(weekly, "2025-06-25 12:00")
    assert (coming,) == _due(weekly, "2025-06-30 08:00", due)
    assert weekly.upcoming(at("2025-06-25 12:00"), History((due,))) == (coming,)
    assert weekly.upcoming(at("2025-07-25 12:00"), History((due, coming))) == ()


def test_explain_names_the_issue_of_an_article() -> None:
    """The issue it was in, the one that is due, or the next."""
    articles = [
        story("issued", "2025-06-13 12:00"),
        story("due", "2025-06-20 12:00"),
        story("next", "2025-06-24 12:00"),
        story("future", "2025-07-24 12:00"),
        story("draft", "2025-06-24 12:00", hidden="it is a draft"),
        story("elsewhere", "2025-06-24 12:00", topics=("Other",)),
    ]
    articles = [structs.replace(each, topics=each.topics or ("AI",)) for each in articles]
    weekly = digest(articles, topics=("AI",))
    tick = "2025-06-30 08:00"
    history = History.of(_due(weekly, "2025-06-16 08:00"))
    found = {
        article.title: weekly.explain(article, at("2025-06-25 12:00"), history)
        for article in articles
    }
    assert found == {
        "issued": (True, "in the issue of 2025-06-16"),
        "due": (True, "it will be in the issue of 2025-06-23"),
        "next": (True, "it will be in the issue of 2025-06-30"),
        "future": (
            False,
            f"at its next tick, {tick}, it is dated 2025-07-24 12:00 +0800, which is in the future",
        ),
        "draft": (False, f"at its next tick, {tick}, it is a draft"),
        "elsewhere": (False, "it has none of the digest's topics"),
    }


def test_a_change_of_schedule_loses_nothing() -> None:
    """From weekly to monthly and back: each window begins at the last issue's tick."""
    articles = [story(str(day), f"2025-06-{day:02} 12:00") for day in range(1, 31)]
    made: tuple[Issue, ...] = ()
    for schedule, now in (
        ("0 8 * * MON", "2025-06-09 08:00"),
        ("0 8 1 * *", "2025-07-01 08:00"),
        ("0 8 * * *", "2025-07-03 08:00"),
    ):
        made += digest(articles, schedule).due(at(now), History.of(made))
    assert [len(issue.ids) for issue in made] == [7, 22]
    assert made[1].since == made[0].tick
