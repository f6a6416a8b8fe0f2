"""Approval: a draft can be made again, and is released exactly as the editor saw it."""

from __future__ import annotations

import json
import shutil

import pytest

from newsroom import Newsroom, contents, stamps

CONFIG = """
[digests.weekly]
title = "The Weekly"
language = "en"
approval = "required"
"""
KEY = "2025-06-30"
NEXT, THIRD = "2025-07-07T09:00:00+08:00", "2025-07-14T09:00:00+08:00"
APPROVE = ("digest", "--approve", f"weekly/{KEY}")
WAITS = (
    f"weekly/{KEY} is a draft and waits for approval; see digests/weekly/{KEY}.draft/, "
    f"then run `broadsheet digest --approve weekly/{KEY}`\n"
)


@pytest.fixture
def project(newsroom: Newsroom) -> Newsroom:
    """A digest that needs approval, with an article for each of two weeks."""
    newsroom.configure(CONFIG)
    newsroom.article("a.md", date="2025-06-26T12:00:00+08:00")
    newsroom.article("b.md", date="2025-07-02T12:00:00+08:00")
    return newsroom


def _released(newsroom: Newsroom) -> dict[str, list[str]]:
    """The titles in each released issue."""
    found = {}
    for path in sorted((newsroom.folder / "feeds/digests/weekly").glob("*/issue.json")):
        sections = json.loads(path.read_bytes())["sections"]
        found[path.parent.name] = [each["title"] for s in sections for each in s["articles"]]
    return found


def _draft(newsroom: Newsroom, key: str = KEY) -> dict[str, bytes]:
    return contents(newsroom.folder / f"digests/weekly/{key}.draft")


def test_a_due_issue_waits_as_a_draft(project: Newsroom) -> None:
    """Nothing of it is in the published folder; every run reminds; exit 0, and -q says nothing."""
    ran = project.run("digest")
    assert (ran.code, ran.out, ran.err) == (0, WAITS, "")
    assert _released(project) == {}
    assert not any(KEY in path for path in project.published())
    assert {*_draft(project)} == {
        "draft.json",
        "email.html",
        "email.txt",
        "index.html",
        "message.eml",
    }
    before = stamps(project.folder / "digests")
    assert project.run("digest").out == WAITS
    assert stamps(project.folder / "digests") == before
    assert project.run("digest", "--quiet").out == ""
    assert f"waiting for approval: {KEY}" in project.run("status").out
    assert json.loads(project.run("status", "--json").out)["digests"][0]["waiting"] == [KEY]
    project.run("preview")
    for page in ("index.html", f"weekly/{KEY}/preview.html"):
        assert "这份草稿正在等待批准" in (project.folder / "previews" / page).read_text()


def test_approval_releases_the_very_bytes_of_the_draft(project: Newsroom) -> None:
    """The draft is gone then; approving twice, or running again, changes nothing."""
    project.run("digest")
    draft = _draft(project)
    ran = project.run(*APPROVE)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"feeds/digests/weekly/{KEY}/ made: The Weekly: a (1 article)\n"
    issue = contents(project.folder / f"feeds/digests/weekly/{KEY}")
    assert issue.pop("issue.json") == draft.pop("draft.json")
    assert issue == draft
    assert _draft(project) == {}
    before = stamps(project.folder / "feeds/digests/weekly" / KEY)
    for command in (APPROVE, ("digest",)):
        assert project.run(*command).code == 0
    assert stamps(project.folder / "feeds/digests/weekly" / KEY) == before


def test_what_the_editor_has_not_seen_is_not_released(project: Newsroom) -> None:
    """An article that was edited since: the draft is made again, and has to be approved again."""
    project.run("digest")
    project.article("a.md", "Edited.\n", date="2025-06-26T12:00:00+08:00")
    ran = project.run(*APPROVE)
    assert ran.code == 1
    assert ran.err.startswith(f"weekly/{KEY} has changed since its draft was made, and was not")
    assert _released(project) == {}
    assert "Edited." in _draft(project)["email.txt"].decode()
    assert project.run(*APPROVE).code == 0
    assert _released(project) == {KEY: ["a"]}


def test_what_had_no_draft_is_not_released(project: Newsroom) -> None:
    """Nor one whose draft was deleted: the first run makes it."""
    ran = project.run(*APPROVE)
    assert ran.code == 1
    assert ran.err.startswith(
        f"weekly/{KEY} had no draft to look at, and was not released; look at"
    )
    shutil.rmtree(project.folder / "digests")
    assert project.run(*APPROVE).code == 1
    assert project.run(*APPROVE).code == 0


def test_a_note_that_says_so_approves(project: Newsroom) -> None:
    """As a reviewed commit does; with or without a draft."""
    project.write(f"digests/weekly/{KEY}.md", "---\napproved: true\n---\n")
    assert project.run("digest").code == 0
    assert _released(project) == {KEY: ["a"]}


def test_a_draft_follows_its_articles_until_it_is_released(project: Newsroom) -> None:
    """Later ticks do not swallow it, and nothing is in two issues or lost."""
    project.run("digest")
    project.article("late.md", date="2025-06-25T12:00:00+08:00")
    ran = project.run("digest", now=NEXT)
    assert [line.partition(" ")[0] for line in ran.out.splitlines()] == [
        f"weekly/{KEY}",
        "weekly/2025-07-07",
    ]
    assert "late" in _draft(project)["email.txt"].decode()
    refused = project.run("digest", "--approve", "weekly/2025-07-07", now=NEXT)
    assert refused.code == 1
    assert f"weekly/2025-07-07 cannot be released before weekly/{KEY}" in refused.err
    for key in (KEY, "2025-07-07"):
        assert project.run("digest", "--approve", f"weekly/{key}", now=NEXT).code == 0
    assert _released(project) == {KEY: ["a", "late"], "2025-07-07": ["b"]}
    assert not (project.folder / "digests/weekly").exists()


def test_an_approved_issue_waits_for_an_earlier_draft(project: Newsroom) -> None:
    """The windows of a digest follow one another."""
    project.run("digest")
    project.write("digests/weekly/2025-07-07.md", "---\napproved: true\n---\n")
    ran = project.run("digest", now=NEXT)
    assert f"weekly/2025-07-07 is approved, and waits for weekly/{KEY}" in ran.out
    assert _released(project) == {}
    assert project.run(*APPROVE, now=NEXT).code == 0
    assert list(_released(project)) == [KEY, "2025-07-07"]


def test_a_draft_that_is_deleted_joins_the_next_issue(project: Newsroom) -> None:
    """As `missed` says of any tick without an issue."""
    project.run("digest")
    project.run(*APPROVE)
    project.run("digest", now=NEXT)
    shutil.rmtree(project.folder / "digests/weekly/2025-07-07.draft")
    project.article("c.md", date="2025-07-09T12:00:00+08:00")
    assert project.run("digest", now=THIRD).out.startswith("weekly/2025-07-14 is a draft")
    project.run("digest", "--approve", "weekly/2025-07-14", now=THIRD)
    assert _released(project) == {KEY: ["a"], "2025-07-14": ["c", "b"]}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("weekly/2025-06-29", f"does not wait for approval; what is due: weekly/{KEY}"),
        ("weekly", "write one like weekly/2025-06-30"),
        ("monthly/2025-06-30", "unknown digest 'monthly'"),
    ],
)
def test_a_wrong_name_is_a_wrong_command_line(project: Newsroom, name: str, message: str) -> None:
    """Exit 2; nothing is released."""
    project.run("digest")
    ran = project.run("digest", "--approve", name)
    assert ran.code == 2
    assert message in ran.err
    assert _released(project) == {}


def test_a_dry_run_writes_no_draft(project: Newsroom) -> None:
    """It says what would wait."""
    assert project.run("digest", "--dry-run").out == WAITS
    assert not (project.folder / "digests").exists()


def test_a_note_beside_a_draft_is_never_touched(project: Newsroom) -> None:
    """Only what Broadsheet wrote is removed."""
    note = project.write(f"digests/weekly/{KEY}.md", "Hello.\n")
    project.write("digests/weekly/plan.txt", "mine")
    project.run("digest")
    project.run(*APPROVE)
    assert note.read_text() == "Hello.\n"
    assert (project.folder / "digests/weekly/plan.txt").exists()
    assert "Hello." in (project.folder / f"feeds/digests/weekly/{KEY}/email.txt").read_text()


def test_without_approval_an_issue_is_released_when_it_is_made(newsroom: Newsroom) -> None:
    """And no folder of drafts is made."""
    newsroom.configure(CONFIG.replace('approval = "required"\n', ""))
    newsroom.article("a.md", date="2025-06-26T12:00:00+08:00")
    assert newsroom.run("digest").code == 0
    assert not (newsroom.folder / "digests").exists()
