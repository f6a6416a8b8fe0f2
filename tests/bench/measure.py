"""Seconds, processor time and memory of a command and all of its processes."""

from __future__ import annotations

import os
import resource
import subprocess
import threading
import time
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
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, env=_ENVIRONMENT, check=False)
    if done.returncode > 1:
        done.check_returncode()
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(seconds, processor)


def peak(command: list[str]) -> float:
    """Return the most memory, in MB, that `command` and its processes hold at once.

    It is their proportional set size: what they share counts once.
    """
    most = 0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=_ENVIRONMENT)
    done = threading.Event()
    threading.Thread(target=lambda: (process.wait(), done.set()), daemon=True).start()
    while not done.wait(0.05):
        most = max(most, sum(map(_held, _family(process.pid))))
    return most / 1000


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
