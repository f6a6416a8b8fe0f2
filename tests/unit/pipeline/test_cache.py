"""The cache: it may be anything, or be gone, and no output byte changes."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadsheet.pipeline import cache
from broadsheet.pipeline.cache import FILE_NAME, Cache
from broadsheet.pipeline.rendering import key
from newsroom import Newsroom, article, dated

ONE = b"<p>One</p>"
TWO = "<p>二</p>".encode()


def kept(state: Path, *keys: str) -> dict[str, bytes]:
    with Cache(state) as found:
        return found.get("renditions", keys)


def keep(state: Path, **values: bytes) -> None:
    with Cache(state) as found:
        found.put("renditions", values)


def test_what_was_kept_is_found(tmp_path: Path) -> None:
    """A later run finds it; more keys than SQLite takes at once are no hindrance."""
    many = {f"k{number}": ONE for number in range(1200)}
    keep(tmp_path, **many, two=TWO)
    assert kept(tmp_path, *many, "two", "none") == {**many, "two": TWO}


def test_what_is_not_used_is_forgotten(tmp_path: Path) -> None:
    """The cache does not grow with every edit."""
    keep(tmp_path, one=ONE, two=TWO, three=ONE)
    with Cache(tmp_path) as found:
        found.forget_all_but("renditions", ["two", "three", "four"])
    assert kept(tmp_path, "one", "two", "three") == {"two": TWO, "three": ONE}


def test_what_belongs_together_is_there_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    """A run that ends in the midst of it leaves everything as it was."""
    keep(tmp_path, one=ONE)

    def killed(found: Cache) -> None:
        with found.together():
            found.put("renditions", {"one": TWO})
            found.forget("renditions", ["one"])
            found.put("links", {"one": TWO})
            raise KeyboardInterrupt

    with Cache(tmp_path) as found:
        with pytest.raises(KeyboardInterrupt):
            killed(found)
        assert (found.all("renditions"), found.all("links")) == ({"one": ONE}, {})
        with found.together():
            found.put("renditions", {"one": TWO})
            found.put("links", {"one": TWO})
    with Cache(tmp_path) as found:
        assert (found.all("renditions"), found.all("links")) == ({"one": TWO}, {"one": TWO})


def test_the_shelves_are_apart(tmp_path: Path) -> None:
    """A value is found on its own shelf only, even where it is moved to another's table."""
    keep(tmp_path, one=ONE)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database, database:
        database.execute("INSERT INTO articles SELECT * FROM renditions")
    with Cache(tmp_path) as found:
        assert found.all("renditions") == {"one": ONE}
        assert found.all("articles") == {}


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (dated(), dated(), True),
        (dated(), dated(title="B"), False),
        (dated(), dated() + "more", False),
        (dated(), dated(slug="b"), False),
    ],
)
def test_the_key_is_what_a_rendition_is_made_from(first: str, second: str, same: bool) -> None:
    """The source text and the address count."""
    assert (key(article(first)) == key(article(second))) is same


@pytest.mark.parametrize("what", ["_SOURCES", "libraries"])
def test_what_another_version_kept_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Another text of Broadsheet's own code, or another library, makes its own values."""
    keep(tmp_path, one=ONE)
    cache.made_with.cache_clear()
    assert kept(tmp_path, "one") == {"one": ONE}
    monkeypatch.setattr(cache, what, (".toml",) if what == "_SOURCES" else lambda: "markdown-9")
    cache.made_with.cache_clear()
    try:
        assert kept(tmp_path, "one") == {}
    finally:
        monkeypatch.undo()
        cache.made_with.cache_clear()


def test_the_libraries_are_known_by_their_versions() -> None:
    """Those that make outputs are among them."""
    assert f"lxml-{version('lxml')}.dist-info" in cache.libraries().split()
    assert "markdown-" in cache.libraries().lower()


def _other_table(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE renditions (name TEXT, html TEXT, more TEXT)")


def _other_values(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.executemany(
            "UPDATE renditions SET value = ? WHERE key = ?", [(None, "one"), ("text", "two")]
        )


def _other_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE renditions SET value = x'ff'")
        database.execute("PRAGMA user_version = 99")


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "breaking",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"not a database"),
        lambda path: path.write_bytes(path.read_bytes()[:5000]),
        lambda path: path.write_bytes(path.read_bytes()[:100] + bytes(4000)),
        lambda path: path.unlink(),
        _other_table,
        _other_values,
        _other_program,
        _folder,
    ],
)
def test_whatever_is_wrong_with_the_file(tmp_path: Path, breaking: object) -> None:
    """It is as if nothing had been kept; what can be made anew is, and works from then on."""
    keep(tmp_path, one=ONE, two=TWO)
    assert callable(breaking)
    breaking(tmp_path / FILE_NAME)
    assert kept(tmp_path, "one", "two") == {}
    keep(tmp_path, one=ONE)
    works = not (tmp_path / FILE_NAME).is_dir()
    assert kept(tmp_path, "one") == ({"one": ONE} if works else {})


def test_a_letter_that_the_disk_changed_is_noticed(tmp_path: Path) -> None:
    """SQLite's own check sees the structure of the file, not the texts in it."""
    keep(tmp_path, one=ONE, two=TWO)
    data = (tmp_path / FILE_NAME).read_bytes()
    (tmp_path / FILE_NAME).write_bytes(data.replace(b"<p>One</p>", b"<p>0ne</p>"))
    assert kept(tmp_path, "one", "two") == {"two": TWO}


@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 255)), min_size=1, max_size=20))
@settings(max_examples=25, deadline=None)
def test_a_changed_byte_never_shows(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    """A rendition is found as it was kept or not at all, whatever the disk did to the file."""
    state = tmp_path_factory.mktemp("state")
    keep(state, one=ONE, two=TWO)
    data = bytearray((state / FILE_NAME).read_bytes())
    for place, byte in changes:
        data[place % len(data)] = byte
    (state / FILE_NAME).write_bytes(data)
    assert kept(state, "one", "two").items() <= {"one": ONE, "two": TWO}.items()


def test_it_may_go_while_it_is_open(tmp_path: Path) -> None:
    """`rm -r .broadsheet` during a run is no error in that run or the next."""
    with Cache(tmp_path) as found:
        for path in tmp_path.iterdir():
            path.unlink()
        found.put("renditions", {"one": ONE})
        assert found.get("renditions", ["one"]).items() <= {"one": ONE}.items()
    keep(tmp_path, two=TWO)
    assert kept(tmp_path, "two") == {"two": TWO}


def test_it_needs_no_folder(tmp_path: Path) -> None:
    """Where nothing can be kept, nothing is, and closed it finds nothing."""
    keep(tmp_path / "nowhere", one=ONE)
    assert kept(tmp_path / "nowhere", "one") == {}
    assert Cache(tmp_path).get("renditions", ["one"]) == {}


def test_a_locked_cache_is_not_thrown_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process at work on it is no reason to remove it, only to do without."""
    keep(tmp_path, one=ONE)
    connect = sqlite3.connect

    def impatient(path: Path, timeout: float) -> sqlite3.Connection:
        return connect(path, timeout=timeout / 100)

    monkeypatch.setattr("sqlite3.connect", impatient)
    with closing(connect(tmp_path / FILE_NAME)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        assert kept(tmp_path, "one") == {}
        keep(tmp_path, two=TWO)
        other.execute("ROLLBACK")
    assert kept(tmp_path, "one", "two") == {"one": ONE}


_BUSY = """
import sys
from pathlib import Path
from broadsheet.pipeline.cache import Cache
for number in range(40):
    made = {f"{sys.argv[2]}{n}": str(n).encode() for n in range(number)}
    with Cache(Path(sys.argv[1])) as cache:
        cache.put("renditions", made)
        cache.forget_all_but("renditions", [f"{name}{n}" for name in "ab" for n in range(40)])
        found = cache.get("renditions", made)
        assert all(value == key[1:].encode() for key, value in found.items())
"""


def test_two_processes_may_use_it_at_once(tmp_path: Path) -> None:
    """Neither of them fails, and both find only what was kept."""
    command = [sys.executable, "-c", _BUSY, str(tmp_path)]
    both = [subprocess.Popen([*command, name], stderr=subprocess.PIPE) for name in "ab"]
    assert [(each.communicate()[1], each.returncode) for each in both] == [(b"", 0), (b"", 0)]


@pytest.mark.parametrize("state", ["kept", "gone", "broken", "stale"])
def test_no_state_of_it_changes_an_output(newsroom: Newsroom, state: str) -> None:
    """The feeds are the same with it, without it, and after a link leads elsewhere."""
    newsroom.article("a.md", "![x](i.png) [b](b.md)\n", summary="S")
    newsroom.article("b.md", "Text.\n")
    newsroom.build()
    place = newsroom.folder / ".broadsheet" / FILE_NAME
    if state == "gone":
        place.unlink()
    elif state == "broken":
        place.write_bytes(b"x" * 10_000)
    elif state == "stale":
        newsroom.article("b.md", "Text.\n", slug="elsewhere")
        newsroom.write("content/i.png", b"x")
    with_cache = newsroom.build()
    for path in (newsroom.folder / ".broadsheet").iterdir():
        path.unlink()
    assert newsroom.build() == with_cache
    assert (b"/posts/elsewhere/" in with_cache["atom.xml"]) is (state == "stale")
