"""The same on PostgreSQL, which is only another URL. Skipped if PostgreSQL is not installed."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from dataclasses import replace
from threading import Thread

import pytest
import sqlalchemy as sql

from broadsheet.delivery import database, issues, jobs, subscribers
from broadsheet.delivery.lists.importing import BATCH_LINES
from deliveries import Post, at, stop_repeatedly
from newsroom import MOMENT
from postgresql import OnPostgres, PostgreSQL, on_postgres
from processes import until

psycopg = pytest.importorskip("psycopg")
pytest.importorskip("procrastinate")
pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]


@pytest.fixture
def office(office: Post, postgres: PostgreSQL, monkeypatch: pytest.MonkeyPatch) -> OnPostgres:
    """A newsroom that delivers from PostgreSQL, where runs that are gone are soon noticed."""
    monkeypatch.setattr("broadsheet.delivery.worker.HEARTBEAT_S", 0.2)
    monkeypatch.setattr("broadsheet.delivery.worker.STALLED_S", 1.0)
    return on_postgres(office, postgres)


def test_everyone_gets_it_once(office: OnPostgres) -> None:
    """From one run, and the next has nothing to do."""
    addresses = office.subscribe(50)
    ran = office.deliver()
    assert ran.code == 0, ran.err
    assert office.received() == dict.fromkeys(addresses, 1)
    assert office.deliver().out == "nothing is to be delivered\n"
    assert office.newsroom.run("subscribers", "list", "--status", "active").out.count("@") == 50


def test_a_database_without_an_encoding_keeps_any_text(
    office: OnPostgres, postgres: PostgreSQL
) -> None:
    """PostgreSQL chooses SQL_ASCII where the system has no locale, as in a bare container."""
    engine = sql.create_engine(postgres.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sql.text("DROP DATABASE IF EXISTS bare"))
        options = "TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'"
        connection.execute(sql.text(f"CREATE DATABASE bare {options}"))
    engine.dispose()
    office.url = postgres.url.replace("/postgres?", "/bare?")
    office.configure(database=office.url)
    office.add({"a@example.org": {"name": "张三"}})
    ran = office.deliver()
    assert ran.code == 0, ran.err
    assert office.received() == {"a@example.org": 1}
    assert "张三" in office.newsroom.run("subscribers", "export").out


@pytest.mark.long
def test_concurrent_runs_send_nothing_twice(office: OnPostgres) -> None:
    """From the creation of the rows on. Each ends when everything is settled."""
    addresses = office.subscribe(200)
    office.server.order(delay=0.01)
    children = [office.begin() for _ in range(3)]
    for child in children:
        assert office.end(child) == 0
        assert office.states() == {"sent": 200}
    assert office.received() == dict.fromkeys(addresses, 1)


@pytest.mark.long
def test_killed_and_stopped_runs_lose_no_mail(office: OnPostgres) -> None:
    """What a killed run was sending is free half a minute after its lease, and not before."""
    addresses = office.subscribe(250)
    office.server.order(delay=0.005)
    for kills in range(1, 5):
        child = office.begin()
        office.server.wait_for(kills * 15)
        office.kill(child)
        office.end(child)
    stopped = office.begin()
    office.server.wait_for(90)
    office.kill(stopped, signal.SIGSTOP)
    held = office.states()["claimed"]
    second = office.begin()
    until(lambda: office.states() == {"claimed": held, "sent": 250 - held})
    os.kill(stopped, signal.SIGCONT)
    until(lambda: office.states()["claimed"] < held)
    for child in (second, stopped):  # they wait for the leases of those that were killed
        office.kill(child, signal.SIGTERM)
        assert office.end(child) == 130
    assert max(office.received().values()) == 1
    assert office.deliver(now=at(days=1)).code == 0
    assert office.states() == {"sent": 250}
    assert set(office.received()) == set(addresses)
    assert sum(office.received().values()) <= 250 + 4 * 4
    assert all(len(ids) == 1 for ids in office.ids().values())


@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.long
def test_a_run_that_loses_its_connections_continues(
    office: OnPostgres, postgres: PostgreSQL, partial: bool
) -> None:
    """It connects again, and records what it has sent meanwhile."""
    addresses = office.subscribe(150)
    office.server.order(delay=0.01)
    child = office.begin(*(("--limit", "1000") if partial else ()))
    for sent in (20, 60):
        office.server.wait_for(sent)
        postgres.drop_connections()
    assert office.end(child) == 0
    assert office.received() == dict.fromkeys(addresses, 1)
    assert office.states() == {"sent": 150}


@pytest.mark.long
def test_a_restart_of_the_server_sends_nothing_twice(
    office: OnPostgres, postgres: PostgreSQL
) -> None:
    """Even if it is stopped in the middle of everything."""
    addresses = office.subscribe(150)
    office.server.order(delay=0.01)
    child = office.begin()
    for sent in (20, 60):
        office.server.wait_for(sent)
        postgres.restart()
    assert office.end(child) == 0
    assert office.received() == dict.fromkeys(addresses, 1)
    assert office.states() == {"sent": 150}


def test_the_subscribers_are_the_same_there(office: OnPostgres) -> None:
    """Added, found, changed and listed."""
    db = office.open()
    with db.writing() as connection:
        one = subscribers.add(
            connection, "Ann@Example.org", cause="t", now=MOMENT, digests=("weekly",)
        )
        subscribers.add(connection, "b@b.org", cause="t", now=MOMENT, digests=('a"weekly"b',))
        draft = issues.Begun(0, "weekly", "k", MOMENT, MOMENT, b"", "")
        assert issues.count_recipients(connection, draft, ()) == 1
        assert issues.count_recipients(connection, replace(draft, corrects="j"), ()) == 0
        assert subscribers.set_status(connection, one, "unsubscribed", cause="t", now=MOMENT)
        assert subscribers.counts(connection)["unsubscribed"] == 1
        assert [each.address for each in subscribers.everyone(connection)] == [
            "Ann@example.org",
            "b@b.org",
        ]
    db.close()


@pytest.mark.parametrize("others", [False, True])
@pytest.mark.long
def test_a_run_stopped_past_its_timeouts_sends_nothing_twice(
    office: OnPostgres, others: bool
) -> None:
    """Its claims are its own until the lease has ended."""
    stop_repeatedly(office, 4, 2, others=others, days=0, database=office.url)


def test_a_process_that_is_stopped_holds_the_ledger_lock_only_for_some_seconds(
    office: OnPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends its transaction, and others go on."""
    monkeypatch.setattr(database, "IDLE_TRANSACTION_S", 0.2)
    db = office.open()
    with db.engine.connect() as stopped:  # it does nothing more in its transaction
        database.lock_ledger(stopped)
        with db.writing() as connection:
            database.lock_ledger(connection)
        stopped.invalidate()
    db.close()


def test_a_worker_that_is_stopped_in_the_queue_blocks_no_other(
    office: OnPostgres, postgres: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as while it reports that it lives: others could not take batches."""
    monkeypatch.setattr(database, "IDLE_TRANSACTION_S", 0.2)
    db = office.open()
    jobs.prepare_queue(db)

    async def send(**_: object) -> None:
        """Send nothing."""

    async def stop() -> None:
        app = jobs.engine(db, send)
        async with app.open_async(), app.connector.pool.connection() as stopped:  # type: ignore[attr-defined]
            await stopped.execute("LOCK TABLE procrastinate_workers")
            postgres.run("DELETE FROM procrastinate_workers")  # while the event loop stands still

    with pytest.raises(psycopg.Error):
        asyncio.run(stop())
    db.close()


def test_an_import_is_the_same_there(office: OnPostgres) -> None:
    """Added in batches, changed, opted out, kept out; each with a recorded change."""
    lines = [f"r{i}@example{i % 97}.org,Reader {i},active" for i in range(2 * BATCH_LINES + 1)]
    text = "\n".join(["email,name,status", *lines, "out@x.org,Out,unsubscribed", ""])
    path = str(office.newsroom.write("list.csv", text))
    ran = office.newsroom.run("subscribers", "import", path)
    assert ran.out.startswith("2,002 added, 0 changed, 0 unchanged, 0 bad lines"), ran.err
    text = text.replace("Reader 7,active", "Ann,bounced").replace("Out,unsub", "Out,sub")
    ran = office.newsroom.run("subscribers", "import", str(office.newsroom.write("list.csv", text)))
    assert ran.out.startswith("0 added, 1 changed, 2,000 unchanged, 0 bad lines"), ran.err
    assert "1 had left before and are not subscribed again: out@x.org" in ran.out
    db = office.open()
    with db.reading() as connection:
        one = subscribers.find(connection, "r7@example7.org")
        assert one is not None
        assert (one.name, one.status) == ("Ann", "bounced")
        told = [(each.what, each.after) for each in subscribers.history(connection, one)]
        assert told == [("status", "active"), ("name", "Ann"), ("status", "bounced")]
        told_of = sql.select(sql.func.count(sql.distinct(database.changes.c.subscriber)))
        assert connection.execute(told_of).scalar_one() == 2 * BATCH_LINES + 2
        counts = subscribers.counts(connection)
        assert (counts["active"], counts["bounced"], counts["unsubscribed"]) == (
            2 * BATCH_LINES,
            1,
            1,
        )
    db.close()


def test_a_concurrent_add_is_not_duplicated(office: OnPostgres, postgres: PostgreSQL) -> None:
    """An address added during a batch exists once: the other process waits, and finds the row."""
    db, other = office.open(), office.open()
    with db.writing() as connection:
        assert subscribers.lookup(connection, ["ann@x.org"]) == {}
        late = Thread(target=_add_if_missing, args=(other, "ann@x.org"))
        late.start()
        until(postgres.has_waiting)
        row = {
            "address": "ann@x.org",
            "address_key": "ann@x.org",
            "name": "",
            "language": "",
            "topics": "[]",
            "digests": "[]",
            "status": "unsubscribed",
            "since": database.stamp(MOMENT),
            "cause": "t",
            "bounces": 0,
        }
        subscribers.add_all(connection, [row], MOMENT)
    late.join()
    with db.reading() as connection:
        assert [one.status for one in subscribers.everyone(connection)] == ["unsubscribed"]
    db.close()
    other.close()


def _add_if_missing(db: database.Database, address: str) -> None:
    with suppress(database.DatabaseError), db.writing() as connection:
        subscribers.add(connection, address, cause="t", now=MOMENT)
