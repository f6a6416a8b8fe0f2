"""Ctrl-C, heard at every moment."""

from __future__ import annotations

import signal
import sys
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Hook = Callable[[sys.UnraisableHookArgs], object]

_SOON = 0.02  # seconds; by then what nobody can interrupt is done


@cache
def insist() -> None:
    """Lets a Ctrl-C that comes where nothing can be raised come again in a moment; for good.

    Such as while something is thrown away: Python tells its hook for that, and goes on.
    """
    otherwise: Hook = sys.unraisablehook

    def told(what: sys.UnraisableHookArgs) -> None:
        if isinstance(what.exc_value, KeyboardInterrupt):
            from threading import Timer

            again = Timer(_SOON, _interrupt)
            again.daemon = True
            again.start()
        else:
            otherwise(what)

    sys.unraisablehook = told


def _interrupt() -> None:
    """Ctrl-C for the main thread, also where it waits for something."""
    if hasattr(signal, "pthread_kill"):
        from threading import main_thread

        signal.pthread_kill(main_thread().ident or 0, signal.SIGINT)
    else:
        from _thread import interrupt_main

        interrupt_main()
