"""When `deliver` on PostgreSQL ends with 0: no row of its issues may be sent now or is being sent,
whatever the queue says, and whoever has locked rows. Otherwise it says what is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sql

from broadsheet.delivery import batcher, database, jobs, worker
from broadsheet.delivery.ledger import Ledger
from broadsheet.delivery.locks import LEASE_MARGIN
from broadsheet.errors import DatabaseError, Problem
from deliveries import Post
from newsroom import MOMENT
from postgresql import OnPostgres, PostgreSQL, on_postgres
from processes import ended_within

pytest.importorskip("procrastinate")
pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]

PEOPLE = 30


@pytest.fixture
def office(office: Post, postgres: PostgreSQL, monkeypatch: pytest.MonkeyPatch) -> OnPostgres:
    """A newsroom that has begun to deliver an issue from PostgreSQL, and soon gives up."""
    monkeypatch.setattr(jobs, "BATCH_ROWS", 10)
    monkeypatch.setattr(worker, "POLL_S", 0.1)
    monkeypatch.setattr(worker, "DATABASE_TIMEOUT_S", 1.5)
    monkeypatch.setattr(batcher, "DATABASE_TIMEOUT_S", 0.1)
    moved = on_postgres(office, postgres)
    moved.subscribe(PEOPLE)
    assert moved.deliver("--limit", "1").code == 0
    return moved


def _claim(postgres: PostgreSQL, rows: str, left: timedelta) -> None:
    """Let rows be claimed by a worker that is gone. left: until they are free."""
    lease = database.stamp(MOMENT + left - LEASE_MARGIN)
    postgres.run(
        "INSERT INTO senders (name, begun) VALUES ('elsewhere:1', '2025-06-30T01:00:00.000000Z')"
    )
    postgres.run(
        f"UPDATE deliveries SET state = 'claimed', lease = '{lease}', attempts = 1, "
        f"first_at = changed, sender = (SELECT max(id) FROM senders) WHERE id IN ({rows})"
    )


@contextmanager
def _locked(office: OnPostgres, row: int) -> Iterator[None]:
    """Hold a lock on a row in a transaction that stays open."""
    db = office.open()
    with db.writing() as connection:
        query = sql.select(database.deliveries.c.id).where(database.deliveries.c.id == row)
        assert connection.execute(query.with_for_update()).one()
        yield
    db.close()


def _done(postgres: PostgreSQL) -> bool:
    return postgres.run("SELECT done FROM issues")[0][0] is not None


@pytest.mark.parametrize("claimed", ["", "4, 5, 12"])
def test_a_locked_row_holds_up_no_other_and_is_reported(
    office: OnPostgres, postgres: PostgreSQL, claimed: str
) -> None:
    """Whether it waits or was claimed by a worker that is gone; once free, it is sent."""
    if claimed:
        _claim(postgres, claimed, timedelta(minutes=-1))
    with _locked(office, 12):
        ran = office.deliver()
        assert ran.code == 1
        assert "1 mail cannot be sent: locked by another program" in ran.err
        assert office.states() == {"sent": PEOPLE - 1, "claimed" if claimed else "pending": 1}
        assert not _done(postgres)
    assert office.deliver().code == 0
    assert office.states() == {"sent": PEOPLE}
    assert set(office.received().values()) == {1}


def test_rows_that_a_worker_had_claimed_are_waited_for(
    office: OnPostgres, postgres: PostgreSQL
) -> None:
    """They are sent when its lease and the margin have ended, and not before."""
    _claim(postgres, "4, 5, 12", timedelta(seconds=2))
    ran = office.deliver()
    assert ran.code == 0, ran.err
    assert office.states() == {"sent": PEOPLE}
    last = [each["to"] for each in office.server.taken()[-3:]]
    assert sorted(last) == [f"reader{number:06}@example.org" for number in (3, 4, 11)]
    assert set(office.received().values()) == {1}
    assert _done(postgres)


@pytest.mark.parametrize("status", ["todo", "doing"])
def test_batches_that_the_queue_loses_meanwhile_are_sent(
    office: OnPostgres, postgres: PostgreSQL, status: str
) -> None:
    """The ledger still has their rows."""
    office.server.order(delay=0.05)
    child = office.begin()
    office.server.wait_for(5)
    postgres.run(f"DELETE FROM procrastinate_jobs WHERE status = '{status}'")
    assert office.end(child) == 0
    assert office.states() == {"sent": PEOPLE}
    assert set(office.received().values()) == {1}


def test_a_batch_that_waits_for_one_of_another_issue_is_not_given_up(
    office: OnPostgres, postgres: PostgreSQL
) -> None:
    """Of the batches for a domain with limits, the engine hands out one at a time."""
    limits = '[delivery.domains."example.org"]\nconnections = 2\n'
    office.configure(limits, database=office.url)
    postgres.run(
        "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() + interval '1 hour')"
    )
    postgres.run(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, args, lock, status, worker_id) "
        "SELECT 'issue-999', 'send_batch', '{}', 'example.org', 'doing', max(id) "
        "FROM procrastinate_workers"
    )
    child = office.begin()
    assert not ended_within(child, 2 * worker.DATABASE_TIMEOUT_S)
    postgres.run("DELETE FROM procrastinate_jobs WHERE queue_name = 'issue-999'")
    assert office.end(child) == 0
    assert office.states() == {"sent": PEOPLE}
    assert set(office.received().values()) == {1}


def test_an_issue_whose_rows_are_all_final_gets_done(
    office: OnPostgres, postgres: PostgreSQL
) -> None:
    """Even if the worker that settled the last one was killed right after."""
    assert office.deliver().code == 0
    postgres.run("UPDATE issues SET done = NULL, counts = NULL")
    assert office.deliver().code == 0
    assert _done(postgres)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (DatabaseError(Problem("it is broken", "repair it")), "it is broken; repair it"),
        (ValueError("a bug"), "an unexpected error (ValueError: a bug); please report it"),
    ],
)
def test_a_batch_that_cannot_be_finished_fails_the_run(
    office: OnPostgres, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    """The queue would hand it out again after ten minutes, and tell no one."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(Ledger, "next_due", fail)
    ran = office.deliver()
    assert ran.code == 1
    assert told in ran.err


def test_rows_are_settled_in_one_statement(office: OnPostgres) -> None:
    """Not in a pipeline: stopped in the middle of one, a worker would lock its rows for ever."""
    piped: list[str] = []

    def record(_c: Any, _d: Any, statement: str, _p: Any, _x: Any, many: bool) -> None:
        if many:
            piped.append(statement)

    sql.event.listen(sql.Engine, "before_cursor_execute", record)
    try:
        assert office.deliver().code == 0
    finally:
        sql.event.remove(sql.Engine, "before_cursor_execute", record)
    assert office.states() == {"sent": PEOPLE}
    assert piped == []


def test_rows_are_settled_without_reading_the_whole_ledger(
    office: OnPostgres, postgres: PostgreSQL
) -> None:
    """A ledger may have millions of rows; their ids lead to them."""
    postgres.run(
        "INSERT INTO subscribers (address, address_key, status, since, cause) "
        "SELECT n || '@x.org', n || '@x.org', 'active', '', '' FROM generate_series(1, 20000) n"
    )
    postgres.run(
        "INSERT INTO deliveries (issue, subscriber, state, changed) "
        "SELECT 1, id, 'sent', '' FROM subscribers WHERE since = ''"
    )
    update = database.RowsUpdate(
        lambda each: (
            sql.update(database.deliveries)
            .where(database.deliveries.c.id == each["row"])
            .values(reply=each["said"])
        ),
        row=sql.BigInteger(),
        said=sql.Text(),
    )
    db = office.open()
    with db.writing() as connection:
        connection.execute(sql.text("LOAD 'auto_explain'"))
        for setting in ("log_min_duration = 0", "log_level = 'notice'"):
            connection.execute(sql.text(f"SET auto_explain.{setting}"))
        plans: list[str] = []
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.add_notice_handler(lambda notice: plans.append(notice.message_primary))
        update.execute(connection, [{"row": row, "said": "ok"} for row in (5, 6, 7)], {})
    db.close()
    assert "Seq Scan" not in plans[-1]
    assert "deliveries_pkey" in plans[-1]
    assert postgres.run("SELECT id FROM deliveries WHERE reply = 'ok' ORDER BY 1") == [
        (5,), (6,), (7,),
    ]  # fmt: skip
