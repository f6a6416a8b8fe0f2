"""broadsheet check: what an editor, a CI job and a program get to see of it."""

from __future__ import annotations

import json
import os

import pytest

from broadsheet import checks
from newsroom import ROOT, Newsroom, contents, no_privileges, stamps

SENDER = '\n[delivery]\nsender = "News <news@example.org>"\n'


@pytest.fixture
def project(newsroom: Newsroom) -> Newsroom:
    """Two articles: one with an error and a warning, one with a warning."""
    newsroom.article("b.md", "![a](gone.png)\n")
    newsroom.article("a.md")
    return newsroom


def test_the_worst_comes_first_with_counts_at_the_end(project: Newsroom) -> None:
    """`path:line: rule: what; what to do`, errors first and by place, then how many of what."""
    ran = project.run("check")
    assert (ran.code, ran.err) == (1, "")
    missing = "the image 'gone.png' is not on disk; put it beside the article or into an assets"
    assert ran.out.splitlines() == [
        "errors:",
        f"content/b.md:6: body-image-missing: {missing} folder (static)",
        "warnings:",
        "content/a.md:1: no-summary: it has no summary; write `summary: ...`",
        "content/b.md:1: no-summary: it has no summary; write `summary: ...`",
        "1 error, 2 warnings",
        "       1 error  body-image-missing",
        "    2 warnings  no-summary",
    ]


def test_an_editor_does_not_drown(newsroom: Newsroom) -> None:
    """Of a rule that finds much the first are shown, the others counted; --all shows each."""
    for number in range(33):
        newsroom.article(f"{number:02}.md")
    newsroom.article("99.md", "![](https://example.org/a.png)\n")
    ran = newsroom.run("check")
    lines = ran.out.splitlines()
    assert sum(": no-summary: " in line for line in lines) == 20
    assert sum(": body-image-alt: " in line for line in lines) == 1
    assert lines[-2] == "   34 warnings  no-summary (14 more with --all)"
    everything = newsroom.run("check", "--all").out
    assert everything.count(": no-summary: ") == 34
    assert "--all" not in everything
    assert len(json.loads(newsroom.run("check", "--json").out)) == 35


def test_strict_fails_on_warnings(newsroom: Newsroom) -> None:
    """Without it a warning ends with 0; with nothing wrong, neither fails."""
    newsroom.article("a.md")
    assert newsroom.run("check").code == 0
    assert newsroom.run("check", "--strict").code == 1
    newsroom.article("a.md", summary="In short.")
    assert newsroom.run("check", "--strict") == newsroom.run("check")
    assert newsroom.run("check").out == "nothing is wrong\n"


def test_quiet_says_only_what_is_wrong(project: Newsroom) -> None:
    """No counts; and nothing at all when nothing is wrong, so that cron stays silent."""
    lines = project.run("check", "--quiet").out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        *("errors", "content/b.md", "warnings", "content/a.md", "content/b.md")
    ]
    project.article("a.md", summary="In short.")
    project.article("b.md", summary="In short.")
    ran = project.run("check", "--quiet")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_json_has_every_part(project: Newsroom) -> None:
    """A program gets rule, severity, path, line, what is wrong and what to do."""
    ran = project.run("check", "--json")
    assert (ran.code, ran.err) == (1, "")
    assert json.loads(ran.out)[1] == {
        "rule": "no-summary",
        "severity": "warning",
        "path": "content/a.md",
        "line": 1,
        "key": "",
        "what": "it has no summary",
        "todo": "write `summary: ...`",
    }


def test_github_gets_annotations(project: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workflow commands with file, line and title; the path from where the workflow runs."""
    project.write("content/odd, 100%: name.md", "---\ntitle: A\ndate: a%0Ab\n---\nText.\n")
    monkeypatch.chdir(project.folder.parent)
    ran = project.run("check", "--github")
    assert (ran.code, ran.err) == (1, "")
    place = project.folder.name
    lines = ran.out.splitlines()
    assert (
        f"::error file={place}/content/b.md,line=6,title=body-image-missing::the image 'gone.png' "
        "is not on disk; put it beside the article or into an assets folder (static)"
    ) in lines
    (odd,) = [line for line in lines if "odd" in line]
    assert odd.startswith(
        f"::error file={place}/content/odd%2C 100%25%3A name.md,line=3,title=unreadable::"
    )
    assert "a%250Ab" in odd
    assert len(lines) == 4


def test_only_the_named_files_are_told(project: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hook names the files of a commit, from the project or from where it runs."""
    for path in ("content/a.md", str(project.folder / "content/a.md")):
        ran = project.run("check", path)
        assert (ran.code, ran.out.count("content/a.md:"), "content/b.md" in ran.out) == (
            0,
            1,
            False,
        )
    assert project.run("check", "content/a.md", "content/b.md").code == 1
    monkeypatch.chdir(project.folder / "content")
    assert project.run("check", "a.md", "--strict").code == 1
    ran = project.run("check", "nowhere.md")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "there is no file 'nowhere.md'; name one of the project\n"


@pytest.mark.parametrize("form", ["--json", "--github", "--all"])
def test_everything_wrong_with_the_config_is_told_in_the_same_form(
    project: Newsroom, form: str
) -> None:
    """All at once, with lines; exit 2, since nothing else could be looked at."""
    project.configure('[feeds]\nentris = 5\nentries = "many"\n[nothing]\n[checks.rules]\na = "x"\n')
    ran = project.run("check", form)
    assert (ran.code, ran.err) == (2, "")
    for said in ("feeds.entris", "feeds.entries", "nothing", "checks.rules.a", "did you mean"):
        assert said in ran.out
    if form == "--json":
        found = json.loads(ran.out)
        assert {each["rule"] for each in found} == {"config"}
        assert all(each["line"] for each in found)
    project.write("broadsheet.toml", "a = ")
    assert project.run("check", form).code == 2
    (project.folder / "broadsheet.toml").unlink()
    assert "broadsheet init" in project.run("check", form).out


def test_a_missing_folder_is_a_finding(newsroom: Newsroom) -> None:
    """So is one that may not be read."""
    newsroom.configure('[articles]\nfolders = ["nowhere"]\n')
    ran = newsroom.run("check", "--json")
    (found,) = json.loads(ran.out)
    assert (ran.code, found["rule"], found["path"]) == (2, "config", "broadsheet.toml")
    text = (newsroom.folder / "broadsheet.toml").read_text(encoding="utf-8").split("\n")
    assert text[found["line"] - 1] == 'folders = ["nowhere"]'
    with no_privileges() as folder:
        other = Newsroom.open(folder)
        other.article("inner/a.md")
        (folder / "content/inner").chmod(0)
        ran = other.run("check", "--json")
        assert (ran.code, json.loads(ran.out)[0]["rule"]) == (1, "unreadable")
        assert json.loads(ran.out)[0]["path"] == "content/inner"


def test_looking_changes_nothing(project: Newsroom) -> None:
    """No output, no preview, no record is written or touched."""
    project.configure('[digests.weekly]\ntitle = "Weekly"\n')
    project.build()
    project.run("digest")
    before = stamps(project.folder / "feeds"), contents(project.folder / "content")
    project.run("check")
    assert (stamps(project.folder / "feeds"), contents(project.folder / "content")) == before
    assert {path.name for path in project.folder.iterdir()} == {
        *("broadsheet.toml", "content", "feeds", ".broadsheet")
    }


def test_the_same_project_gives_the_same_words(project: Newsroom) -> None:
    """Whatever the order in which Python's sets and the disk list things."""
    project.article("c.md", "[^a] [^b] [^c] [^d] <x> <y> <z>\n")
    first = project.run("check", "--all").out
    os.utime(project.folder / "content/c.md")
    assert project.run("check", "--all").out == first
    labels = [
        line.split("[^")[1][0] for line in first.splitlines() if "footnote-undefined:" in line
    ]
    assert labels == ["a", "b", "c", "d"]


def test_an_article_that_was_issued_may_go(newsroom: Newsroom) -> None:
    """The last issue is shown to try the templates, while all of its articles are there."""
    newsroom.configure('[digests.weekly]\ntitle = "Weekly"\n')
    gone = newsroom.article("gone.md", date="2025-06-26")
    newsroom.article("old.md", date="2024-06-26", summary="In short.")
    for command in ("digest", "build"):
        assert newsroom.run(command).code == 0
    gone.unlink()
    ran = newsroom.run("check")
    assert (ran.code, ran.err) == (0, "")


def test_a_template_that_is_nested_too_deep_is_a_finding(newsroom: Newsroom) -> None:
    """Jinja2 calls itself for each level."""
    newsroom.configure('[digests.weekly]\ntitle = "Weekly"\n')
    newsroom.article("a.md", date="2025-06-26", summary="In short.")
    newsroom.write("email_templates/digest.html.j2", "{% if 1 %}" * 2000)
    ran = newsroom.run("check")
    assert (ran.code, ran.err) == (1, "")
    assert "email_templates/digest.html.j2: template: nested too deeply" in ran.out


def test_the_documentation_has_every_rule() -> None:
    """Its name, its severity, and a sentence on why it matters."""
    page = (ROOT / "docs/checks.md").read_text(encoding="utf-8")
    assert page == checks.markdown()
    for name, rule in checks.RULES.items():
        assert f"| `{name}` | {rule.severity} | {rule.about} |" in page
        assert rule.about.endswith(".")
        assert "|" not in rule.about


@pytest.mark.parametrize(
    ("path", "link"),
    [
        ("about.md", "[a](../about.md)"),
        ("docs/a.md", "[a](/docs/a.md)"),
        ("img/a.png", "![a](../img/a.png)"),
        ("site/img/a.png", "![a](../../site/img/a.png)"),
        ("static/files/a.pdf", "[a](/files/a.pdf)"),
        ("content/bundle/a.png", "![a](/posts/bundle/a.png)"),
    ],
)
def test_what_is_outside_the_articles_folder_is_not_missing(
    newsroom: Newsroom, path: str, link: str
) -> None:
    """A link or image that leads to a file of the project is no error, wherever that is."""
    newsroom.write("static/known.txt", "x")
    newsroom.write("content/bundle/index.md", "---\ntitle: B\ndate: 2025-06-01\n---\nText.\n")
    newsroom.article("a.md", f"{link}\n", summary="S.")
    rules = {"broken-link", "body-image-missing"}

    def missing() -> set[str]:
        return rules & {each["rule"] for each in json.loads(newsroom.run("check", "--json").out)}

    assert missing()
    newsroom.write(path, "x")
    assert not missing()


def test_pages_that_the_generator_makes_are_not_nowhere(newsroom: Newsroom) -> None:
    """Lists by tag, feeds and numbered pages have addresses that are formed like an article's."""
    newsroom.configure('\n[articles]\npermalink = "/blog/{path}/"\n')
    links = ["/blog/tags/x/", "/blog/feed.xml", "/blog/page/2/", "/blog/gone/"]
    newsroom.article("a.md", " ".join(f"[x]({link})" for link in links) + "\n", summary="S.")
    found = json.loads(newsroom.run("check", "--json").out)
    (nowhere,) = [each for each in found if each["rule"] == "link-nowhere"]
    assert "/blog/gone/" in nowhere["what"]
