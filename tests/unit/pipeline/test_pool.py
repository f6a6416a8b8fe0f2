"""Chunks that other processes work on: the result is as if this process did all of them."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence

import pytest

from broadsheet.pipeline.pool import batched, spread
from newsroom import Newsroom

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="it needs os.fork")

HERE = os.getpid()
ITEMS = list(range(40))


def ready() -> None:
    """Prepare nothing."""


def doubled(chunk: Sequence[int]) -> list[int]:
    return [2 * item for item in chunk]


def process(_: Sequence[int]) -> int:
    return os.getpid()


def killed(chunk: Sequence[int]) -> list[int]:
    if os.getpid() != HERE and 13 in chunk:
        os.kill(os.getpid(), signal.SIGKILL)
    return doubled(chunk)


def interrupted(chunk: Sequence[int]) -> list[int]:
    if os.getpid() != HERE:
        os.kill(os.getpid(), signal.SIGINT)
    return doubled(chunk)


def failing(chunk: Sequence[int]) -> list[int]:
    if 13 in chunk:
        raise ValueError("13")
    return doubled(chunk)


def timed(_: Sequence[int]) -> bool:
    """Whether the signal of a timer reaches its handler."""
    heard = threading.Event()
    signal.signal(signal.SIGPROF, lambda *_: heard.set())
    signal.setitimer(signal.ITIMER_PROF, 0.01)
    end = time.process_time() + 5
    while not heard.is_set() and time.process_time() < end:
        pass
    return heard.is_set()


def run(work: Callable[[Sequence[int]], object], workers: int = 2) -> list[object]:
    return list(spread(work, batched(ITEMS, 5), workers, ready, (), work))


@pytest.mark.parametrize("work", [doubled, killed, interrupted])
def test_the_results_are_in_order(work: Callable[[Sequence[int]], list[int]]) -> None:
    """Nothing is lost or done twice if a process is killed, and Ctrl-C interrupts this process
    only."""
    assert run(work) == [doubled(chunk) for chunk in batched(ITEMS, 5)]


def test_the_work_is_done_elsewhere() -> None:
    """By no more processes than requested, and this is none of them."""
    found = {*run(process)}
    assert HERE not in found
    assert 1 <= len(found) <= 2


def test_an_error_is_raised_here() -> None:
    """The same as without another process."""
    with pytest.raises(ValueError, match="13"):
        run(failing)


def test_the_timer_of_an_article_works_there() -> None:
    """The parent's file watcher must not take the signals of a process."""
    assert all(run(timed))


@pytest.mark.parametrize("missing", ["process", "memory", "thread"])
def test_if_no_process_can_start_the_work_is_done_here(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """A system may limit processes or threads; a container may have no /dev/shm."""

    def refused(*_: object, **__: object) -> object:
        raise RuntimeError("no more threads") if missing == "thread" else OSError("no more")

    where = {
        "process": "os.fork",
        "memory": "_multiprocessing.SemLock",
        "thread": "broadsheet.pipeline.pool.Thread.start",
    }
    monkeypatch.setattr(where[missing], refused)
    assert run(doubled) == [doubled(chunk) for chunk in batched(ITEMS, 5)]


_SPAWNED = """
import sys
from broadsheet.pipeline import memo, pool
def refuse(chunk):
    sys.exit("this process does the work")
def spread(*given):
    return pool.spread(*given[:-1], refuse)
if __name__ == "__main__":
    pool.get_all_start_methods = lambda: ["spawn"]
    memo.spread = spread
    from broadsheet.cli import main
    sys.argv = ["broadsheet", "-C", sys.argv[1], "build", "--workers", "2"]
    main()
"""


@pytest.mark.measuring
def test_processes_can_be_spawned(newsroom: Newsroom) -> None:
    """Without fork (Windows), everything that a step needs is sent to them."""
    newsroom.configure('[digests.weekly]\ntitle = "W"\n')
    for number in range(85):
        newsroom.article(f"{number}.md", "[x](1.md) ![y](i.png)\n", categories=[f"T{number % 9}"])
    program = newsroom.write("program.py", _SPAWNED)
    command = [sys.executable, str(program), str(newsroom.folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert newsroom.published() == newsroom.build("--workers", "1")


_PROGRAM = """
import os, signal
from broadsheet.pipeline.pool import spread
def ready():
    print(os.getpid(), flush=True)
def work(chunk):
    signal.pause()
for _ in spread(work, [[n] for n in range(8)], 2, ready, (), work):
    pass
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="it needs pidfd_open")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_no_process_outlives_the_one_it_works_for(how: int) -> None:
    """However that one ends, and however much work is left."""
    command = [sys.executable, "-c", _PROGRAM]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        children = [os.pidfd_open(int(parent.stdout.readline())) for _ in range(2)]
        parent.send_signal(how)
        for child in children:
            assert select.select([child], [], [], 30)[0], "it outlives its parent"
            os.close(child)
