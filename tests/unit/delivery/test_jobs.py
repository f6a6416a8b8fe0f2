"""The queue of batches: made with the rows of an issue, made again when lost, and its tables."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from broadsheet.delivery import claims, issues
from broadsheet.delivery.database import Database
from broadsheet.errors import DatabaseError
from deliveries import Post, at
from newsroom import MOMENT
from postgresql import OnPostgres, PostgreSQL, on_postgres
from processes import until

schema = pytest.importorskip("procrastinate.schema")
from broadsheet.delivery import jobs  # noqa: E402 - needs Procrastinate

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]

DRAFT = issues.Begun(0, "weekly", "2025-06-30", MOMENT, MOMENT, b"", "")


@pytest.fixture
def office(office: Post, postgres: PostgreSQL) -> OnPostgres:
    """A newsroom that delivers from PostgreSQL."""
    return on_postgres(office, postgres)


@pytest.fixture
def db(office: OnPostgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Its database, with the tables of the engine, and small batches."""
    monkeypatch.setattr(jobs, "BATCH_ROWS", 10)
    office.subscribe(25)
    db = office.open()
    jobs.prepare_queue(db)
    yield db
    db.close()


def _ranges(postgres: PostgreSQL) -> list[tuple[int, int]]:
    query = "SELECT (args->>'first')::int, (args->>'last')::int FROM procrastinate_jobs ORDER BY 1"
    return [(first, last) for first, last in postgres.run(query)]


def test_rows_and_batches_are_made_together(db: Database, postgres: PostgreSQL) -> None:
    """Neither is there without the other, whatever ends the transaction."""
    with db.writing() as connection:
        jobs.enqueue(connection, issues.begin(connection, DRAFT).id, MOMENT)
        connection.rollback()
    assert postgres.run("SELECT 1 FROM deliveries") == _ranges(postgres) == []
    with db.writing() as connection:
        jobs.enqueue(connection, issues.begin(connection, DRAFT).id, MOMENT)
    ids = [each for (each,) in postgres.run("SELECT id FROM deliveries ORDER BY id")]
    assert _ranges(postgres) == [(ids[0], ids[9]), (ids[10], ids[19]), (ids[20], ids[24])]


def test_batches_are_enqueued_again_without_growing(db: Database, postgres: PostgreSQL) -> None:
    """What is due, in as few batches as that needs; what waits for its time stays."""
    with db.writing() as connection:
        issue = issues.begin(connection, DRAFT).id
        jobs.enqueue(connection, issue, MOMENT)
    postgres.run(
        "UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 day' WHERE id = 1"
    )
    postgres.run("UPDATE deliveries SET state = 'sent' WHERE id % 2 = 0")
    for _ in range(3):
        with db.writing() as connection:
            jobs.enqueue(connection, issue, MOMENT)
    assert len(_ranges(postgres)) == 3
    with db.writing() as connection:
        for _ in range(2):
            jobs.enqueue_domain(connection, claims.Batch(issue, 1, 9, "example.org"))
    assert len(_ranges(postgres)) == 4


def test_deliver_makes_a_lost_queue_again(office: OnPostgres, postgres: PostgreSQL) -> None:
    """The ledger has everything that is to be sent."""
    addresses = office.subscribe(20)
    assert office.deliver("--limit", "1").code == 0
    postgres.run("TRUNCATE procrastinate_jobs CASCADE")
    assert office.deliver().code == 0
    assert office.received() == dict.fromkeys(addresses, 1)


def test_deliver_leaves_other_issues_to_workers(office: OnPostgres, postgres: PostgreSQL) -> None:
    """It takes the batches of its own issues only; jobs of unknown issues are dropped."""
    addresses = office.subscribe(5)
    assert office.deliver("--limit", "1").code == 0
    postgres.run(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, args) VALUES ('issue-999', "
        """'send_batch', '{"issue": 999, "first": 1, "last": 2, "domain": ""}')"""
    )
    assert office.deliver().code == 0
    assert _ranges(postgres) == [(1, 2)]
    child = office.work()
    until(lambda: _ranges(postgres) == [])
    office.kill(child)
    office.end(child)
    assert office.received() == dict.fromkeys(addresses, 1)


def test_new_migrations_of_the_engine_are_applied(
    db: Database, postgres: PostgreSQL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those after the last one that was applied, in order, each once; a broken one is reported."""
    last = max(path.name for path in Path(schema.migrations_path).glob("*.sql"))
    assert postgres.run("SELECT migration FROM queue_schema") == [(last,)]
    monkeypatch.setattr(schema, "migrations_path", tmp_path)
    (tmp_path / last).write_text("this would fail")
    (tmp_path / "99.00.00_01_pre.sql").write_text("CREATE TABLE one (); CREATE TABLE two (a int);")
    (tmp_path / "99.00.00_50_post.sql").write_text("ALTER TABLE two DROP COLUMN a;")
    jobs.prepare_queue(db)
    jobs.prepare_queue(db)
    assert postgres.run("SELECT migration FROM queue_schema") == [("99.00.00_50_post.sql",)]
    assert postgres.run("SELECT * FROM two") == []
    (tmp_path / "99.00.01_01_pre.sql").write_text("DROP TABLE one; DROP TABLE three;")
    with pytest.raises(DatabaseError, match=r'the queue.*table "three" does not exist'):
        jobs.prepare_queue(db)
    assert postgres.run("SELECT * FROM one") == []


def test_a_batch_of_waiting_rows_is_scheduled_for_the_first(
    office: OnPostgres, postgres: PostgreSQL
) -> None:
    """`deliver` does not wait for it."""
    office.configure(retry_wait=600, database=office.url)
    office.server.order(rcpt={"reader000003@example.org": "450 4.2.0 later"})
    office.subscribe(10)
    assert office.deliver().code == 0
    assert office.states() == {"sent": 9, "retry": 1}
    query = "SELECT extract(epoch FROM scheduled_at - now())::float FROM procrastinate_jobs"
    ((wait,),) = postgres.run(query)
    assert 400 < wait < 800
    office.server.order()
    assert office.deliver(now=at(days=1)).code == 0
    assert office.states() == {"sent": 10}


def test_workers_need_postgresql(newsroom_with_sqlite: Post) -> None:
    """SQLite has no queue; the message says what to do."""
    ran = newsroom_with_sqlite.newsroom.run("worker")
    assert ran.code == 2
    assert "workers need PostgreSQL" in ran.err


@pytest.fixture
def newsroom_with_sqlite(office: OnPostgres) -> Post:
    """The same newsroom with its own database."""
    office.configure()
    return office


def test_the_engine_is_asked_for_if_it_is_not_installed(
    office: OnPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the words that install it; nothing has begun."""
    office.subscribe(2)
    for name in ("procrastinate", "broadsheet.delivery.jobs", "broadsheet.delivery.worker"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "procrastinate", None)  # type: ignore[arg-type]
    ran = office.deliver()
    assert ran.code == 2
    assert "delivery from PostgreSQL needs procrastinate, which is not installed" in ran.err
    assert office.states() == {}


def test_the_server_gives_up_a_worker_that_is_gone_or_stopped(db: Database) -> None:
    """In the middle of a transaction, it would block all others."""

    async def send(**_: object) -> None: ...

    app = jobs.engine(db, send)

    async def shown(name: str) -> object:
        async with app.open_async():
            found = await app.connector.execute_query_one_async(f"SHOW {name}")
            return found[name]

    assert asyncio.run(shown("idle_in_transaction_session_timeout")) == "10s"
    assert asyncio.run(shown("lock_timeout")) == "0"  # the engine waits for itself
