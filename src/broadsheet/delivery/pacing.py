"""When to send: the clock, the pace of all runs together, and waits. Pure, except for the clock.

The moment of the next message is a row of the database. Each run books some moments at once, about
as many as it uses in a quarter of a second, so that runs rarely wait for the row. Waits grow, with
jitter, so that mails deferred together are not all tried again together.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

HORIZON_S: Final = 0.25
"""How far ahead of its moment a message may be claimed, so that no moment is missed."""

QUARTER_S: Final = 0.25
"""How long the moments may last that are booked at once, and how late one may be used."""

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


def slots(next_at: float, now: float, rate: float, wanted: int) -> tuple[float, ...]:
    """Return the moments of the next `wanted` messages at `rate` a second; 0 for no limit.

    next_at: the first free moment. It and now: in seconds since 1970.
    """
    if rate == 0:
        return (now,) * wanted
    first = now if next_at > now + _STRAY_S + 1 / rate else max(next_at, now)
    return tuple(first + place / rate for place in range(wanted))


class Pace:
    """The moments that a run has booked. rate: messages a second; 0 for no limit.

    bounded: whether there is a limit for each day, so that messages are booked even without a rate.
    Times are in seconds since 1970.
    """

    def __init__(self, rate: float, *, bounded: bool = False) -> None:
        self.rate = rate
        self.unlimited = rate == 0 and not bounded
        self._moments: deque[float] = deque()
        self._used = self._lost = 0
        self._size = 1

    def take(self, wanted: int, now: float) -> list[float]:
        """Return moments for up to `wanted` messages, each at most HORIZON_S ahead."""
        if self.unlimited:
            return [now] * wanted
        while self.rate and self._moments and self._moments[0] < now - QUARTER_S:
            self._moments.popleft()
            self._lost += 1
        taken: list[float] = []
        while len(taken) < wanted and self._moments and self._moments[0] <= now + HORIZON_S:
            taken.append(self._moments.popleft())
        self._used += len(taken)
        return taken

    def give_back(self, moments: Sequence[float]) -> None:
        """Return moments that were taken and not used."""
        if not self.unlimited:
            self._moments.extendleft(reversed(moments))
            self._used -= len(moments)

    def to_book(self) -> int:
        """Return how many moments to book now: more each time, fewer if some were lost."""
        if self.unlimited or self._moments:
            return 0
        most = max(1, int((self.rate or 400) * QUARTER_S))
        self._size = min(most, max(1, self._used if self._lost else self._size * 2))
        self._used = self._lost = 0
        return self._size

    def add(self, moments: Sequence[float]) -> None:
        """Add moments that were booked."""
        self._moments.extend(moments)

    def wait(self, now: float) -> float:
        """Return the seconds until a message may be claimed."""
        return max(0.0, self._moments[0] - HORIZON_S - now) if self._moments else 0.0

    def unused(self) -> int:
        """Return how many booked moments were not used."""
        return len(self._moments)


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
