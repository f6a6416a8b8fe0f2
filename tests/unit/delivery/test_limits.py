"""Limits of sending: of a domain, and of a day. On SQLite and, with workers, on PostgreSQL."""

from __future__ import annotations

import signal
from datetime import date
from itertools import pairwise
from typing import Any

import pytest

from broadsheet.delivery import jobs, worker
from broadsheet.model.settings import WarmUp
from deliveries import Post, at
from postgresql import OnPostgres, PostgreSQL, on_postgres
from processes import until

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]

SLOW = '\n[delivery.domains."slow.example"]\n{}\n'


@pytest.fixture
def remote(office: Post, postgres: PostgreSQL, monkeypatch: pytest.MonkeyPatch) -> OnPostgres:
    """A newsroom that delivers from PostgreSQL, in small batches."""
    pytest.importorskip("procrastinate")
    monkeypatch.setattr(jobs, "BATCH_ROWS", 10)
    monkeypatch.setattr(worker, "POLL_S", 0.2)
    return on_postgres(office, postgres)


def _mixed(office: Post, number: int) -> list[str]:
    """Subscribe readers of whom half are at slow.example, in any spelling."""
    addresses = [f"r{i}@{'Slow.Example' if i % 2 else 'example.org'}" for i in range(number)]
    office.add({address: {} for address in addresses})
    return addresses


def _times(office: Post, domain: str) -> list[float]:
    return sorted(mail["at"] for mail in office.server.taken() if mail["to"].endswith(f"@{domain}"))


def _check_rate(office: Post, rate: float) -> None:
    times = _times(office, "slow.example")
    assert times[-1] - times[0] >= (len(times) - 1) / rate - 0.3
    for first, later in zip(times, times[10:], strict=False):
        assert later - first > 10 / rate - 0.3, "a burst"
    others = _times(office, "example.org")
    assert others[-1] < times[len(times) // 2], "other mail waits for it"


def test_a_domain_has_a_rate_of_its_own(office: Post) -> None:
    """It holds for two runs together, and mail to other domains does not wait for it."""
    office.configure(SLOW.format("rate = 20"))
    addresses = _mixed(office, 80)
    children = [office.begin(), office.begin()]
    assert [office.end(child) for child in children] == [0, 0]
    assert len(office.received()) == len(addresses)
    assert set(office.received().values()) == {1}
    _check_rate(office, 20)


@pytest.mark.parametrize("limits", ["rate = 20", "connections = 1"])
@pytest.mark.long
def test_workers_keep_the_limits_of_a_domain(remote: OnPostgres, limits: str) -> None:
    """Together; and `deliver` beside them."""
    remote.configure(SLOW.format(limits), database=remote.url)
    remote.server.order(delay=0.02)
    addresses = _mixed(remote, 80)
    remote.deliver("--limit", "1")
    children = [remote.work(), remote.work()]
    assert remote.deliver().code == 0
    until(lambda: remote.states() == {"sent": 80})
    for child in children:
        remote.kill(child, signal.SIGTERM)
        assert remote.end(child) == 0
    assert len(remote.received()) == len(addresses)
    assert set(remote.received().values()) == {1}
    if limits.startswith("rate"):
        _check_rate(remote, 20)
    else:  # each mail takes the server 0.02 s
        assert min(b - a for a, b in pairwise(_times(remote, "slow.example")[2:])) >= 0.015


def test_a_domain_has_connections_of_its_own(office: Post) -> None:
    """One mail at a time: each begins after the one before has ended."""
    office.configure(SLOW.format("connections = 1"), connections=4)
    office.server.order(delay=0.02)
    _mixed(office, 60)
    assert office.deliver().code == 0
    assert min(b - a for a, b in pairwise(_times(office, "slow.example"))) >= 0.015
    assert set(office.received().values()) == {1}


@pytest.mark.long
def test_a_rate_is_kept_by_several_workers(remote: OnPostgres) -> None:
    """By the clock of the server, however much each of them books."""
    remote.configure(rate=40, database=remote.url)
    addresses = remote.subscribe(90)
    remote.deliver("--limit", "1")
    children = [remote.work() for _ in range(3)]
    until(lambda: remote.states() == {"sent": 90})
    for child in children:
        remote.kill(child, signal.SIGTERM)
        assert remote.end(child) == 0
    assert remote.received() == dict.fromkeys(addresses, 1)
    times = sorted(mail["at"] for mail in remote.server.taken())[1:]
    assert times[-1] - times[0] <= 2 * 90 / 40, "slower than the rate"
    for first, later in zip(times, times[40:], strict=False):
        assert later - first > 40 / 40 - 0.35, "a burst"


WARM = "\n[delivery.warm_up]\nbegins = 2025-06-30\nfirst_day = 10\ngrowth = 2\nuntil = 30\n"


def test_a_warm_up_sends_more_each_day(office: Post) -> None:
    """And then everything. What is left waits, and nothing is wrong with it."""
    office.configure(WARM)
    addresses = office.subscribe(100)
    told: list[Any] = []
    for days in (0, 0, 1, 1, 2):
        ran = office.deliver(now=at(days=days))
        assert ran.code == 0
        told.append((office.states()["sent"], "the warm-up allows no more mail" in ran.err))
    assert told == [(10, True), (10, True), (30, True), (30, True), (100, False)]
    assert office.received() == dict.fromkeys(addresses, 1)


def test_workers_share_a_warm_up(remote: OnPostgres) -> None:
    """Batches come back on the next day; `deliver` says so and ends."""
    remote.configure(WARM, database=remote.url)
    remote.subscribe(60)
    children = [remote.begin(), remote.begin()]
    assert [remote.end(child) for child in children] == [0, 0]
    assert remote.states() == {"sent": 10, "pending": 50}
    assert remote.deliver(now=at(days=1)).code == 0
    assert remote.states() == {"sent": 30, "pending": 30}


def test_the_limit_of_a_warm_up_grows_until_there_is_none() -> None:
    """As the config says; before its first day, it is that of the first day."""
    plan = WarmUp(begins=date(2026, 12, 1), first_day=200, growth=1.5, until=1000)
    days = (date(2026, 11, 1), *(date(2026, 12, day) for day in (1, 2, 3, 4, 5)))
    assert [plan.limit(day) for day in days] == [200, 200, 300, 450, 675, None]
    assert plan.limit(date(9999, 1, 1)) is None
    assert WarmUp().limit(date(2026, 12, 1)) is None
