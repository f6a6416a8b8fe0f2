"""Which issues are delivered; no reader gets an article twice even if records are lost."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta

import pytest

from broadsheet.delivery import subscribers
from broadsheet.delivery.issues import choose
from broadsheet.delivery.tokens import LinkToken, Tokens
from broadsheet.digests.issue import Issue
from broadsheet.service.store import LiveDatabase, SubscriberStore
from deliveries import SECRET, Post, at
from newsroom import MOMENT, NOW

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]

NEXT_WEEK = at(days=7)


@pytest.fixture
def office(office: Post) -> Post:
    """A newsroom that has delivered one issue of weekly to a reader of everything and one who wants
    weekly alone."""
    office.subscribe(1)
    assert office.newsroom.run("subscribers", "add", "w@x.org", "--digest", "weekly").code == 0
    assert office.deliver().out == "weekly/2025-06-30: 2 sent\n"
    return office


def _config(office: Post, old: str, new: str) -> None:
    path = office.newsroom.folder / "broadsheet.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def _renamed(office: Post, more: str = "") -> None:
    _config(office, "[digests.weekly]\n", f"[digests.letter]\n{more}")


def _new_issue(office: Post, *args: str) -> None:
    office.newsroom.article("b.md", date="2025-07-02T08:00:00+08:00", title="新的一篇")
    ran = office.newsroom.run("digest", *args, now=NEXT_WEEK)
    assert ran.code == 0, ran.err


def test_a_renamed_digest_keeps_its_readers(office: Post) -> None:
    """With renamed_from no old issue is sent again; the next one goes to the digest's readers,
    whose settings then have the new name."""
    _renamed(office, 'renamed_from = ["weekly"]\n')
    assert office.newsroom.run("digest", now=NOW).out.startswith("letter: nothing is due")
    assert office.deliver().out == "nothing is to be delivered\n"
    _new_issue(office)
    dry = office.deliver("--dry-run", now=NEXT_WEEK)
    assert dry.out == "letter/2025-07-07 would be sent to 2 subscribers\n"
    assert office.deliver("letter", now=NEXT_WEEK).out == "letter/2025-07-07: 2 sent\n"
    assert office.received() == {"reader000000@example.org": 2, "w@x.org": 2}
    listed = json.loads(office.newsroom.run("subscribers", "list", "--json").out)
    assert [one["digests"] for one in listed] == [[], ["letter"]]


def test_an_unsent_issue_of_the_old_name_is_sent(office: Post) -> None:
    """To all its readers, once, under the name that it was issued by."""
    _new_issue(office)
    office.newsroom.article("b.md", date="2025-07-02T08:00:00+08:00", title="Edited since")
    _renamed(office, 'renamed_from = ["weekly"]\n')
    assert office.deliver("weekly", now=NEXT_WEEK).out == "weekly/2025-07-07: 2 sent\n"
    assert office.deliver(now=NEXT_WEEK).out == "nothing is to be delivered\n"
    copy = office.deliver("weekly", "--to", "me@x.org", "--dry-run", now=NEXT_WEEK)
    assert copy.out == "weekly/2025-07-07: a test copy would be sent to me@x.org\n"
    assert office.deliver("--issue", "weekly/2025-07-07", now=NEXT_WEEK).code == 0
    assert sorted(office.received().values()) == [2, 2]


def test_a_delivery_continues_under_another_name(office: Post) -> None:
    """Waiting readers get the rest of the issue; none is reported as stranded."""
    _new_issue(office)
    office.deliver("--limit", "1", now=NEXT_WEEK)
    _renamed(office, 'renamed_from = ["weekly"]\n')
    ran = office.deliver(now=NEXT_WEEK)
    assert (ran.code, ran.out, ran.err) == (0, "weekly/2025-07-07: 2 sent\n", "")
    assert sorted(office.received().values()) == [2, 2]


def test_an_old_link_leaves_the_renamed_digest_only(office: Post) -> None:
    """The link in a mail of the old name unsubscribes from the digest under its new name."""
    _renamed(office, 'renamed_from = ["weekly"]\n')
    office.deliver()
    database = office.open()
    tokens = Tokens(SECRET)
    desk = SubscriberStore(
        LiveDatabase(database), tokens, ("letter", "daily"), lambda: MOMENT, {"weekly": "letter"}
    )
    token = desk.link_token(tokens.unsubscribe(1, "weekly"))
    assert token == LinkToken(1, "letter")
    reader = desk.leave(token, "test")
    assert reader is not None
    assert (reader.subscriber.status, reader.subscriber.digests) == ("active", ("daily",))
    database.close()


def test_readers_of_both_names_get_the_digest_once(office: Post) -> None:
    """Renaming merges the two settings, and records why."""
    database = office.open()
    with database.writing() as connection:
        both = subscribers.add(
            connection, "b@x.org", cause="test", now=MOMENT, digests=("weekly", "letter", "week")
        )
        assert subscribers.rename_digest(connection, "weekly", "letter", now=MOMENT) == 2
        found = subscribers.get(connection, both.id)
        assert found is not None
        assert found.digests == ("letter", "week")
        assert (
            "the digest weekly is now called letter"
            in subscribers.history(connection, found)[-1].cause
        )
    database.close()


REFUSED = (
    "refusing to send {name}: 3 of its 3 articles were sent in weekly/2025-06-30, whose record"
)


def test_a_digest_renamed_by_hand_is_not_sent_again(office: Post) -> None:
    """If folder, record and config are renamed and only the ledger knows: exit 1, the reason, and
    what to do. The flag sends it."""
    _renamed(office)
    digests = office.newsroom.folder / "feeds/digests"
    (digests / "weekly").rename(digests / "letter")
    record = digests / "letter/2025-06-30/issue.json"
    record.write_bytes(record.read_bytes().replace(b'"weekly"', b'"letter"'))
    for args in ((), ("--dry-run",), ("--issue", "letter/2025-06-30"), ("--quiet",)):
        ran = office.deliver(*args)
        assert ran.code == 1, args
        assert ran.err.startswith(REFUSED.format(name="letter/2025-06-30"))
        assert 'renamed_from = ["weekly"]' in ran.err
    assert sorted(office.received().values()) == [1, 1]
    found = json.loads(office.deliver("--json").out)["issues"]
    assert [(row["key"], "refused" in row) for row in found] == [("2025-06-30", True)]
    ran = office.deliver("--issue", "letter/2025-06-30", "--allow-repeat")
    assert (ran.code, ran.out) == (0, "letter/2025-06-30: 1 sent\n")


@pytest.mark.parametrize("moved", [False, True])
def test_an_issue_made_again_without_its_record_is_not_sent(office: Post, moved: bool) -> None:
    """If the records are gone, as in a CI job that does not keep feeds/, another schedule makes an
    issue of the same articles; it is recognised even if all addresses have changed."""
    shutil.rmtree(office.newsroom.folder / "feeds")
    _config(office, 'title = "周报"', 'title = "周报"\nschedule = "0 9 * * MON"')
    if moved:
        _config(office, "https://example.org/", "https://example.com/blog/")
        _config(
            office, "[digests.weekly]", '[articles]\npermalink = "/{year}/{slug}"\n[digests.weekly]'
        )
    later = at(minutes=30)
    assert office.newsroom.run("digest", now=later).code == 0
    made = sorted((office.newsroom.folder / "feeds/digests/weekly").glob("*/issue.json"))
    key = made[-1].parent.name
    issue = made[-1].parent
    if key == "2025-06-30":  # the ledger has this key: it was sent already
        assert office.deliver(now=later).out == "nothing is to be delivered\n"
        issue = issue.rename(issue.with_name("2025-06-30-0900"))
        data = (issue / "issue.json").read_bytes()
        (issue / "issue.json").write_bytes(
            data.replace(b'"key": "2025-06-30"', b'"key": "2025-06-30-0900"')
        )
    ran = office.deliver(now=later)
    assert ran.code == 1
    assert ran.err.startswith(REFUSED.format(name=f"weekly/{issue.name}"))
    assert "feeds/digests/weekly/2025-06-30/issue.json is missing; restore it from Git" in ran.err
    assert "renamed_from" not in ran.err
    assert sorted(office.received().values()) == [1, 1]


def test_new_articles_are_sent_although_records_are_missing(office: Post) -> None:
    """Nothing in the issue was sent before."""
    shutil.rmtree(office.newsroom.folder / "feeds")
    _new_issue(office)
    assert office.deliver(now=NEXT_WEEK).out == "weekly/2025-07-07: 2 sent\n"


def test_another_digest_may_have_the_same_articles(office: Post) -> None:
    """Two digests of one config may overlap, with or without records."""
    _config(
        office,
        "[digests.weekly]\n",
        '[digests.daily]\ntitle = "D"\nschedule = "30 8 * * MON"\n[digests.weekly]\n',
    )
    assert office.newsroom.run("digest", "daily", now=NOW).code == 0
    shutil.rmtree(office.newsroom.folder / "feeds/digests/weekly")
    assert office.deliver("daily").out == "daily/2025-06-30: 1 sent\n"


def test_an_allowed_new_digest_is_sent(office: Post) -> None:
    """The records exist, so `digest --allow-new` has decided it."""
    _renamed(office)
    assert office.newsroom.run("digest", now=NOW).code == 1
    assert office.newsroom.run("digest", "--allow-new", now=NOW).code == 0
    assert office.deliver().out == "letter/2025-06-30: 1 sent\n"


def _issue(days: float) -> Issue:
    tick = MOMENT - timedelta(days=days)
    return Issue("weekly", f"{tick:%Y-%m-%d-%H}", 1, tick, tick, ())


def _chosen(issued: list[Issue], *begun: Issue, now: datetime = MOMENT) -> list[Issue]:
    done = [(issue.key, issue.tick) for issue in begun]
    return list(choose(issued, done, now, 7).issues)


def test_a_digest_that_was_never_delivered_sends_its_newest_issue_only() -> None:
    """However many there are, and not if it is old."""
    issues = [_issue(days) for days in (21, 14, 6, 1)]
    assert _chosen(issues) == [issues[-1]]
    found = choose(issues, [], MOMENT, 7)
    assert [issue for issue, _ in found.left] == issues[:-1]
    assert _chosen([_issue(8)]) == []


def test_after_that_each_new_issue_is_sent_once() -> None:
    """In order; nothing older than the last one sent."""
    old, first, second, third = (_issue(days) for days in (6, 5, 3, 1))
    assert _chosen([third, old, first, second], first) == [second, third]
    assert _chosen([first, second, third], first, second, third) == []


def test_an_issue_of_the_future_waits() -> None:
    """With --now in the past it does not exist yet."""
    assert _chosen([_issue(1)], now=MOMENT - timedelta(days=3)) == []
