"""Writing the output folder: complete files, only changes, and no one else's files."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadsheet.errors import BusyError, OutputError
from broadsheet.storage import outputs, writing
from broadsheet.storage.outputs import MANIFEST, Changes, Target, Written, lock, publish
from newsroom import contents, no_privileges, stamps

SAME = {"index.html": b"same"}
OLD = {**SAME, "atom.xml": b"old", "topics/a/atom.xml": b"a", "gone/deep/x.xml": b"x"}
NEW = {**SAME, "atom.xml": b"new", "topics/a/atom.xml": b"b", "topics/b/atom.xml": b"c"}


def seen(folder: Path) -> dict[str, bytes]:
    """Return what a web server would see: everything but the manifest and leftovers of killed
    runs."""
    hidden = (MANIFEST, "broadsheet-tmp")
    return {path: data for path, data in contents(folder).items() if not path.endswith(hidden)}


def manifest(folder: Path) -> list[str]:
    listed: list[str] = json.loads((folder / MANIFEST).read_bytes())["files"]
    return listed


def test_a_run_says_what_it_did(tmp_path: Path) -> None:
    """Written, removed and unchanged files are counted separately, and empty folders are
    removed."""
    first = publish(tmp_path, OLD, "feeds")
    assert (set(first.written), first.removed, first.unchanged) == (set(OLD), (), 0)
    second = publish(tmp_path, NEW, "feeds")
    assert set(second.written) == {"atom.xml", "topics/a/atom.xml", "topics/b/atom.xml"}
    assert (second.removed, second.unchanged) == (("gone/deep/x.xml",), 1)
    assert seen(tmp_path) == NEW
    assert not (tmp_path / "gone").exists()
    assert manifest(tmp_path) == sorted(NEW)


def test_a_second_run_touches_nothing(tmp_path: Path) -> None:
    """No time, inode or folder changes, so that pollers get 304."""
    publish(tmp_path, NEW, "feeds")
    before = (stamps(tmp_path), tmp_path.stat().st_mtime_ns)
    changes = publish(tmp_path, NEW, "feeds")
    assert (changes.written, changes.removed, changes.unchanged) == ((), (), len(NEW))
    assert (stamps(tmp_path), tmp_path.stat().st_mtime_ns) == before


def test_a_file_that_does_not_change_is_not_touched(tmp_path: Path) -> None:
    """Also if other files do."""
    publish(tmp_path, OLD, "feeds")
    before = stamps(tmp_path)["index.html"]
    publish(tmp_path, NEW, "feeds")
    assert stamps(tmp_path)["index.html"] == before


def test_linked_files_are_written_first(tmp_path: Path) -> None:
    """Several files are written at once, but none before all those below it exist."""
    files = {f"tags/{n}/atom.xml": b"x" * n for n in range(100)} | {"a.xml": b"1", "b.xml": b"2"}
    changes = publish(tmp_path, files, "feeds")
    assert seen(tmp_path) == files
    assert set(changes.written) == set(files)
    written = {path: (tmp_path / path).stat().st_ctime_ns for path in files}
    assert max(written[path] for path in files if "/" in path) <= written["a.xml"]


def test_one_unwritable_file_of_many_is_reported(tmp_path: Path) -> None:
    """Each file is old or new, the failing one is named, and the next run writes the rest."""
    old = {f"tags/{n}/atom.xml": b"old" for n in range(100)}
    new = dict.fromkeys(old, b"new")
    publish(tmp_path, old, "feeds")
    (tmp_path / "tags/50/.atom.xml.broadsheet-tmp").mkdir()
    (tmp_path / "tags/50/.atom.xml.broadsheet-tmp/x").touch()
    with pytest.raises(OutputError, match=r"atom\.xml cannot be written"):
        publish(tmp_path, new, "feeds")
    (tmp_path / "tags/50/.atom.xml.broadsheet-tmp/x").unlink()
    (tmp_path / "tags/50/.atom.xml.broadsheet-tmp").rmdir()
    assert set(seen(tmp_path).values()) <= {b"old", b"new"}
    publish(tmp_path, new, "feeds")
    assert seen(tmp_path) == new


def test_without_space_for_one_file_none_is_replaced(tmp_path: Path) -> None:
    """All drafts are on disk before the first is put in place, so no one reads half of a build."""
    resource = pytest.importorskip("resource", reason="no limit of a file's size on this system")
    publish(tmp_path, OLD, "feeds")
    before = contents(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(OutputError, match="feeds cannot be written: File too large; fix it"):
            publish(tmp_path, {**NEW, "atom.xml": b"x" * 10_001}, "feeds", keep=outputs.EVERYTHING)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    after = contents(tmp_path)
    del before[MANIFEST], after[MANIFEST]  # it may list files that do not exist yet
    assert after == before
    publish(tmp_path, NEW, "feeds")
    assert seen(tmp_path) == NEW


def test_writing_works_without_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container may allow no threads, or only some."""
    files = {f"tags/{n}/atom.xml": b"x" * n for n in range(100)}
    start = threading.Thread.start
    for allowed in (0, 2):
        there: list[threading.Thread] = []

        def some(thread: threading.Thread, there: Any = there, allowed: int = allowed) -> None:
            if len(there) == allowed:
                raise RuntimeError("can't start new thread")
            there.append(thread)
            start(thread)

        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", some)
            publish(tmp_path / str(allowed), files, "feeds")
        assert seen(tmp_path / str(allowed)) == files
        assert not any(thread.is_alive() for thread in there)


def test_drafts_of_another_project_stay(tmp_path: Path) -> None:
    """A project may publish into a folder within another's; each cleans up only its own."""
    publish(tmp_path / "blog", OLD, "feeds")
    (tmp_path / "blog/topics/a/.atom.xml.broadsheet-tmp").write_bytes(b"half")
    publish(tmp_path, NEW, "feeds")
    assert (tmp_path / "blog/topics/a/.atom.xml.broadsheet-tmp").exists()
    publish(tmp_path / "blog", OLD, "feeds")
    assert not (tmp_path / "blog/topics/a/.atom.xml.broadsheet-tmp").exists()


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    """It reports what it would do; not even the manifest changes."""
    publish(tmp_path, OLD, "feeds")
    before = stamps(tmp_path)
    made = [Written(path, sha256(data).hexdigest(), len(data)) for path, data in NEW.items()]
    changes = Target(tmp_path, NEW.keys(), "feeds").changes(made)
    assert (len(changes.written), len(changes.removed)) == (3, 1)
    assert stamps(tmp_path) == before
    assert Target(tmp_path / "new", NEW.keys(), "feeds").changes(made).written
    assert not (tmp_path / "new").exists()


def test_files_of_others_stay(tmp_path: Path) -> None:
    """Files that Broadsheet did not write are neither changed nor removed, even in its own
    folders."""
    publish(tmp_path, OLD, "feeds")
    (tmp_path / "gone" / "theirs.txt").write_bytes(b"theirs")
    (tmp_path / "CNAME").write_bytes(b"example.org")
    publish(tmp_path, NEW, "feeds")
    assert seen(tmp_path) == {**NEW, "gone/theirs.txt": b"theirs", "CNAME": b"example.org"}


@pytest.mark.parametrize("kind", ["file", "folder", "link", "dangling link"])
def test_a_file_of_others_in_the_way_is_an_error(tmp_path: Path, kind: str) -> None:
    """Every such file is named, and nothing at all is written."""
    for path in ("atom.xml", "topics/b/atom.xml"):
        place = tmp_path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if kind == "file":
            place.write_bytes(b"theirs")
        elif kind == "folder":
            place.mkdir()
        else:
            place.symlink_to(tmp_path.parent / ("x" if kind == "link" else "gone"))
    (tmp_path.parent / "x").write_bytes(b"elsewhere")
    before = stamps(tmp_path)
    with pytest.raises(OutputError) as refused:
        publish(tmp_path, NEW, "feeds")
    assert [p.path for p in refused.value.problems] == ["feeds/atom.xml", "feeds/topics/b/atom.xml"]
    assert "--adopt" in str(refused.value)
    assert stamps(tmp_path) == before


def adopt(folder: Path, files: Mapping[str, bytes]) -> Changes:
    """Write `files` without asking whose those in the way are, as `build --adopt` does."""
    target = Target(folder, files.keys(), "feeds")
    with target.writing() as output:
        return target.finish(
            [each for path, data in files.items() for each in output([path], [[data]])]
        )


def test_adopting_takes_files_over(tmp_path: Path) -> None:
    """On request, files in the way are replaced; a link is replaced, never followed."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"theirs")
    feeds = tmp_path / "feeds"
    feeds.mkdir()
    (feeds / "atom.xml").symlink_to(elsewhere)
    (feeds / "index.html").write_bytes(b"theirs")
    adopt(feeds, NEW)
    assert seen(feeds) == NEW
    assert elsewhere.read_bytes() == b"theirs"
    assert not (feeds / "atom.xml").is_symlink()


@pytest.mark.parametrize(
    "broken",
    [
        None,
        b"",
        b"{",
        b"[]",
        b"3",
        b'{"files": 3}',
        b'{"files": "CNAME"}',
        b'{"files": {"CNAME": 1}}',
        b"\xff",
        b"[" * 100_000,
        b'{"files": ["../theirs", "/theirs", "", ".", "a/../../theirs"]}',
        b'{"files": ["a\\\\b", "\\ud800", 3, "d"]}',
    ],
)
def test_a_lost_or_broken_manifest_does_no_harm(tmp_path: Path, broken: bytes | None) -> None:
    """Identical files are recognised; other files count as someone else's."""
    feeds = tmp_path / "feeds"
    publish(feeds, NEW, "feeds")
    for path in (
        "theirs",
        "feeds/theirs",
        "feeds/CNAME",
        "feeds/d/theirs",
        "feeds/C",
        "feeds/a\\b",
    ):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(b"theirs")
    before = contents(tmp_path)
    (feeds / MANIFEST).unlink()
    if broken is not None:
        (feeds / MANIFEST).write_bytes(broken)
    changes = publish(feeds, NEW, "feeds")
    assert (changes.written, changes.removed) == ((), ())
    assert contents(tmp_path) == before
    (feeds / MANIFEST).write_bytes(broken or b"")
    with pytest.raises(OutputError, match=r"feeds/atom\.xml: this file is in the way"):
        publish(feeds, {**NEW, "atom.xml": b"newer"}, "feeds")
    assert adopt(feeds, {**NEW, "atom.xml": b"newer"}).written == ("atom.xml",)


def test_kept_files_stay_in_the_manifest(tmp_path: Path) -> None:
    """Files that another command made below a kept folder are neither removed nor forgotten."""
    issues = {"digests/weekly/1/issue.json": b"1"}
    publish(tmp_path, {**OLD, **issues}, "feeds")
    publish(tmp_path, NEW, "feeds", keep=["digests/"])
    assert seen(tmp_path) == {**NEW, **issues}
    assert manifest(tmp_path) == sorted({**NEW, **issues})


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", "", ".", "a\0b", "..\\x", "C:\\x"])
def test_nothing_is_written_outside(tmp_path: Path, path: str) -> None:
    """A path that leads out of the folder is refused before anything is written."""
    with pytest.raises(OutputError, match="outside the output folder"):
        publish(tmp_path / "feeds", {**NEW, path: b"x"}, "feeds")
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("stale", [False, True])
def test_a_link_to_a_folder_is_not_followed(tmp_path: Path, stale: bool) -> None:
    """No file is written or removed through it; the link is named."""
    (tmp_path / "elsewhere" / "a").mkdir(parents=True)
    (tmp_path / "elsewhere" / "a" / "atom.xml").write_bytes(b"theirs")
    feeds = tmp_path / "feeds"
    publish(feeds, OLD if stale else SAME, "feeds")
    if stale:
        (feeds / "topics" / "a" / "atom.xml").unlink()
        (feeds / "topics" / "a").rmdir()
        (feeds / "topics").rmdir()
    (feeds / "topics").symlink_to(tmp_path / "elsewhere")
    before = contents(tmp_path)
    with pytest.raises(OutputError, match=r"^feeds/topics: this link is in the way"):
        publish(feeds, SAME if stale else NEW, "feeds")
    assert contents(tmp_path) == before


def test_the_output_folder_may_be_a_link(tmp_path: Path) -> None:
    """The link stays, and its target is written."""
    (tmp_path / "served").mkdir()
    (tmp_path / "feeds").symlink_to("served")
    publish(tmp_path / "feeds", NEW, "feeds")
    assert (tmp_path / "feeds").is_symlink()
    assert seen(tmp_path / "served") == NEW


def test_an_unwritable_folder_is_reported() -> None:
    """The message names file and reason, and everything published is unchanged."""
    with no_privileges() as folder:
        feeds = folder / "feeds"
        publish(feeds, OLD, "feeds")
        feeds.chmod(stat.S_IRUSR | stat.S_IXUSR)
        with pytest.raises(OutputError, match=r"^feeds: .* cannot be written: Permission denied; "):
            publish(feeds, NEW, "feeds")
        assert seen(feeds) == OLD
        folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
        with (
            pytest.raises(OutputError, match=r"broadsheet cannot be written: Permission denied; "),
            lock(folder / ".broadsheet", "broadsheet.toml"),
        ):
            pass


def test_a_file_in_place_of_the_folder_is_reported(tmp_path: Path) -> None:
    """A message, not a traceback, and the file stays."""
    (tmp_path / "feeds").write_bytes(b"theirs")
    with pytest.raises(
        OutputError, match=r"^feeds: this is a file, but the output folder has this name; "
    ):
        publish(tmp_path / "feeds", NEW, "feeds")
    assert (tmp_path / "feeds").read_bytes() == b"theirs"


def test_temporary_files_are_removed(tmp_path: Path) -> None:
    """Leftovers of a killed run are removed by the next, and nothing else."""
    publish(tmp_path, NEW, "feeds")
    (tmp_path / "topics" / "a" / ".atom.xml.broadsheet-tmp").write_bytes(b"half")
    (tmp_path / "notes.broadsheet-tmp").write_bytes(b"theirs")
    publish(tmp_path, NEW, "feeds")
    assert seen(tmp_path) == NEW
    assert (tmp_path / "notes.broadsheet-tmp").exists()
    assert not (tmp_path / "topics" / "a" / ".atom.xml.broadsheet-tmp").exists()


class SimulatedKill(BaseException):
    """Simulates a kill: nothing catches it and no cleanup follows."""


_CALLS = [
    *((os, name) for name in ("fsync", "replace", "rename", "unlink", "rmdir", "mkdir")),
    (writing, "FileIO"),
]


@contextmanager
def _ending_at(call: int, end: BaseException, dead: bool) -> Iterator[list[str]]:
    """Make the given disk-changing call fail, and if `dead` every one after it."""
    made: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in _CALLS:
            real = getattr(owner, name)

            def failing(*args: Any, real: Any = real, name: str = name, **kwargs: Any) -> Any:
                made.append(name)
                if len(made) - 1 == call or (dead and len(made) - 1 > call):
                    raise end
                return real(*args, **kwargs)

            patch.setattr(owner, name, failing)
        yield made


def _count_calls(folder: Path) -> int:
    publish(folder, OLD, "feeds")
    with _ending_at(-1, SimulatedKill(), dead=False) as made:
        publish(folder, NEW, "feeds")
    return len(made)


@pytest.mark.parametrize("end", ["full disk", "kill"])
@pytest.mark.parametrize("start", [OLD, {}])
def test_a_run_may_end_at_any_instant(tmp_path: Path, end: str, start: dict[str, bytes]) -> None:
    """Each file is then old or new and complete, and the next run repairs everything.

    For every call that changes the disk, by one thread or several: the run ends there, then a
    clean run follows. Nothing of others is touched, and nothing is left over: no half file,
    temporary file or empty folder.
    """
    calls = _count_calls(tmp_path / "count") + len(NEW)
    assert calls > 15
    kill, full_disk = end == "kill", "No space left on device; fix it and run again"
    for call in range(calls):
        feeds = tmp_path / str(call)
        if start:
            publish(feeds, start, "feeds")
        feeds.mkdir(exist_ok=True)
        (feeds / "theirs.txt").write_bytes(b"theirs")
        full = OSError(errno.ENOSPC, "No space left on device", str(feeds / "atom.xml"))
        with _ending_at(call, SimulatedKill() if kill else full, dead=kill):
            said = ""
            try:
                publish(feeds, NEW, "feeds")
            except SimulatedKill:
                said = "killed"
            except OutputError as error:
                said = str(error)
        assert said in {"", "killed"} if kill else not said or full_disk in said
        for path, data in seen(feeds).items():
            assert data in {start.get(path), NEW.get(path), b"theirs"}, (call, path)
        publish(feeds, NEW, "feeds")
        assert seen(feeds) == {**NEW, "theirs.txt": b"theirs"}, call
        assert manifest(feeds) == sorted(NEW)
        folders = {path.relative_to(feeds).as_posix() for path in feeds.rglob("*") if path.is_dir()}
        assert folders == {"topics", "topics/a", "topics/b"}, call
        assert not [path for path in contents(feeds) if path.endswith("tmp")], call


def test_articles_may_change_after_a_kill(tmp_path: Path) -> None:
    """A run that makes fewer files than the killed one leaves nothing of it behind."""
    calls = _count_calls(tmp_path / "count")
    for call in range(calls):
        feeds = tmp_path / str(call)
        publish(feeds, OLD, "feeds")
        with _ending_at(call, SimulatedKill(), dead=True), pytest.raises(SimulatedKill):
            publish(feeds, NEW, "feeds")
        publish(feeds, SAME, "feeds")
        assert seen(feeds) == SAME, call
        assert [path for path in feeds.rglob("*") if path.is_dir()] == [], call


_FILES = st.dictionaries(
    st.sampled_from(["a", "b/c", "b/d", "e/f/g", "e/f/h", "i"]), st.binary(max_size=3), max_size=6
)


@given(st.lists(_FILES, min_size=1, max_size=4))
@settings(max_examples=50)
def test_the_folder_holds_what_the_last_run_made(
    tmp_path_factory: pytest.TempPathFactory, runs: list[dict[str, bytes]]
) -> None:
    """Whatever runs went before, exactly the last one's files are there."""
    folder = tmp_path_factory.mktemp("feeds")
    for files in runs:
        publish(folder, files, "feeds")
    assert seen(folder) == runs[-1]
    assert manifest(folder) == sorted(runs[-1])


_HOLDER = """
import sys
from pathlib import Path
from broadsheet.storage.outputs import lock
with lock(Path(sys.argv[1]), "broadsheet.toml"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def _held(state: Path) -> Iterator[subprocess.Popen[str]]:
    """Hold the lock in another process until its standard input is closed."""
    command = [sys.executable, "-c", _HOLDER, str(state)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == "held\n"
        try:
            yield other
        finally:
            other.kill()


def test_a_second_run_waits_or_says_so(tmp_path: Path) -> None:
    """While one run is at work another one says that it is busy, or continues afterwards."""
    with _held(tmp_path) as other:
        with (
            pytest.raises(BusyError, match=r"^broadsheet\.toml: another run of Broadsheet"),
            lock(tmp_path, "broadsheet.toml", timeout_s=0.1),
        ):
            pass
        assert other.stdin
        other.stdin.close()
        with lock(tmp_path, "broadsheet.toml"):
            assert other.wait(30) == 0


def test_the_lock_goes_with_a_killed_run(tmp_path: Path) -> None:
    """A run that is killed while it holds the lock blocks no later one."""
    with _held(tmp_path) as other:
        other.kill()
        with lock(tmp_path, "broadsheet.toml"):
            assert other.wait(30) != 0


def test_an_error_inside_the_lock_is_itself(tmp_path: Path) -> None:
    """An error in a run is not reported as a lock that cannot be written."""
    with pytest.raises(PermissionError, match="theirs"), lock(tmp_path, "broadsheet.toml"):
        raise PermissionError("theirs")
