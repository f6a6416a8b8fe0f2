"""Run a function over chunks of items on all cores, by a process pool of the standard library."""

from __future__ import annotations

import gc
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:  # these modules take 10 ms to import, which a run without a pool does without
    from concurrent.futures import Future

T = TypeVar("T")
R = TypeVar("R")

_AHEAD = 4  # chunks in flight for each process: enough to keep it busy, few enough to hold


def core_count() -> int:
    """Return how many processes are worth starting on this machine."""
    return os.cpu_count() or 1


def spread(
    work: Callable[[Sequence[T]], R],
    chunks: Iterable[Sequence[T]],
    workers: int,
    initializer: Callable[..., None],
    initargs: tuple[Any, ...],
    here: Callable[[Sequence[T]], R],
) -> Iterator[R]:
    """Yield `work(chunk)` for each of `chunks`, in order, from `workers` processes.

    initializer, initargs: called in each process before its first chunk. here: does the same as
    `work` in this process. It does every chunk that a process fails at, so an error is raised as
    if there were no others, and a process that is killed, or cannot be started, costs only time.
    """
    with _pool(workers, initializer, initargs) as submit:
        waiting: deque[tuple[Sequence[T], Future[R] | None]] = deque()
        for chunk in chunks:
            waiting.append((chunk, submit(work, chunk)))
            if len(waiting) > _AHEAD * workers:
                yield _outcome(*waiting.popleft(), here)
        while waiting:
            yield _outcome(*waiting.popleft(), here)


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of `size` items (`itertools.batched` from Python 3.12)."""
    left = iter(items)
    while batch := list(islice(left, size)):
        yield batch


def _outcome(chunk: Sequence[T], future: Future[R] | None, here: Callable[[Sequence[T]], R]) -> R:
    with suppress(Exception):
        if future is not None:
            return future.result()
    return here(chunk)


@contextmanager
def _pool(
    workers: int, initializer: Callable[..., None], initargs: tuple[Any, ...]
) -> Iterator[Callable[..., Future[Any] | None]]:
    """Yield what submits work to a pool; it returns None if the system allows no process."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import active_children, get_all_start_methods, get_context

    others = {*active_children()}
    pool = None
    # A system may have no more threads, or no memory that processes can share.
    with suppress(OSError, RuntimeError, ImportError, NotImplementedError):
        Thread(target=lambda: None).start()
        # A forked process shares the memory of this one until it is written to. Its garbage
        # collector must not look at that: it would copy it.
        gc.freeze()
        method = "fork" if "fork" in get_all_start_methods() else "spawn"
        context = get_context(method)
        pool = ProcessPoolExecutor(workers, context, _begin, (initializer, initargs))

    def submit(work: Callable[..., Any], *args: Any) -> Future[Any] | None:
        with suppress(OSError, RuntimeError), _uninterrupted():  # there may be no more processes
            return pool.submit(work, *args) if pool else None
        return None

    is_done = False
    try:
        yield submit
        is_done = True
    finally:
        if pool:
            pool.shutdown(wait=is_done, cancel_futures=True)
        # Processes whose work is no longer needed, or that never got any.
        for process in {*active_children()} - others:
            process.kill()
            process.join()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Defer Ctrl-C: while a process is forked, Python would drop it here and show it there."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(initializer: Callable[..., None], initargs: tuple[Any, ...]) -> None:
    """Start a process of the pool, which ends with its parent and not by Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(RuntimeError):  # there may be no more threads
        Thread(target=_follow_parent, daemon=True).start()
    initializer(*initargs)


def _follow_parent() -> None:
    from multiprocessing import parent_process
    from multiprocessing.connection import wait

    parent = parent_process()
    if parent:
        wait([parent.sentinel])
        os._exit(1)
