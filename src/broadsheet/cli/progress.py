"""A progress bar on a terminal; none for pipes, logs and cron."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from broadsheet.cli.options import Options
from broadsheet.cli.terminal import raw
from broadsheet.pipeline.memo import Advance
from broadsheet.pipeline.memo import Progress as Shown

_WORTH_A_BAR = 200  # steps; fewer are done before anyone could read it


@contextmanager
def progress(
    steps: int, options: Options, what: str, fewest: int = _WORTH_A_BAR
) -> Iterator[Advance]:
    """Yield a function to call with the number of steps done. what: is being done.

    fewest: steps for which a bar is shown.
    """
    if options.quiet or not sys.stderr.isatty() or steps < fewest:
        yield lambda number: None  # noqa: ARG005
        return
    from rich.console import Console  # 40 ms, which runs without a bar do without
    from rich.progress import Progress

    with Progress(console=Console(file=raw(sys.stderr)), transient=True) as bar:
        task = bar.add_task(what, total=steps)
        yield lambda number: bar.advance(task, number)


def progress_of(options: Options) -> Shown:
    """Return what shows the progress of the steps of a run; those without a label go unseen."""
    return lambda label, count: progress(count if label else 0, options, label)
