"""Work that is done in another process: what comes of it is what would have come of it here."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from broadsheet.errors import Problem, TemplateError
from broadsheet.workers import helper

HERE = os.getpid()


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no helper on one."""
    monkeypatch.setattr("os.cpu_count", lambda: 2)


def nothing() -> None:
    """A helper that need prepare nothing."""


def failing() -> None:
    raise RuntimeError


def twice(text: str) -> tuple[str, int]:
    return text + text, os.getpid()


def refuse(what: str) -> None:
    raise TemplateError(Problem(what))


def stop_elsewhere(how: int) -> int:
    """Here it gives where it is; elsewhere nobody hears of it again."""
    if os.getpid() != HERE:
        os.kill(os.getpid(), how)
    return os.getpid()


def unsendable() -> Callable[[], int]:
    return lambda: 1


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("prepare", [nothing, failing])
def test_work_is_done_elsewhere(prepare: Callable[[], None]) -> None:
    """However long what goes there and back is, and in whatever order it is asked for."""
    texts = ["a", "b" * 2_000_000, "c" * 500_000]
    with helper(prepare) as begin:
        waiting = [begin(twice, text) for text in texts]
        outcomes = [wait() for wait in reversed(waiting)]
        assert [made for made, _ in outcomes] == [text + text for text in reversed(texts)]
        (pid,) = {pid for _, pid in outcomes}
        assert pid != HERE
        assert waiting[0]() is waiting[0]()
    assert not is_there(pid)


def test_what_fails_elsewhere_fails_here() -> None:
    """With the same error, and what comes after it is done."""
    with helper(nothing) as begin:
        wait = begin(refuse, "no")
        with pytest.raises(TemplateError, match="no"):
            wait()
        assert begin(twice, "a")()[0] == "aa"
        assert begin(unsendable)()() == 1


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_what_dies_elsewhere_is_done_here(how: int) -> None:
    """A system short of memory may kill the helper; nothing is lost by it."""
    with helper(nothing) as begin:
        assert begin(stop_elsewhere, how)() == HERE
        assert begin(twice, "a")() == ("aa", HERE)


def test_an_interrupt_is_for_this_process_alone() -> None:
    """Ctrl-C reaches both; the helper stays until this one has ended what it began."""
    with helper(nothing) as begin:
        assert begin(stop_elsewhere, signal.SIGINT)() != HERE


def test_the_helper_ends_with_what_it_was_for() -> None:
    """Also where that fails."""
    pid = HERE
    with pytest.raises(KeyError), helper(nothing) as begin:  # noqa: PT012
        _, pid = begin(twice, "a")()
        raise KeyError
    assert pid != HERE
    assert not is_there(pid)


def test_one_core_does_all_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A helper would only take its time."""
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    with helper(failing) as begin:
        assert begin(twice, "a")() == ("aa", HERE)
