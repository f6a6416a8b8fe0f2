"""`broadsheet explain` and `status`: the state of one article, and of the whole."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from newsroom import Newsroom, contents, no_privileges

CONFIG = """
[feeds]
entries = 1
by = ["topics", "tags"]
[digests.weekly]
title = "周报"
[digests.chips]
title = "Chips"
topics = ["Chips"]
"""


@pytest.fixture
def project(newsroom: Newsroom) -> Newsroom:
    """A file of every kind, seen from Monday the 30th at nine, when an issue is due."""
    newsroom.configure(CONFIG)
    newsroom.article("due.md", date="2025-06-26", main_topics=["AI"], tags=["x"])
    newsroom.article("next.md", date="2025-06-30T08:30:00+08:00", main_topics=["Chips"])
    newsroom.article("old.md", date="2025-01-01", aliases=["/was/here/"])
    newsroom.article("draft.md", draft=True)
    newsroom.article("future.md", date="2025-07-02")
    newsroom.article("expired.md", expiryDate="2025-06-25")
    newsroom.article("held.md", publishDate="2025-07-10")
    newsroom.write("content/page.md", "# No front matter\n")
    newsroom.write("content/undated.md", "---\ntitle: About\n---\n")
    newsroom.write("content/_index.md", "---\ntitle: Posts\n---\n")
    newsroom.write("content/broken.md", "---\ntitle: X\ndate: 06/07/2025\n---\n")
    newsroom.write("content/image.png", b"")
    newsroom.write("README.md", "# Readme\n")
    return newsroom


def test_an_article_that_cannot_be_rendered_is_in_no_feed(project: Newsroom) -> None:
    """As in a build, whether there has been one or not."""
    project.configure("[feeds]\nentries = 20\n")
    project.article("nest.md", "- " * 2000 + "x\n", date="2025-06-27")
    for _ in range(2):
        verdict = _explained(project, "content/nest.md")["verdict"]
        assert verdict.startswith("in no feed: nested too deeply")
        assert project.run("build").code == 1


def _explained(newsroom: Newsroom, file: str, **given: str) -> dict:  # type: ignore[type-arg]
    ran = newsroom.run("explain", file, "--json", **given)
    assert (ran.code, ran.err) == (0, "")
    found: dict = json.loads(ran.out)  # type: ignore[type-arg]
    return found


@pytest.mark.parametrize(
    ("file", "verdict"),
    [
        ("content/due.md", "in 3 of 5 feeds"),
        ("content/draft.md", "in no feed: it is a draft"),
        (
            "content/future.md",
            "in no feed: it is dated 2025-07-02 00:00 +0800, which is in the future",
        ),
        ("content/expired.md", "in no feed: it expired at 2025-06-25 00:00 +0800"),
        ("content/held.md", "in no feed: it is to be published at 2025-07-10 00:00 +0800"),
        ("content/page.md", "not an article: it has no front matter"),
        ("content/undated.md", "not an article: it has no date"),
        ("content/_index.md", "not an article: it is a section page (_index.md)"),
        ("content/broken.md", "cannot be read: date: '06/07/2025' can be read"),
        (
            "content/image.png",
            "not an article: it is not a Markdown file in articles.folders (content)",
        ),
        ("README.md", "not an article: it is not a Markdown file in articles.folders (content)"),
        (
            "broadsheet.toml",
            "not an article: it is not a Markdown file in articles.folders (content)",
        ),
    ],
)
def test_every_kind_of_file_is_explained(project: Newsroom, file: str, verdict: str) -> None:
    """Text and JSON agree; exit 0, since the command did what it was asked."""
    assert _explained(project, file)["verdict"].startswith(verdict)
    ran = project.run("explain", file)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"{file}: {verdict}")


def test_an_article_whose_id_is_taken_is_in_no_feed(newsroom: Newsroom) -> None:
    """It is newer, but is left out, and the other is named."""
    newsroom.article("old.md", date="2025-06-01", id="https://example.org/a")
    newsroom.article("new.md", date="2025-06-20", id="https://example.org/a")
    ran = newsroom.run("explain", "content/new.md")
    said = "in no feed: its id https://example.org/a is also that of content/old.md, which is older"
    assert said in ran.out
    assert "in 1 of " not in ran.out


def test_each_feed_has_its_reason(project: Newsroom) -> None:
    """An article too old for the main feed gets that reason, and the archive that has it."""
    found = _explained(project, "content/old.md")
    by_path = {feed["path"]: feed for feed in found["feeds"]}
    assert not by_path[""]["in"]
    assert by_path[""]["why"] == "the 2 newest of 3 are, and it is older"
    assert by_path["archive/2025-01/"]["in"]
    assert all(feed["why"] for feed in found["feeds"])
    count = sum(feed["in"] for feed in found["feeds"])
    assert found["verdict"] == f"in {count} of {len(found['feeds'])} feeds"
    assert found["id"] == found["url"] == "https://example.org/posts/old/"
    assert found["aliases"] == ["/was/here/"]
    assert found["date"] == "2025-01-01 00:00:00+08:00"


@pytest.mark.parametrize(
    ("file", "weekly", "chips"),
    [
        ("due", (True, "it will be in the issue of 2025-06-30"), (False, "none of the digest's")),
        ("next", (True, "in the issue of 2025-07-07"), (True, "in the issue of 2025-07-07")),
        ("old", (False, "dated before the first issue's window"), (False, "none of the digest's")),
        ("draft", (False, "at its next tick, 2025-07-07 08:00, it is a draft"), (False, "a draft")),
        ("future", (True, "in the issue of 2025-07-07"), (False, "none of the digest's topics")),
        ("expired", (False, "2025-07-07 08:00, it expired at 2025-06-25"), (False, "it expired")),
        ("held", (False, "it is to be published at 2025-07-10"), (False, "to be published at")),
    ],
)
def test_each_digest_has_its_reason(
    project: Newsroom, file: str, weekly: tuple[bool, str], chips: tuple[bool, str]
) -> None:
    """The issue that is due or comes next, or the reason why the article is in none."""
    found = {each["path"]: each for each in _explained(project, f"content/{file}.md")["digests"]}
    for path, (inside, why) in (("digests/weekly/", weekly), ("digests/chips/", chips)):
        assert found[path]["in"] == inside
        assert why in found[path]["why"]


def test_an_issued_article_names_its_issue(project: Newsroom) -> None:
    """After `digest` the issue is named; for articles left out, the reason."""
    project.run("digest")
    (weekly, _) = _explained(project, "content/due.md")["digests"]
    assert (weekly["in"], weekly["why"]) == (True, "in the issue of 2025-06-30")
    out = project.run("explain", "content/due.md").out
    assert "  in      feeds/digests/weekly/: in the issue of 2025-06-30\n" in out


@pytest.mark.parametrize(
    "file", ["content/no-such.md", "../outside.md", "/etc/hostname", "content", ""]
)
def test_a_file_outside_the_project_is_a_usage_error(project: Newsroom, file: str) -> None:
    """Exit 2, naming the file as it was given."""
    (project.folder.parent / "outside.md").write_text("---\ntitle: A\n---\n")
    ran = project.run("explain", file)
    assert (ran.code, ran.out) == (2, "")
    assert "there is no such file in this project; name a file of an articles folder" in ran.err


def test_files_can_be_named_in_several_ways(
    project: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Relative to the current folder, to the project, or absolute: the same answer."""
    expected = project.run("explain", "content/due.md").out
    monkeypatch.chdir(project.folder / "content")
    for file in ("due.md", "./due.md", "../content/due.md", str(project.folder / "content/due.md")):
        assert project.run("explain", file).out == expected


def _status(newsroom: Newsroom, **given: str) -> dict:  # type: ignore[type-arg]
    ran = newsroom.run("status", "--json", **given)
    assert (ran.code, ran.err) == (0, "")
    found: dict = json.loads(ran.out)  # type: ignore[type-arg]
    return found


def test_status_says_what_is_published_and_due(project: Newsroom) -> None:
    """Counts, each feed and digest, what comes next, problems, and what is out of date."""
    found = _status(project)
    assert found["now"] == "2025-06-30 09:00"
    assert (found["articles"], found["drafts"]) == (3, 1)
    assert found["next_due"]["path"] == "content/future.md"
    assert found["feeds"][0] == {
        "path": "feeds/",
        "articles": 3,
        "entries": 2,
        "newest": "2025-06-30 08:30",
        "newest_title": "next",
    }
    weekly, chips = found["digests"]
    assert weekly == {
        "name": "weekly",
        "issues": 0,
        "newest": None,
        "due": ["2025-06-30"],
        "waiting": [],
        "next": "2025-07-07 08:00",
        "articles_so_far": 2,  # one of them is dated later, but before the tick
    }
    assert (chips["due"], chips["articles_so_far"]) == ([], 1)
    assert found["out_of_date"] > 0
    assert len(found["problems"]) == 1
    assert found["problems"][0].startswith("content/broken.md:3: ")


def test_status_after_a_run_is_up_to_date(project: Newsroom) -> None:
    """After `build` and `digest`, nothing is out of date or due."""
    project.run("build")
    project.run("digest")
    found = _status(project)
    assert found["out_of_date"] == 0
    weekly = found["digests"][0]
    assert (weekly["issues"], weekly["newest"], weekly["due"]) == (1, "2025-06-30", [])
    out = project.run("status").out
    assert "the feeds are up to date\n" in out
    assert "digest weekly: 1 issue, newest 2025-06-30; next due 2025-07-07 08:00, " in out
    assert "due now" not in out


def test_status_is_a_table_for_people(project: Newsroom) -> None:
    """One row per feed, one line per digest, the problems; a pipe gets untruncated lines."""
    title = "很长的标题" * 20
    project.article("long.md", title=title, date="2025-06-29", main_topics=["AI"])
    out = project.run("status").out
    lines = out.splitlines()
    assert lines[0].split() == ["feed", "articles", "in", "feed", "newest"]
    assert any(title in line for line in lines)
    assert "; due now: 2025-06-30 (run `broadsheet digest`)" in out
    assert "next article: 2025-07-02 00:00  future (content/future.md)" in out
    assert "out of date: run `broadsheet build`" in out
    assert lines[-1].startswith("content/broken.md:3: date: ")
    assert project.run("status", "--quiet").out == ""


def test_explain_and_status_write_nothing_but_the_cache(project: Newsroom) -> None:
    """Neither command changes a file of the project."""
    before = contents(project.folder)
    project.run("explain", "content/due.md")
    project.run("status")
    after = contents(project.folder)
    assert {path for path in after if not path.startswith(".broadsheet/")} == set(before)
    assert not (Path(project.folder) / "feeds").exists()


@pytest.mark.parametrize("stored", [True, False])
def test_what_writes_nothing_runs_in_a_read_only_project(stored: bool) -> None:
    """It says the same, with or without what is stored, also after a change."""
    commands = ("status", "explain content/a.md", "check", "build --dry-run", "digest --dry-run")
    with no_privileges() as folder:
        newsroom = Newsroom.open(folder, CONFIG)
        newsroom.article("a.md", date="2025-06-26", main_topics=["AI"])
        newsroom.run("build")
        newsroom.article("b.md", "![](gone.png)", date="2025-06-27")
        expected = [newsroom.run(*command.split()) for command in commands]
        if not stored:
            shutil.rmtree(folder / ".broadsheet")
        before = contents(folder)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o500 if path.is_dir() else 0o400)
        assert [newsroom.run(*command.split()) for command in commands] == expected
        assert contents(folder) == before
        refused = newsroom.run("build")
        assert (refused.code, refused.out) == (1, "")
        assert "Permission denied; let this user write there and run again" in refused.err


def test_a_project_without_articles_has_a_status(newsroom: Newsroom) -> None:
    """A new, empty publication is not an error."""
    newsroom.configure(CONFIG)
    found = _status(newsroom)
    assert (found["articles"], found["next_due"]) == (0, None)
    assert newsroom.run("status").code == 0
