"""Runs of `deliver` that are stopped (SIGSTOP) past every timeout and continued: everyone gets an
issue, and only once.
"""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broadsheet.delivery import batcher, locks
from broadsheet.delivery.pacing import Clock
from broadsheet.delivery.transports._wire import Patience
from deliveries import Post, stop_repeatedly
from newsroom import MOMENT
from processes import ended_within, until

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]


@pytest.mark.parametrize(
    "connections", [4, *(pytest.param(count, marks=pytest.mark.long) for count in (1, 16))]
)
def test_a_run_stopped_past_its_timeouts_sends_nothing_twice(
    office: Post, connections: int
) -> None:
    """Answers that arrived meanwhile wait in the socket, and count."""
    stop_repeatedly(office, connections, 1, others=False)


@pytest.mark.long
def test_a_run_that_starts_while_another_is_stopped_sends_nothing_twice(office: Post) -> None:
    """It leaves the claims of the stopped run alone, although their lease has expired."""
    stop_repeatedly(office, 4, 1, others=True)


@pytest.mark.long
@pytest.mark.parametrize("others", [False, True])
@pytest.mark.parametrize("connections", [1, 4, 16])
def test_stops_at_ten_instants_send_nothing_twice(
    office: Post, connections: int, others: bool
) -> None:
    """The same, more often."""
    stop_repeatedly(office, connections, 10, others=others)


@pytest.mark.nightly
@pytest.mark.parametrize("others", [False, True])
@pytest.mark.parametrize("connections", [1, 4, 16])
def test_stops_at_sixty_instants_send_nothing_twice(
    office: Post, connections: int, others: bool
) -> None:
    """The longest form."""
    stop_repeatedly(office, connections, 60, others=others)


@pytest.fixture
def leap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], object]:
    """Move the wall clock of all runs two hours ahead, as after a machine has slept."""
    file = tmp_path / "leap"

    def clock(_: Clock) -> datetime:
        return MOMENT + (datetime.now(UTC) - begun) + timedelta(hours=2 * file.exists())

    begun = datetime.now(UTC)
    monkeypatch.setattr(Clock, "__call__", clock)
    return file.touch


def _stopped_before_the_dot(office: Post, leap: Callable[[], object]) -> tuple[int, list[str]]:
    """Return a run that was stopped while the server handles recipients, and their addresses."""
    office.configure(connections=4, timeout=10)
    office.server.order(delay_rcpt=1.0)
    first = office.begin()
    until(lambda: len(office.server.asked_for()) == 4)
    office.pause(first)
    leap()
    return first, [row["address"] for row in office.rows() if row["state"] == "claimed"]


def test_past_its_lease_a_run_renews_its_claims(office: Post, leap: Callable[[], object]) -> None:
    """If no other run took them over, it continues with new leases."""
    addresses = office.subscribe(8)
    first, in_hand = _stopped_before_the_dot(office, leap)
    leases = {row["address"]: row["lease"] for row in office.rows() if row["lease"]}
    office.kill(first, signal.SIGCONT)
    until(
        lambda: any(row["lease"] and row["lease"] > max(leases.values()) for row in office.rows())
    )
    assert office.end(first) == 0
    assert len(in_hand) == 4
    assert office.received() == dict.fromkeys(addresses, 1)


def test_past_its_lease_a_run_sends_nothing_that_another_took_over(
    office: Post, leap: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a lock that proves it is alive, the lease decides; claims that were taken over are
    not completed."""
    monkeypatch.setattr(locks, "lock_folder", lambda _file: None)  # as on a server
    addresses = office.subscribe(8)
    first, in_hand = _stopped_before_the_dot(office, leap)
    office.server.order()
    second = office.begin()
    assert office.end(second) == 0
    assert set(in_hand) <= set(office.received())
    office.kill(first, signal.SIGCONT)
    assert office.end(first) == 0
    assert office.received() == dict.fromkeys(addresses, 1)
    assert set(office.states()) == {"sent"}


def test_past_its_lease_a_run_leaves_claims_of_others_alone(
    office: Post, leap: Callable[[], object]
) -> None:
    """Even if the other run has not sent the mail: it waits for the next run."""
    addresses = office.subscribe(8)
    first, in_hand = _stopped_before_the_dot(office, leap)
    office.server.order()
    with closing(sqlite3.connect(office.newsroom.folder / "broadsheet.db")) as other, other:
        other.execute("UPDATE deliveries SET sender = 999 WHERE state = 'claimed'")
    office.kill(first, signal.SIGCONT)
    assert office.end(first) == 0
    assert not set(in_hand) & set(office.received())
    assert office.deliver().code == 0
    assert office.received() == dict.fromkeys(addresses, 1)


@pytest.mark.long
def test_sent_mails_are_recorded_after_a_long_lock(
    office: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While another program holds a transaction open, the run claims nothing more, but waits to
    record what it has sent."""
    monkeypatch.setattr(batcher, "DATABASE_TIMEOUT_S", 0.5)
    addresses = office.subscribe(40)
    office.server.order(delay=0.1)
    first = office.begin()
    office.server.wait_for(4)
    with closing(sqlite3.connect(office.newsroom.folder / "broadsheet.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        sent = len(office.server.taken())
        assert not ended_within(first, 5)  # two tries
        assert len(office.server.taken()) <= sent + 4
        other.rollback()
    office.end(first)
    assert office.deliver().code == 0
    assert office.received() == dict.fromkeys(addresses, 1)


class _Clocks:
    """The monotonic and the wall clock, set by a test."""

    def __init__(self) -> None:
        self.now = [1000.0, 5000.0]

    def __call__(self) -> tuple[float, float]:
        return self.now[0], self.now[1]


@pytest.mark.parametrize("clocks", [(0,), (1,), (0, 1)], ids=["stopped", "asleep", "both"])
def test_a_clock_that_leaps_restarts_the_timeout(clocks: tuple[int, ...]) -> None:
    """A stopped process misses the monotonic clock, a machine that sleeps the wall clock."""
    now = _Clocks()
    patience = Patience(10.0, now)
    for _ in range(9):
        assert patience.begin() == 1.0
        now.now = [each + 1.0 for each in now.now]
        assert not patience.over(happened=False)
    patience.begin()
    for each in clocks:
        now.now[each] += 3600.0
    assert not patience.over(happened=False)
    waited = 0.0
    while True:
        wait = patience.begin()
        waited += wait
        now.now = [each + wait for each in now.now]
        if patience.over(happened=False):
            break
    assert waited == 10.0


def test_the_last_wait_lets_the_socket_be_read() -> None:
    """Only a wait that took no time, and in which nothing happened, ends the timeout."""
    now = _Clocks()
    patience = Patience(0.4, now)
    assert patience.begin() == 0.4
    now.now[0] += 0.5
    assert not patience.over(happened=False)
    assert patience.begin() == 0.0
    assert not patience.over(happened=True)
    assert patience.begin() == 0.0
    assert patience.over(happened=False)
