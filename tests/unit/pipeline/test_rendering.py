"""Rendering the bodies of articles: how long one may take, and what it depends on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any

import pytest

from broadsheet.markup import Links, templates
from broadsheet.pipeline import steps
from newsroom import TESTS, Newsroom


def test_a_pause_costs_no_article(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is CPU time: a machine may sleep, or be busy with something else."""
    monkeypatch.setattr(steps, "TIME_LIMIT_S", 0.3)

    def paused(text: str, links: Links, **options: Any) -> templates.Expanded:
        time.sleep(0.6)  # the machine is busy with something else
        return expand(text, links, **options)

    newsroom.article("a.md")
    expand = templates.expand
    monkeypatch.setattr(templates, "expand", paused)
    newsroom.build()


@pytest.mark.parametrize("how", ["user", "system"])
def test_all_cpu_time_counts(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """System time counts, too. The article is tried again by every run."""
    monkeypatch.setattr(steps, "TIME_LIMIT_S", 0.3)

    def busy(text: str, *_: object, **_options: object) -> str:
        end = time.process_time() + 3
        while time.process_time() < end:
            if how == "system":
                os.urandom(1_000_000)  # hardly any of it is user time
        return text

    newsroom.article("a.md")
    with monkeypatch.context() as patch:
        patch.setattr(templates, "expand", busy)
        ran = newsroom.run("build")
    assert ran.code == 1
    assert "content/a.md: its Markdown cannot be read within 0 seconds; look for " in ran.err
    newsroom.build()


def test_the_order_of_the_articles_does_not_matter(newsroom: Newsroom) -> None:
    """Footnotes and headings have ids of their own article, whatever was rendered before."""
    for number in range(4):
        newsroom.article(
            f"a{number}.md",
            f"# {number}\n\n![x](i{number}.png) [y](a{number + 1}.md)[^1]\n\n[^1]: It.\n",
            date=f"2025-06-1{number}",
        )
    together = newsroom.build()["atom.xml"]
    for number in range(1, 4):
        (newsroom.folder / f"content/a{number}.md").rename(newsroom.folder / f"a{number}.txt")
    alone = newsroom.build()["atom.xml"]
    assert together.partition(b"fn:1")[2][:20] == alone.partition(b"fn:1")[2][:20]


def test_nothing_is_imported_within_the_time_limit() -> None:
    """An article over the limit is stopped anywhere; a half-imported module would spoil the
    following ones."""
    program = (
        "import signal, sys, tempfile\n"
        "from pathlib import Path\n"
        "from newsroom import Newsroom\n"
        "before = set()\n"
        "def timer(_, seconds):\n"
        "    if seconds:\n"
        "        before.update(sys.modules)\n"
        "    else:\n"
        "        print(len(before), *set(sys.modules) - before, file=sys.__stdout__)\n"
        "signal.setitimer = timer\n"
        "with tempfile.TemporaryDirectory() as name:\n"
        "    newsroom = Newsroom.open(Path(name))\n"
        "    text = '一句话。' * 99 + '[x](y.md)[^1]\\n\\n[^1]: N\\n\\n```py\\nx\\n```\\n'\n"
        "    newsroom.article('a.md', text)\n"
        "    newsroom.build()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=TESTS / "support",
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    count, *imported = done.stdout.split()
    assert int(count) > 100
    assert imported == []


def test_a_changed_shortcode_is_in_the_next_build(newsroom: Newsroom) -> None:
    """A template of the config is a dependency of a rendered article."""
    newsroom.article("a.md", "{{< a >}}")
    for shown in ("one", "two"):
        newsroom.configure(f'[articles]\nmarkdown = "hugo"\nshortcodes = {{ a = "{shown}" }}\n')
        assert f"<p>{shown}</p>" in newsroom.build()["feed.json"].decode()
