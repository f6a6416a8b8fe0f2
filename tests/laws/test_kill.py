"""Killed at any instant: each file is old or new and complete, and the next run completes the work.

Two ways: a process that kills itself before its n-th change of the disk, for every n; and one that
is killed with SIGKILL at random instants.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from newsroom import NOW
from processes import exit_code, fork, kill
from undisturbed import COMMANDS, CONFIG, Scenario, changes_of, killed_at, scenario

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="it needs os.fork")

_POINTS = 5  # kill points of each scenario in the usual suite


def _survives(made: Scenario, number: int) -> None:
    made.begin()
    assert killed_at(made, number)
    made.check_whole()
    made.run()
    made.check_in_order()


@pytest.mark.parametrize("commands", COMMANDS[:2], ids="-".join)
def test_a_kill_before_a_disk_change_is_repaired(tmp_path: Path, commands: tuple[str, ...]) -> None:
    """Killed at points spread over all changes, a rerun leaves what an undisturbed run does."""
    made = scenario(tmp_path, commands)
    count = changes_of(made)
    assert count > 2 * _POINTS
    step = count // _POINTS
    for number in range(1 + count % step, count + 1, step):
        _survives(made, number)


@pytest.mark.long
@pytest.mark.parametrize("commands", COMMANDS[:2], ids="-".join)
def test_a_kill_before_every_disk_change_is_repaired(
    tmp_path: Path, commands: tuple[str, ...]
) -> None:
    """The same for every single change."""
    made = scenario(tmp_path, commands)
    for number in range(1, changes_of(made) + 1):
        _survives(made, number)


_APPROVE = "digest --approve weekly/2025-06-23"
_APPROVAL = CONFIG.replace("[digests.daily]", 'approval = "required"\n[digests.daily]')


def test_an_approval_killed_before_any_change_of_the_disk_is_made_good(tmp_path: Path) -> None:
    """The same command again releases the draft, if the killed one did not; and never twice."""
    made = scenario(tmp_path, (_APPROVE,), given="digest", config=_APPROVAL)
    drafts = made.newsroom.folder / "digests/weekly"
    assert [path.name for path in drafts.iterdir()] == ["2025-06-30.draft"]
    count = changes_of(made)
    assert count > 2 * _POINTS
    for number in range(1 + count % 2, count + 1, count // _POINTS):
        _survives(made, number)
        assert [path.name for path in drafts.iterdir()] == ["2025-06-30.draft"]


@pytest.mark.nightly
def test_a_second_kill_is_no_worse(tmp_path: Path) -> None:
    """A run that repairs a killed one may be killed too."""
    made = scenario(tmp_path, ("build", "digest"))
    count = changes_of(made)
    for first in range(1, count, count // 10):
        for second in range(1, count, count // 10):
            made.begin()
            killed_at(made, first)
            killed_at(made, second)
            made.check_whole()
            made.run()
            made.check_in_order()


@pytest.mark.long
@pytest.mark.parametrize("command", ["build", "digest"])
def test_a_killed_command_is_repaired(tmp_path: Path, command: str) -> None:
    """`kill -9` of the command as users start it, and a clean run after it."""
    made = _ready(tmp_path, command)
    seconds = _seconds(made, lambda: _command(made, command))
    for _ in range(3):
        _kill(made, lambda: _command(made, command), seconds)


@pytest.mark.long
@pytest.mark.parametrize("command", ["build", "digest"])
def test_two_hundred_kills_at_random_instants_are_repaired(tmp_path: Path, command: str) -> None:
    """A run in a fork of this process, with everything imported, so that it is at work when
    killed."""
    _kill_repeatedly(tmp_path, command, 200)


@pytest.mark.nightly
@pytest.mark.parametrize("command", ["build", "digest"])
def test_five_thousand_kills_at_random_instants_are_repaired(tmp_path: Path, command: str) -> None:
    """The same, more often."""
    _kill_repeatedly(tmp_path, command, 5000)


@pytest.mark.nightly
@pytest.mark.parametrize("command", ["build", "digest"])
def test_two_hundred_kills_of_the_command_are_repaired(tmp_path: Path, command: str) -> None:
    """The same for the command as users start it."""
    made = _ready(tmp_path, command)
    seconds = _seconds(made, lambda: _command(made, command))
    for _ in range(200):
        _kill(made, lambda: _command(made, command), seconds)


def _kill_repeatedly(folder: Path, command: str, kills: int) -> None:
    made = _ready(folder, command)
    seconds = _seconds(made, lambda: fork(made.run))
    midway = sum(_kill(made, lambda: fork(made.run), seconds) for _ in range(kills))
    assert midway, "none of the kills came while it wrote"


def _ready(folder: Path, command: str) -> Scenario:
    return scenario(folder, (command,), given="build" if command == "digest" else "")


def _kill(made: Scenario, start: Callable[[], int], seconds: float) -> bool:
    """Kill a run that takes so long at an instant of it; return whether it had changed anything."""
    made.begin()
    kill(start(), random.uniform(0, seconds * 1.1))
    midway = made.is_midway()
    made.check_whole()
    made.run()
    made.check_in_order()
    return midway


def _seconds(made: Scenario, start: Callable[[], int]) -> float:
    """Return how long an undisturbed run takes: the shortest of three."""
    taken: list[float] = []
    for _ in range(3):
        made.begin()
        began = time.monotonic()
        assert exit_code(start()) == 0
        taken.append(time.monotonic() - began)
        made.check_in_order()
    return min(taken)


def _command(made: Scenario, command: str) -> int:
    """Start the command in a process of its own, and return its id."""
    folder = str(made.newsroom.folder)
    call = [sys.executable, "-m", "broadsheet", "-C", folder, "--now", NOW, command, "--quiet"]
    return os.posix_spawn(sys.executable, call, os.environ)
