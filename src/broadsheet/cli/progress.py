"""A progress bar for people who wait; none for pipes, logs and cron."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from broadsheet.cli.options import Options
from broadsheet.cli.terminal import raw

_WORTH_A_BAR = 200  # steps; fewer are over before anyone could read it


@contextmanager
def progress(
    steps: int, options: Options, what: str = "Rendering"
) -> Iterator[Callable[[], object]]:
    """Yield a function to call after each of `steps`. what: is being done."""
    if options.quiet or not sys.stderr.isatty() or steps < _WORTH_A_BAR:
        yield lambda: None
        return
    from rich.console import Console  # costs 0.1 s, for the few who see it
    from rich.progress import Progress

    with Progress(console=Console(file=raw(sys.stderr)), transient=True) as bar:
        task = bar.add_task(what, total=steps)
        yield lambda: bar.advance(task)
