"""A build after an edit makes only what holds the article, and just what a build of all would."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broadsheet.cli import building
from broadsheet.pipeline.cache import FILE_NAME, Shelf
from newsroom import NOW, Newsroom, live

CONFIG = '[feeds]\nentries = 2\nby = ["topics", "tags"]\narchive = "month"\n'
WHOLE = "whole"


@pytest.fixture(autouse=True)
def _without_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """That each file reaches the disk is test_outputs' concern."""
    monkeypatch.setattr("os.fsync", lambda _: None)


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What builds do: each that goes through all articles adds a word."""
    done: list[str] = []
    real = building.site
    monkeypatch.setattr(building, "site", lambda *given: done.append(WHOLE) or real(*given))
    return done


@pytest.fixture
def built(newsroom: Newsroom, ways: list[str]) -> Newsroom:
    """A project of six articles and an image, built; its files can be trusted by now."""
    newsroom.configure(CONFIG)
    newsroom.write("content/i.png", b"x")
    for number in range(1, 6):
        newsroom.article(
            f"a{number}.md",
            f"Text {number}.\n",
            date=f"2025-0{number}-10T08:00:00+08:00",
            categories=["大模型", f"T{number % 2}"],
            tags=["开源"],
            image="i.png",
        )
    newsroom.article("bundle/index.md", date="2025-03-01", title="Bundle")
    settled(newsroom)
    ways.clear()
    return newsroom


def settled(newsroom: Newsroom) -> dict[str, bytes]:
    """What a build publishes of files that have been as they are for a while."""
    time.sleep(0.05)  # longer than a tick of any disk's clock
    return newsroom.build()


def from_nothing(newsroom: Newsroom, now: str = NOW) -> dict[str, bytes]:
    """What a build without anything remembered publishes of the same files."""
    with tempfile.TemporaryDirectory() as name:
        fresh = Newsroom(Path(name))
        for path in newsroom.folder.rglob("*"):
            inner = path.relative_to(newsroom.folder)
            if path.is_file() and inner.parts[0] not in {"feeds", ".broadsheet"}:
                fresh.write(inner.as_posix(), path.read_bytes())
        return fresh.build(now=now)


def edit(newsroom: Newsroom, path: str, old: str, new: str) -> None:
    place = newsroom.folder / "content" / path
    text = place.read_text(encoding="utf-8")
    assert old in text
    place.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("a3.md", "Text 3.", "Text 3."),  # it is saved as it was
        ("a3.md", "Text 3.", "New."),
        ("a3.md", "Text 3.", "[a](a1.md), [b](bundle/index.md), [c](/a2.md) and ![d](i.png)"),
        ("a3.md", "Text 3.", "[gone](none.md)"),
        ("bundle/index.md", '"Bundle"', '"Another"'),
        ("a3.md", "---\n\n", 'summary: "Short."\n---\n\n'),
        ("a3.md", "---\n\n", 'author: "Ada"\nlang: "en"\nlastmod: 2025-06-01\n---\n\n'),
        ("a1.md", "Text 1.", "In an archive only."),
        ("a5.md", "Text 5.", "The newest."),
        ("bundle/index.md", "Text.", "In no topic."),
    ],
)
def test_an_edit_that_moves_nothing_goes_through_no_other_article(
    built: Newsroom, ways: list[str], path: str, old: str, new: str
) -> None:
    """Title, summary, authors, language, update and text change the feeds that hold it."""
    edit(built, path, old, new)
    published = settled(built)
    assert ways == []
    assert published == from_nothing(built)


@pytest.mark.parametrize(
    "change",
    [
        lambda it: edit(it, "a3.md", "2025-03-10", "2025-03-11"),
        lambda it: edit(it, "a3.md", "---\n\n", "draft: true\n---\n\n"),
        lambda it: edit(it, "a3.md", "---\n\n", 'expiryDate: "2025-06-01"\n---\n\n'),
        lambda it: edit(it, "a3.md", "---\n\n", 'slug: "x"\n---\n\n'),
        lambda it: edit(it, "a3.md", "---\n\n", 'id: "x"\n---\n\n'),
        lambda it: edit(it, "a3.md", "大模型", "别的"),
        lambda it: edit(it, "a3.md", "开源", "Open"),
        lambda it: edit(it, "a3.md", '"i.png"', '"none.png"'),
        lambda it: edit(it, "a5.md", '"a5"', '"The newest, whose title the page tells"'),
        lambda it: it.article("new.md", date="2024-01-01"),
        lambda it: (it.folder / "content/a1.md").unlink(),
        lambda it: (it.folder / "content/a1.md").rename(it.folder / "content/b1.md"),
        lambda it: it.write("content/i.png", b"longer"),
        lambda it: it.write("content/a1.md", "No front matter any more.\n"),
        lambda it: it.configure(CONFIG.replace("2", "3")),
        lambda it: (it.folder / "feeds/atom.xml").unlink(),
    ],
)
def test_all_else_is_looked_at_as_a_whole(
    built: Newsroom, ways: list[str], change: Callable[[Newsroom], object]
) -> None:
    """What moves an article, or could change another's entry, and what comes or goes."""
    change(built)
    published = settled(built)
    assert ways == [WHOLE]
    assert published == from_nothing(built)


@pytest.mark.parametrize("command", ["check", "status", "digest"])
def test_what_another_command_has_read_is_no_news_kept_back(
    built: Newsroom, ways: list[str], command: str
) -> None:
    """An article is compared with how the last build found it, not with how anyone did."""
    edit(built, "a3.md", "大模型", "别的")
    time.sleep(0.05)
    built.run(command)
    published = settled(built)
    assert ways == [WHOLE]
    assert published == from_nothing(built)
    edit(built, "a3.md", "Text 3.", "New.")
    time.sleep(0.05)
    ways.clear()
    built.run(command)
    published = settled(built)
    assert ways == []
    assert published == from_nothing(built)


@pytest.mark.parametrize("cores", [1, 2])
@pytest.mark.parametrize("text", ["New.", "[to](a1.md) ![i](i.png)", "<b>raw</b> https://a.org/"])
def test_an_edit_is_the_same_on_any_number_of_cores(
    built: Newsroom, ways: list[str], monkeypatch: pytest.MonkeyPatch, cores: int, text: str
) -> None:
    """What needs to know of other articles is rendered by the process that has the cache open."""
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    forks: list[int] = []
    fork = os.fork
    monkeypatch.setattr("os.fork", lambda: forks.append(fork()) or forks[-1])
    edit(built, "a3.md", "Text 3.", text)
    published = settled(built)
    assert ways == []
    assert len(forks) == cores - 1
    assert published == from_nothing(built)


def test_several_edits_at_once(built: Newsroom, ways: list[str]) -> None:
    """As a pull from others brings them; each is rendered, and nothing else."""
    for number in (1, 3, 5):
        edit(built, f"a{number}.md", "Text", "Better text, see [this](a2.md)")
    published = settled(built)
    assert ways == []
    assert published == from_nothing(built)


def test_it_says_what_a_whole_build_would(built: Newsroom, ways: list[str]) -> None:
    """Only the count of the files that were written tells of the edit."""
    said = "feeds/: 6 articles in 8 feeds; {} files written, {} unchanged\n"
    edit(built, "a1.md", "Text", "Word")
    time.sleep(0.05)
    assert built.run("build").out == said.format(3, 24)  # its archive, in three formats
    assert ways == []
    assert built.run("build").out == said.format(0, 27)


def test_an_edit_that_cannot_be_rendered_leaves_the_article_out(built: Newsroom) -> None:
    """It is named, as in a build of all, and comes back when it is mended."""
    edit(built, "a3.md", "Text 3.", "- " * 3000 + "deep")
    time.sleep(0.05)
    ran = built.run("build")
    assert ran.code == 1
    assert "content/a3.md" in ran.err
    edit(built, "a3.md", "- " * 3000, "")
    assert settled(built) == from_nothing(built)


def test_the_cache_does_not_grow_with_edits(built: Newsroom, ways: list[str]) -> None:
    """The rendition from before an edit is forgotten after it."""

    def rows() -> list[int]:
        with closing(sqlite3.connect(built.folder / ".broadsheet" / FILE_NAME)) as database:
            query = "SELECT count(*) FROM {}"
            return [database.execute(query.format(each)).fetchone()[0] for each in get_args(Shelf)]

    before = rows()
    for number in range(3):
        edit(built, "a3.md", "Text", f"Text {number}")
        settled(built)
    assert ways == []
    assert rows() == before


@pytest.mark.parametrize("shelf", get_args(Shelf))
def test_what_is_broken_in_the_cache_is_made_anew(built: Newsroom, shelf: str) -> None:
    """Any of what is remembered may be lost, alone."""
    edit(built, "a2.md", "Text", "More text")
    time.sleep(0.05)
    built.run("status")  # keeps how the article was
    with closing(sqlite3.connect(built.folder / ".broadsheet" / FILE_NAME)) as database:
        keys = [key for (key,) in database.execute(f"SELECT key FROM {shelf}")]
    for number, key in enumerate(keys):
        with closing(sqlite3.connect(built.folder / ".broadsheet" / FILE_NAME)) as database:
            broken = f"UPDATE {shelf} SET value = x'a5' WHERE key = ?"
            database.execute(broken, [key])
            database.commit()
        edit(built, "a3.md", "Text", f"Text {number}")
        assert settled(built) == from_nothing(built), key


_EDITS = (
    ("Text", "Text more"),
    ("Text", "[to](a1.md) Text"),
    ("T1", "T2"),
    ('"a', '"b'),
    ("-10T", "-11T"),
    ("---\n\n", "draft: true\n---\n\n"),
)


@given(
    st.lists(st.tuples(st.integers(1, 4), st.sampled_from(_EDITS), st.booleans()), max_size=6),
    st.sampled_from(["month", "none"]),
)
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_edits_one_after_the_other(
    edits: list[tuple[int, tuple[str, str], bool]], archive: str
) -> None:
    """Whatever was moved or not, and built in between or not, a build makes what one anew would,
    but for feeds that have ended."""
    with tempfile.TemporaryDirectory() as name:
        newsroom = Newsroom.open(Path(name), CONFIG.replace("month", archive))
        for number in range(1, 5):
            newsroom.article(
                f"a{number}.md", date=f"2025-0{number}-10T08:00:00Z", tags=[f"T{number}"]
            )
        settled(newsroom)
        for number, (old, new), at_once in edits:
            place = newsroom.folder / f"content/a{number}.md"
            place.write_text(place.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
            published = newsroom.build() if at_once else settled(newsroom)
            assert live(published) == live(from_nothing(newsroom))


def test_many_files_may_come_and_go(built: Newsroom, ways: list[str]) -> None:
    """What is remembered in parts may have fewer of them the next time, or more."""
    more = [built.write(f"content/more/{n}.png", b"x") for n in range(600)]
    settled(built)
    for path in more:
        path.unlink()
    assert settled(built) == from_nothing(built)
    ways.clear()
    edit(built, "a3.md", "Text 3.", "New.")
    published = settled(built)
    assert ways == []
    assert published == from_nothing(built)
