"""Killed at any instant: each file is old or new and whole, and the next run puts all in order.

Two ways: a process that kills itself before its n-th change of the disk, for every n; and the
command as users run it, killed with signal 9 at instants spread over its run.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import NOW, Newsroom, contents

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="it needs os.fork")

CONFIG = """
[digests.weekly]
title = "周报"
missed = "each"
[digests.daily]
title = "日报"
schedule = "0 8 * * *"
"""
EARLIER = "2025-06-16T09:00:00+08:00"
_CHANGES = ("replace", "unlink", "fsync", "mkdir", "rmdir")
_TEMPORARY = ".broadsheet-tmp"
_POINTS = 8  # kill points of each scenario in the usual suite
_KILLS = 4  # of real processes in the usual suite


@dataclass(frozen=True)
class Scenario:
    """A project as a run finds it, the run, and what feeds/ must hold after it."""

    newsroom: Newsroom
    before: Path
    commands: tuple[str, ...]
    old: dict[str, bytes]
    new: dict[str, bytes]

    def begin(self) -> None:
        """Puts everything back to where the run starts."""
        shutil.rmtree(self.newsroom.folder)
        shutil.copytree(self.before, self.newsroom.folder)

    def run(self) -> None:
        """One undisturbed run, which must go well."""
        for command in self.commands:
            ran = self.newsroom.run(command, "--quiet")
            assert (ran.code, ran.out, ran.err) == (0, "", "")

    def check_after_a_kill(self) -> None:
        """Every file is old or new; an issue that has its record has all of its files."""
        left = contents(self.newsroom.folder / "feeds")
        for path, data in left.items():
            if not path.endswith(_TEMPORARY):
                old_or_new = data in (self.old.get(path), self.new.get(path))
                assert old_or_new or path in _FOLLOWING, path
                assert data.endswith(b"\n") or path.endswith((".eml", ".txt")), f"{path} is half"
        for path in left:
            if path.endswith("/issue.json"):
                folder = path.removesuffix("issue.json")
                files = {name for name in self.new if name.startswith(folder)}
                assert all(left.get(name) == self.new[name] for name in files)

    def check_in_order(self) -> None:
        """What an undisturbed run leaves, to the byte, and nothing else."""
        assert contents(self.newsroom.folder / "feeds") == self.new


# What one command writes and the next writes again, so that it has a state in between.
_FOLLOWING = {".broadsheet.json", "feeds.opml", "index.html"} | {
    f"digests/{name}/{file}"
    for name in ("weekly", "daily")
    for file in ("index.html", "atom.xml", "rss.xml", "feed.json")
}


def _scenario(folder: Path, commands: tuple[str, ...]) -> Scenario:
    """Something is published and issued already; articles have come, changed and gone since."""
    newsroom = Newsroom.open(folder / "project", CONFIG)
    newsroom.article("a.md", title="甲", date="2025-06-12", main_topics=["AI"])
    newsroom.article("gone.md", title="旧", date="2025-06-13", main_topics=["旧的"])
    for command in ("build", "digest"):
        assert newsroom.run(command, now=EARLIER).code == 0
    (newsroom.folder / "content/gone.md").unlink()
    newsroom.article("a.md", title="甲乙", date="2025-06-12", main_topics=["AI"])
    newsroom.article("b.md", title="乙", date="2025-06-18", main_topics=["AI"])
    newsroom.article("c.md", title="丙", date="2025-06-29T12:00:00+08:00", main_topics=["芯片"])
    before = folder / "before"
    shutil.copytree(newsroom.folder, before)
    old = newsroom.published()
    scenario = Scenario(newsroom, before, commands, old, {})
    scenario.run()
    return Scenario(newsroom, before, commands, old, newsroom.published())


def _killed_at(scenario: Scenario, number: int) -> bool:
    """Runs in a process that kills itself before its `number`th change; whether it came to that."""
    child = os.fork()
    if not child:
        _count_changes(lambda count: os.kill(os.getpid(), signal.SIGKILL) if count == number else 0)
        try:
            scenario.run()
        except BaseException:  # the parent must see it, and pytest must not go on here
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def _count_changes(told: Callable[[int], object]) -> None:
    """Calls `told` with 1, 2, ... before each change of the disk that this process makes."""
    count = 0

    def counting(change: Callable[..., object]) -> Callable[..., object]:
        def counted(*args: object, **kwargs: object) -> object:
            nonlocal count
            count += 1
            told(count)
            return change(*args, **kwargs)

        return counted

    for name in _CHANGES:
        setattr(os, name, counting(getattr(os, name)))


def _changes_of(scenario: Scenario) -> int:
    """How many changes of the disk an undisturbed run makes."""
    scenario.begin()
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        _count_changes(lambda _: os.write(writer, b"."))
        try:
            scenario.run()
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        count = len(pipe.read())
    os.waitpid(child, 0)
    scenario.check_in_order()
    return count


def _survives(scenario: Scenario, number: int) -> None:
    scenario.begin()
    assert _killed_at(scenario, number)
    scenario.check_after_a_kill()
    scenario.run()
    scenario.check_in_order()


COMMANDS = [("build",), ("digest",), ("build", "digest")]


@pytest.mark.parametrize("commands", COMMANDS[:2], ids="-".join)
def test_a_kill_before_any_change_of_the_disk_is_made_good(
    tmp_path: Path, commands: tuple[str, ...]
) -> None:
    """Killed at points spread over all changes, a rerun leaves what an undisturbed run does."""
    scenario = _scenario(tmp_path, commands)
    count = _changes_of(scenario)
    assert count > 2 * _POINTS
    step = count // _POINTS
    for number in range(1 + count % step, count + 1, step):
        _survives(scenario, number)


@pytest.mark.long
@pytest.mark.parametrize("commands", COMMANDS, ids="-".join)
def test_a_kill_before_every_change_of_the_disk_is_made_good(
    tmp_path: Path, commands: tuple[str, ...]
) -> None:
    """The same for every single change."""
    scenario = _scenario(tmp_path, commands)
    for number in range(1, _changes_of(scenario) + 1):
        _survives(scenario, number)


@pytest.mark.long
def test_a_second_kill_is_no_worse(tmp_path: Path) -> None:
    """A run that puts a killed one in order may be killed too."""
    scenario = _scenario(tmp_path, ("build", "digest"))
    count = _changes_of(scenario)
    for first in range(1, count, count // 10):
        for second in range(1, count, count // 10):
            scenario.begin()
            _killed_at(scenario, first)
            _killed_at(scenario, second)
            scenario.check_after_a_kill()
            scenario.run()
            scenario.check_in_order()


def test_a_run_that_is_killed_from_outside_is_made_good(tmp_path: Path) -> None:
    """`kill -9` of the command at instants over its whole run, and a clean run after it."""
    _kill_from_outside(_scenario(tmp_path, ("build", "digest")), _KILLS)


@pytest.mark.long
def test_two_hundred_kills_from_outside_are_made_good(tmp_path: Path) -> None:
    """The same two hundred times."""
    _kill_from_outside(_scenario(tmp_path, ("build", "digest")), 200)


def _kill_from_outside(scenario: Scenario, kills: int) -> None:
    for command in scenario.commands:
        seconds = _seconds(scenario, command)
        for number in range(kills // 2):
            # The first half of a run imports and reads; most kills fall where it writes.
            share = 0.4 + 0.6 * (number + 0.5) / (kills // 2)
            _prepare(scenario, command)
            run = _start(scenario, command)
            time.sleep(seconds * share)
            run.kill()
            run.wait()
            scenario.check_after_a_kill()
            scenario.run()
            scenario.check_in_order()


def _prepare(scenario: Scenario, command: str) -> None:
    scenario.begin()
    for earlier in scenario.commands[: scenario.commands.index(command)]:
        assert scenario.newsroom.run(earlier).code == 0


def _seconds(scenario: Scenario, command: str) -> float:
    _prepare(scenario, command)
    started = time.monotonic()
    assert _start(scenario, command).wait() == 0
    return time.monotonic() - started


def _start(scenario: Scenario, command: str) -> subprocess.Popen[bytes]:
    folder = str(scenario.newsroom.folder)
    return subprocess.Popen(
        [sys.executable, "-m", "broadsheet", "-C", folder, "--now", NOW, command, "--quiet"]
    )
