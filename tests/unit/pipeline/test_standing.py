"""What is remembered of the last build: a run does only what is new, and never trusts a doubt."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from broadsheet import feeds
from broadsheet.cli import making
from broadsheet.pipeline import standing
from broadsheet.storage import config, folders, outputs
from newsroom import NOW, Newsroom, contents, run_command

OLD = 1_000_000_000  # seconds; long ago


@pytest.fixture
def built(newsroom: Newsroom) -> Newsroom:
    """A project of two articles and a page, built."""
    newsroom.article("a.md", "One.\n", categories=["大模型"])
    newsroom.article("b.md", "Two.\n", date="2025-06-20")
    newsroom.write("content/page.md", "---\ntitle: Page\n---\n")
    newsroom.build()
    return newsroom


def goes_its_full_way(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, *args: str) -> bool:
    """Whether a build looks at the articles themselves."""
    ways: list[str] = []
    real = making.site
    with monkeypatch.context() as patch:
        patch.setattr("broadsheet.cli.building.site", lambda *a: ways.append("full") or real(*a))
        assert newsroom.run("build", *args).code == 0
    return bool(ways)


def test_a_run_after_which_nothing_changed_does_nothing(
    built: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what it would have said, and is the same for every later run."""
    said = built.run("build", "--adopt")  # which always goes its full way
    assert not goes_its_full_way(built, monkeypatch)
    assert built.run("build") == built.run("build") == said
    assert "0 files written, " in said.out
    assert "1 page without date" in said.out
    assert built.run("build", "--quiet").out == ""


@pytest.mark.parametrize("option", ["--dry-run", "--adopt"])
def test_some_runs_are_never_short(
    built: Newsroom, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    """What is asked for once is done, whatever the last run came to."""
    assert goes_its_full_way(built, monkeypatch, option)


@pytest.mark.parametrize(
    "change",
    [
        lambda it: it.write("content/new.md", "---\ntitle: x\n---\n"),
        lambda it: it.write("content/i.png", b"x"),
        lambda it: it.write("feeds/theirs.txt", b"x"),
        lambda it: (it.folder / "feeds/atom.xml").touch(),
        lambda it: (it.folder / "feeds/index.html").unlink(),
        lambda it: (it.folder / "feeds/.broadsheet.json").touch(),
        lambda it: (it.folder / ".broadsheet/cache.sqlite3").unlink(),
        lambda it: it.configure("[feeds]\nentries = 20\n"),
    ],
)
def test_any_change_is_looked_at(
    built: Newsroom, monkeypatch: pytest.MonkeyPatch, change: object
) -> None:
    """In the articles, beside them, in the outputs, in the config and in the cache."""
    assert callable(change)
    change(built)
    assert goes_its_full_way(built, monkeypatch)


def test_an_empty_folder_that_went_is_missed(newsroom: Newsroom) -> None:
    """It held nothing that anything else would show, but the config names it."""
    newsroom.configure('[articles]\nfolders = ["content", "drafts"]\n')
    (newsroom.folder / "drafts").mkdir()
    newsroom.article("a.md")
    newsroom.build()
    (newsroom.folder / "drafts").rmdir()
    ran = newsroom.run("build")
    assert (ran.code, ran.out) == (2, "")
    assert "there is no folder 'drafts' here" in ran.err


def test_a_file_in_place_of_the_feeds_folder_is_named(newsroom: Newsroom) -> None:
    """It stays; nothing but its owner can say what it is."""
    newsroom.article("a.md")
    newsroom.write("feeds", b"theirs")
    ran = newsroom.run("build")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("feeds: this is a file, and a folder of this name is to be written; ")
    assert (newsroom.folder / "feeds").read_bytes() == b"theirs"


def test_time_alone_brings_articles_and_takes_them(built: Newsroom) -> None:
    """No file has changed when an article's hour comes, or when it expires."""
    built.article("c.md", date="2025-07-01T00:00:00Z", expiryDate="2025-07-02T00:00:00Z")
    for now, held in (
        ("2025-06-30T23:59:59Z", 2),
        ("2025-07-01T00:00:00Z", 3),
        ("2025-07-01T23:59:59Z", 3),
        ("2025-07-02T00:00:00Z", 2),
        ("2025-06-20T00:00:00+08:00", 2),
        ("2025-06-19T23:00:00+08:00", 1),
    ):
        for _ in range(2):
            ran = built.run("build", now=now)
            assert ran.out.startswith(f"feeds/: {held} article"), now


def test_a_run_that_waited_does_not_take_back_what_another_has_published(
    built: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has looked at the folders before the other one had the new article."""
    built.article("b.md", date="2025-06-26")
    lock = outputs.lock

    def waited(state: Path, shown: str) -> AbstractContextManager[None]:
        monkeypatch.setattr(outputs, "lock", lock)
        built.article("c.md", date="2025-06-27")
        command = run_command(built.folder, "build")
        assert command.returncode == 0, command.stderr
        return lock(state, shown)

    monkeypatch.setattr(outputs, "lock", waited)
    assert built.run("build").code == 0
    assert '"title": "c"' in built.published()["feed.json"].decode()


def test_mistakes_are_told_by_every_run(built: Newsroom) -> None:
    """A run that finds nothing changed still ends with 1 where an article is left out."""
    built.write("content/c.md", "---\ntitle: [\n---\n")
    first, second = built.run("build"), built.run("build")
    assert (first.code, first.err) == (second.code, second.err)
    assert first.code == 1
    assert "content/c.md" in first.err


def test_a_file_that_changed_within_one_tick_is_not_trusted(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a disk whose clock stands still only the text can tell that a file has changed."""
    monkeypatch.setattr(folders, "stamp_of", lambda status: (status.st_size, OLD, OLD, 7))
    monkeypatch.setattr("broadsheet.storage.outputs.stamp_of", folders.stamp_of)
    monkeypatch.setattr(folders, "disk_time", lambda _: OLD)
    monkeypatch.setattr("time.sleep", lambda _: None)
    for word in ("One.", "Two.", "Six."):
        newsroom.article("a.md", f"{word}\n")
        assert word.encode() in newsroom.build()["atom.xml"]
        (newsroom.folder / "feeds/atom.xml").write_bytes(
            (newsroom.folder / "feeds/atom.xml").read_bytes().replace(word.encode(), b"Bad.")
        )
        assert word.encode() in newsroom.build()["atom.xml"]


def test_a_disk_that_tells_no_time_is_never_trusted(tmp_path: Path) -> None:
    """Where there is no folder for the cache there is no clock; what is too new can not count."""
    assert folders.disk_time(tmp_path / "nowhere") == 0
    assert not folders.is_settled((1, OLD, OLD, 7), 0)
    now = folders.disk_time(tmp_path)
    assert folders.is_settled((1, now - 1, now - 1, 7), now)
    assert not folders.is_settled((1, now - 1, now, 7), now)
    assert not folders.is_settled((1, now + OLD, now - 1, 7), now)


def test_only_feeds_with_something_new_are_made(
    built: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One edit makes the feeds that hold the article, and no other is read or written."""
    made: list[str] = []
    real = feeds.Press.document

    def recording(press: object, head: object, entries: object) -> bytes:
        made.append(head.self_url)  # type: ignore[attr-defined]
        return real(press, head, entries)  # type: ignore[arg-type]

    monkeypatch.setattr(feeds.Press, "document", recording)
    before = contents(built.folder / "feeds")
    built.article("b.md", "New.\n", date="2025-06-20")
    after = built.build()
    changed = {path for path in after if after[path] != before.get(path)}
    assert changed == {"atom.xml", "rss.xml", "feed.json"}
    assert {url.removeprefix("https://example.org/feeds/") for url in made} == changed


def test_a_restored_feeds_folder_is_recognised(built: Newsroom) -> None:
    """A checkout gives every file a new stamp; their sums tell that they are as they should be."""
    for path in (built.folder / "feeds").rglob("*.xml"):
        data = path.read_bytes()
        path.unlink()
        path.write_bytes(data)
    stands = {path: path.stat().st_ino for path in (built.folder / "feeds").rglob("*.xml")}
    assert "0 files written" in built.run("build").out
    assert {path: path.stat().st_ino for path in stands} == stands


def test_the_config_has_one_name() -> None:
    """It stands twice, since the one module is not imported by a run that changes nothing."""
    assert standing.CONFIG_NAME == config.CONFIG_NAME


_HEAVY = {"feedgen", "lxml", "markdown", "babel", "jinja2", "yaml", "frontmatter", "premailer"} | {
    *("msgspec", "nh3", "dateutil", "filelock", "imagesize", "rich", "sqlalchemy", "cronsim"),
    *("multiprocessing", "asyncio", "importlib.metadata", "broadsheet.model.settings"),
}


def imported(*args: str) -> set[str]:
    """The modules that are there when the command ends."""
    program = (
        "import atexit, sys\n"
        "from broadsheet.cli import main\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        f"sys.argv = ['broadsheet', *{args!r}]\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stderr.split())


def test_the_version_costs_no_more_than_click() -> None:
    """Nothing of ours but the command line itself is imported for it."""
    found = imported("--version")
    assert not found & (_HEAVY | {"sqlite3", "hashlib"})
    ours = {name for name in found if name.startswith("broadsheet")}
    assert ours <= {"broadsheet", "broadsheet.errors"} | {
        name for name in ours if name.startswith("broadsheet.cli")
    }


def test_a_run_that_changes_nothing_imports_nothing_that_makes_feeds(newsroom: Newsroom) -> None:
    """It looks at the files and at what it remembers, and needs no library for either."""
    newsroom.article("a.md")
    run_command(newsroom.folder, "build")
    found = imported("-C", str(newsroom.folder), "--now", NOW, "build")
    assert not found & _HEAVY


_PARSERS = {"markdown", "nh3", "yaml", "frontmatter"}
_MAKERS = {"feedgen", "lxml", "jinja2", "babel", "premailer", "dateutil"}


@pytest.mark.parametrize(
    ("args", "unused"),
    [
        ("explain content/a.md", _PARSERS | _MAKERS | {"sqlalchemy"}),
        ("schedule", _PARSERS | _MAKERS | {"sqlalchemy"}),
        ("reference config", _PARSERS | _MAKERS | {"sqlalchemy", "sqlite3"}),
        ("subscribers list", _PARSERS | _MAKERS),
        ("deliver --dry-run", _PARSERS | _MAKERS),
        ("status", _PARSERS | {"premailer", "sqlalchemy"}),
        ("digest", _PARSERS | {"premailer", "sqlalchemy"}),
        ("check", {"markdown", "sqlalchemy", "multiprocessing"}),
    ],
)
def test_no_command_imports_what_it_does_not_use(
    newsroom: Newsroom, args: str, unused: set[str]
) -> None:
    """Articles that are remembered need no parser, and who makes no feed or mail no maker."""
    newsroom.configure('[digests.weekly]\ntitle = "W"\nschedule = "@yearly"\n')
    newsroom.article("a.md", summary="S.", tags=["t"])
    time.sleep(0.05)  # until the file can be trusted
    run_command(newsroom.folder, "build")
    assert run_command(newsroom.folder, "digest").returncode == 0
    found = imported("-C", str(newsroom.folder), "--now", NOW, *args.split())
    assert not found & unused
