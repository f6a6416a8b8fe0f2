"""How fast to send, and how long to wait: decisions only, handed the time and the dice.

The pace holds for all runs together: the moment of the next message is one row of the database,
and each message takes it and moves it on. Waits grow, and are jittered so that what was put off
together does not come back together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

HORIZON: Final = 0.25
"""Seconds that a message may be claimed before its moment, so that no moment is missed."""

LONGEST_WAIT: Final = 6 * 3600.0
"""Seconds; no wait for a mail that was put off grows beyond it."""

LONGEST_DOUBT: Final = 18 * 3600.0
"""Seconds; no wait for a mail whose acceptance is in doubt grows beyond it."""

FIRST_PAUSE: Final = 0.5
"""Seconds for which all connections rest when a server puts a mail off; then twice as long."""

_STRAY: Final = 60.0
_JITTER: Final = 0.2
_LONGEST_PAUSE: Final = 60.0

Dice = Callable[[], float]
"""A number from 0 up to 1, another each time."""


@dataclass(frozen=True, slots=True)
class Slots:
    """moments: when to send, in seconds from 1970, each at most HORIZON ahead.

    wait: seconds until it is worth asking again, where there are fewer than were wanted.
    """

    moments: tuple[float, ...]
    wait: float = 0.0


def slots(next_at: float, now: float, rate: float, wanted: int) -> Slots:
    """The moments of the next `wanted` messages at `rate` a second; 0 is no limit.

    next_at: the first that is free, in seconds from 1970. There is no credit for the past: in any
    second there are no more than `rate` moments.
    """
    if rate == 0:
        return Slots((now,) * wanted)
    interval = 1 / rate
    # Nobody books further ahead than this: the clock was set back since.
    if next_at > now + interval + HORIZON + _STRAY:
        next_at = now
    slot = max(next_at, now)
    moments: list[float] = []
    while len(moments) < wanted and slot <= now + HORIZON:
        moments.append(slot)
        slot += interval
    missing = len(moments) < wanted
    return Slots(tuple(moments), max(0.0, slot - HORIZON - now) if missing else 0.0)


def after(moments: tuple[float, ...], next_at: float, rate: float) -> float:
    """The first moment that is free when `moments` are taken."""
    return moments[-1] + 1 / rate if moments and rate else next_at


def next_try(now: datetime, attempts: int, first_wait: float, dice: Dice) -> datetime:
    """When to try again a mail that was put off for the `attempts`-th time.

    first_wait: seconds; each further wait is twice as long, give or take a fifth.
    """
    wait = min(first_wait * 2.0 ** min(attempts - 1, 30), LONGEST_WAIT)
    return now + timedelta(seconds=wait * _jitter(dice))


def next_doubt(now: datetime, attempts: int, first_wait: float, dice: Dice) -> datetime:
    """When to send again what the server may have taken: each time may be one copy more, so that
    the waits grow faster, and longer."""
    wait = min(first_wait * 6.0 ** min(attempts - 1, 30), LONGEST_DOUBT)
    return now + timedelta(seconds=wait * _jitter(dice))


def _jitter(dice: Dice) -> float:
    return 1 - _JITTER + 2 * _JITTER * dice()


class Brake:
    """Slows all connections to a mail server that puts mail off, and frees them when it takes mail.

    rounds: pauses one after another with no mail taken. Moments are seconds of any steady clock.
    """

    def __init__(self, dice: Dice) -> None:
        self._dice = dice
        self._pause = 0.0
        self.free_at = 0.0
        self.rounds = 0

    def slow(self, now: float) -> None:
        """The server put a mail off, or does not answer. What was under way counts once."""
        if now < self.free_at:
            return
        self._pause = min(max(self._pause * 2, FIRST_PAUSE), _LONGEST_PAUSE)
        self.free_at = now + self._pause * _jitter(self._dice)
        self.rounds += 1

    def release(self) -> None:
        """The server took a mail."""
        self.rounds = 0
        self._pause = self._pause / 2 if self._pause > FIRST_PAUSE else 0.0
