"""Child processes, and waiting for them or for anything else."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


def until(true: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until something is true. The tests sleep here only; everywhere else they wait for it."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"it is not true after {seconds} s"
        time.sleep(0.002)


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
        except BaseException:  # the parent must see it, and pytest must not go on here
            os._exit(1)
        os._exit(0)
    return child


def ended_within(child: int, seconds: float) -> bool:
    """Wait for the end of a child process, but no longer than this; return whether it has ended."""
    process = os.pidfd_open(child)  # readable when it has ended
    try:
        return bool(select.select([process], [], [], seconds)[0])
    finally:
        os.close(process)


def exit_code(child: int, seconds: float = 60.0) -> int:
    """Return the exit code of a child process, negative after a signal. Kill it if it hangs."""
    ended = ended_within(child, seconds)
    if not ended:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert ended, f"it has not ended after {seconds} s"
    return os.waitstatus_to_exitcode(status)


def kill(child: int, after: float = 0.0) -> int:
    """Kill a child process after so many seconds; return its exit code, if it ended before."""
    ended_within(child, after)
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
