"""A limit on the CPU time that one text or template may take."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import NoReturn


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the block after `seconds` of CPU time, on platforms with such timers.

    Python-Markdown's time grows with the square of some texts, such as a run of brackets. All CPU
    time counts, including the system's, since a large text costs page faults and copies (setitimer,
    ITIMER_PROF). Time in which the machine sleeps or is busy elsewhere does not count.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() != threading.main_thread():
        yield
        return

    _prepare_timer()
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


@cache  # once in each process, since it takes longer than the timer itself
def _prepare_timer() -> None:
    def stop(*_: object) -> NoReturn:
        raise TimeoutError

    signal.signal(signal.SIGPROF, stop)
