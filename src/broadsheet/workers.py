"""Work on all cores where there is enough to do, and on one otherwise."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_In = TypeVar("_In")
_Out = TypeVar("_Out")

_WATCH = 0.5  # seconds

_work: Callable[[Any], Any]


def spread(
    work: Callable[[_In], _Out],
    items: Sequence[_In],
    *,
    worth_a_worker: int,
    workers: int | None = None,
    before: Callable[[], object] = lambda: None,
    meanwhile: Callable[[], object] = lambda: None,
) -> Iterator[_Out]:
    """What `work` makes of each of `items`, in their order.

    worth_a_worker: how many items each process must have at least; starting one takes about as
    long as these. workers: how many processes at most; None: as many as there are cores.
    Where there are several: before is called before they start, and makes what each would else
    make for itself; meanwhile is called when they are at work, for what this process needs next.
    """
    count = min(workers or os.cpu_count() or 1, len(items) // worth_a_worker)
    if count <= 1:
        yield from map(work, items)
        return
    # They cost 40 ms, which a run that has little to do does not pay.
    from concurrent.futures import ProcessPoolExecutor

    before()
    with ProcessPoolExecutor(count, _context(), _start, (work, os.getpid())) as pool:
        results = pool.map(_do, items, chunksize=max(min(worth_a_worker, 64) // 4, 1))
        meanwhile()
        yield from results


Apart = Callable[..., Callable[[], Any]]
"""Begins `work(*args)` somewhere; what it returns waits for the outcome, or raises what that did.

`functools.partial` is the simplest: it begins when the outcome is asked for.
"""


@contextmanager
def helper(prepare: Callable[[], object]) -> Iterator[Apart]:
    """Another process, which first calls `prepare`; where there is one core, no other.

    What it begins must be a function of a module, with arguments that can be pickled. It has one
    thing at work at a time. Where it fails or is killed, the work is done here.
    """
    if (os.cpu_count() or 1) < 2:
        yield partial
        return
    context = _context()
    ours, theirs = context.Pipe()
    given = ours, theirs, prepare, os.getpid()
    process = context.Process(target=_help, args=given, daemon=True)
    try:
        process.start()
    except OSError:  # there may be no more processes
        ours.close()
        yield partial
        return
    finally:
        theirs.close()
    try:
        yield _Helper(ours).begin
    finally:
        ours.close()
        process.terminate()
        process.join()


class _Helper:
    """This side of a helper."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._take: Callable[[], object] = lambda: None

    def begin(self, work: Callable[..., Any], *args: Any) -> Callable[[], Any]:
        self._take()  # else each side might wait for the other to take what it sends
        outcome: list[tuple[bool, Any]] = []

        def take() -> None:
            if not outcome:
                try:
                    outcome.append(self._connection.recv())
                except (OSError, EOFError):
                    outcome.append((False, None))

        def wait() -> Any:
            take()
            done, value = outcome[0]
            if not done:
                value = work(*args)
                outcome[0] = True, value
            return value

        with suppress(OSError):
            self._connection.send((work, args))
        self._take = take
        return wait


def _help(ours: Connection, theirs: Connection, prepare: Callable[[], object], parent: int) -> None:
    """The other side: does what comes, until this side is closed or gone."""
    ours.close()
    _belong_to(parent)
    with suppress(Exception):  # the work will meet it again
        prepare()
    with suppress(Exception):  # who waits does the work
        while True:
            work, args = theirs.recv()
            try:
                theirs.send((True, work(*args)))
            except Exception:  # who asked does it again, and meets the same
                theirs.send((False, None))


def _context() -> Any:
    from multiprocessing import get_all_start_methods, get_context

    return get_context("fork" if "fork" in get_all_start_methods() else "spawn")


def _start(work: Callable[[Any], Any], parent: int) -> None:
    """A worker gets once, when it starts, what its work is and what that needs."""
    global _work
    _work = work
    _belong_to(parent)


def _belong_to(parent: int) -> None:
    """Lets this process end when, and only when, `parent` has it end or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches us too

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _do(item: Any) -> Any:
    return _work(item)
