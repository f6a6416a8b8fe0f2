"""Workers on PostgreSQL: killed, stopped, cut off from it, and given every batch twice. Everyone
gets an issue; twice at most the mail in flight on a connection of a worker that was killed.
"""

from __future__ import annotations

import os
import random
import signal

import pytest

from broadsheet.delivery import database, jobs, worker
from deliveries import Post, at
from postgresql import OnPostgres, PostgreSQL, on_postgres
from processes import ended_within, until

pytest.importorskip("procrastinate")
pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]

CONNECTIONS = 4
_TWICE = (
    "INSERT INTO procrastinate_jobs (queue_name, task_name, priority, args) "
    "SELECT queue_name, task_name, priority, args FROM procrastinate_jobs WHERE status = 'todo'"
)


@pytest.fixture
def office(office: Post, postgres: PostgreSQL, monkeypatch: pytest.MonkeyPatch) -> OnPostgres:
    """A newsroom that delivers from PostgreSQL, in small batches, with a quick engine."""
    monkeypatch.setattr(jobs, "BATCH_ROWS", 25)
    monkeypatch.setattr(worker, "POLL_S", 0.2)
    monkeypatch.setattr(worker, "HEARTBEAT_S", 0.2)
    monkeypatch.setattr(worker, "STALLED_S", 1.0)
    monkeypatch.setattr("broadsheet.cli.worker.RESTART_S", 0.5)
    monkeypatch.setattr(database, "IDLE_TRANSACTION_S", 2.0)
    return on_postgres(office, postgres)


class Staff:
    """Some workers, and the issue that they send."""

    def __init__(self, office: OnPostgres, workers: int, people: int, **config: object) -> None:
        office.configure(connections=CONNECTIONS, database=office.url, **config)
        self.office = office
        self.addresses = office.subscribe(people)
        office.deliver("--limit", "1")  # begins the issue
        self.children = [office.work() for _ in range(workers)]
        self.vanished: list[int] = []

    def sent(self) -> int:
        return len(self.office.server.taken())

    def wait_for(self, more: int) -> bool:
        """Wait until the server has accepted so many more mails; return whether some are left."""
        wanted = self.sent() + more
        until(lambda: self.sent() >= wanted or not self.office.states()["pending"], 60)
        return self.sent() >= wanted

    def _is_over(self) -> bool:
        return self.office.states().keys() <= {"sent", "claimed"}

    def replace(self, place: int, now: str) -> None:
        """Kill a worker, and start another."""
        self.office.kill(self.children[place])
        assert self.office.end(self.children[place]) == -signal.SIGKILL
        self.children[place] = self.office.work(now)

    def vanish(self, place: int, now: str) -> None:
        """Stop a worker for ever, as if its machine had lost its network, and start another."""
        self.office.kill(self.children[place], signal.SIGSTOP)
        self.vanished.append(self.children[place])
        self.children[place] = self.office.work(now)

    def complete(self, twice: int) -> None:
        """Wait until everything is sent; end the workers; check that at most `twice` mails are
        there a second time."""
        office = self.office
        while not self._is_over():
            wanted = self.sent() + 50
            until(lambda wanted=wanted: self.sent() >= wanted or self._is_over(), 60)  # type: ignore[misc]
        for child in self.children:
            office.kill(child, signal.SIGTERM)
        for child in self.children:
            assert office.end(child) == 0, (office.newsroom.folder / "out").read_text()
        assert office.deliver(now=at(days=1)).code == 0  # frees what killed workers had claimed
        for child in self.vanished:
            office.kill(child)
            office.end(child)
        assert office.states() == {"sent": len(self.addresses)}
        received = office.received()
        assert set(received) == set(self.addresses), "a reader got no mail"
        assert sum(received.values()) - len(self.addresses) <= twice
        assert all(len(ids) == 1 for ids in office.ids().values()), "a copy has another id"
        assert '"done": "2025' in office.newsroom.run("status", "--json").out
        assert "Traceback" not in (office.newsroom.folder / "out").read_text()


@pytest.fixture(params=[1, 2, 4])
def workers(request: pytest.FixtureRequest) -> int:
    """How many workers there are."""
    return int(request.param)


def test_every_batch_handed_out_twice_sends_nothing_twice(
    office: OnPostgres, postgres: PostgreSQL
) -> None:
    """The queue may repeat itself; the ledger decides."""
    people = 150
    office.configure(connections=CONNECTIONS, database=office.url)
    addresses = office.subscribe(people)
    office.deliver("--limit", "1")
    postgres.run(_TWICE)
    children = [office.work() for _ in range(3)]
    until(lambda: office.states() == {"sent": people})
    for child in children:
        office.kill(child, signal.SIGTERM)
    assert [office.end(child) for child in children] == [0, 0, 0]
    assert office.received() == dict.fromkeys(addresses, 1)


def test_killed_workers_lose_no_mail(office: OnPostgres) -> None:
    """Others take their batches; what was in flight is free after its lease."""
    office.server.order(delay=0.01)
    staff = Staff(office, 2, 160)
    for place in (0, 1):
        staff.wait_for(20)
        staff.replace(place, at())
    in_hand = office.states()["claimed"]
    assert in_hand <= 4 * CONNECTIONS
    for child in staff.children:
        until(lambda: not office.states()["pending"])
        office.kill(child, signal.SIGTERM)
        assert office.end(child) == 0
    staff.children = []
    office.deliver(now=at(days=1))
    staff.complete(twice=2 * CONNECTIONS)


@pytest.mark.long
def test_a_restart_of_the_server_costs_no_mail_and_no_copy(
    office: OnPostgres, postgres: PostgreSQL
) -> None:
    """Workers connect again, and settle the replies that they know."""
    office.server.order(delay=0.01)
    staff = Staff(office, 2, 160)
    staff.wait_for(20)
    postgres.restart()
    staff.wait_for(30)
    postgres.drop_connections()
    staff.complete(twice=0)


def test_a_worker_stopped_past_its_lease_sends_nothing_more(office: OnPostgres) -> None:
    """Its rows went to another, for which the lease has ended: only what was in flight at that
    moment may be there twice."""
    office.server.order(delay=0.05)
    staff = Staff(office, 1, 60, timeout=1)
    staff.wait_for(8)
    (stopped,) = staff.children
    office.kill(stopped, signal.SIGSTOP)
    staff.children = [office.work(at(days=1))]
    until(lambda: office.states() == {"sent": 60}, 60)
    os.kill(stopped, signal.SIGCONT)
    office.kill(stopped, signal.SIGTERM)
    assert office.end(stopped) == 0
    staff.complete(twice=CONNECTIONS)


def test_the_mails_of_a_vanished_worker_are_free_half_a_minute_after_its_lease(
    office: OnPostgres,
) -> None:
    """Everything else is sent at once."""
    office.server.order(delay=0.05)
    staff = Staff(office, 1, 60, timeout=1)  # the lease: twice that, and a minute
    staff.wait_for(8)
    staff.vanish(0, at(minutes=1.2))
    until(lambda: office.states().get("claimed") == 60 - office.states().get("sent", 0), 60)
    until(lambda: office.states()["claimed"] <= CONNECTIONS, 60)  # those of the other are sent
    assert office.states()["claimed"] >= 1
    other = staff.children.pop()  # its clock is behind
    office.kill(other, signal.SIGTERM)
    assert office.end(other) == 0
    assert office.deliver(now=at(minutes=1.6)).code == 0
    assert office.states() == {"sent": 60}
    staff.complete(twice=CONNECTIONS)


def test_a_worker_waits_for_the_mail_server(
    office: OnPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what is wrong, and goes on when the server is back."""
    monkeypatch.setattr("broadsheet.delivery.sending.MOST_ROUNDS", 1)
    staff = Staff(office, 0, 20)
    office.server.stop()
    staff.children = [office.work()]
    said = office.newsroom.folder / "out"
    until(lambda: said.exists() and "the worker tries again in" in said.read_text())
    office.server.start()
    staff.complete(twice=0)


def test_put_off_mail_comes_back_at_its_time(office: OnPostgres) -> None:
    """The batch is handed out again when the first of its rows is due."""
    office.configure(retry_wait=1, database=office.url)
    office.server.order(rcpt={"reader000003@example.org": "450 4.2.0 later"}, times=1)
    staff = Staff(office, 1, 30, retry_wait=1)
    until(lambda: office.states() == {"sent": 30})
    staff.complete(twice=0)


def _disturb(staff: Staff, postgres: PostgreSQL, rounds: int, dice: random.Random) -> int:
    """Kill, stop and cut off workers at random instants; return how many were lost."""
    kills = 0
    for _ in range(rounds):
        assert staff.wait_for(dice.randrange(1, 12)), "more subscribers are needed"
        place = dice.randrange(len(staff.children))
        child = staff.children[place]
        what = dice.choice(("kill", "vanish", "stop", "restart", "drop"))
        if what == "kill":
            staff.replace(place, at())
            kills += 1
        elif what == "vanish":
            staff.vanish(place, at())
            kills += 1
        elif what == "stop":
            staff.office.kill(child, signal.SIGSTOP)
            ended_within(child, dice.random())
            staff.office.kill(child, signal.SIGCONT)
        elif what == "restart":
            postgres.restart()
        else:
            postgres.drop_connections()
    return kills


def _disturb_delivery(
    office: OnPostgres, postgres: PostgreSQL, workers: int, rounds: int, seed: int
) -> None:
    office.server.order(delay=0.02 * workers)  # 200 a second, all together
    staff = Staff(office, workers, 80 * rounds)
    postgres.run(_TWICE)
    kills = _disturb(staff, postgres, rounds, random.Random(seed))
    office.server.order()
    staff.complete(twice=CONNECTIONS * kills)


@pytest.mark.long
@pytest.mark.parametrize("part", range(2))
def test_disturbed_workers_lose_no_mail(
    office: OnPostgres, postgres: PostgreSQL, workers: int, part: int
) -> None:
    """Killed, vanished, stopped, cut off, and given every batch twice, at random instants."""
    _disturb_delivery(office, postgres, workers, 20, 10 * workers + part)


@pytest.mark.nightly
@pytest.mark.parametrize("part", range(4))
def test_workers_disturbed_for_long_lose_no_mail(
    office: OnPostgres, postgres: PostgreSQL, workers: int, part: int
) -> None:
    """The same, hundreds of times."""
    _disturb_delivery(office, postgres, workers, 80, 1000 * workers + part)
