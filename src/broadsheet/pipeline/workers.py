"""Work on all cores where there is enough to do, and on one otherwise."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_In = TypeVar("_In")
_Out = TypeVar("_Out")

_WATCH = 0.5  # seconds
_PATIENCE = 10.0  # seconds; to take a share takes no time
_ROOM = 1 << 20  # bytes; the most that Linux gives without being asked by the system's owner


def spread(
    work: Callable[[_In], _Out],
    items: Sequence[_In],
    *,
    worth_a_worker: int,
    workers: int | None = None,
    before: Callable[[], object] = lambda: None,
    meanwhile: Callable[[], object] = lambda: None,
    aside: bool = False,
) -> Iterator[_Out]:
    """What `work` makes of each of `items`, in their order.

    worth_a_worker: how many items each process must have at least; starting one takes about as
    long as these. workers: how many processes at most; None: as many as there are cores.
    Where there are several: before is called before they start, and makes what each would else
    make for itself; meanwhile is called when they are at work, for what this process needs next.
    aside: whether what is too little for several is done by one beside `meanwhile`, which takes
    longer than to start it; without `before`, since that one has the time.
    What fails elsewhere, or is at work in a process that is killed, is done here.
    """
    count = min(workers or os.cpu_count() or 1, len(items) // worth_a_worker)
    if count <= 1:
        if aside and items and (workers or os.cpu_count() or 1) > 1 and hasattr(os, "fork"):
            yield from _aside(work, items, meanwhile)
        else:
            yield from map(work, items)
        return
    before()
    size = max(min(worth_a_worker, 64) // 4, 1)
    shares = [items[start : start + size] for start in range(0, len(items), size)]
    with _crew(count, work, shares) as readers:
        meanwhile()
        for made in _gathered(readers, work, shares):
            yield from made


class Elsewhere(BaseException):
    """Raised by work that only the process which began it can do; no error handler's to catch."""


def _aside(
    work: Callable[[_In], _Out], items: Sequence[_In], meanwhile: Callable[[], object]
) -> Sequence[_Out]:
    """What `work` makes of `items` in a process of its own, beside `meanwhile`.

    By the system's own means: to import Python's takes as long as a few items.
    """
    reader, writer = os.pipe()
    here = os.getpid()
    try:
        with _uninterrupted():
            child = os.fork()
        if not child:
            os.close(reader)
            _belong_to(here)
            with os.fdopen(writer, "wb") as file:
                pickle.dump([*map(work, items)], file)
    except OSError:
        if os.getpid() == here:  # there may be no more processes
            os.close(reader)
            os.close(writer)
            return [*map(work, items)]
    finally:
        if os.getpid() != here:  # whatever was raised: who waits does it again, and meets the same
            os._exit(0)
    os.close(writer)
    try:
        meanwhile()
        with os.fdopen(reader, "rb", closefd=False) as file:
            made: Sequence[_Out] = pickle.load(file)  # noqa: S301 - it is our own
    except (EOFError, OSError, pickle.UnpicklingError):
        made = [*map(work, items)]
    finally:
        os.close(reader)
        with suppress(OSError):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return made


@contextmanager
def _crew(
    count: int, work: Callable[[_In], _Out], shares: Sequence[Sequence[_In]]
) -> Iterator[list[Connection]]:
    """That many processes, or as many as there may be, each of which takes one of `shares` after
    the other; yields where to hear from them."""
    context = _context()
    try:
        taken = context.Value("l", 0)
    except (OSError, ImportError):  # no memory that processes can share, as in some containers
        yield []
        return
    readers: list[Connection] = []
    processes = []
    try:
        for _ in range(count):
            reader, writer = context.Pipe(duplex=False)
            _widen(reader)
            given = work, shares, taken, writer, os.getpid()
            process = context.Process(target=_serve, args=given, daemon=True)
            readers.append(reader)
            try:
                with _uninterrupted():
                    process.start()
                    processes.append(process)
            except OSError:  # there may be no more processes
                break
            finally:
                writer.close()
        yield readers
    finally:
        for reader in readers:
            reader.close()
        for process in processes:
            process.kill()  # nothing of theirs is left to lose, and SIGTERM may be ignored here
            process.join()


def _widen(pipe: Connection) -> None:
    """Lets more lie in `pipe`, where the system can: else who writes waits while we are at work."""
    with suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _ROOM)


def _serve(
    work: Callable[[_In], _Out],
    shares: Sequence[Sequence[_In]],
    taken: Any,
    writer: Connection,
    parent: int,
) -> None:
    """A process of a crew."""
    _belong_to(parent)
    # One that was killed in its turn would keep the others waiting for ever.
    while taken.get_lock().acquire(timeout=_PATIENCE):
        number = taken.value
        taken.value += 1
        taken.get_lock().release()
        if number >= len(shares):
            return
        made = None
        with suppress(Exception, Elsewhere):  # who waits does it again, and meets the same
            made = [work(item) for item in shares[number]]
        writer.send((number, made))


def _gathered(
    readers: Iterable[Connection], work: Callable[[_In], _Out], shares: Sequence[Sequence[_In]]
) -> Iterator[Sequence[_Out]]:
    """What was made of each of `shares`, in their order."""
    from multiprocessing.connection import wait

    open_ = set(readers)
    early: dict[int, Sequence[_Out] | None] = {}
    for number, share in enumerate(shares):
        while number not in early and open_:
            for reader in open_.intersection(wait(open_)):
                try:
                    another, made = reader.recv()
                    early[another] = made
                except (OSError, EOFError):
                    open_.remove(reader)
        made = early.pop(number, None)
        yield [work(item) for item in share] if made is None else made


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
        with _uninterrupted():
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
        process.kill()
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


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Lets Ctrl-C wait, where the system can, while a process is started.

    What libraries have Python do before and after that may not fail, so there it would be lost; and
    the new one would not know yet that it is not meant. It goes on waiting there for good.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    here = os.getpid()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        if os.getpid() == here:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _belong_to(parent: int) -> None:
    """Lets this process end when, and only when, `parent` has it end or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches us too

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH)
        os._exit(1)

    with suppress(RuntimeError):  # there may be no more threads
        threading.Thread(target=watch, daemon=True).start()
