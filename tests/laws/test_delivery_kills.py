"""Killed, stopped and concurrent runs of `deliver`: everyone gets an issue, and only once.

The server of these tests records a mail before it answers; a recorded mail counts as delivered,
whatever the sender knows.
"""

from __future__ import annotations

import os
import random
import signal

import pytest

from deliveries import Post, at
from laws import long
from processes import ended_within, until

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]

CONNECTIONS = 4


def _kill_repeatedly(office: Post, kills: int, people: int, part: int = 0) -> None:
    """Kill runs at random instants, then let one finish, and check what arrived."""
    addresses = office.subscribe(people)
    office.configure(connections=CONNECTIONS)
    dice = random.Random(kills + part)
    for _ in range(kills):
        before = office.received()
        child = office.begin()
        if dice.random() < 0.8:
            done = sum(before.values())
            until(lambda done=done: len(office.server.taken()) > done)  # type: ignore[misc]
        ended_within(child, dice.random() * 0.1)
        office.kill(child)
        assert office.end(child) == -signal.SIGKILL, "more subscribers are needed"
        after = office.received()
        twice_now = sum(after[who] - max(1, before[who]) for who in after if after[who] > 1)
        in_hand = [row for row in office.rows() if row["state"] == "claimed"]
        assert len(in_hand) <= CONNECTIONS
        # This run sends again what an earlier kill left in doubt, and nothing else.
        assert twice_now <= CONNECTIONS
    assert office.deliver().code == 0
    assert set(office.states()) == {"sent"}
    received = office.received()
    assert set(received) == set(addresses), "a reader got no mail"
    assert sum(received.values()) - people <= CONNECTIONS * kills
    assert max(received.values()) <= 2, "a reader got it more than twice"
    assert all(len(ids) == 1 for ids in office.ids().values()), "a second copy has another id"


def test_kills_at_some_instants_lose_no_mail(office: Post) -> None:
    """Everyone gets the issue, with at most one extra copy per connection and kill."""
    _kill_repeatedly(office, 4, 350)


@pytest.mark.long
@pytest.mark.parametrize("part", range(5))
def test_kills_at_two_hundred_instants_lose_no_mail(office: Post, part: int) -> None:
    """The same, ten times as often, in parts that run in parallel."""
    _kill_repeatedly(office, 40, 3000, part)


@pytest.mark.nightly
def test_one_delivery_killed_two_hundred_times_loses_no_mail(office: Post) -> None:
    """The same for one issue with many readers."""
    _kill_repeatedly(office, 200, 15000)


@pytest.mark.parametrize("senders", [3, *long(2, 4)])
def test_concurrent_runs_send_nothing_twice(office: Post, senders: int) -> None:
    """Concurrent runs share the work."""
    people = 120
    addresses = office.subscribe(people)
    children = [office.begin() for _ in range(senders)]
    assert [office.end(child) for child in children] == [0] * senders
    assert office.received() == dict.fromkeys(addresses, 1)
    assert set(office.states()) == {"sent"}


def test_a_run_stopped_past_its_lease_keeps_its_mails(office: Post) -> None:
    """No other run sends the mails that a stopped run has claimed; it continues where it was
    stopped."""
    addresses = office.subscribe(120)
    office.server.order(delay=0.01)
    first = office.begin()
    office.server.wait_for(10)
    office.pause(first)
    try:
        in_hand = [row["address"] for row in office.rows() if row["state"] == "claimed"]
        # For this run, which is some days later, the lease expired long ago.
        second = office.begin(now=at(days=1))
        office.end(second)
        held = [row["address"] for row in office.rows() if row["state"] == "claimed"]
        assert held == in_hand
        assert office.states()["sent"] == 120 - len(in_hand)
    finally:
        os.kill(first, signal.SIGCONT)
    assert office.end(first) == 0
    assert office.received() == dict.fromkeys(addresses, 1)
    assert set(office.states()) == {"sent"}


def test_the_claims_of_a_killed_run_are_free_at_once(office: Post) -> None:
    """The lock is released with the process, so the next run need not wait for the lease."""
    addresses = office.subscribe(60)
    office.server.order(delay=0.01)
    first = office.begin()
    office.server.wait_for(10)
    office.pause(first)
    office.kill(first)
    office.end(first)
    assert office.deliver().code == 0
    assert set(office.received()) == set(addresses)
    assert sum(office.received().values()) <= 60 + CONNECTIONS
    assert set(office.states()) == {"sent"}


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_finishes_the_mails_in_flight(office: Post, name: str) -> None:
    """No row stays claimed, nothing arrives twice, and the next run does the rest."""
    addresses = office.subscribe(150)
    office.server.order(delay=0.02)
    child = office.begin()
    office.server.wait_for(10)
    office.kill(child, getattr(signal, name))
    assert office.end(child) == 130
    assert set(office.states()) == {"sent", "pending"}
    assert office.states()["sent"] == len(office.server.taken()) < 150
    office.server.order()
    assert office.deliver().code == 0
    assert office.received() == dict.fromkeys(addresses, 1)


def test_with_hold_doubtful_mails_are_not_sent_again(office: Post) -> None:
    """The publisher decides: `--only in_doubt` sends them."""
    office.configure(in_doubt="hold")
    addresses = office.subscribe(80)
    office.server.order(delay=0.01)
    child = office.begin()
    office.server.wait_for(20)
    office.kill(child)
    office.end(child)
    office.server.order()
    office.deliver()
    states = office.states()
    assert 0 < states["in_doubt"] <= CONNECTIONS
    assert states["sent"] == 80 - states["in_doubt"]
    assert max(office.received().values()) == 1
    assert office.deliver("--only", "in_doubt").code == 0
    assert set(office.received()) == set(addresses)
    assert set(office.states()) == {"sent"}


def test_mails_of_a_killed_run_do_not_depend_on_the_clock(office: Post) -> None:
    """They are sent even if the clock was an hour ahead when they were found."""
    addresses = office.subscribe(60)
    office.server.order(delay=0.02)
    child = office.begin()
    office.server.wait_for(8)
    office.kill(child)
    office.end(child)
    office.deliver("--limit", "1", now=at(minutes=60))  # finds the claimed rows, and leaves them
    assert office.states()["in_doubt"] > 0
    assert office.deliver().code == 0
    assert office.states() == {"sent": 60}
    assert set(office.received()) == set(addresses)


def test_resending_failures_reopens_a_finished_issue(office: Post) -> None:
    """Otherwise the mails of a killed `--only failed` would stay in doubt for ever."""
    office.server.order(rcpt={"*": "554 5.7.1 not now"})
    addresses = office.subscribe(60)
    assert office.deliver().code == 1
    assert office.states() == {"failed": 60}
    office.server.order(delay=0.02)
    child = office.begin("--only", "failed")
    office.server.wait_for(8)
    office.kill(child)
    office.end(child)
    assert office.states()["claimed"] > 0
    office.server.order()
    assert office.deliver().code == 0
    assert set(office.states()) == {"sent", "failed"}
    assert office.deliver("--only", "failed").code == 0
    assert set(office.received()) == set(addresses)
    assert office.states() == {"sent": 60}
    assert '"done": "2025' in office.newsroom.run("status", "--json").out
