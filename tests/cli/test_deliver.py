"""`deliver` from the publisher's side: what it sends, prints and records."""

from __future__ import annotations

import json
import re
import resource
import shutil
import sqlite3
import time
from email import message_from_string, policy
from email.message import EmailMessage
from typing import Any

import pytest

from broadsheet.delivery import claims, database, issues, pacing, sending
from deliveries import Post, at
from newsroom import NOW

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]

NEXT_WEEK = at(days=7)


def _second_issue(office: Post) -> None:
    office.newsroom.article("b.md", date="2025-07-02T08:00:00+08:00", title="新的一篇")
    assert office.newsroom.run("digest", now=NEXT_WEEK).code == 0


def test_each_issue_is_sent_once(office: Post) -> None:
    """First the newest issue, then each new one; people who join later get later issues only."""
    office.subscribe(3)
    ran = office.deliver()
    assert ran.code == 0
    assert ran.out == "weekly/2025-06-30: 3 sent\n"
    assert office.deliver("--quiet").out == ""
    assert office.newsroom.run("subscribers", "add", "new@example.org").code == 0
    _second_issue(office)
    assert office.deliver(now=NEXT_WEEK).out == "weekly/2025-07-07: 4 sent\n"
    assert sorted(office.received().values()) == [1, 2, 2, 2]


def test_old_issues_are_not_sent_unasked(office: Post) -> None:
    """A digest that was never delivered sends its newest issue; --issue sends an older one."""
    _second_issue(office)
    office.subscribe(2)
    ran = office.deliver("--dry-run", now=NEXT_WEEK)
    assert "weekly/2025-07-07 would be sent to 2 subscribers" in ran.out
    assert "weekly/2025-06-30 will not be sent: " in ran.out
    assert office.deliver(now=NEXT_WEEK).out == "weekly/2025-07-07: 2 sent\n"
    named = office.deliver("--issue", "weekly/2025-06-30", now=NEXT_WEEK)
    assert named.out == "weekly/2025-06-30: 2 sent\n"
    ran = office.deliver(now=at(days=300))
    assert ran.out == "nothing is to be delivered\n"


def test_a_draft_is_sent_to_no_one_but_its_editor(office: Post) -> None:
    """`deliver` says that it waits; --issue refuses it; --to sends a test copy."""
    office.subscribe(2)
    config = (office.newsroom.folder / "broadsheet.toml").read_text("utf-8")
    office.newsroom.write(
        "broadsheet.toml", config.replace('title = "周报"', 'title = "周报"\napproval = "required"')
    )
    office.deliver()
    _second_issue(office)
    ran = office.deliver(now=NEXT_WEEK)
    why = "it is a draft; `broadsheet digest --approve weekly/2025-07-07` releases it"
    assert (ran.code, ran.out) == (0, f"weekly/2025-07-07 will not be sent: {why}\n")
    named = office.deliver("--issue", "weekly/2025-07-07", now=NEXT_WEEK)
    assert named.code == 2
    assert "weekly/2025-07-07 is a draft, and waits for approval" in named.err
    assert office.received() == {"reader000000@example.org": 1, "reader000001@example.org": 1}
    copy = office.deliver("--issue", "weekly/2025-07-07", "--to", "ed@example.org", now=NEXT_WEEK)
    assert (copy.code, office.received()["ed@example.org"]) == (0, 1)
    assert office.server.taken()[-1]["id"].startswith("<weekly.2025-07-07.")
    assert office.newsroom.run("digest", "--approve", "weekly/2025-07-07", now=NEXT_WEEK).code == 0
    assert office.deliver(now=NEXT_WEEK).out == "weekly/2025-07-07: 2 sent\n"


def test_each_article_is_mailed_once(office: Post) -> None:
    """`schedule = "per-article"`: a mail for each, from the first one on, however often it runs."""
    config = (office.newsroom.folder / "broadsheet.toml").read_text("utf-8")
    each = '[digests.each]\ntitle = "Each"\nschedule = "per-article"\nquiet_hours = "22:00-07:00"\n'
    office.newsroom.write("broadsheet.toml", f"{config}\n{each}")
    office.add({f"r{n}@example.org": {"digests": ("each",)} for n in range(2)})
    for minute, title in ((1, "一"), (2, "二"), (3, "三")):
        office.newsroom.article(f"n{minute}.md", date=at(minutes=minute), title=title)
        for _ in range(2):
            assert office.newsroom.run("digest", "each", "-q", now=at(minutes=minute)).code == 0
            assert office.deliver("each", "-q", now=at(minutes=minute)).code == 0
    assert office.received() == {"r0@example.org": 3, "r1@example.org": 3}
    assert len({mail["id"] for mail in office.server.taken()}) == 6
    late = "2025-06-30T23:00:00+08:00"
    office.newsroom.article("late.md", date=late, title="夜")
    assert "nothing is due" in office.newsroom.run("digest", "each", now=late).out
    assert "with each article" in office.newsroom.run("status", now=late).out


def test_an_issue_that_was_sent_is_not_sent_again(office: Post) -> None:
    """`--issue` says so, dry or not, and sends nothing; exit 0."""
    office.subscribe(2)
    assert office.deliver("--issue", "weekly/2025-06-30").out == "weekly/2025-06-30: 2 sent\n"
    for option in ((), ("--dry-run",)):
        ran = office.deliver("--issue", "weekly/2025-06-30", *option)
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.startswith(
            "weekly/2025-06-30 will not be sent: its delivery was complete on 2025-06-30 at 01:00"
        )
    assert [*office.received().values()] == [1, 1]


def test_a_dry_run_writes_nothing(office: Post) -> None:
    """A dry run does not even create a database."""
    ran = office.deliver("--dry-run")
    assert ran.code == 0
    assert "would be sent to 0 subscribers" in ran.out
    assert not (office.newsroom.folder / "broadsheet.db").exists()
    office.subscribe(5)
    assert "would be sent to 5 subscribers" in office.deliver("--dry-run").out
    assert office.rows() == []
    assert office.server.taken() == []


def test_a_test_copy_is_not_recorded(office: Post) -> None:
    """A test copy goes to any address, with the shared links."""
    office.server.order(keep=True)
    ran = office.deliver("--to", "me@example.org")
    assert ran.code == 0, ran.err
    assert ran.out == "weekly/2025-06-30: a test copy sent to me@example.org\n"
    assert not (office.newsroom.folder / "broadsheet.db").exists()
    (mail,) = office.server.taken()
    assert mail["to"] == "me@example.org"
    assert "<https://news.example.org/unsubscribe>" in mail["mail"]


def test_limit_is_exact(office: Post) -> None:
    """--limit holds exactly, whatever the number of connections."""
    office.subscribe(20)
    office.deliver("--limit", "7")
    assert office.states() == {"sent": 7, "pending": 13}
    assert len(office.server.taken()) == 7


def test_the_json_has_every_number(office: Post) -> None:
    """The JSON has the counts of each issue and of the run."""
    office.subscribe(3)
    office.server.order(rcpt={"reader000001@example.org": "550 5.1.1 no"})
    found = json.loads(office.deliver("--json").out)
    (issue,) = found["issues"]
    assert (issue["total"], issue["sent"], issue["failed"]) == (3, 2, 1)
    assert issue["done"] is not None
    assert found["run"]["sent"] == 2
    db = office.open()
    with db.reading() as connection:
        rows = list(issues.ledger_rows(connection))
        (progress,) = issues.progress(connection)
    db.close()
    assert [(row["state"], row["code"]) for row in rows] == [
        ("sent", 250),
        ("failed", 550),
        ("sent", 250),
    ]
    assert progress.left == 0


def _status(office: Post) -> dict[str, Any]:
    ran = office.newsroom.run("status", "--json")
    assert ran.code == 0, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


def test_status_shows_the_progress_of_each_issue(office: Post) -> None:
    """Without a database there is nothing to show, and none is created; --json lists each row."""
    found = _status(office)
    assert (found["deliveries"], found["ledger"]) == ([], [])
    assert not (office.newsroom.folder / "broadsheet.db").exists()
    office.subscribe(2)
    assert _status(office)["deliveries"] == []
    office.deliver("--limit", "1")
    assert "delivery weekly/2025-06-30: 1 pending, 1 sent\n" in office.newsroom.run("status").out
    found = _status(office)
    (issue,) = found["deliveries"]
    assert (issue["key"], issue["done"], issue["sent"], issue["pending"]) == (
        *("2025-06-30", None, 1, 1),
    )
    rows = [(row["subscriber"], row["address"], row["state"]) for row in found["ledger"]]
    assert rows == [
        (1, "reader000000@example.org", "sent"),
        (2, "reader000001@example.org", "pending"),
    ]
    listed = json.loads(office.newsroom.run("subscribers", "list", "--json").out)
    assert [(one["id"], one["address"]) for one in listed] == [row[:2] for row in rows]
    office.deliver()
    assert _status(office)["deliveries"][0]["done"] is not None
    assert "delivery weekly/2025-06-30: 2 sent\n" in office.newsroom.run("status").out


def test_removing_a_digest_during_a_delivery_is_reported(office: Post) -> None:
    """Every run says that readers are still waiting and what to do; then all get the issue once."""
    office.subscribe(3)
    office.deliver("--limit", "1")
    config = office.newsroom.folder / "broadsheet.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("[digests.weekly]", "[digests.monthly]"), encoding="utf-8")
    told = "weekly/2025-06-30: 2 pending, 1 sent; [digests.weekly] is not in the config any more; "
    ran = office.deliver("--quiet")
    assert ran.err.startswith(told)
    assert (ran.code, ran.out) == (0, "")
    assert told in office.newsroom.run("status").out
    config.write_text(text, encoding="utf-8")
    assert office.deliver().out == "weekly/2025-06-30: 3 sent\n"
    assert sorted(office.received().values()) == [1, 1, 1]


def test_status_works_without_the_database(office: Post) -> None:
    """A broken database is reported, and so is everything else; but it is no success."""
    (office.newsroom.folder / "broadsheet.db").write_text("no database at all, by any means")
    ran = office.newsroom.run("status")
    assert ran.code == 1
    assert "digest weekly: 1 issue" in ran.out
    assert "broadsheet.db: the database says: file is not a database; " in ran.out
    as_data = office.newsroom.run("status", "--json")
    assert as_data.code == 1
    (found,) = json.loads(as_data.out)["problems"]
    assert found.startswith("broadsheet.db: ")


def test_readers_who_unsubscribe_meanwhile_get_nothing(office: Post) -> None:
    """This holds also between creating the rows and sending the mail."""
    office.subscribe(10)
    office.deliver("--limit", "2")
    office.newsroom.run("subscribers", "remove", "reader000005@example.org")
    assert office.deliver().out == "weekly/2025-06-30: 9 sent, 1 skipped\n"
    assert office.received()["reader000005@example.org"] == 0
    assert office.rows()[5]["reply"] == claims.LEFT


def test_readers_get_the_digests_they_chose(office: Post) -> None:
    """Readers can choose digests by name, or all."""
    office.subscribe(2)
    office.newsroom.run("subscribers", "add", "a@x.org", "--digest", "weekly")
    db = office.open()
    with db.writing() as connection:
        connection.execute(
            database.subscribers.update()
            .where(database.subscribers.c.address == "reader000000@example.org")
            .values(digests='["weekly2"]')
        )
    db.close()
    office.deliver()
    assert set(office.received()) == {"reader000001@example.org", "a@x.org"}


def test_a_delivery_does_not_depend_on_articles_or_files(office: Post) -> None:
    """Issues are frozen: articles may be edited, broken or gone, along with the feeds folder."""
    office.server.order(keep=True)
    office.subscribe(4, topics=("开源",))
    office.newsroom.article("a1.md", title="第 1 篇", date="2025-06-24T08:00:00+08:00",
                            main_topics=["开源"], summary="今天改了。")  # fmt: skip
    (office.newsroom.folder / "content" / "a3.md").unlink()
    office.deliver("--limit", "1")
    shutil.rmtree(office.newsroom.folder / "feeds")
    shutil.rmtree(office.newsroom.folder / "content")
    (office.newsroom.folder / "content").mkdir()
    ran = office.deliver()
    assert ran.out == "weekly/2025-06-30: 4 sent\n", ran.err
    (text,) = {_text(mail["mail"]) for mail in office.server.taken()}
    assert "第 1 篇" in text
    assert "今天改了" not in text
    assert "第 3 篇" in text


def _text(mail: str) -> str:
    """Return the text part of a mail, without what is personal to the reader."""
    parsed = message_from_string(mail, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    part = parsed.get_body(("plain",))
    assert part is not None
    return re.sub(r"(?:unsubscribe|preferences)/\S+", "", part.get_content())


@pytest.mark.parametrize(
    ("args", "what"),
    [
        (("nothing",), "unknown digest 'nothing'"),
        (("--issue", "weekly"), "'weekly' is not an issue"),
        (("--issue", "weekly/2000-01-01"), "unknown issue weekly/2000-01-01"),
        (("--to", "nobody"), "'nobody' is not a valid email address"),
    ],
)
def test_impossible_requests_are_refused(office: Post, args: tuple[str, ...], what: str) -> None:
    """The message lists what there is."""
    ran = office.deliver(*args)
    assert ran.code in {1, 2}
    assert what in ran.err


def test_without_a_secret_nothing_is_sent(office: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a secret the links cannot be signed."""
    monkeypatch.delenv("BROADSHEET_SECRET")
    office.subscribe(1)
    ran = office.deliver()
    assert ran.code == 2
    assert "BROADSHEET_SECRET is not set" in ran.err
    assert office.rows() == []


def _fill(office: Post, number: int) -> None:
    """Add many subscribers quickly."""
    office.subscribe(0)
    with sqlite3.connect(office.newsroom.folder / "broadsheet.db") as connection:
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            "INSERT INTO subscribers (address, address_key, status, since, cause) "
            "SELECT 'r' || i || '@example.org', 'r' || i || '@example.org', 'active', '', '' "
            "FROM n",
            (number,),
        )
    connection.close()


def test_many_rows_are_created_in_seconds(office: Post) -> None:
    """Rows are created in one transaction, so the first mails go out soon."""
    _fill(office, 20_000)
    started = time.process_time()
    assert office.deliver("--limit", "20").code == 0
    assert time.process_time() - started < 5
    assert office.states() == {"sent": 20, "pending": 19_980}


@pytest.mark.nightly
def test_the_memory_does_not_grow_with_the_subscribers(office: Post) -> None:
    """A hundred thousand mails take hardly more memory than a thousand."""
    _fill(office, 100_000)

    def most(*args: str) -> int:
        child = office.begin(*args)
        assert office.end(child, 1200) == 0
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss

    little = most("--limit", "1000")
    assert most() - little < 20_000  # kilobytes
    assert office.states() == {"sent": 100_000}
    assert set(office.received().values()) == {1}


@pytest.mark.long
def test_the_memory_does_not_grow_with_deferred_mails(
    office: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deferred mails are kept in the ledger only."""
    monkeypatch.setattr(pacing, "FIRST_PAUSE_S", 0.0)
    monkeypatch.setattr(pacing, "LONGEST_PAUSE_S", 0.0)
    monkeypatch.setattr(sending, "MOST_ROUNDS", 10**9)
    office.server.order(rcpt={"*": "451 4.3.0 try again later"})
    _fill(office, 20_000)

    def most(*args: str) -> int:
        child = office.begin(*args)
        assert office.end(child, 1200) == 0
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss

    little = most("--limit", "1000")
    assert most() - little < 5_000  # kilobytes
    assert office.states() == {"retry": 20_000}


def test_now_is_an_hour_after_the_tick() -> None:
    """The other tests rely on it."""
    assert NOW.startswith("2025-06-30T09")
