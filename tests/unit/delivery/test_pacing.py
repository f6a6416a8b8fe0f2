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
    Backoff,
    after,
    next_doubt,
    next_try,
    slots,
)
from newsroom import MOMENT

RATES = st.floats(0.1, 5000)


@given(RATES, st.integers(1, 8), st.lists(st.floats(0, 2), min_size=1, max_size=60))
def test_slots_are_never_closer_than_the_rate_allows(
    rate: float, wanted: int, pauses: list[float]
) -> None:
    """However many ask, and however long they were away."""
    next_at, now = 0.0, 1e9
    taken: list[float] = []
    for pause in pauses:
        now += pause
        booked = slots(next_at, now, rate, wanted)
        assert all(now <= moment <= now + HORIZON_S for moment in booked.moments)
        assert len(booked.moments) == wanted or booked.wait > 0
        next_at = after(booked.moments, next_at, rate)
        taken += booked.moments
    assert all(later - first >= 1 / rate - 1e-6 for first, later in pairwise(taken))


@given(RATES)
def test_after_the_announced_wait_there_is_a_slot(rate: float) -> None:
    """Waiting that long is enough."""
    booked = slots(1e9 + 20 / rate, 1e9, rate, 1)
    if not booked.moments:
        assert slots(1e9 + 20 / rate, 1e9 + booked.wait + 1e-6, rate, 1).moments


def test_a_clock_that_was_set_back_stops_nothing() -> None:
    """A booking too far in the future is ignored."""
    assert slots(2e9, 1e9, 50, 1).moments == (1e9,)


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
