"""Child processes, and waiting for them or for anything else."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

_ended: dict[int, int] = {}  # id of a child process -> its status


def within(seconds: float, true: Callable[[], object]) -> bool:
    """Wait until something is true, but no longer than this; return whether it is.

    The tests sleep here only; everywhere else they wait for something. They leave most of the
    processor to what they wait for.
    """
    end = time.monotonic() + seconds
    while True:
        since = time.monotonic()
        if true():
            return True
        now = time.monotonic()
        if now > end:
            return False
        time.sleep(min(max(0.005, 2 * (now - since)), 0.1))


def until(true: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until something is true."""
    assert within(seconds, true), f"it is not true after {seconds} s"


def retry(work: Callable[[], T], error: type[Exception]) -> T:
    """Return the result of `work`, which is done again while it raises `error`."""
    results: list[T] = []

    def succeeds() -> bool:
        with suppress(error):
            results.append(work())
        return bool(results)

    until(succeeds)
    return results[0]


def fork(work: Callable[[], object]) -> int:
    """Do `work` in a fork of this process, and return its id. It exits with 1 after an error."""
    child = os.fork()
    if not child:
        try:
            work()
        except BaseException:  # the parent must see it, and pytest must not continue here
            os._exit(1)
        os._exit(0)
    return child


def has_ended(child: int) -> bool:
    """Whether a child process has ended."""
    if child not in _ended:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            _ended[child] = status
    return child in _ended


def ended_within(child: int, seconds: float) -> bool:
    """Wait for the end of a child process, but no longer than this; return whether it has ended."""
    return within(seconds, lambda: has_ended(child))


def send(child: int, by: signal.Signals) -> None:
    """Send a signal to a child process unless it has ended."""
    if not has_ended(child):
        os.kill(child, by)


def exit_code(child: int, seconds: float = 60.0) -> int:
    """Return the exit code of a child process, negative after a signal. Kill it if it hangs."""
    ended = ended_within(child, seconds)
    code = kill(child)
    assert ended, f"it has not ended after {seconds} s"
    return code


def kill(child: int, after: float = 0.0) -> int:
    """Kill a child process after so many seconds, unless it has ended; return its exit code."""
    ended_within(child, after)
    send(child, signal.SIGKILL)
    until(lambda: has_ended(child))
    return os.waitstatus_to_exitcode(_ended.pop(child))
