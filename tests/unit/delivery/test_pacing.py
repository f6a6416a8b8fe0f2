"""When to send, with the time and the random numbers given: pace, waits, backoff."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.delivery.pacing import (
    HORIZON_S,
    LONGEST_RETRY_S,
    QUARTER_S,
    Backoff,
    Pace,
    next_doubt,
    next_try,
    slots,
)
from newsroom import MOMENT

RATES = st.floats(0.1, 5000)


@given(RATES, st.lists(st.tuples(st.integers(0, 3), st.floats(0, 2)), min_size=1, max_size=60))
def test_no_moment_is_used_twice_and_none_too_late(
    rate: float, asks: list[tuple[int, float]]
) -> None:
    """Of several runs, however often they ask and however long they were away: in any time, there
    are no more messages than the rate allows in it and a quarter of a second."""
    runs = [Pace(rate) for _ in range(4)]
    next_at, now = 0.0, 1e9
    used: list[float] = []
    for run, pause in asks:
        now += pause
        if size := runs[run].to_book():
            booked = slots(next_at, now, rate, size)
            next_at = booked[-1] + 1 / rate
            runs[run].add(booked)
        taken = runs[run].take(3, now)
        assert all(now - QUARTER_S <= moment <= now + HORIZON_S for moment in taken)
        used += taken
    used.sort()
    assert all(later - first >= 1 / rate - 1e-6 for first, later in pairwise(used))


def test_a_run_books_what_it_uses() -> None:
    """More each time, up to a quarter of a second; fewer once moments were lost."""
    run, sizes, now = Pace(400), [], 1e9
    for _ in range(9):
        sizes.append(run.to_book())
        run.add(slots(0, now, 400, sizes[-1]))
        now += QUARTER_S
        assert len(run.take(1000, now)) == sizes[-1]
    assert sizes == [2, 4, 8, 16, 32, 64, 100, 100, 100]
    run.add(slots(0, now, 400, run.to_book()))
    assert len(run.take(30, now)) == 30
    assert run.take(30, now + 1) == []
    assert run.to_book() == 30


def test_moments_that_were_not_used_come_first() -> None:
    """What is given back is taken again."""
    run = Pace(10)
    run.add(slots(0, 1e9, 10, 3))
    taken = run.take(3, 1e9 + 0.01)
    run.give_back(taken[1:])
    assert taken[1:] == run.take(3, 1e9 + 0.01)
    assert run.wait(1e9) == 0.0


def test_a_clock_that_was_set_back_stops_nothing() -> None:
    """A booking too far in the future is ignored."""
    assert slots(2e9, 1e9, 50, 1) == (1e9,)


def test_waits_grow_and_differ() -> None:
    """About twice as long each time, up to some hours, and never the same for all."""
    for attempts in range(1, 40):
        low, high = (next_try(MOMENT, attempts, 300, lambda d=dice: d) for dice in (0.0, 0.999))  # type: ignore[misc]
        middle = min(300 * 2.0 ** (attempts - 1), LONGEST_RETRY_S)
        assert (low - MOMENT).total_seconds() == pytest.approx(middle * 0.8)
        assert (high - MOMENT).total_seconds() == pytest.approx(middle * 1.2, rel=0.01)


def test_doubtful_mails_are_resent_a_few_times_only() -> None:
    """A server that never confirms costs a reader a handful of copies in four days, not twenty."""
    now, copies = MOMENT, 1
    while now < MOMENT + timedelta(days=4):
        now = next_doubt(now, copies, 300, lambda: 0.5)
        copies += 1
    assert copies <= 10
    assert next_doubt(MOMENT, 40, 300, lambda: 0.999) - MOMENT < timedelta(days=1)


def test_the_backoff_grows_and_ends() -> None:
    """Simultaneous failures count once; a success resets it."""
    backoff = Backoff(lambda: 0.5)
    pauses, now = [], 0.0
    for _ in range(12):
        backoff.slow(now)
        backoff.slow(now)
        pauses.append(backoff.free_at - now)
        now = backoff.free_at
    assert pauses[:4] == [0.5, 1.0, 2.0, 4.0]
    assert max(pauses) == 60.0
    assert backoff.rounds == 12
    backoff.release()
    assert backoff.rounds == 0
