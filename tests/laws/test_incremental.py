"""A build runs only the steps whose result can differ, and makes what a first build would."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from broadsheet.cli import progress
from broadsheet.pipeline.store import FILE_NAME, Store
from broadsheet.storage import folders, outputs
from newsroom import NOW, Newsroom, contents, live, run_command

CONFIG = '[feeds]\nentries = 2\nby = ["topics", "tags"]\narchive = "month"\n'
FULL = {"Reading": 6, "Rendering": 6, "Writing": 8}
OLD = 1_000_000_000  # seconds; long ago


class Watched:
    """A project whose runs are watched: which steps they run for how many items."""

    def __init__(self, newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
        self.newsroom = newsroom
        self.steps: Counter[str] = Counter()
        monkeypatch.setattr(progress, "progress_of", lambda _: self._shown)

    @contextmanager
    def _shown(self, label: str, count: int) -> Iterator[Callable[[int], object]]:
        if label:
            self.steps[label] += count
        yield lambda _: None

    def build(self, *args: str, now: str = NOW) -> dict[str, int]:
        """Wait until stamps can be trusted, then build; return how many items each step ran for."""
        self.newsroom.settle()
        self.steps.clear()
        self.newsroom.build(*args, now=now)
        return dict(self.steps)

    def edit(self, path: str, old: str, new: str) -> None:
        place = self.newsroom.folder / "content" / path
        text = place.read_text(encoding="utf-8")
        assert old in text
        place.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def built(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> Watched:
    """A project of six articles and an image, built."""
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
    watched = Watched(newsroom, monkeypatch)
    assert watched.build() == FULL
    return watched


def from_scratch(newsroom: Newsroom) -> dict[str, bytes]:
    """Return what a build of the same files publishes without a store."""
    with tempfile.TemporaryDirectory() as name:
        fresh = Newsroom(Path(name))
        for path in newsroom.folder.rglob("*"):
            inner = path.relative_to(newsroom.folder)
            if path.is_file() and inner.parts[0] not in {"feeds", ".broadsheet"}:
                fresh.write(inner.as_posix(), path.read_bytes())
        return fresh.build()


@pytest.mark.parametrize(
    ("change", "steps"),
    [
        (lambda it: it.edit("a3.md", "Text 3.", "Text 3."), {"Reading": 1}),
        (
            lambda it: it.edit("a1.md", "Text 1.", "New."),
            {"Reading": 1, "Rendering": 1, "Writing": 1},
        ),
        (
            lambda it: it.edit("a5.md", "Text 5.", "New."),
            {"Reading": 1, "Rendering": 1, "Writing": 4},
        ),
        (
            lambda it: it.newsroom.article("new.md", date="2024-01-01"),
            {"Reading": 1, "Rendering": 1, "Writing": 2},
        ),
        (
            lambda it: it.newsroom.article("new.md", date="2025-06-01", categories=["T1"]),
            {"Reading": 1, "Rendering": 1, "Writing": 3},
        ),
        (lambda it: (it.newsroom.folder / "content/a1.md").unlink(), {"Writing": 1}),
        (lambda it: (it.newsroom.folder / "feeds/rss.xml").unlink(), {"Writing": 1}),
        (lambda it: it.newsroom.write("feeds/atom.xml", b"theirs"), {"Writing": 1}),
        (lambda it: it.newsroom.write("content/i.png", b"longer"), {"Writing": 8}),
        (lambda it: it.newsroom.configure(CONFIG + '[digests.weekly]\ntitle = "W"\n'), {}),
        (lambda it: it.newsroom.configure(CONFIG + "[topics]\nknown = []\n"), {}),
    ],
)
def test_a_change_runs_only_the_affected_steps(
    built: Watched, change: Callable[[Watched], object], steps: dict[str, int]
) -> None:
    """A new article is as cheap as an edit; a digest in the config remakes no feed."""
    change(built)
    assert built.build() == steps
    assert live(built.newsroom.published()) == live(from_scratch(built.newsroom))
    assert built.build() == {}


@pytest.mark.parametrize(
    ("body", "change"),
    [
        ("[x](later.md)", lambda it: it.article("later.md", date="2024-01-01")),
        ("[x](a2.md)", lambda it: (it.folder / "content/a2.md").unlink()),
        ("![x](later.png)", lambda it: it.write("content/later.png", b"x")),
        ("{{< ref later >}}", lambda it: it.article("deep/later.md", date="2024-01-01")),
    ],
)
def test_the_target_of_a_link_is_a_dependency(
    built: Watched, body: str, change: Callable[[Newsroom], object]
) -> None:
    """So is a target that does not exist yet."""
    built.newsroom.configure(CONFIG + '[articles]\nmarkdown = "hugo"\n')
    built.edit("a5.md", "Text 5.", body)
    built.build()
    change(built.newsroom)
    assert built.build()["Rendering"] <= 2
    assert live(built.newsroom.published()) == live(from_scratch(built.newsroom))


def test_the_name_of_a_topic_is_a_dependency(built: Watched) -> None:
    """The oldest article determines its spelling, and each entry shows it."""
    built.newsroom.article("old.md", date="2020-01-01", categories=["t1"], tags=["开源 "])
    assert built.build()["Writing"] > 2
    assert live(built.newsroom.published()) == live(from_scratch(built.newsroom))


@pytest.mark.parametrize("command", ["check", "status", "digest", "explain content/a3.md"])
def test_results_of_other_commands_do_not_hide_a_change(built: Watched, command: str) -> None:
    """All commands share the store, but only `build` writes the feeds."""
    built.edit("a3.md", "大模型", "别的")
    built.newsroom.settle()
    built.newsroom.run(*command.split())
    assert "Writing" in built.build()
    assert live(built.newsroom.published()) == live(from_scratch(built.newsroom))


@pytest.mark.parametrize("command", ["status", "check", "explain content/a3.md", "digest"])
def test_other_commands_use_stored_results(built: Watched, command: str) -> None:
    """The second run of a command runs no step."""
    built.newsroom.run(*command.split())
    built.steps.clear()
    built.newsroom.run(*command.split())
    assert built.steps == {}


def test_the_store_does_not_grow_with_edits(built: Watched) -> None:
    """Results for earlier versions of an article are dropped."""

    def count() -> int:
        with closing(Store(built.newsroom.folder / ".broadsheet" / FILE_NAME)) as store:
            return store.count()

    before = count()
    for number in range(10):
        built.edit("a5.md", "Text", f"Text {number}")
        built.newsroom.build()
    assert count() < 3 * before


@pytest.mark.parametrize("option", ["--dry-run", "--adopt"])
def test_some_options_skip_the_snapshot(built: Watched, option: str) -> None:
    """A one-time request is carried out, whatever the last run found."""
    (built.newsroom.folder / "feeds/.broadsheet.json").unlink()
    assert built.newsroom.run("build", option).code == 0
    assert (built.newsroom.folder / "feeds/.broadsheet.json").exists() == (option == "--adopt")


def test_a_build_without_changes_prints_the_same(built: Watched) -> None:
    """All later runs print the same line."""
    built.newsroom.write("content/page.md", "---\ntitle: Page\n---\n")
    built.build()
    said = built.newsroom.run("build", "--adopt")  # which always does a full build
    assert built.newsroom.run("build") == built.newsroom.run("build") == said
    assert "0 files written, " in said.out
    assert "1 page without date" in said.out
    assert built.newsroom.run("build", "--quiet").out == ""


def test_a_removed_empty_folder_is_noticed(newsroom: Newsroom) -> None:
    """It had no files whose absence would show, but the config names it."""
    newsroom.configure('[articles]\nfolders = ["content", "drafts"]\n')
    (newsroom.folder / "drafts").mkdir()
    newsroom.article("a.md")
    newsroom.settle()
    newsroom.build()
    (newsroom.folder / "drafts").rmdir()
    ran = newsroom.run("build")
    assert (ran.code, ran.out) == (2, "")
    assert "the folder 'drafts' does not exist" in ran.err


def test_articles_appear_and_expire_without_a_file_change(built: Watched) -> None:
    """No file changes when an article's publication or expiry time comes."""
    built.newsroom.article("c.md", date="2025-07-01T00:00:00Z", expiryDate="2025-07-02T00:00:00Z")
    for now, held in (
        ("2025-06-30T23:59:59Z", 6),
        ("2025-07-01T00:00:00Z", 7),
        ("2025-07-01T23:59:59Z", 7),
        ("2025-07-02T00:00:00Z", 6),
        ("2025-03-20T00:00:00+08:00", 4),
        ("2025-01-10T07:00:00+08:00", 0),
    ):
        for _ in range(2):
            ran = built.newsroom.run("build", now=now)
            assert ran.out.startswith(f"feeds/: {held} article"), now


def test_a_run_that_waited_for_the_lock_publishes_the_current_state(
    built: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run may have published a new article while it waited for the lock."""
    built.newsroom.article("b.md", date="2025-06-26")
    lock = outputs.lock

    def waited(state: Path, shown: str) -> object:
        monkeypatch.setattr(outputs, "lock", lock)
        built.newsroom.article("c.md", date="2025-06-27")
        assert built.newsroom.run_apart("build").code == 0
        return lock(state, shown)

    monkeypatch.setattr(outputs, "lock", waited)
    assert built.newsroom.run("build").code == 0
    assert '"title": "c"' in built.newsroom.published()["feed.json"].decode()


def test_every_run_reports_errors(built: Watched) -> None:
    """A run without changes still exits with 1 if an article is left out."""
    built.newsroom.write("content/c.md", "---\ntitle: [\n---\n")
    built.newsroom.settle()
    first, second = built.newsroom.run("build"), built.newsroom.run("build")
    assert (first.code, first.err) == (second.code, second.err)
    assert first.code == 1
    assert "content/c.md" in first.err


def test_a_corrected_article_comes_back(built: Watched) -> None:
    """It is named and left out, and others take its place in the feeds, until it is corrected."""
    built.edit("a5.md", "Text 5.", "- " * 3000 + "deep")
    built.newsroom.settle()
    ran = built.newsroom.run("build")
    assert (ran.code, "content/a5.md" in ran.err) == (1, True)
    built.edit("a5.md", "- " * 3000, "")
    built.build()
    assert live(built.newsroom.published()) == live(from_scratch(built.newsroom))


def test_a_file_that_changed_within_one_tick_is_not_trusted(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a disk's timestamps are too coarse, only the content shows that a file has changed."""
    monkeypatch.setattr(folders, "stamp_of", lambda status: (status.st_size, OLD, OLD, 7))
    monkeypatch.setattr("broadsheet.pipeline.files.stamp_of", folders.stamp_of)
    monkeypatch.setattr(folders, "disk_time", lambda _: OLD)
    monkeypatch.setattr("time.sleep", lambda _: None)
    for word in ("One.", "Two.", "Six."):
        newsroom.article("a.md", f"{word}\n")
        assert word.encode() in newsroom.build()["atom.xml"]
        (newsroom.folder / "feeds/atom.xml").write_bytes(
            (newsroom.folder / "feeds/atom.xml").read_bytes().replace(word.encode(), b"Bad.")
        )
        assert word.encode() in newsroom.build()["atom.xml"]


def test_a_disk_without_a_clock_is_never_trusted(tmp_path: Path) -> None:
    """An untrusted stamp equals no other, not even itself."""
    assert folders.disk_time(tmp_path / "nowhere") == 0
    stamp = (1, OLD, OLD, 7)
    assert folders.trusted(stamp, 0) != folders.trusted(stamp, 0)
    now = folders.disk_time(tmp_path)
    assert folders.trusted((1, now - 1, now - 1, 7), now) == (1, now - 1, now - 1, 7)
    for recent in ((1, now - 1, now, 7), (1, now + OLD, now - 1, 7)):
        assert folders.trusted(recent, now) != recent


def test_a_restored_feeds_folder_is_recognised(built: Watched) -> None:
    """A checkout gives every file a new stamp; their content shows that they have not changed."""
    for path in (built.newsroom.folder / "feeds").rglob("*.xml"):
        data = path.read_bytes()
        path.unlink()
        path.write_bytes(data)
    stamps = {p: p.stat().st_ino for p in (built.newsroom.folder / "feeds").rglob("*.xml")}
    assert built.build() == {}
    assert {path: path.stat().st_ino for path in stamps} == stamps


_HEAVY = {"feedgen", "lxml", "markdown", "babel", "jinja2", "yaml", "frontmatter", "premailer"} | {
    *(
        "msgspec",
        "selectolax",
        "dateutil",
        "filelock",
        "imagesize",
        "rich",
        "sqlalchemy",
        "cronsim",
    ),
    *("multiprocessing", "asyncio", "importlib.metadata", "broadsheet.model.settings"),
}
_PARSERS = {"markdown", "selectolax", "yaml", "frontmatter"}
_MAKERS = {"feedgen", "lxml", "jinja2", "babel", "premailer", "dateutil"}


_SLOW_PARTS = {"subprocess", "zipfile", "concurrent.futures", "wcwidth"}
"""Of libraries and of Python, each a few milliseconds."""


def imported(*args: str) -> set[str]:
    """Return the modules that are imported when the command ends."""
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


@pytest.mark.measuring
def test_the_version_costs_no_more_than_click() -> None:
    """`--version` imports nothing of ours but the command line, and where a project is."""
    found = imported("--version")
    assert "click" in found
    assert not found & (_HEAVY | {"sqlite3", "hashlib"})
    ours = {name for name in found if name.startswith("broadsheet")}
    location = ("broadsheet.pipeline", "broadsheet.pipeline.location", "broadsheet.storage")
    assert ours <= {"broadsheet", "broadsheet.errors", *location} | {
        name for name in ours if name.startswith("broadsheet.cli")
    }


@pytest.fixture(scope="module")
def all_current(tmp_path_factory: pytest.TempPathFactory) -> Newsroom:
    """A newsroom in which everything is up to date."""
    newsroom = Newsroom.open(
        tmp_path_factory.mktemp("current"),
        '[digests.weekly]\ntitle = "W"\nschedule = "@yearly"\n',
    )
    newsroom.article("a.md", summary="S.", tags=["t"])
    newsroom.settle()
    for command in ("digest", "build"):
        assert run_command(newsroom.folder, command).returncode == 0
        newsroom.settle()
    return newsroom


@pytest.fixture
def current(all_current: Newsroom) -> Iterator[Newsroom]:
    """The same for one command. Only the delivery database can be new after it."""
    before = contents(all_current.folder)
    yield all_current
    for path in contents(all_current.folder).keys() - before.keys():
        assert path.startswith("broadsheet.db")
        (all_current.folder / path).unlink()


@pytest.mark.measuring
@pytest.mark.parametrize(
    ("args", "unused"),
    [
        ("build", _HEAVY),
        ("status", _PARSERS | _MAKERS | _SLOW_PARTS | {"sqlalchemy", "multiprocessing", "rich"}),
        ("check", {"markdown", "sqlalchemy"}),
        ("deliver --dry-run", _PARSERS | _MAKERS),
        *(
            pytest.param(*each, marks=pytest.mark.long)
            for each in (
                (
                    "explain content/a.md",
                    _PARSERS | _MAKERS | _SLOW_PARTS | {"sqlalchemy", "multiprocessing"},
                ),
                ("schedule", _PARSERS | _MAKERS | {"sqlalchemy"}),
                ("reference config", _PARSERS | _MAKERS | {"sqlalchemy", "sqlite3"}),
                ("subscribers list", _PARSERS | _MAKERS),
                ("digest", _PARSERS | _MAKERS | {"sqlalchemy", "multiprocessing"}),
            )
        ),
    ],
)
def test_no_command_imports_what_it_does_not_use(
    current: Newsroom, args: str, unused: set[str]
) -> None:
    """Stored results need no parser, and without a new feed or mail no library that makes one is
    imported."""
    found = imported("-C", str(current.folder), "--now", NOW, *args.split())
    assert not found & unused


@pytest.mark.measuring
def test_a_mail_is_laid_out_without_a_parser_of_articles() -> None:
    """Nor by what lints mails: `digest` does not lint, and the bodies are stored."""
    program = "import sys, broadsheet.pipeline.layout; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    found = set(done.stdout.decode().split())
    assert not found & (_PARSERS | {"broadsheet.digests.lint", "broadsheet.articles.parsing"})
