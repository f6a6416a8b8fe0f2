"""`broadsheet digest`: the command that cron runs."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from newsroom import Newsroom, contents, stamps

CONFIG = """
[digests.weekly]
title = "周报"
[digests.daily]
title = "Daily"
schedule = "0 8 * * *"
language = "en"
"""
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8"
    "ffff3f0005fe02fea7d8f0a30000000049454e44ae426082"
)
FILES = {"issue.json", "index.html", "email.html", "email.txt", "message.eml"}


@pytest.fixture
def project(newsroom: Newsroom) -> Newsroom:
    """Two digests; two articles for the weekly one, and one of them for the daily one."""
    newsroom.configure(CONFIG)
    newsroom.article("a.md", title="甲", date="2025-06-26T12:00:00+08:00", main_topics=["AI"])
    newsroom.article("b.md", title="乙", date="2025-06-29T12:00:00+08:00", main_topics=["AI"])
    return newsroom


def _issues(newsroom: Newsroom) -> dict[str, list[str]]:
    """Return the titles of each issue that was made, by its folder."""
    return {
        path.removesuffix("/issue.json"): [
            placed["title"]
            for section in json.loads(data)["sections"]
            for placed in section["articles"]
        ]
        for path, data in newsroom.published().items()
        if path.endswith("/issue.json")
    }


def test_every_due_issue_is_made(project: Newsroom) -> None:
    """Every file of each issue and every overview is written; one line reports each issue."""
    ran = project.run("digest")
    assert (ran.code, ran.err) == (0, "")
    assert _issues(project) == {
        "digests/weekly/2025-06-30": ["乙", "甲"],
        "digests/daily/2025-06-30": ["乙"],
    }
    for name in ("weekly", "daily"):
        folder = project.folder / f"feeds/digests/{name}"
        assert {path.name for path in (folder / "2025-06-30").iterdir()} == FILES
        assert {"index.html", "atom.xml"} <= {path.name for path in folder.iterdir()}
    assert "周报" in project.published()["index.html"].decode()
    first, second = ran.out.splitlines()
    assert first.startswith("feeds/digests/weekly/2025-06-30/ made: 周报：乙")
    assert first.endswith("(2 articles)")
    assert second.startswith("feeds/digests/daily/2025-06-30/ made: Daily: 乙")
    assert second.endswith("(1 article)")


def test_a_named_digest_is_made_alone(project: Newsroom) -> None:
    """The other digest stays due."""
    assert project.run("digest", "daily").code == 0
    assert list(_issues(project)) == ["digests/daily/2025-06-30"]
    assert project.run("digest", "daily", "weekly").code == 0
    assert len(_issues(project)) == 2


def test_whole_articles_are_in_every_part(project: Newsroom) -> None:
    """The mail has sized images and no player; the featured image does not show twice."""
    project.configure(CONFIG.replace('title = "周报"', 'title = "周报"\ncontent = "full"'))
    project.write("content/图.png", PNG)
    project.article(
        "b.md",
        "头一段。\n\n![说明](图.png)\n\n<video src='v.mp4'></video>\n\n- 末项\n",
        date="2025-06-29T12:00:00+08:00",
        image="图.png",
        summary="摘要。",
    )
    assert project.run("digest", "weekly").code == 0
    made = contents(project.folder / "feeds/digests/weekly/2025-06-30")
    for name in ("email.html", "index.html"):
        html = made[name].decode()
        assert "头一段。" in html
        assert html.count("<img") == 1
        assert 'width="1"' in html
        assert "摘要。</p>" not in html
    assert "<video" not in made["email.html"].decode()
    assert 'href="https://example.org/posts/b/v.mp4"' in made["email.html"].decode()
    assert "头一段。\n\n[说明]" in made["email.txt"].decode()
    assert "- 末项" in made["email.txt"].decode()


def test_an_unknown_digest_is_a_usage_error(project: Newsroom) -> None:
    """Exit 2; the message lists the digests, and no issue is made."""
    ran = project.run("digest", "daily", "monthly")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "unknown digest 'monthly'; the config has: weekly, daily\n"
    assert not (project.folder / "feeds").exists()
    project.configure("")
    assert project.run("digest", "x").err.endswith("; the config has: none\n")


def test_if_nothing_is_due_the_next_time_is_shown(project: Newsroom) -> None:
    """People see when the next issue is due; with --quiet nothing is printed."""
    project.run("digest")
    project.article("c.md", date="2025-06-30T08:30:00+08:00")
    ran = project.run("digest")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "weekly: nothing is due; the next issue is at 2025-07-07 08:00, 1 article so far",
        "daily: nothing is due; the next issue is at 2025-07-01 08:00, 1 article so far",
    ]
    ran = project.run("digest", "--quiet")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_a_project_without_digests_has_nothing_to_do(newsroom: Newsroom) -> None:
    """A config without digests is not an error: exit 0."""
    newsroom.article("a.md")
    ran = newsroom.run("digest")
    assert (ran.code, ran.err) == (0, "")


def test_a_dry_run_writes_nothing_and_says_the_same(project: Newsroom) -> None:
    """A dry run announces exactly what the real run then makes."""
    dry = project.run("digest", "--dry-run")
    assert (dry.code, dry.err) == (0, "")
    assert not (project.folder / "feeds").exists()
    assert dry.out.replace("would be made", "made") == project.run("digest").out
    before = stamps(project.folder / "feeds")
    project.article("c.md", date="2025-07-01")
    project.run("digest", "--dry-run", now="2025-07-07T09:00:00+08:00")
    assert stamps(project.folder / "feeds") == before


def test_a_rerun_touches_nothing(project: Newsroom) -> None:
    """However often it runs, no file's modification time changes."""
    project.run("digest")
    before = stamps(project.folder / "feeds")
    for args in ([], ["--quiet"], ["weekly"]):
        assert project.run("digest", *args).code == 0
    assert stamps(project.folder / "feeds") == before
    digests = stamps(project.folder / "feeds/digests")
    assert project.run("digest", now="2025-06-23T09:00:00+08:00").code == 0  # a clock goes back
    assert stamps(project.folder / "feeds/digests") == digests


def test_missed_ticks_are_made_up_for_in_one_run(project: Newsroom) -> None:
    """With `each`, one issue is made for every tick with articles, from the first issue on."""
    project.configure(CONFIG + 'missed = "each"\n')
    project.run("digest", "daily", now="2025-06-27T09:00:00+08:00")
    project.article("c.md", title="丙", date="2025-06-28")
    ran = project.run("digest", "daily")
    assert [line.split()[0] for line in ran.out.splitlines()] == [
        "feeds/digests/daily/2025-06-28/",
        "feeds/digests/daily/2025-06-30/",
    ]
    assert _issues(project) == {
        "digests/daily/2025-06-27": ["甲"],
        "digests/daily/2025-06-28": ["丙"],
        "digests/daily/2025-06-30": ["乙"],
    }


def test_an_invalid_article_is_reported_if_an_issue_may_lack_it(project: Newsroom) -> None:
    """The issue is made without it, exit 1; the next run has nothing to report."""
    project.write("content/bad.md", "---\ntitle: Bad\ndate: 06/07/2025\n---\n")
    ran = project.run("digest", "--quiet")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("content/bad.md:3: date: ")
    assert ran.err.endswith("(left out)\n")
    assert len(_issues(project)) == 2
    ran = project.run("digest", "--quiet")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    project.write("content/bad.md", "---\ntitle: Fixed\ndate: 2025-06-25\n---\n")
    assert project.run("digest", now="2025-07-07T09:00:00+08:00").code == 0
    assert _issues(project)["digests/weekly/2025-07-07"] == ["Fixed"]


def test_the_overview_counts_what_build_counts(project: Newsroom) -> None:
    """An article that cannot be rendered is in no feed, and `digest` does not count it either."""
    project.article("deep.md", "- " * 2_000 + "x", title="深", date="2025-06-01T12:00:00+08:00")
    assert project.run("build").code == 1
    built = project.published()["index.html"]
    ran = project.run("digest")
    assert (ran.code, ran.err) == (0, "")
    told = project.published()["index.html"]
    assert told != built
    assert project.run("build").code == 1
    assert project.published()["index.html"] == told


def test_the_number_of_cores_does_not_matter(
    project: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With two cores the mail is made in a process of its own, and is the same."""
    made: list[dict[str, bytes]] = []
    for cores in (1, 2):
        monkeypatch.setattr("os.cpu_count", lambda cores=cores: cores)
        assert project.run("digest").code == 0
        made.append(project.published())
        shutil.rmtree(project.folder / "feeds")
    assert made[0] == made[1]
    assert any(path.endswith("email.html") for path in made[0])


def test_a_failing_template_leaves_no_partial_issue(project: Newsroom) -> None:
    """An error in a user's template: file and line, exit 1, and no issue."""
    project.write("email_templates/digest.html.j2", "<p>\n{{ nothing.at.all }}\n")
    ran = project.run("digest", "--quiet")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("email_templates/digest.html.j2:2: ")
    assert not (project.folder / "feeds").exists()


def test_weekly_runs_and_one_late_run_hold_the_same_articles(
    newsroom: Newsroom, tmp_path_factory
) -> None:  # type: ignore[no-untyped-def]
    """Thirty articles over two months: weekly runs and one late run contain the same articles."""
    late = Newsroom.open(tmp_path_factory.mktemp("late"))
    for project in (newsroom, late):
        project.configure('\n[digests.weekly]\ntitle = "W"\n')
        for day in range(1, 31):
            project.article(f"{day}.md", title=f"{day}", date=f"2025-05-{day:02}")
        project.run("digest", now="2025-05-05T08:00:00+08:00")
    for day in (12, 19, 26):
        newsroom.run("digest", now=f"2025-05-{day}T08:00:00+08:00")
    for project in (newsroom, late):
        assert project.run("digest", now="2025-06-02T08:00:00+08:00").code == 0
    held = [
        sorted(title for titles in _issues(project).values() for title in titles)
        for project in (newsroom, late)
    ]
    assert held[0] == held[1]
    assert len(held[0]) == len(set(held[0])) == 30
    assert (len(_issues(newsroom)), len(_issues(late))) == (5, 2)


@pytest.mark.parametrize(
    ("by", "headings", "folders"),
    [
        ("authors", ["Ann", "Bob"], ["ann", "bob"]),
        ("tags", ["x", "y"], ["x", "y"]),
        ("languages", ["Deutsch", "Français"], ["de", "fr"]),
    ],
)
def test_an_issue_can_be_grouped_by_anything_that_feeds_are(
    newsroom: Newsroom, by: str, headings: list[str], folders: list[str]
) -> None:
    """Each section links to the feed of what it is about."""
    newsroom.configure(
        f'[feeds]\nby = ["{by}"]\n[digests.weekly]\ntitle = "Weekly"\ngroup_by = "{by}"\n'
    )
    for name, author, tag, language in (("a", "Ann", "x", "de"), ("b", "Bob", "y", "fr")):
        fields = {"authors": [author], "tags": [tag], "language": language}
        newsroom.article(f"{name}.md", date="2025-06-26", main_topics=["Same"], **fields)
    newsroom.build()
    assert newsroom.run("digest").code == 0
    (page,) = newsroom.folder.glob("feeds/digests/weekly/*/index.html")
    text = page.read_text("utf-8")
    for heading, folder in zip(headings, folders, strict=True):
        assert re.search(rf"<h2[^>]*>(?:<[^>]*>)*\s*{heading}", text), heading
        assert f"https://example.org/feeds/{by}/{folder}/atom.xml" in text
        assert (newsroom.folder / f"feeds/{by}/{folder}/atom.xml").exists()
