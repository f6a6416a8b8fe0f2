"""What `check` finds depends on the project alone, not on what an earlier run has stored."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable

import pytest

from laws import long
from newsroom import Newsroom

CONFIG = "[checks.rules]\nother-dialect = 'warn'\n"
TEXT = """\
## Part one

[a](a1.md) [b](gone.md) [c](a2.md#part-one) [d](a3.md#gone) [e](#part-one) [f](/posts/a4/)
[g](https://example.org/posts/a5/) ![h](i.png) ![](/j.png) [k](page.md) [l][m] [^1] {{< n >}}
[o](https://example.org/posts/gone/) <script>p</script> <https://example.com> **q **r
"""

Edit = Callable[[Newsroom], object]


def _rewritten(path: str, old: str, new: str) -> Edit:
    def edit(newsroom: Newsroom) -> None:
        file = newsroom.folder / "content" / path
        if file.exists():
            newsroom.write(f"content/{path}", file.read_text("utf-8").replace(old, new))

    return edit


def _without(path: str) -> Edit:
    return lambda newsroom: (newsroom.folder / path).unlink(missing_ok=True)


EDITS: dict[str, Edit] = {
    "a heading is renamed": _rewritten("a2.md", "Part one", "Part two"),
    "an anchor appears": _rewritten("a3.md", "Part one", "Gone"),
    "a draft": _rewritten("a4.md", "title:", "draft: true\ntitle:"),
    "a later date": _rewritten("a5.md", "2025-06", "2031-06"),
    "an article moves": _rewritten("a1.md", "title:", "slug: elsewhere\ntitle:"),
    "an alias": _rewritten("a1.md", "title:", "aliases: [/posts/gone/]\ntitle:"),
    "an article is deleted": _without("content/a1.md"),
    "an article becomes a page": _rewritten("a3.md", "date:", "day:"),
    "a rule is off in an article": _rewritten("a2.md", "title:", "check_off: [raw-html]\ntitle:"),
    "a missing article is written": lambda n: n.article("gone.md", TEXT),
    "an image is deleted": _without("content/i.png"),
    "an image appears": lambda n: n.write("static/j.png", b"x"),
    "a similar image": lambda n: n.write("content/I.PNG", b"x"),
    "a file of the site": lambda n: n.write("gone.md", "Text.\n"),
    "a built site": lambda n: n.write(
        "public/sitemap.xml",
        "<urlset><url><loc>https://example.org/posts/gone/</loc></url></urlset>",
    ),
    "a page": lambda n: n.write("content/page.md", "---\ntitle: Page\n---\nText.\n"),
    "a section hides all": lambda n: n.write(
        "content/_index.md", "---\ntitle: S\ncascade:\n  draft: true\n---\n"
    ),
    "a shortcode is defined": lambda n: n.configure(
        CONFIG + "[articles.shortcodes]\nn = '**text**'\n"
    ),
    "another permalink": lambda n: n.configure(
        CONFIG + "[articles]\npermalink = '/{year}/{slug}/'\n"
    ),
    "a rule is off": lambda n: n.configure("[checks.rules]\nlink-anchor = 'off'\n"),
    "another dialect": lambda n: n.configure(CONFIG + "[articles]\nmarkdown = 'hugo'\n"),
    "known topics": lambda n: n.configure(CONFIG + "[topics]\nknown = ['X']\n"),
    "a build": lambda n: n.run("build"),
}


@pytest.fixture
def project(newsroom: Newsroom) -> Newsroom:
    newsroom.configure(CONFIG)
    newsroom.write("content/i.png", b"x")
    for number in range(1, 6):
        newsroom.article(f"a{number}.md", TEXT, date=f"2025-06-0{number}")
    return newsroom


def _laws(newsroom: Newsroom, *names: str) -> None:
    warm = newsroom.run("check", "--json")
    shutil.rmtree(newsroom.folder / ".broadsheet")
    assert newsroom.run("check", "--json") == warm, names
    assert warm.code in {0, 1}


@pytest.mark.parametrize("name", EDITS)
def test_after_an_edit_a_warm_run_finds_what_a_cold_one_does(project: Newsroom, name: str) -> None:
    """Stored findings are used only if they still hold, whatever was edited."""
    before = project.run("check", "--json")
    assert len(before.out.splitlines()) > 100
    EDITS[name](project)
    _laws(project, name)


@pytest.mark.parametrize("seed", [0, 1, *long(2, 3)])
def test_after_any_edits_a_warm_run_finds_what_a_cold_one_does(
    project: Newsroom, seed: int
) -> None:
    """The same after several edits, with and without a run between them."""
    chance = random.Random(seed)
    project.run("check")
    names = chance.sample(sorted(EDITS), 6)
    for name in names:
        EDITS[name](project)
        if chance.random() < 0.5:
            project.run("check")
    _laws(project, *names)


def test_a_run_without_edits_examines_nothing(
    project: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Findings are stored: the second run reads no article."""
    before = project.run("check", "--json")

    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("broadsheet.pipeline.examining.examine_group", fail)
    assert project.run("check", "--json") == before
