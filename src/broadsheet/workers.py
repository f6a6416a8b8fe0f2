"""Work on many things, on all cores where there is enough to do and on one otherwise."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

_In = TypeVar("_In")
_Out = TypeVar("_Out")

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
    from multiprocessing import get_all_start_methods, get_context

    before()
    context = get_context("fork" if "fork" in get_all_start_methods() else "spawn")
    with ProcessPoolExecutor(count, context, _start, (work,)) as pool:
        results = pool.map(_do, items, chunksize=max(min(worth_a_worker, 64) // 4, 1))
        meanwhile()
        yield from results


def _start(work: Callable[[Any], Any]) -> None:
    """A worker gets once, when it starts, what its work is and what that needs."""
    global _work
    _work = work


def _do(item: Any) -> Any:
    return _work(item)
