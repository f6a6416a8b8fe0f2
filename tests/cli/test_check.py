"""`broadsheet check`: its output for an editor, a CI job and a program."""

from __future__ import annotations

import json
import os

import pytest

from broadsheet import checks
from broadsheet.pipeline import layout
from newsroom import ROOT, Newsroom, contents, no_privileges, stamps

SENDER = '\n[delivery]\nsender = "News <news@example.org>"\n'


@pytest.fixture
def project(newsroom: Newsroom) -> Newsroom:
    """Two articles: one with an error and a warning, one with a warning."""
    newsroom.article("b.md", "![a](gone.png)\n")
    newsroom.article("a.md")
    return newsroom


def test_errors_come_first_and_counts_last(project: Newsroom) -> None:
    """One line per problem, `path:line: rule: what; what to do`: errors first, then by place;
    totals at the end."""
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


def test_many_findings_of_a_rule_are_shortened(newsroom: Newsroom) -> None:
    """Only the first findings of a rule are shown, and the others counted; --all shows each."""
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
    """Warnings exit with 0, with --strict 1; with no findings both exit with 0."""
    newsroom.article("a.md")
    assert newsroom.run("check").code == 0
    assert newsroom.run("check", "--strict").code == 1
    newsroom.article("a.md", summary="In short.")
    assert newsroom.run("check", "--strict") == newsroom.run("check")
    assert newsroom.run("check").out == "nothing is wrong\n"


def test_quiet_prints_problems_only(project: Newsroom) -> None:
    """--quiet prints no counts, and nothing at all if there is nothing to report."""
    lines = project.run("check", "--quiet").out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        *("errors", "content/b.md", "warnings", "content/a.md", "content/b.md")
    ]
    project.article("a.md", summary="In short.")
    project.article("b.md", summary="In short.")
    ran = project.run("check", "--quiet")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_json_has_every_field(project: Newsroom) -> None:
    """The JSON has rule, severity, path, line, problem and remedy."""
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
    """GitHub workflow commands have file, line and title; paths are relative to the workflow's
    folder."""
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


def test_only_the_named_files_are_reported(
    project: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files can be named relative to the project or to the current folder, as hooks do."""
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
    assert ran.err == "the file 'nowhere.md' does not exist; name one of the project\n"


@pytest.mark.parametrize("form", ["--json", "--github", "--all"])
def test_all_config_errors_are_reported(project: Newsroom, form: str) -> None:
    """All errors in the config are reported at once, with lines; exit 2."""
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
    """A missing or unreadable folder is a finding."""
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


def test_check_changes_nothing(project: Newsroom) -> None:
    """No output, preview or record is written or touched."""
    project.configure('[digests.weekly]\ntitle = "Weekly"\n')
    project.build()
    project.run("digest")
    before = stamps(project.folder / "feeds"), contents(project.folder / "content")
    project.run("check")
    assert (stamps(project.folder / "feeds"), contents(project.folder / "content")) == before
    assert {path.name for path in project.folder.iterdir()} == {
        *("broadsheet.toml", "content", "feeds", ".broadsheet")
    }


def test_the_output_is_deterministic(project: Newsroom) -> None:
    """The output does not depend on the order of sets or directory listings."""
    project.article("c.md", "[^a] [^b] [^c] [^d] <x> <y> <z>\n")
    first = project.run("check", "--all").out
    os.utime(project.folder / "content/c.md")
    assert project.run("check", "--all").out == first
    labels = [
        line.split("[^")[1][0] for line in first.splitlines() if "footnote-undefined:" in line
    ]
    assert labels == ["a", "b", "c", "d"]


def test_an_issued_article_can_be_deleted(newsroom: Newsroom) -> None:
    """The templates are tried on the last issue only while all its articles exist."""
    newsroom.configure('[digests.weekly]\ntitle = "Weekly"\n')
    gone = newsroom.article("gone.md", date="2025-06-26")
    newsroom.article("old.md", date="2024-06-26", summary="In short.")
    for command in ("digest", "build"):
        assert newsroom.run(command).code == 0
    gone.unlink()
    ran = newsroom.run("check")
    assert (ran.code, ran.err) == (0, "")


_LOOPS = "{% for a in range(99999) %}{% for b in range(99999) %}\n{% endfor %}{% endfor %}"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("{% block lost %}x{% endblock %}", 2, "template: bundled/digest.html.j2 has no block"),
        ("\n{% block intro %}<form></form>{% endblock %}", 3, "mail-element: there is a <form>"),
        ("{% block intro %}\n<p style='float: left'>{% endblock %}", 3, "mail-css: its CSS has f"),
        ("{% block intro %}" + _LOOPS + "{% endblock %}", 2, "template: the template takes too"),
    ],
)
def test_what_is_wrong_with_a_template_has_its_line(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, text: str, line: int, said: str
) -> None:
    """Also what mail clients drop, which is found in the finished mail."""
    monkeypatch.setattr(layout, "TIME_LIMIT_S", 1.0)
    newsroom.configure('[digests.weekly]\ntitle = "Weekly"\n')
    newsroom.article("a.md", date="2025-06-26", summary="In short.")
    place = "email_templates/digest.html.j2"
    newsroom.write(place, '{% extends "bundled/digest.html.j2" %}\n' + text)
    ran = newsroom.run("check")
    assert f"{place}:{line}: {said}" in ran.out
    made = newsroom.run("digest")
    assert f"{place}:{line}: {said.partition(': ')[2]}" in made.err
    assert made.code == (1 if "template:" in said else 0)


def test_a_template_nested_too_deeply_is_a_finding(newsroom: Newsroom) -> None:
    """Jinja2 recurses once per level."""
    newsroom.configure('[digests.weekly]\ntitle = "Weekly"\n')
    newsroom.article("a.md", date="2025-06-26", summary="In short.")
    newsroom.write("email_templates/digest.html.j2", "{% if 1 %}" * 2000)
    ran = newsroom.run("check")
    assert (ran.code, ran.err) == (1, "")
    assert "email_templates/digest.html.j2: template: nested too deeply" in ran.out


def test_the_documentation_has_every_rule() -> None:
    """The documentation lists each rule's name, severity and rationale."""
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
def test_files_outside_the_articles_folder_are_not_missing(
    newsroom: Newsroom, path: str, link: str
) -> None:
    """A link or image that points to a file anywhere in the project is not an error."""
    newsroom.write("static/known.txt", "x")
    newsroom.write("content/bundle/index.md", "---\ntitle: B\ndate: 2025-06-01\n---\nText.\n")
    newsroom.article("a.md", f"{link}\n", summary="S.")
    rules = {"broken-link", "body-image-missing"}

    def missing() -> set[str]:
        return rules & {each["rule"] for each in json.loads(newsroom.run("check", "--json").out)}

    assert missing()
    newsroom.write(path, "x")
    assert not missing()


def test_generated_pages_are_not_dead_links(newsroom: Newsroom) -> None:
    """Tag lists, feeds and numbered pages have addresses of the same form as an article's."""
    newsroom.configure('\n[articles]\npermalink = "/blog/{path}/"\n')
    links = ["/blog/tags/x/", "/blog/feed.xml", "/blog/page/2/", "/blog/gone/"]
    newsroom.article("a.md", " ".join(f"[x]({link})" for link in links) + "\n", summary="S.")
    found = json.loads(newsroom.run("check", "--json").out)
    (nowhere,) = [each for each in found if each["rule"] == "link-nowhere"]
    assert "/blog/gone/" in nowhere["what"]
