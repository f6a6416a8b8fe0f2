"""Issues that `digest` makes only on request, and that every command reports alike."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from newsroom import CONFIG, Newsroom, stamps

WEEKLY = '[digests.weekly]\ntitle = "Weekly"\n'
DAILY = '[digests.daily]\ntitle = "Daily"\nschedule = "0 8 * * *"\n'
FIRST, SECOND, THIRD = (f"2025-{day}T09:00:00+08:00" for day in ("06-23", "06-30", "07-07"))
MOVED = CONFIG.replace("https://example.org/", "https://example.com/news/")


def _issues(newsroom: Newsroom) -> dict[str, list[str]]:
    """Return the titles of each issue on disk, by its folder."""
    found = {}
    for path in sorted((newsroom.folder / "feeds/digests").glob("*/*/issue.json")):
        sections = json.loads(path.read_bytes())["sections"]
        name = path.parent.relative_to(newsroom.folder / "feeds/digests").as_posix()
        found[name] = sorted({a["title"] for s in sections for a in s["articles"]})
    return found


@pytest.fixture
def issued(newsroom: Newsroom) -> Newsroom:
    """Six articles in the first issue of a weekly digest, the newest in that of a daily one."""
    newsroom.configure("\n" + WEEKLY + DAILY)
    for day in range(17, 23):
        newsroom.article(f"a{day}.md", f"About day {day}.\n", date=f"2025-06-{day}T12:00:00+08:00")
    assert newsroom.run("digest", now=FIRST).code == 0
    return newsroom


def _late(newsroom: Newsroom, number: int) -> None:
    """Add articles dated before the second issue's window."""
    for each in range(number):
        newsroom.article(f"late{each}.md", f"Late, {each}.\n", date="2025-06-20T18:00:00+08:00")


def _move_site(newsroom: Newsroom) -> None:
    newsroom.configure("\n" + WEEKLY + DAILY, MOVED)


def _change_pattern(newsroom: Newsroom) -> None:
    newsroom.configure(f'\n[articles]\npermalink = "/{{year}}/{{slug}}.html"\n{WEEKLY}{DAILY}')


def _rename_files(newsroom: Newsroom) -> None:
    content = newsroom.folder / "content"
    (content / "2025").mkdir()
    for path in sorted(content.glob("*.md")):
        path.rename(content / "2025" / f"article-{path.name}")


def _bundles(newsroom: Newsroom) -> None:
    for path in sorted((newsroom.folder / "content").glob("*.md")):
        path.with_suffix("").mkdir()
        path.rename(path.with_suffix("") / "index.md")
    newsroom.configure(f'\n[articles]\npermalink = "/{{path}}/"\n{WEEKLY}{DAILY}')


def _new_slugs(newsroom: Newsroom) -> None:
    """Change titles and texts, and the slugs, each with an alias."""
    for path in sorted((newsroom.folder / "content").glob("*.md")):
        head, _, _ = path.read_text(encoding="utf-8").rpartition("---\n")
        head = head.replace('title: "', 'title: "Again: ')
        alias = f"slug: new-{path.stem}\naliases: [/posts/{path.stem}/]\n"
        path.write_text(f"{head}{alias}---\n\nRewritten, {path.stem}.\n", encoding="utf-8")


def _other_line_ends(newsroom: Newsroom) -> None:
    _rename_files(newsroom)
    for path in (newsroom.folder / "content").rglob("*.md"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))


def _everything(newsroom: Newsroom) -> None:
    _rename_files(newsroom)
    newsroom.configure(f'\n[articles]\npermalink = "/{{section}}/{{slug}}"\n{WEEKLY}{DAILY}', MOVED)


CHANGES = [
    *(_move_site, _change_pattern, _rename_files, _bundles, _new_slugs, _other_line_ends),
    _everything,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda each: each.__name__)
def test_changed_addresses_mail_nothing_again(issued: Newsroom, change: Any) -> None:
    """The next issue of each digest has only new articles; `explain` says why."""
    change(issued)
    issued.article("new.md", "Fresh.\n", date="2025-06-29T12:00:00+08:00")
    ran = issued.run("digest", now=SECOND)
    assert (ran.code, ran.err) == (0, "")
    assert _issues(issued)["weekly/2025-06-30"] == ["new"]
    assert _issues(issued)["daily/2025-06-30"] == ["new"]
    moved = next((issued.folder / "content").rglob("*a19*"))
    moved = moved / "index.md" if moved.is_dir() else moved
    said = issued.run("explain", str(moved), now=SECOND).out
    assert "in      feeds/digests/weekly/: in the issue of 2025-06-23" in said
    assert issued.run("digest", now=THIRD).out.count("made") == 0


def _say_so(newsroom: Newsroom, words: str, article: str, now: str) -> None:
    """Check that every command refuses or reports the same, and writes nothing into feeds/."""
    before = stamps(newsroom.folder / "feeds")
    for command in (["digest", "--dry-run", "weekly"], ["digest", "weekly"], ["preview"]):
        ran = newsroom.run(*command, now=now)
        assert (ran.code, words in ran.err) == (1, True), (command, ran)
    ran = newsroom.run("check", now=now)
    assert ran.code == 1
    assert f"refused-issue: {words}" in ran.out
    assert words in newsroom.run("status", now=now).out
    assert words in newsroom.run("status", "--json", now=now).out
    assert (
        f"not in  feeds/digests/weekly/: {words}" in newsroom.run("explain", article, now=now).out
    )
    assert stamps(newsroom.folder / "feeds") == before


def test_a_mostly_late_issue_is_refused(issued: Newsroom) -> None:
    """Exit 1 with the reason and the flag; the other digest's issue is made; the flag makes it."""
    _late(issued, 3)
    issued.article("new.md", date="2025-06-29T12:00:00+08:00")
    words = (
        "refusing to make weekly/2025-06-30: 3 of its 4 articles are late, dated before "
        "2025-06-23 08:00"
    )
    _say_so(issued, words, "content/late1.md", SECOND)
    ran = issued.run("digest", now=SECOND)
    assert (ran.code, ran.out.count("made")) == (1, 1)
    assert "broadsheet digest weekly --allow-late" in ran.err
    assert "daily/2025-06-30" in _issues(issued)
    assert "weekly/2025-06-30" not in _issues(issued)
    ran = issued.run("digest", "weekly", "--allow-late", now=SECOND)
    assert (ran.code, ran.err) == (0, "")
    assert _issues(issued)["weekly/2025-06-30"] == ["late0", "late1", "late2", "new"]
    assert issued.run("digest", "weekly", now=THIRD).code == 0


@pytest.mark.parametrize(("late", "on_time"), [(1, 0), (2, 2), (3, 4)])
def test_some_late_articles_are_fine(issued: Newsroom, late: int, on_time: int) -> None:
    """If no more articles are late than on time, the issue is made unasked."""
    _late(issued, late)
    for each in range(on_time):
        issued.article(f"new{each}.md", f"New, {each}.", date="2025-06-26T12:00:00+08:00")
    ran = issued.run("digest", "weekly", now=SECOND)
    assert (ran.code, ran.err) == (0, "")
    assert len(_issues(issued)["weekly/2025-06-30"]) == late + on_time


def test_a_warning_comes_before_the_issue_is_due(issued: Newsroom) -> None:
    """`check` warns in the days before: until the tick more articles may be on time."""
    _late(issued, 2)
    ran = issued.run("check", now="2025-06-25T09:00:00+08:00")
    assert "refused-issue: refusing to make weekly/2025-06-30" in ran.out.partition("warnings:")[2]
    assert issued.run("preview", now="2025-06-25T09:00:00+08:00").code == 0


def test_with_each_a_refused_issue_stops_the_following_ones(issued: Newsroom) -> None:
    """The windows of a digest follow one another."""
    issued.configure("\n" + WEEKLY + 'missed = "each"\n')
    _late(issued, 2)
    issued.article("new.md", date="2025-07-02T12:00:00+08:00")
    ran = issued.run("digest", now=THIRD)
    assert (ran.code, ran.out) == (1, "")
    assert "weekly/2025-06-30" in ran.err
    ran = issued.run("digest", "--allow-late", now=THIRD)
    assert (ran.code, len(_issues(issued))) == (0, 4)


NAMES = [
    ("the same title", {}),
    ("the same schedule and selection", {"title": "Another"}),
    ("issued 6 of its 6 articles", {"title": "Another", "schedule": "0 9 * * MON"}),
]


def _renamed(newsroom: Newsroom, more: str = "", **fields: str) -> None:
    """Return the config with the digest under another name, optionally with other settings."""
    table = {"title": "Weekly", **fields}
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
    newsroom.configure(f"\n[digests.letter]\n{lines}{more}{DAILY}")


@pytest.mark.parametrize(("why", "fields"), NAMES)
def test_a_digest_that_looks_renamed_is_refused(
    issued: Newsroom, why: str, fields: dict[str, str]
) -> None:
    """Its first issue would repeat what readers have. Others are made; the flag starts anew."""
    _renamed(issued, **fields)
    ran = issued.run("digest", now=FIRST)
    assert ran.code == 1
    assert "[digests.weekly] was removed from the config and" in ran.err
    assert why in ran.err
    assert 'renamed_from = ["weekly"] in [digests.letter]' in ran.err
    assert "broadsheet digest letter --allow-new" in ran.err
    assert not (issued.folder / "feeds/digests/letter/2025-06-23").exists()
    for command in (["check"], ["status"], ["preview"], ["explain", "content/a20.md"]):
        ran = issued.run(*command, now=FIRST)
        assert "refusing to make letter/2025-06-23" in ran.out + ran.err, command
    ran = issued.run("digest", "--allow-new", now=FIRST)
    assert (ran.code, ran.err) == (0, "")
    assert len(_issues(issued)["letter/2025-06-23"]) == 6
    assert issued.run("digest", now=SECOND).code == 0


def test_other_authors_make_another_digest(newsroom: Newsroom) -> None:
    """Two digests that differ in their authors alone were not renamed."""
    weekly = '[digests.weekly]\ntitle = "W"\nauthors = ["Ann"]\n'
    newsroom.configure(weekly)
    newsroom.article("a.md", date="2025-06-20", authors=["Ann"])
    newsroom.article("b.md", date="2025-06-20", authors=["Bob"])
    assert newsroom.run("digest").code == 0
    newsroom.configure(weekly.replace("Ann", "Bob").replace("weekly", "bob").replace('"W"', '"B"'))
    ran = newsroom.run("digest")
    assert (ran.code, ran.err) == (0, "")


def test_a_renamed_digest_is_refused_even_if_all_articles_are_new(issued: Newsroom) -> None:
    """It would lose its readers and its numbering."""
    issued.article("new.md", date="2025-06-28T12:00:00+08:00")
    _renamed(issued)
    ran = issued.run("digest", "letter", now=SECOND)
    assert (ran.code, ran.out) == (1, "")


def test_renamed_from_continues_the_issues(issued: Newsroom) -> None:
    """Nothing is repeated, late articles included; numbering goes on; the pages list all issues."""
    _renamed(issued, 'renamed_from = ["weekly"]\n')
    assert issued.run("digest", "letter", now=FIRST).out.startswith("letter: nothing is due")
    issued.article("new.md", date="2025-06-28T12:00:00+08:00")
    _late(issued, 1)
    ran = issued.run("digest", "letter", now=SECOND)
    assert (ran.code, ran.err) == (0, "")
    assert _issues(issued)["letter/2025-06-30"] == ["late0", "new"]
    made = json.loads((issued.folder / "feeds/digests/letter/2025-06-30/issue.json").read_bytes())
    assert (made["digest"], made["number"]) == ("letter", 2)
    page = (issued.folder / "feeds/digests/letter/index.html").read_text(encoding="utf-8")
    assert "digests/weekly/2025-06-23/" in page
    assert issued.run("preview", now=SECOND).code == 0
    assert issued.run("check", now=SECOND).out.count("refused-issue") == 0
    assert issued.run("build", now=SECOND).code == 0
    assert "weekly/2025-06-23" in _issues(issued)


def test_a_former_name_without_issues_is_refused(issued: Newsroom) -> None:
    """A typo in the name, or a lost folder: the digest does not start anew."""
    _renamed(issued, 'renamed_from = ["wekly"]\n')
    ran = issued.run("digest", "letter", now=FIRST)
    assert ran.code == 1
    assert "renamed_from has wekly, but the feeds folder has no issue in digests/wekly/" in ran.err


@pytest.mark.parametrize(
    ("config", "what"),
    [
        (
            WEEKLY + 'renamed_from = ["daily"]\n' + DAILY,
            "the digest 'daily' is still in the config",
        ),
        (WEEKLY + 'renamed_from = ["weekly"]\n', "the digest 'weekly' is still in the config"),
        (WEEKLY + 'renamed_from = ["../x"]\n', "'../x' cannot be the name of a digest"),
        (WEEKLY + 'renamed_from = ["x"]\n' + DAILY + 'renamed_from = ["x"]\n', "'x' is a former"),
    ],
)
def test_a_former_name_belongs_to_one_digest(newsroom: Newsroom, config: str, what: str) -> None:
    """Two digests with one former name: exit 2, with the line."""
    newsroom.configure("\n" + config)
    ran = newsroom.run("digest")
    assert ran.code == 2
    assert ran.err.startswith("broadsheet.toml:")
    assert what in ran.err


def test_a_new_digest_on_an_old_site_starts_with_one_period(newsroom: Newsroom) -> None:
    """Years of articles are not sent; no flag is needed, whatever digests there were before."""
    for day in range(1, 29):
        newsroom.article(f"a{day}.md", f"Day {day}.", date=f"2025-06-{day:02}T12:00:00+08:00")
    newsroom.configure(f'\n[digests.ai]\ntitle = "AI"\ntopics = ["AI"]\n{DAILY}')
    newsroom.article("ai.md", date="2025-06-02T12:00:00+08:00", main_topics=["AI"])
    assert newsroom.run("digest", now="2025-06-09T09:00:00+08:00").code == 0
    newsroom.configure("\n" + WEEKLY + DAILY)  # [digests.ai] is removed
    ran = newsroom.run("digest", now=SECOND)
    assert (ran.code, ran.err) == (0, "")
    assert len(_issues(newsroom)["weekly/2025-06-30"]) == 6


def test_a_broken_record_of_a_removed_digest(issued: Newsroom) -> None:
    """It blocks a new digest, which might be the same one; `check` names it; others go on."""
    record = issued.folder / "feeds/digests/weekly/2025-06-23/issue.json"
    record.write_bytes(b"{")
    _renamed(issued)
    ran = issued.run("check", now=FIRST)
    assert "feeds/digests/weekly/2025-06-23/issue.json: record: " in ran.out
    ran = issued.run("digest", now=FIRST)
    assert ran.code == 1
    assert ran.err.startswith("feeds/digests/weekly/2025-06-23/issue.json: ")
    shutil.rmtree(record.parent)
    assert issued.run("digest", now=FIRST).code == 0


def test_the_record_identifies_each_article(issued: Newsroom) -> None:
    """Title, date, file and a hash of the body, which does not depend on front matter."""
    path = issued.folder / "feeds/digests/weekly/2025-06-23/issue.json"
    placed = {
        a["title"]: a for s in json.loads(path.read_bytes())["sections"] for a in s["articles"]
    }
    assert placed["a19"]["source"] == "content/a19.md"
    assert placed["a19"]["date"] == "2025-06-19T12:00:00+08:00"
    assert len({each["body_sha256"] for each in placed.values()}) == len(placed) == 6
    assert Path(path).read_bytes().endswith(b"}\n")
