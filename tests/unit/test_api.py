"""The Python API: values as the commands would write them, and nothing written unless asked."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import broadsheet
from broadsheet.errors import ConfigError, UsageError
from broadsheet.pipeline.build import RefusedError
from newsroom import MOMENT, NOW, ROOT, Newsroom, contents, stamps

WEEKLY = '[digests.weekly]\ntitle = "W"\n'


@pytest.fixture
def project(newsroom: Newsroom) -> Newsroom:
    """A project with a digest, two articles and one that has an error."""
    newsroom.configure(WEEKLY)
    newsroom.article("a.md", title="甲", date="2025-06-26", categories=["AI"])
    newsroom.article("b.md", title="乙", date="2024-01-01")
    newsroom.article("bad.md", date="yesterday")
    return newsroom


def test_calls_write_nothing_unless_asked(project: Newsroom) -> None:
    """`build`, `digest` and `check` leave the project's folder as it is, built or not."""
    site = broadsheet.load(project.folder)
    for _ in range(2):
        before = stamps(project.folder)
        site.build(MOMENT)
        site.digest(MOMENT)
        site.check(MOMENT)
        assert stamps(project.folder) == before
        project.run("build")


def test_build_returns_what_the_command_writes(project: Newsroom) -> None:
    """Before and after the command: the same bytes, and which of them differ from the folder's."""
    site = broadsheet.load(project.folder)
    made = site.build(MOMENT)
    assert (made.articles, made.feeds) == (2, 2)
    assert set(made.written) == set(made.files)
    assert [(each.path, each.line) for each in made.problems] == [("content/bad.md", 3)]
    assert project.run("build").code == 1
    published = project.published()
    del published[".broadsheet.json"]
    assert made.files == published
    again = site.build(MOMENT)
    assert (again.files, again.written, again.removed) == (published, (), ())


def test_build_writes_if_asked(project: Newsroom) -> None:
    """The same files as the command, once."""
    expected = broadsheet.load(project.folder).build(MOMENT).files
    site = broadsheet.load(project.folder)
    assert set(site.build(MOMENT, write=True).written) == set(expected)
    assert site.build(MOMENT, write=True).written == ()
    published = project.published()
    assert {path: published[path] for path in expected} == expected
    assert project.run("build").out.startswith("feeds/: 2 articles in 2 feeds; 0 files written")


def test_build_tells_which_feeds_end(project: Newsroom) -> None:
    """Each with the feed to follow instead, before anything is written."""
    site = broadsheet.load(project.folder)
    (project.folder / "content/bad.md").unlink()
    site.build(MOMENT, write=True)
    project.article("a.md", title="甲", date="2025-06-26", categories=["Art"])
    made = site.build(MOMENT)
    assert made.ended.keys() == {"topics/ai/"}
    assert "topics/ai/atom.xml" in made.files
    assert (project.folder / "feeds/topics/ai/atom.xml").read_bytes() != (
        made.files["topics/ai/atom.xml"]
    )


def test_digest_returns_the_issues_that_are_due(project: Newsroom) -> None:
    """Their files, as the command writes them; once released they are due no more."""
    site = broadsheet.load(project.folder)
    (issue,) = site.digest(MOMENT).issues
    assert (issue.digest, issue.key) == ("weekly", "2025-06-30")
    assert issue.articles == ("https://example.org/posts/a/",)
    assert site.digest(MOMENT, ["weekly"], write=True).issues == [issue]
    written = contents(project.folder / "feeds" / issue.folder)
    assert written == issue.files
    assert site.digest(MOMENT).issues == []
    with pytest.raises(UsageError):
        site.digest(MOMENT, ["monthly"])


def test_a_draft_waits_for_approval(project: Newsroom) -> None:
    """It is returned apart from what is released."""
    project.configure(WEEKLY + 'approval = "required"\n')
    site = broadsheet.load(project.folder)
    made = site.digest(MOMENT)
    assert made.issues == []
    (draft,) = made.drafts
    assert b"<html" in draft.files["email.html"]
    site.digest(MOMENT, write=True)
    assert site.digest(MOMENT, approve="weekly/2025-06-30", write=True).issues


def test_check_returns_what_the_command_prints(project: Newsroom) -> None:
    """In the same order."""
    found = broadsheet.load(project.folder).check(MOMENT)
    printed = [line for line in project.run("check", "-q").out.splitlines() if line[-1] != ":"]
    assert [str(each) for each in found] == printed
    assert any(each.problem.path == "content/bad.md" for each in found)


def test_errors_are_exceptions_with_problems(project: Newsroom) -> None:
    """A wrong config when it is loaded, wrong articles with `strict`."""
    with pytest.raises(RefusedError) as refused:
        broadsheet.load(project.folder).build(MOMENT, strict=True)
    assert refused.value.problems[0].path == "content/bad.md"
    project.configure("[feeds]\nentrys = 1\nentries = 0\n")
    with pytest.raises(ConfigError) as wrong:
        broadsheet.load(project.folder)
    assert [each.line for each in wrong.value.problems] == [9, 10]
    with pytest.raises(ConfigError):
        broadsheet.load(project.folder / "nowhere")


def test_now_is_any_time(project: Newsroom) -> None:
    """A datetime without an offset is in the time zone of the publication."""
    site = broadsheet.load(project.folder)
    naive = datetime.fromisoformat(NOW).replace(tzinfo=None)
    assert site.build(naive).files == site.build(MOMENT).files
    assert site.build(MOMENT - timedelta(days=30)).articles == 1


def test_importing_the_package_imports_no_library() -> None:
    """`import broadsheet` costs nothing; the API is imported when it is used."""
    program = (
        "import sys, broadsheet; assert 'broadsheet.api' not in sys.modules; broadsheet.load;"
        "assert 'broadsheet.api' in sys.modules; assert not hasattr(broadsheet, 'nonsense')"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_example_in_the_docs_runs(project: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every Python block of docs/api.md, in a project with a digest."""
    page = (ROOT / "docs/api.md").read_text("utf-8")
    blocks = [part.split("```")[0] for part in page.split("```python\n")[1:]]
    assert len(blocks) >= 3
    monkeypatch.chdir(project.folder)
    for block in blocks:
        subprocess.run([sys.executable, "-c", block], cwd=project.folder, check=True)
    assert Path("feeds/atom.xml").exists()
