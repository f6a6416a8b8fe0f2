"""Corrections: an issue sent again, marked, to those who got it, and only if it differs."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from deliveries import SECRET, Post, at, post
from newsroom import contents
from processes import ended_within

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]

CORRECT = ("digest", "--correct", "weekly/2025-06-30")
KEY = "2025-06-30-correction"


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    """A newsroom that delivers."""
    monkeypatch.setenv("BROADSHEET_SECRET", SECRET)
    with post(tmp_path) as made:
        yield made


def _edit(office: Post, text: str = "改正了。") -> None:
    fields = {"title": "第 1 篇", "main_topics": ["开源"], "summary": text}
    office.newsroom.article("a1.md", text, date="2025-06-24T08:00:00+08:00", **fields)


def _files(office: Post, key: str = KEY) -> dict[str, bytes]:
    return contents(office.newsroom.folder / f"feeds/digests/weekly/{key}")


def test_a_correction_goes_to_those_who_got_the_issue(office: Post) -> None:
    """Not to those who came later, left since, or never got it; each gets it once."""
    office.subscribe(3)
    office.deliver()
    office.add({"new@example.org": {}})
    assert office.newsroom.run("subscribers", "remove", "reader000001@example.org").code == 0
    _edit(office)
    ran = office.newsroom.run(*CORRECT)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (f"feeds/digests/weekly/{KEY}/ made: 更正：周报：第 3 篇 (3 articles)\n")
    assert "would be sent to 2 subscribers" in office.deliver("--dry-run").out
    assert office.deliver().out == f"weekly/{KEY}: 2 sent\n"
    assert office.deliver().out == "nothing is to be delivered\n"
    assert office.received() == {
        "reader000000@example.org": 2,
        "reader000001@example.org": 1,
        "reader000002@example.org": 2,
    }


def test_a_correction_is_marked_everywhere_and_listed(office: Post) -> None:
    """In the mail, the text, the web version, the archive and the record; it survives a build."""
    office.subscribe(1)
    office.deliver()
    _edit(office)
    office.newsroom.write(f"digests/weekly/{KEY}.md", "Sorry.\n")
    office.newsroom.run(*CORRECT)
    made = _files(office)
    for name in ("email.html", "email.txt", "index.html"):
        assert "这是2025年6月30日那一期的更正版" in made[name].decode()
        assert "改正了。" in made[name].decode()
        assert "Sorry." in made[name].decode()
    record = json.loads(made["issue.json"])
    assert record["corrects"]["key"] == "2025-06-30"
    assert "更正：" in office.newsroom.published()["digests/weekly/index.html"].decode()
    assert office.newsroom.run("build").code == 0
    assert _files(office) == made
    assert office.newsroom.run("check").code in {0, 1}
    assert office.newsroom.run("preview").code == 0


def test_nothing_is_corrected_that_did_not_change(office: Post) -> None:
    """So a second run makes no second correction; a further change makes one of its own."""
    office.subscribe(1)
    office.deliver()
    ran = office.newsroom.run(*CORRECT)
    assert ran.code == 1
    assert ran.err == (
        "nothing has changed since weekly/2025-06-30 was made; "
        "correct its articles or its note first\n"
    )
    _edit(office)
    assert office.newsroom.run(*CORRECT).code == 0
    again = office.newsroom.run(*CORRECT)
    assert (again.code, again.err[:45]) == (1, f"nothing has changed since weekly/{KEY}"[:45])
    _edit(office, "又改了。")
    assert office.newsroom.run(*CORRECT, now=at(minutes=5)).code == 0
    assert "又改了。" in _files(office, f"{KEY}-2")["email.txt"].decode()
    assert office.deliver(now=at(minutes=9)).code == 0
    assert [*office.received().values()] == [3]


def test_what_was_not_delivered_is_made_again_instead(office: Post) -> None:
    """Exit 2, with what to do; and an unknown issue is a wrong command line."""
    office.subscribe(1)
    _edit(office)
    ran = office.newsroom.run(*CORRECT)
    assert ran.code == 2
    assert "weekly/2025-06-30 was not delivered, so there is nothing to correct" in ran.err
    office.deliver()
    for name in ("weekly/2025-06-23", f"weekly/{KEY}", "weekly", "daily/2025-06-30"):
        assert office.newsroom.run("digest", "--correct", name).code == 2
    assert _files(office) == {}


def test_what_was_never_made_has_no_correction(office: Post) -> None:
    """The message names the newest issue that can be corrected."""
    office.subscribe(1)
    office.deliver()
    ran = office.newsroom.run("digest", "--correct", "weekly/2025-06-29")
    what = "unknown issue weekly/2025-06-29; the newest is weekly/2025-06-30\n"
    assert (ran.code, ran.err) == (2, what)


def test_a_correction_waits_for_the_delivery_of_its_issue(office: Post) -> None:
    """Or readers would get the mistake after its correction."""
    office.subscribe(3)
    office.deliver("--limit", "1")
    _edit(office)
    office.newsroom.run(*CORRECT)
    assert office.deliver("--limit", "1").out == "weekly/2025-06-30: 1 pending, 2 sent\n"
    named = office.deliver("--issue", f"weekly/{KEY}")
    assert "the delivery of the issue that it corrects is not complete" in named.out
    assert office.deliver().out == "weekly/2025-06-30: 3 sent\n"
    assert office.deliver().out == f"weekly/{KEY}: 3 sent\n"


def test_the_next_issue_is_as_if_there_were_no_correction(office: Post) -> None:
    """Its number, window and articles; and it is delivered although a correction came between."""
    office.subscribe(1)
    office.deliver()
    _edit(office)
    office.newsroom.article("b.md", date="2025-07-02T08:00:00+08:00", title="新的一篇")
    office.newsroom.run(*CORRECT, now=at(days=7, minutes=5))
    assert office.deliver(now=at(days=7, minutes=6)).code == 0
    ran = office.newsroom.run("digest", now=at(days=7, minutes=7))
    assert ran.out == "feeds/digests/weekly/2025-07-07/ made: 周报：新的一篇 (1 article)\n"
    assert json.loads(_files(office, "2025-07-07")["issue.json"])["number"] == 2
    assert office.deliver(now=at(days=7, minutes=8)).out == "weekly/2025-07-07: 1 sent\n"


def test_a_digest_that_needs_approval_corrects_with_approval(office: Post) -> None:
    """The correction is a draft; runs of `digest` keep it; --approve releases it."""
    office.subscribe(1)
    office.deliver()
    config = (office.newsroom.folder / "broadsheet.toml").read_text("utf-8")
    office.newsroom.write(
        "broadsheet.toml", config.replace('title = "周报"', 'title = "周报"\napproval = "required"')
    )
    office.newsroom.write(
        "digests/weekly/2025-06-30.md", "---\napproved: true\nsubject: New\n---\n"
    )
    ran = office.newsroom.run(*CORRECT)
    assert (ran.code, ran.out[:39]) == (0, f"weekly/{KEY} is a draft"[:39])
    assert office.newsroom.run("digest").code == 0
    assert _files(office) == {}
    assert office.deliver().out.startswith(f"weekly/{KEY} will not be sent: it is a draft")
    approve = ("digest", "--approve", f"weekly/{KEY}")
    assert office.newsroom.run(*approve, now=at(minutes=30)).code == 0
    assert office.newsroom.run(*approve, now=at(minutes=30)).code == 0
    assert _files(office) != {}
    assert not (office.newsroom.folder / f"digests/weekly/{KEY}.draft").exists()
    assert office.deliver(now=at(minutes=31)).out == f"weekly/{KEY}: 1 sent\n"


def test_a_note_on_a_correction_can_only_take_articles_out(office: Post) -> None:
    """What it says of their order, or of others, is an error with its line."""
    office.subscribe(1)
    office.deliver()
    path = f"digests/weekly/{KEY}.md"
    office.newsroom.write(path, "---\nlead: a1.md\nexclude: [gone.md]\n---\n")
    ran = office.newsroom.run(*CORRECT)
    assert ran.err.splitlines() == [
        f"{path}:2: lead: a correction keeps the articles of its issue, and their order; remove it",
        f"{path}:3: exclude: unknown article 'gone.md'; write its path, such as content/a.md",
    ]
    office.newsroom.write(path, "---\nexclude: [a1.md]\n---\nWithdrawn.\n")
    assert office.newsroom.run(*CORRECT).out.endswith("(2 articles)\n")


def test_killed_and_doubled_deliveries_of_a_correction(office: Post) -> None:
    """Two runs at once, killed again and again: each reader of the issue gets it once, or the
    mails in flight twice with one Message-ID; no one else gets it."""
    readers = office.subscribe(60)
    office.deliver()
    office.add({f"later{number}@example.org": {} for number in range(5)})
    _edit(office)
    office.newsroom.run(*CORRECT)
    office.server.order(delay=0.01)
    dice = random.Random(20)
    for _ in range(4):
        runs = [office.begin(), office.begin()]
        ended_within(runs[0], dice.uniform(0.2, 0.6))
        for run in runs:
            office.kill(run)
            office.end(run)
    office.server.order()
    assert office.deliver().code == 0
    corrections = [mail for mail in office.server.taken() if KEY in mail["id"]]
    assert {mail["to"] for mail in corrections} == set(readers)
    assert len({mail["id"] for mail in corrections}) == len(readers)
    assert max(Counter(mail["to"] for mail in corrections).values()) <= 1 + 4 * 2
    assert office.states() == {"sent": 120}


def test_killed_and_doubled_runs_of_a_held_issue_and_of_single_articles(office: Post) -> None:
    """Killed again and again, all at once: a held issue is mailed to no one before it is approved,
    and each article to every reader, in one issue and with one Message-ID."""
    path = office.newsroom.folder / "broadsheet.toml"
    held = 'title = "周报"\napproval = "required"'
    each = '\n[digests.each]\ntitle = "Each"\nschedule = "per-article"\n'
    path.write_text(path.read_text("utf-8").replace('title = "周报"', held) + each, "utf-8")
    readers = office.subscribe(8)
    office.newsroom.article("n.md", date=at(6), title="The first")
    assert office.newsroom.run("digest", "each", now=at(6)).code == 0  # older ones are never mailed
    assert office.deliver(now=at(6)).code == 0
    dice = random.Random(21)
    for number in range(6):
        minutes = 7 * 24 * 60 + number
        office.newsroom.article(f"n{number}.md", date=at(minutes=minutes), title=f"N{number}")
        runs = [
            office.begin(*arguments, now=at(minutes=minutes), command=command)
            for command, arguments in (("digest", ()), ("digest", ("each",)), ("deliver", ()))
        ]
        ended_within(runs[0], dice.uniform(0, 0.6))
        for run in runs:
            office.kill(run)
            office.end(run)
    end = at(7, minutes=10)
    assert office.newsroom.run("digest", now=end).code == 0
    office.server.order()
    assert office.deliver(now=end).code in {0, 1}
    mails = [mail for mail in office.server.taken() if "2025-06-30" not in mail["id"]]
    assert not any(mail["id"].startswith("<weekly.2025-07-07") for mail in mails)
    copies = Counter((mail["to"], mail["id"]) for mail in mails)
    issues = list((office.newsroom.folder / "feeds/digests/each").glob("*/issue.json"))
    issued = [record["title"] for file in issues for record in _articles(file)]
    assert sorted(issued) == sorted(set(issued))
    assert {f"N{number}" for number in range(6)} <= set(issued)
    assert len(copies) == len(readers) * len(issues)
    assert max(copies.values()) <= 2
    assert office.newsroom.run("digest", "--approve", "weekly/2025-07-07", now=end).code == 0
    office.deliver(now=end)
    weekly = [m for m in office.server.taken() if m["id"].startswith("<weekly.2025-07-07")]
    assert sorted(mail["to"] for mail in weekly) == sorted(readers)


def _articles(record: Path) -> list[dict[str, str]]:
    sections = json.loads(record.read_bytes())["sections"]
    return [article for section in sections for article in section["articles"]]
