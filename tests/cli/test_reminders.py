"""Reminders of drafts: to the editor, once a day for each draft, whatever ends a run."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from email import message_from_string
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import cast

import pytest

from deliveries import SECRET, Post, at, post
from processes import ended_within

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]

EDITOR = "editor@example.org"
NAME = "weekly/2025-07-07"
APPROVE = ("digest", "--approve", NAME)
SENT = f"{NAME}: a reminder was sent to {EDITOR}\n"


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    """A newsroom with a draft that waits at `at(7)`, and an editor to remind of it."""
    monkeypatch.setenv("BROADSHEET_SECRET", SECRET)
    with post(tmp_path) as made:
        made.subscribe(2)
        made.deliver()
        _configure(made, 'approval = "required"', f'approval_reminder = "{EDITOR}"')
        made.newsroom.article("b1.md", date=at(2), title="新的一篇")
        made.newsroom.run("digest", now=at(7))
        made.server.order(keep=True)
        yield made


def _configure(office: Post, *lines: str) -> None:
    path = office.newsroom.folder / "broadsheet.toml"
    head, title, tail = path.read_text("utf-8").partition('title = "周报"\n')
    path.write_text(head + title + "\n".join(lines) + "\n" + tail, "utf-8")


def _mails(office: Post) -> list[EmailMessage]:
    mails = [each["mail"] for each in office.server.taken() if each["to"] == EDITOR]
    return [cast("EmailMessage", message_from_string(each, policy=default)) for each in mails]


def test_an_editor_is_reminded_once_a_day_until_the_draft_is_approved(office: Post) -> None:
    """By the publication's days; readers get nothing of it; status and exit code are as before."""
    ran = office.deliver(now=at(7))
    assert (ran.code, ran.err, ran.out.startswith(SENT)) == (0, "", True)
    assert SENT not in office.deliver(now=at(7, minutes=300)).out
    assert office.deliver(now=at(8)).out.startswith(SENT)
    assert office.newsroom.run(*APPROVE, now=at(8, minutes=10)).code == 0
    assert office.deliver(now=at(9)).out == f"{NAME}: 2 sent\n"
    assert office.received()[EDITOR] == 2
    assert len({mail["id"] for mail in office.server.taken() if mail["to"] == EDITOR}) == 2


def test_a_reminder_says_what_waits_and_how_to_approve_it(office: Post) -> None:
    """In the digest's language, from the sender of all mail."""
    office.deliver(now=at(7))
    (mail,) = _mails(office)
    assert (mail["Subject"], mail["Auto-Submitted"]) == (
        "等待批准：周报：新的一篇",
        "auto-generated",
    )
    text = mail.get_content()
    for line in (f"    broadsheet {' '.join(APPROVE)}", "    approved: true"):
        assert line in text.splitlines()
    assert "digests/weekly/2025-07-07.md" in text
    assert "新的一篇" in text
    _configure(office, 'language = "fr"')
    office.deliver(now=at(8))
    assert _mails(office)[-1]["Subject"].startswith("En attente de validation\u00a0: ")


def test_only_what_can_be_approved_now_is_named(office: Post) -> None:
    """Issues are released in order, so the editor hears of the oldest first."""
    office.newsroom.article("b2.md", date=at(9), title="再一篇")
    office.newsroom.run("digest", now=at(14))
    assert office.deliver(now=at(14)).out.count("a reminder was sent") == 1
    assert office.newsroom.run(*APPROVE, now=at(14)).code == 0
    assert "weekly/2025-07-14: a reminder was sent" in office.deliver(now=at(14)).out


def test_a_correction_that_waits_is_reminded_of(office: Post) -> None:
    """Beside the issue that waits."""
    office.newsroom.article("a1.md", "改正了。", date=at(-6), title="第 1 篇", summary="改正了。")
    office.newsroom.run("digest", "--correct", "weekly/2025-06-30", now=at(7))
    out = office.deliver(now=at(7)).out
    assert SENT in out
    assert f"weekly/2025-06-30-correction: a reminder was sent to {EDITOR}\n" in out


def test_no_one_is_reminded_unasked(office: Post) -> None:
    """Without an address, in a dry run, and in runs for one issue or for some rows."""
    foreseen = office.deliver("--dry-run", now=at(7))
    assert f"{NAME}: a reminder would be sent to {EDITOR}\n" in foreseen.out
    data = json.loads(office.deliver("--dry-run", "--json", now=at(7)).out)
    assert [(each["digest"], each["to"]) for each in data["reminders"]] == [("weekly", EDITOR)]
    office.deliver("--only", "retry", now=at(7))
    office.deliver("--limit", "1", now=at(7))
    office.deliver("--issue", "weekly/2025-06-30", now=at(7))
    assert EDITOR not in office.received()
    path = office.newsroom.folder / "broadsheet.toml"
    path.write_text(path.read_text("utf-8").replace(EDITOR, ""), "utf-8")
    office.deliver(now=at(7))
    assert set(office.received()) == {"reader000000@example.org", "reader000001@example.org"}


@pytest.mark.parametrize(
    ("orders", "is_tried_again"),
    [
        ({"rcpt": {EDITOR: "451 4.3.0 Later"}}, True),
        ({"data": {EDITOR: "451 4.3.0 Later"}}, True),
        ({"rcpt": {EDITOR: "550 5.1.1 No such user"}}, False),
    ],
)
def test_a_reminder_that_is_not_accepted_is_reported(
    office: Post, orders: dict[str, object], *, is_tried_again: bool
) -> None:
    """The exit code is 1; the next run tries again if that may help, else the next day's does."""
    office.server.order(**orders)
    ran = office.deliver(now=at(7))
    assert ran.code == 1
    assert f"{NAME}: the reminder to {EDITOR} was not sent: " in ran.err
    office.server.order()
    assert (SENT in office.deliver(now=at(7)).out) is is_tried_again
    assert SENT in office.deliver(now=at(8)).out


def test_a_reminder_that_may_have_arrived_is_not_sent_again(office: Post) -> None:
    """The connection was lost after the whole mail: better one too few than two."""
    office.server.order(close_after_data=3)
    ran = office.deliver(now=at(7))
    assert (ran.code, "it may have arrived" in ran.err) == (1, True)
    office.server.order()
    assert SENT not in office.deliver(now=at(7)).out
    assert office.received()[EDITOR] == 1


def test_reminders_wait_for_no_server(office: Post) -> None:
    """A server that cannot be reached is reported, and the run goes on."""
    office.server.stop()
    ran = office.deliver(now=at(7))
    assert ran.code == 1
    assert "was not sent" in ran.err
    office.server.start()
    assert SENT in office.deliver(now=at(7)).out


def _kill_at_random(office: Post, days: int, kills: int) -> None:
    dice = random.Random(days)
    office.server.order(delay=0.02)
    for day in range(7, 7 + days):
        for _ in range(kills):
            runs = [office.begin(now=at(day)), office.begin(now=at(day))]
            ended_within(runs[0], dice.uniform(0, 0.5))
            for run in runs:
                office.kill(run)
                office.end(run)
        assert office.deliver(now=at(day)).code == 0
    office.deliver(now=at(7 + days))
    mails = Counter(mail["id"] for mail in office.server.taken() if mail["to"] == EDITOR)
    assert set(mails.values()) == {1}
    assert office.states() == {"sent": 2}


def test_killed_and_doubled_runs_remind_once(office: Post) -> None:
    """Two runs at once, killed again and again: at most one reminder a day."""
    _kill_at_random(office, days=3, kills=2)


@pytest.mark.nightly
def test_hundreds_of_killed_and_doubled_runs_remind_once(office: Post) -> None:
    """The same at many more instants."""
    _kill_at_random(office, days=40, kills=5)
