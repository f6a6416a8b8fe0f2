"""When to send: the clock, the pace of all runs together, and waits. Pure, except for the clock.

The moment of the next message is a row of the database, which each message reads and advances.
Waits grow, with jitter, so that mails deferred together are not all tried again together.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

HORIZON_S: Final = 0.25
"""How far ahead of its moment a message may be claimed, so that no moment is missed."""

LONGEST_RETRY_S: Final = 6 * 3600.0
LONGEST_DOUBT_S: Final = 18 * 3600.0
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 60.0

_STRAY_S: Final = 60.0  # a moment further ahead than this was booked before the clock was set back
_JITTER: Final = 0.2

Dice = Callable[[], float]
"""Returns a random number in [0, 1)."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The times of a delivery. shift: of the ledger's time from the wall clock, for `--now`."""

    shift: timedelta = timedelta()

    @classmethod
    def starting(cls, now: datetime) -> Clock:
        """Return a clock whose ledger time is `now` (aware) at this moment, and runs from there."""
        return cls(now - datetime.now(UTC))

    def __call__(self) -> datetime:
        """Return the time of the ledger, aware."""
        return datetime.now(UTC) + self.shift

    def wall(self) -> float:
        """Return the seconds since 1970, whatever `shift` is; it runs while the machine sleeps."""
        return time.time()

    def steady(self) -> float:
        """Return the seconds of a clock that is never set (CLOCK_MONOTONIC)."""
        return time.monotonic()


@dataclass(frozen=True, slots=True)
class Slots:
    """moments: when to send, in seconds since 1970, each at most HORIZON_S ahead.

    wait: seconds until asking again makes sense, if there are fewer than were wanted.
    """

    moments: tuple[float, ...]
    wait: float = 0.0


def slots(next_at: float, now: float, rate: float, wanted: int) -> Slots:
    """Return the moments of the next `wanted` messages at `rate` a second; 0 for no limit.

    next_at: the first free moment. It and now: in seconds since 1970. Unused moments are lost: no
    second has more than `rate` messages.
    """
    if rate == 0:
        return Slots((now,) * wanted)
    interval = 1 / rate
    if next_at > now + interval + HORIZON_S + _STRAY_S:
        next_at = now
    slot = max(next_at, now)
    moments: list[float] = []
    while len(moments) < wanted and slot <= now + HORIZON_S:
        moments.append(slot)
        slot += interval
    missing = len(moments) < wanted
    return Slots(tuple(moments), max(0.0, slot - HORIZON_S - now) if missing else 0.0)


def after(moments: tuple[float, ...], next_at: float, rate: float) -> float:
    """Return the first free moment after `moments` are taken."""
    return moments[-1] + 1 / rate if moments and rate else next_at


def next_try(now: datetime, attempts: int, first_wait: float, dice: Dice) -> datetime:
    """Return when to try a mail again that was deferred for the `attempts`-th time.

    first_wait: seconds; each further wait is twice as long, give or take a fifth.
    """
    wait = min(first_wait * 2.0 ** min(attempts - 1, 30), LONGEST_RETRY_S)
    return now + timedelta(seconds=wait * _jitter(dice))


def next_doubt(now: datetime, attempts: int, first_wait: float, dice: Dice) -> datetime:
    """Return when to send a mail again that the server may have accepted.

    Each time may be another copy, so the waits grow faster than those of `next_try`.
    """
    wait = min(first_wait * 6.0 ** min(attempts - 1, 30), LONGEST_DOUBT_S)
    return now + timedelta(seconds=wait * _jitter(dice))


def _jitter(dice: Dice) -> float:
    return 1 - _JITTER + 2 * _JITTER * dice()


class Backoff:
    """Pauses all connections to a server that defers mail.

    rounds: consecutive pauses without an accepted mail. Times are seconds of a steady clock.
    """

    def __init__(self, dice: Dice) -> None:
        self._dice = dice
        self._pause = 0.0
        self.free_at = 0.0
        self.rounds = 0

    def slow(self, now: float) -> None:
        """Pause: the server deferred a mail or did not answer. No effect during a pause."""
        if now < self.free_at:
            return
        self._pause = min(max(self._pause * 2, FIRST_PAUSE_S), LONGEST_PAUSE_S)
        self.free_at = now + self._pause * _jitter(self._dice)
        self.rounds += 1

    def release(self) -> None:
        """Shorten the next pause: the server accepted a mail."""
        self.rounds = 0
        self._pause = self._pause / 2 if self._pause > FIRST_PAUSE_S else 0.0
