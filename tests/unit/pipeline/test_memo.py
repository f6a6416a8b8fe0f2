"""The memo: a result equals what running the step now would return, and it runs only if needed."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import datetime
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.digests.templates import starters
from broadsheet.errors import ArticleError, OutputError, Problem
from broadsheet.pipeline import store
from broadsheet.pipeline.memo import Memo, Source, Step, StepContext, encode, with_memo
from broadsheet.pipeline.store import FILE_NAME, Store, StoreError, digest
from broadsheet.storage.outputs import Written
from laws import law

RAN: list[object] = []
"""The items that steps were run for."""


def joined(item: str, between: str, context: StepContext) -> str:
    """Return what the sources say about each letter of the item."""
    RAN.append(item)
    if "!" in item:
        raise ArticleError(Problem("no", path=item))
    return between.join(str(context.read("letter", each)) for each in item)


def plain(item: str, _: None, context: StepContext) -> str:  # noqa: ARG001
    RAN.append(item)
    if item == "no":
        raise ArticleError(Problem("no", path=item))
    return item.upper()


def shared(item: str, _: None, context: StepContext) -> str:
    """Return the same, half of it from a recent result."""
    return context.recent("a", lambda: joined("a", "", context)) + item


def written(item: str, _: None, context: StepContext) -> list[Written]:
    RAN.append(item)
    return context.write([item], [[item.encode()], [b"."]])


def addressed(item: bytes, _: None, context: StepContext) -> str:
    return context.result(item, str).upper()


def step(function: str = "joined", given: object = "", chunk: int = 4) -> Step:
    return Step(f"{__name__}:{function}", given, chunk)


def results(
    folder: Path, items: list[Any], letters: dict[str, Any], **given: Any
) -> tuple[list[Any], list[object]]:
    """Return the results of a run, and the items that the step ran for."""
    RAN.clear()
    with Memo(folder, folder, workers=1) as memo:
        found = memo.map(step(**given), items, {"letter": letters.get})
        return [*memo.values(found, str)], [*RAN]


def test_a_result_holds_until_something_that_was_read_changes(tmp_path: Path) -> None:
    """A lookup that found nothing is a read too; anything not read does not count."""
    letters = {"a": "1", "b": "2"}
    assert results(tmp_path, ["ab", "ax"], letters) == (["12", "1None"], ["ab", "ax"])
    assert results(tmp_path, ["ab", "ax"], {**letters, "c": "3"}) == (["12", "1None"], [])
    assert results(tmp_path, ["ab", "ax"], {**letters, "x": "9"}) == (["12", "19"], ["ax"])
    assert results(tmp_path, ["ab", "ax"], {"a": "1"}) == (["1None", "1None"], ["ab", "ax"])


def test_groups_are_run_item_by_item_and_read_together(tmp_path: Path) -> None:
    """Only what changed runs again, errors stay in place, and `sweep` drops nothing in use."""

    def outcomes(*groups: list[str]) -> tuple[list[Any], list[object]]:
        RAN.clear()
        with Memo(tmp_path, tmp_path, workers=1) as memo:
            found = [*memo.attempt_groups(step("plain"), groups, str)]
            memo.sweep()
            kept = [each if isinstance(each, ArticleError) else each[1] for each in found]
            for each in found:
                assert isinstance(each, ArticleError) or memo.value(each[0], str) == each[1]
            return [str(each) for each in kept], [*RAN]

    first = (["A", "no: no", "B", "C"], ["a", "no", "b", "c"])
    assert outcomes(["a", "no", "b"], ["c"]) == first
    assert outcomes(["a", "no", "b"], ["c"]) == (first[0], ["no"])
    assert outcomes(["a", "b"], ["c"]) == outcomes(["a", "b"], ["c"]) == (["A", "B", "C"], [])
    assert outcomes(["a", "d"], ["c"], []) == (["A", "D", "C"], ["d"])
    for _ in range(4):  # until unused results are swept
        assert outcomes(["a", "d"]) == (["A", "D"], [])
    assert outcomes(["d", "a"]) == (["D", "A"], [])


def test_processes_end_when_the_rest_of_the_groups_is_not_wanted(tmp_path: Path) -> None:
    """As after an error, or Ctrl-C, in the code that reads the results."""
    groups = [[f"{number}"] for number in range(2_000)]
    with Memo(tmp_path, tmp_path, workers=2) as memo:
        with closing(memo.attempt_groups(step("plain"), groups, str)) as found:
            assert memo.value(next(found)[0], str) == "0"  # type: ignore[index]
            processes = [process.pid or 0 for process in active_children()]
        assert processes
        for process in processes:
            with pytest.raises(ProcessLookupError):
                os.kill(process, 0)


def test_the_settings_of_a_step_are_part_of_the_key(tmp_path: Path) -> None:
    """So is the step; two steps may have the same item."""
    assert results(tmp_path, ["ab"], {"a": 1, "b": 2}) == (["12"], ["ab"])
    assert results(tmp_path, ["ab"], {"a": 1, "b": 2}, given="-") == (["1-2"], ["ab"])


def test_a_recent_result_keeps_its_reads(tmp_path: Path) -> None:
    """Each item that uses it depends on what it read."""
    assert results(tmp_path, ["b", "c"], {"a": 1}, function="shared", given=None)[0] == ["1b", "1c"]
    assert results(tmp_path, ["b", "c"], {"a": 2}, function="shared", given=None)[0] == ["2b", "2c"]


def test_an_error_is_not_stored(tmp_path: Path) -> None:
    """The item is tried again, and the others are not affected."""
    for _ in range(2):
        RAN.clear()
        with Memo(tmp_path, tmp_path, workers=1) as memo:
            one, two = memo.attempt(step(), ["!", ""], {"letter": str})
            assert isinstance(one, ArticleError)
            assert memo.value(two, str) == ""  # type: ignore[arg-type]
            with pytest.raises(ArticleError):
                memo.map(step(), ["!"])
        assert "!" in RAN
    assert "" not in RAN


def test_a_result_is_found_by_its_address(tmp_path: Path) -> None:
    """The address is part of an item, so a step that gets one need not record it."""
    with Memo(tmp_path, tmp_path, workers=1) as memo:
        (address,) = memo.map(step(), ["a"], {"letter": {"a": "x"}.get})
        assert [*memo.values(memo.map(step("addressed", None), [address]), str)] == ["X"]


def test_a_file_is_written_again_if_it_is_no_longer_there(tmp_path: Path) -> None:
    """The trace of a step that writes a file holds as long as the file has the same bytes."""
    files: dict[str, str] = {}

    def write(paths: Sequence[str], pieces: Iterable[Sequence[bytes]]) -> list[Written]:
        files_of_pieces = zip(*pieces, strict=True)
        new = {p: b"".join(of).decode() for p, of in zip(paths, files_of_pieces, strict=True)}
        files.update(new)
        return [Written(path, text, len(text)) for path, text in new.items()]

    def run() -> list[object]:
        RAN.clear()
        with Memo(tmp_path, tmp_path, workers=1) as memo:
            memo.map(step("written", None), ["a", "b"], {"output": files.get}, write)
        return [*RAN]

    assert (run(), run()) == (["a", "b"], [])
    files["a"] = "changed"
    assert (run(), run()) == (["a"], [])
    del files["b"]
    assert (run(), files) == (["b"], {"a": "a.", "b": "b."})


ITEMS = st.lists(st.text("abc", max_size=3), max_size=8)
LETTERS = st.dictionaries(st.sampled_from("abc"), st.integers(0, 2), max_size=3)


@given(st.lists(st.tuples(ITEMS, LETTERS, st.integers(1, 3)), min_size=1, max_size=5))
@law(8)
def test_whatever_was_stored_a_run_returns_what_a_first_run_would(
    tmp_path_factory: pytest.TempPathFactory, runs: list[tuple[list[str], dict[str, int], int]]
) -> None:
    """With any items and sources, before and now, and any number of processes."""
    folder = tmp_path_factory.mktemp("memo")
    for items, letters, workers in runs:
        sources: dict[str, Source] = {"letter": letters.get}
        with Memo(folder, folder, workers=workers) as memo:
            found = [*memo.values(memo.map(step(chunk=1), items, sources), str)]
            memo.sweep()
        assert found == ["".join(str(letters.get(each)) for each in item) for item in items]


def test_a_time_keeps_its_offset(tmp_path: Path) -> None:
    """Feeds show the offset that an author wrote."""
    moment = datetime.fromisoformat("2025-06-19T07:20:04+08:00")
    with Memo(tmp_path, tmp_path) as memo:
        memo.leave("moment", moment)
        assert memo.state("moment", datetime).isoformat() == moment.isoformat()  # type: ignore[union-attr]


def test_what_a_run_leaves_survives_its_own_sweep(tmp_path: Path) -> None:
    """Also if it never asked for what the run before left under that name."""
    with Memo(tmp_path, tmp_path, workers=1) as memo:
        memo.map(step(), [f"a{number}" for number in range(9)], {"letter": str})
    with Memo(tmp_path, tmp_path, workers=1) as memo:
        memo.leave("summary", "done")
        memo.sweep()
        assert memo.state("summary", str) == "done"


def test_many_unused_results_are_removed(tmp_path: Path) -> None:
    """The store does not grow with every edit."""
    for number in range(20):
        with Memo(tmp_path, tmp_path, workers=1) as memo:
            memo.map(step(), [f"a{number}"], {"letter": str})
            memo.sweep()
    with closing(Store(tmp_path / FILE_NAME)) as kept:
        assert kept.count() <= 3


@pytest.mark.parametrize("what", ["libraries", "SOURCE_SUFFIXES"])
def test_another_version_finds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """A change of any library, or of our own files, may make a difference."""
    assert results(tmp_path, ["a"], {})[1] == ["a"]
    changed = {"libraries": lambda: "other", "SOURCE_SUFFIXES": (".py",)}
    with monkeypatch.context() as patch:
        patch.setattr(store, what, changed[what])
        store.version.cache_clear()
        assert results(tmp_path, ["a"], {})[1] == ["a"]
    store.version.cache_clear()


def test_the_version_covers_the_code_and_every_template(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also the mail templates, which are elsewhere in a clone and in a wheel."""
    read: set[str] = set()
    real = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: (read.add(path.name), real(path))[1])
    store.version.cache_clear()
    store.version()
    assert read >= {"memo.py", "visibility.toml", "gallery.html.j2", "feed.css", *starters()}


def _page(data: bytes) -> bytes:
    return data[:4096] + b"\xa5" * 4096 + data[8192:]


@pytest.mark.parametrize(
    "damage",
    [lambda _: b"", lambda _: b"no database", lambda data: data[: len(data) // 2], _page],
    ids=["empty", "text", "half", "page"],
)
def test_a_damaged_store_is_replaced(tmp_path: Path, damage: Any) -> None:
    """The work is done again, and stored from then on."""

    def work(memo: Memo) -> list[str]:
        return [*memo.values(memo.map(step(), ["ab", "b"], {"letter": str}), str)]

    assert with_memo(tmp_path, tmp_path, work) == ["ab", "b"]
    path = tmp_path / FILE_NAME
    path.write_bytes(damage(path.read_bytes()))
    RAN.clear()
    assert with_memo(tmp_path, tmp_path, work) == ["ab", "b"]
    RAN.clear()
    assert with_memo(tmp_path, tmp_path, work) == ["ab", "b"]
    assert RAN == []


def test_a_store_that_cannot_be_written_is_read(tmp_path: Path) -> None:
    """What is in it does not run again; the rest is stored elsewhere. Damaged, it is ignored."""

    def work(memo: Memo) -> list[str]:
        found = memo.map(step(chunk=1), list("abcdef"), {"letter": str})
        return [*memo.values(found, str)] * (memo.map(step(), ["a"], {"letter": str}) == found[:1])

    assert results(tmp_path, ["a", "b"], {"a": "a", "b": "b"})[1] == ["a", "b"]
    path = tmp_path / FILE_NAME
    for workers in (1, 2):
        before, _ = path.read_bytes(), RAN.clear()
        made = with_memo(tmp_path, tmp_path, work, workers=workers, is_writable=False)
        assert made == list("abcdef")
        assert (["c", "d", "e", "f"] if workers == 1 else ["c"]) == RAN  # the others elsewhere
        assert [each.name for each in tmp_path.iterdir()] == [FILE_NAME]
        assert path.read_bytes() == before
    for data in (_page(before), b"no database", b""):
        path.write_bytes(data)
        assert with_memo(tmp_path, tmp_path, work, is_writable=False) == list("abcdef")
        assert path.read_bytes() == data


@pytest.mark.parametrize(
    ("table", "place"), [("result", 1), ("trace", 0), ("trace", 4), ("trace", 19), ("trace", -1)]
)
def test_a_byte_that_the_disk_changed_is_noticed(tmp_path: Path, table: str, place: int) -> None:
    """SQLite checks the structure of the file, not its content."""

    def work(memo: Memo) -> list[str]:
        return [*memo.values(memo.map(step(), ["ab"], {"letter": str}), str)]

    assert with_memo(tmp_path, tmp_path, work) == ["ab"]
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database, database:
        ((value,),) = database.execute(f"SELECT value FROM {table}")
        changed = bytearray(value)
        changed[place] ^= 1
        database.execute(f"UPDATE {table} SET value = ?", (bytes(changed),))
    assert with_memo(tmp_path, tmp_path, work) == ["ab"]


def test_without_a_folder_a_temporary_store_is_used(tmp_path: Path) -> None:
    """If nothing can be kept, everything is done each time."""
    work = lambda memo: [*memo.values(memo.map(step(), ["a"], {"letter": str}), str)]  # noqa: E731
    assert with_memo(tmp_path / "nowhere", tmp_path, work) == ["a"]
    assert not (tmp_path / "nowhere").exists()


def test_a_store_that_another_process_locks_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock is no reason to delete it."""
    monkeypatch.setattr(store, "LOCK_TIMEOUT_S", 0)
    work = lambda memo: [*memo.values(memo.map(step(), ["a"], {"letter": str}), str)]  # noqa: E731
    assert with_memo(tmp_path, tmp_path, work) == ["a"]
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as other:
        other.execute("BEGIN EXCLUSIVE")
        new = lambda memo: [*memo.values(memo.map(step(), ["b"], {"letter": str}), str)]  # noqa: E731
        assert with_memo(tmp_path, tmp_path, new) == ["b"]
    RAN.clear()
    assert with_memo(tmp_path, tmp_path, work) == ["a"]
    assert RAN == []


def test_a_result_that_is_missing_is_an_error(tmp_path: Path) -> None:
    """It is never replaced by another one."""
    with closing(Store(tmp_path / FILE_NAME)) as kept, pytest.raises(StoreError):
        kept.result(digest(b"x"))


def test_the_encoding_is_deterministic() -> None:
    """Whatever the hash seed, so that a key is found again."""
    program = (
        "from broadsheet.pipeline.memo import encode\n"
        "print(encode([frozenset('abcdef'), {'b': 1, 'a': 2}]).decode())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert found == {encode([frozenset("abcdef"), {"b": 1, "a": 2}]).decode() + "\n"}


def test_without_space_for_any_store_the_reason_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is the user's to fix."""

    def full(*_: object) -> None:
        raise StoreError("database or disk is full")

    monkeypatch.setattr(Store, "add", full)
    work = lambda memo: memo.map(step(), ["a"], {"letter": str})  # noqa: E731
    with pytest.raises(OutputError, match="database or disk is full; free some space"):
        with_memo(tmp_path, tmp_path, work)


def test_many_traces_are_found_like_few(tmp_path: Path) -> None:
    """However they are looked up."""
    items = [f"a{number}" for number in range(1_500)]
    assert results(tmp_path, items, {})[1] == items
    assert results(tmp_path, items, {})[1] == []
    assert results(tmp_path, [*items[:3], "b"], {})[1] == ["b"]
