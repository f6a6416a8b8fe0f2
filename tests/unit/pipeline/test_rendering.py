"""Rendering many articles: kept ones are found, the rest are made on any number of cores."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from broadsheet.articles import Article
from broadsheet.articles.link_index import File, link_index
from broadsheet.errors import RenderError
from broadsheet.markup import LinkIndex, Links, Rendition, templates
from broadsheet.model.publication import BaseUrl, Publication
from broadsheet.model.settings import ArticleSettings
from broadsheet.pipeline import rendering
from broadsheet.pipeline.cache import Cache
from broadsheet.pipeline.rendering import renditions
from newsroom import TESTS, Newsroom, article, dated

ARTICLES = tuple(
    article(
        f"{dated()}# {n}\n\n![x](i{n}.png) [y](a{n + 1}.md)[^1]\n\n[^1]: It.\n", f"content/a{n}.md"
    )
    for n in range(30)
)


def made_of(articles: tuple[Article, ...], *images: str) -> LinkIndex:
    publication = Publication(title="A", url=BaseUrl("https://example.org/"))
    files = [File(f"content/{name}", 1) for name in images]
    return link_index(
        files, {each.source: each.url for each in articles}, publication, ArticleSettings()
    )


def rendered(
    state: Path, articles: tuple[Article, ...], files: LinkIndex, workers: int = 1
) -> tuple[dict[str, Rendition], int]:
    """The renditions, and how many of them had to be made."""
    steps: list[None] = []
    with Cache(state) as cache:
        made = renditions(
            articles,
            files,
            cache,
            workers=workers,
            worth_a_worker=4,
            step=lambda: steps.append(None),
        )
        return dict(made), len(steps)


def test_a_pause_costs_no_article(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is of time at work: a machine may sleep, or be busy with something else."""
    monkeypatch.setattr(rendering, "_LONGEST", 0.3)

    def paused(text: str, links: Links, **options: Any) -> templates.Expanded:
        time.sleep(0.6)
        return expand(text, links, **options)

    expand = templates.expand
    monkeypatch.setattr(templates, "expand", paused)
    assert rendered(tmp_path, ARTICLES[:1], made_of(ARTICLES))[1] == 1
    monkeypatch.setattr(templates, "expand", lambda *_, **_options: [None for _ in iter(int, 1)])
    with pytest.raises(RenderError, match="cannot be read within"):
        rendered(tmp_path, ARTICLES[1:2], made_of(ARTICLES))


def test_the_time_of_the_system_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is of all CPU time: what an article makes the system do is its cost, too."""
    monkeypatch.setattr(rendering, "_LONGEST", 0.3)

    def busy(text: str, *_: object, **_options: object) -> str:
        end = time.process_time() + 3
        while time.process_time() < end:
            os.urandom(1_000_000)  # all but none of it is user time
        return text

    monkeypatch.setattr(templates, "expand", busy)
    with pytest.raises(RenderError, match="cannot be read within"):
        rendered(tmp_path, ARTICLES[:1], made_of(ARTICLES))


def test_the_number_of_workers_does_not_show(tmp_path: Path) -> None:
    """One process and four make the same, each article once."""
    files = made_of(ARTICLES)
    one = rendered(tmp_path / "none", ARTICLES, files, workers=1)
    four = rendered(tmp_path / "none", ARTICLES, files, workers=4)
    assert one == four
    assert one[1] == len(ARTICLES)


def test_the_order_of_the_articles_does_not_show(tmp_path: Path) -> None:
    """Footnotes and headings have ids of their own article, whatever was rendered before it."""
    files = made_of(ARTICLES)
    forward = rendered(tmp_path, ARTICLES, files)[0]
    assert rendered(tmp_path / "none", ARTICLES[::-1], files)[0] == forward
    (seventh,) = rendered(tmp_path / "none", ARTICLES[7:8], files)[0].values()
    assert seventh == forward[ARTICLES[7].id]


def test_what_is_kept_is_not_made_again(tmp_path: Path) -> None:
    """A second run renders nothing, and after an edit only what changed."""
    files = made_of(ARTICLES)
    first = rendered(tmp_path, ARTICLES, files)
    assert rendered(tmp_path, ARTICLES, files) == (first[0], 0)
    edited = (article(dated() + "New.\n", "content/a0.md"), *ARTICLES[1:])
    made, steps = rendered(tmp_path, edited, made_of(edited))
    assert steps == 1
    assert "New." in made[edited[0].id].html


def test_what_links_elsewhere_now_is_made_again(tmp_path: Path) -> None:
    """A file that appears, and an article that moves, change those that refer to them."""
    rendered(tmp_path, ARTICLES, made_of(ARTICLES))
    with_image = made_of(ARTICLES, "i3.png")
    assert rendered(tmp_path, ARTICLES, with_image)[1] == 1
    moved = (*ARTICLES[:9], article(dated(slug="moved"), "content/a9.md"), *ARTICLES[10:])
    made, steps = rendered(tmp_path, moved, made_of(moved, "i3.png"))
    assert steps == 2
    assert "https://example.org/posts/moved/" in made[moved[8].id].html
    assert made == rendered(tmp_path / "none", moved, made_of(moved, "i3.png"))[0]


def test_nothing_is_imported_while_the_clock_of_an_article_runs() -> None:
    """Who takes too long is stopped anywhere; half a module would spoil all articles after it."""
    program = (
        "import sys\n"
        "from contextlib import contextmanager\n"
        "from broadsheet.pipeline import rendering\n"
        "from broadsheet.pipeline.cache import Cache\n"
        "from broadsheet.markup import LinkIndex\n"
        "from newsroom import Newsroom, article, dated\n"
        "from pathlib import Path\n"
        "@contextmanager\n"
        "def limit():\n"
        "    before = set(sys.modules)\n"
        "    yield\n"
        "    print(len(before), *set(sys.modules) - before)\n"
        "rendering._time_limit = limit\n"
        "text = dated() + '一句话。' * 99 + '[x](y.md)[^1]\\n\\n[^1]: N\\n\\n```py\\nx\\n```\\n'\n"
        "found = article(text, 'content/a.md')\n"
        "cache = Cache(Path('nowhere'))\n"
        "index = LinkIndex('https://example.org/')\n"
        "made = rendering.renditions([found], index, cache, workers=1)\n"
        "assert made[found.id].excerpt and made[found.id].html\n"
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
    """A template of the config is part of what an article is rendered from."""
    newsroom.article("a.md", "{{< a >}}")
    for shown in ("one", "two"):
        newsroom.configure(f'[articles]\nmarkdown = "hugo"\nshortcodes = {{ a = "{shown}" }}\n')
        assert f"<p>{shown}</p>" in newsroom.build()["feed.json"].decode()
