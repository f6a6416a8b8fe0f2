"""Work that is done in another process: what comes of it is what would have come of it here."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from broadsheet.errors import Problem, TemplateError
from broadsheet.pipeline.workers import Elsewhere, helper, spread

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
    """Whether it runs; one that has ended may wait to be asked how."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text("utf-8")
    except FileNotFoundError:
        return False


def hears_an_alarm() -> bool:
    """Whether a signal of a timer reaches the handler that is set for it."""

    def stop(*_: object) -> NoReturn:
        raise InterruptedError

    signal.signal(signal.SIGPROF, stop)
    try:
        os.kill(os.getpid(), signal.SIGPROF)
    except InterruptedError:
        return True
    return False


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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no such moment on this system")
@pytest.mark.parametrize("aside", [True, False])
def test_an_interrupt_while_a_process_is_started_is_heard(aside: bool) -> None:
    """Python drops what is raised in the steps that libraries have it take then."""
    code = (
        "import os, signal, time\n"
        "from broadsheet.pipeline.workers import spread\n"
        "os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), signal.SIGINT))\n"
        "try:\n"
        f"    print(*spread(abs, range(9), worth_a_worker={100 if aside else 2}, aside={aside}))\n"
        "    time.sleep(1)\n"
        "except KeyboardInterrupt:\n"
        "    print('heard')\n"
    )
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.stdout, ran.stderr) == ("heard\n", "")


def test_the_clock_of_an_article_is_heard_elsewhere_too() -> None:
    """What watches over the process must not take its signals."""
    with helper(nothing) as begin:
        assert all(begin(hears_an_alarm)() for _ in range(5))


def test_the_helper_ends_with_what_it_was_for() -> None:
    """Also where that fails."""
    pid = HERE
    with pytest.raises(KeyError), helper(nothing) as begin:  # noqa: PT012
        _, pid = begin(twice, "a")()
        raise KeyError
    assert pid != HERE
    assert not is_there(pid)


def test_where_no_process_can_be_started_all_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system may allow no more of them."""

    def refused() -> NoReturn:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr("os.fork", refused)
    with helper(nothing) as begin:
        assert begin(twice, "a")() == ("aa", HERE)


_LEFT = """
import os, signal, sys, time
sys.path[:0] = {path!r}
import test_workers as those
from broadsheet.pipeline.workers import helper, spread
with helper(those.nothing) as begin:
    print(begin(those.twice, "a")()[1], flush=True)
    for pid in spread(those.where, range({items}), worth_a_worker=1, workers=2):
        print(pid, flush=True)
        os.kill(os.getpid(), signal.{how})
"""


def where(_: int) -> int:
    time.sleep(0.01)
    return os.getpid()


@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM"])
def test_no_process_outlives_the_one_that_it_works_for(how: str) -> None:
    """Whatever ends that, and however much is left to do."""
    program = _LEFT.format(path=[str(Path(__file__).parent)], items=5000, how=how)
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30
    )
    pids = [int(line) for line in ran.stdout.split()]
    assert len(pids) == 2
    until = time.monotonic() + 20
    while any(map(is_there, pids)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(is_there, pids))


def test_one_core_does_all_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A helper would only take its time."""
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    with helper(failing) as begin:
        assert begin(twice, "a")() == ("aa", HERE)


def squared(number: int) -> tuple[int, int]:
    return number * number, os.getpid()


def refuse_the_seventh(number: int) -> int:
    if number == 7:
        raise TemplateError(Problem("seven"))
    return number


def die_elsewhere_at_seven(number: int) -> int:
    if number == 7 and os.getpid() != HERE:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def unsendable_at_seven(number: int) -> object:
    return (lambda: 1) if number == 7 else number


def large(number: int) -> bytes:
    return bytes([number % 256]) * 300_000


@pytest.mark.parametrize("count", [1, 2, 5, 100])
def test_work_is_spread_and_comes_back_in_order(count: int) -> None:
    """Over several processes where each has enough to do, and every item once."""
    made = [*spread(squared, range(count), worth_a_worker=2, workers=2)]
    assert [square for square, _ in made] == [n * n for n in range(count)]
    assert {pid for _, pid in made} <= {HERE} if count < 4 else HERE not in {pid for _, pid in made}


def test_what_is_large_is_not_lost_while_nobody_takes_it() -> None:
    """More than a pipe holds waits where it was made."""
    made = spread(large, range(40), worth_a_worker=1, workers=2, meanwhile=lambda: time.sleep(0.2))
    assert [*made] == [*map(large, range(40))]


def test_an_error_is_raised_where_its_item_would_have_stood() -> None:
    """The same as without another process, after all that comes before."""
    made = spread(refuse_the_seventh, range(20), worth_a_worker=1, workers=2)
    assert [next(made) for _ in range(7)] == [*range(7)]
    with pytest.raises(TemplateError, match="seven"):
        next(made)


@pytest.mark.parametrize("work", [die_elsewhere_at_seven, unsendable_at_seven])
def test_what_a_killed_process_had_in_hand_is_done_here(work: Callable[[int], object]) -> None:
    """Nothing is lost, and nothing comes twice, whichever of them goes."""
    made = [*spread(work, range(60), worth_a_worker=4, workers=2)]
    assert [each for each in made if isinstance(each, int)] == [
        n for n in range(60) if n != 7 or work is die_elsewhere_at_seven
    ]


@pytest.mark.parametrize("sigterm", [signal.SIG_DFL, signal.SIG_IGN])
def test_no_worker_outlives_who_wants_no_more(
    monkeypatch: pytest.MonkeyPatch, sigterm: signal.Handlers
) -> None:
    """As after an error in what is done with the outcomes; whatever the process ignores."""
    monkeypatch.setattr(
        "broadsheet.pipeline.workers._ROOM", 4096
    )  # they wait for somebody to take theirs
    before = signal.signal(signal.SIGTERM, sigterm)
    made = spread(squared, range(1000), worth_a_worker=1, workers=2)
    _, pid = next(made)
    made.close()  # type: ignore[attr-defined]  # it is a generator
    signal.signal(signal.SIGTERM, before)
    assert not is_there(pid)


def test_without_other_processes_all_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system may allow no more of them."""

    def refused() -> NoReturn:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr("os.fork", refused)
    made = [*spread(squared, range(100), worth_a_worker=2, workers=2)]
    assert made == [(n * n, HERE) for n in range(100)]


def test_without_memory_to_share_all_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container may have no /dev/shm."""

    def refused(*_: object) -> NoReturn:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "/dev/shm")

    monkeypatch.setattr("multiprocessing.context.BaseContext.Value", refused)
    made = [*spread(squared, range(100), worth_a_worker=2, workers=2)]
    assert made == [(n * n, HERE) for n in range(100)]


def test_without_more_threads_work_is_done_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that looks whether its parent lives is missing then, and nothing else."""

    def refused(_: threading.Thread) -> NoReturn:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    made = [*spread(squared, range(100), worth_a_worker=2, workers=2)]
    assert [square for square, _ in made] == [n * n for n in range(100)]
    assert HERE not in {pid for _, pid in made}


def refuse_elsewhere(number: int) -> tuple[int, int]:
    if os.getpid() != HERE:
        raise Elsewhere
    return squared(number)


def test_a_little_is_done_aside_while_this_process_goes_on() -> None:
    """By one other process, though it would be too little for several."""
    asked: list[int] = []
    made = [*spread(squared, [3], worth_a_worker=9, meanwhile=lambda: asked.append(1), aside=True)]
    assert [square for square, _ in made] == [9]
    assert made[0][1] != HERE
    assert asked == [1]
    assert not is_there(made[0][1])


@pytest.mark.parametrize("work", [refuse_elsewhere, unsendable_at_seven, die_elsewhere_at_seven])
def test_what_cannot_be_done_aside_is_done_here(work: Callable[[int], object]) -> None:
    """Whether it must not be, cannot be sent, or ends the process."""
    (made,) = spread(work, [7], worth_a_worker=9, aside=True)
    assert made in (7, (49, HERE)) or callable(made)


def test_an_error_aside_is_raised_here() -> None:
    """As without another process; what was to be done meanwhile has been done."""
    asked: list[int] = []
    made = spread(
        refuse_the_seventh, [7], worth_a_worker=9, meanwhile=lambda: asked.append(1), aside=True
    )
    with pytest.raises(TemplateError, match="seven"):
        next(made)
    assert asked == [1]


def test_nothing_is_done_aside_on_one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor where it was asked for one process."""
    assert [*spread(squared, [3], worth_a_worker=9, workers=1, aside=True)] == [(9, HERE)]
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert [*spread(squared, [3], worth_a_worker=9, aside=True)] == [(9, HERE)]


def test_what_fails_meanwhile_leaves_no_process() -> None:
    """The error is this process's own."""

    def fail() -> NoReturn:
        raise KeyError

    before = set(children())
    with pytest.raises(KeyError):
        next(spread(where, [3], worth_a_worker=9, meanwhile=fail, aside=True))
    assert set(children()) <= before


def children() -> list[str]:
    return Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text("ascii").split()
