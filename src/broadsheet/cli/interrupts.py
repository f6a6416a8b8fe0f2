"""Ctrl-C that is never lost."""

from __future__ import annotations

import signal
import sys
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Hook = Callable[[sys.UnraisableHookArgs], object]

_SOON = 0.02  # seconds; the uninterruptible code is done by then


@cache
def insist() -> None:
    """Repeat a Ctrl-C that arrives where Python cannot raise, such as in a finaliser.

    Python reports that to its hook, and continues. Stays in effect until the process ends.
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
    """Send Ctrl-C to the main thread, even if it is waiting."""
    if hasattr(signal, "pthread_kill"):
        from threading import main_thread

        signal.pthread_kill(main_thread().ident or 0, signal.SIGINT)
    else:
        from _thread import interrupt_main

        interrupt_main()
