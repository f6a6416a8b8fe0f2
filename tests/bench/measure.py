"""Seconds, processor time and memory of a command and all of its processes."""

from __future__ import annotations

import os
import resource
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# As users run it: modules stay compiled, instead of being compiled by each run.
_ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


@dataclass(frozen=True, slots=True)
class Run:
    """The cost of a command: seconds by the clock, and CPU seconds."""

    seconds: float
    processor: float


def timed(command: list[str]) -> Run:
    """Run `command` and measure it. Raises CalledProcessError unless it ends with 0 or 1: `check`
    ends with 1 if it finds anything."""
    return watched(command, lambda _: None)


def sized(command: list[str]) -> tuple[Run, float]:
    """Return what `timed` does, and the most memory, in MB, that the processes hold at once.

    It is their proportional set size: what they share counts once. Looking takes a
    twentieth of the time at most.
    """
    most = 0

    def look(process: subprocess.Popen[bytes]) -> None:
        nonlocal most
        done = threading.Event()
        threading.Thread(target=lambda: (process.wait(), done.set()), daemon=True).start()
        taken = 0.0
        while not done.wait(max(0.01, 20 * taken)):
            start = time.perf_counter()
            most = max(most, sum(map(_held, _family(process.pid))))
            taken = time.perf_counter() - start

    run = watched(command, look)
    return run, most / 1000


def watched(command: list[str], look: Callable[[subprocess.Popen[bytes]], None]) -> Run:
    """Do what `timed` does, and let `look` at the process meanwhile."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=_ENVIRONMENT)
    look(process)
    if process.wait() > 1:
        raise subprocess.CalledProcessError(process.returncode, command)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(seconds, processor)


def _family(pid: int) -> list[int]:
    found = [pid]
    for each in found:
        with suppress(OSError):
            for task in Path(f"/proc/{each}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found


def _held(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0
