"""The queue of batches: Procrastinate, in the PostgreSQL that holds the ledger (decision 0027).

A job names rows of one issue. It is enqueued in the transaction that creates the rows, may be
handed out more than once, and only says where to look: the ledger decides what may be sent.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import procrastinate
import psycopg
import sqlalchemy as sql
from procrastinate import exceptions, jobs, manager, retry, schema
from procrastinate.tasks import configure_task
from procrastinate.types import JSONDict
from sqlalchemy import Connection

from broadsheet.delivery.claims import Batch
from broadsheet.delivery.database import (
    CONNECTION,
    Database,
    deliveries,
    idle_timeout,
    lock_ledger,
    queue_schema,
    session_settings,
    stamp,
)
from broadsheet.delivery.locks import LEASE_MARGIN
from broadsheet.errors import DatabaseError, Problem

BATCH_ROWS: Final = 500

_TASK: Final = "send_batch"
_UNFORESEEN_WAIT_S: Final = 60  # until a job is tried again that ended with an error

SendBatch = Callable[..., Awaitable[None]]
"""Sends the rows of a job: (*, issue, first, last, domain). Raises BatchWaitsError if some wait."""


class BatchWaitsError(Exception):
    """The batch has rows that wait. at: when to hand it out again (aware, by the real clock)."""

    def __init__(self, at: datetime) -> None:
        super().__init__(f"again at {at.isoformat()}")
        self.at = at


class _Again(retry.BaseRetryStrategy):
    """Hand out a batch again, at its time.

    Jobs with the same lock are handed out in order, so one that waits must not be first.
    """

    def get_retry_decision(
        self, *, exception: BaseException, job: jobs.Job
    ) -> retry.RetryDecision | None:
        priority = job.priority - 1
        if isinstance(exception, BatchWaitsError):
            return retry.RetryDecision(retry_at=exception.at, priority=priority)
        return retry.RetryDecision(retry_in={"seconds": _UNFORESEEN_WAIT_S}, priority=priority)


def engine(database: Database, send: SendBatch) -> procrastinate.App:
    """Return the engine that hands out jobs of `database` to `send`."""
    for name in ("procrastinate", "psycopg.pool", "asyncio"):
        # What they report is reported by our own messages, or tried again.
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    _, given = database.engine.dialect.create_connect_args(database.engine.url)
    # A worker that is stopped while it says that it lives would block all others.
    settings = session_settings(idle_timeout())

    async def set_up(connection: psycopg.AsyncConnection) -> None:
        await connection.execute(settings)
        await connection.commit()

    connector = procrastinate.PsycopgConnector(
        kwargs={**given, "connect_timeout": 5, **CONNECTION},
        configure=set_up,
        min_size=1,
        max_size=4,
        timeout=10,
    )
    app = procrastinate.App(connector=connector)

    @app.task(name=_TASK, retry=_Again())
    async def send_batch(**rows: Any) -> None:
        await send(**rows)

    return app


def prepare_queue(database: Database) -> None:
    """Create the tables of the engine, or apply its new migrations. Raises DatabaseError."""
    migrations = sorted(path.name for path in Path(schema.migrations_path).glob("*.sql"))
    with database.writing() as connection:
        lock_ledger(connection)
        applied = connection.execute(sql.select(queue_schema.c.migration)).scalar()
        if applied == migrations[-1]:
            return
        if applied is None:
            scripts = [schema.SchemaManager.get_schema()]
            connection.execute(sql.insert(queue_schema).values(migration=migrations[-1]))
        else:
            folder = Path(schema.migrations_path)
            scripts = [(folder / name).read_text("utf-8") for name in migrations if name > applied]
            connection.execute(sql.update(queue_schema).values(migration=migrations[-1]))
        with _errors(database.shown):
            for script in scripts:
                _raw(connection).execute(script)


def enqueue(connection: Connection, issue: int, now: datetime) -> None:
    """Enqueue batches of the rows of `issue` that may be sent now, in the caller's transaction.

    Batches that are in the queue to be handed out now are replaced. now: the time of the ledger.
    """
    connection.execute(_REPLACED, {"queue": queue_name(issue)})
    found = connection.execute(_ranges(issue, now))
    _defer(connection, issue, [(row.first, row.last) for row in found])


def enqueue_domain(connection: Connection, batch: Batch) -> None:
    """Enqueue the rows of `batch`, whose domain has limits of its own, unless they are enqueued.

    Of these batches, the engine hands out one at a time, so that one worker keeps the limits.
    """
    values = {"domain": batch.domain, "queue": queue_name(batch.issue), "first": str(batch.first)}
    if connection.execute(_ENQUEUED, values).first() is None:
        _defer(connection, batch.issue, [(batch.first, batch.last)], batch.domain)


def is_idle(connection: Connection, issues: Sequence[int], *, doing: bool = True) -> bool:
    """Whether no batch of `issues` is to be handed out in a moment, or (`doing`) is being sent."""
    values = {"queues": [queue_name(issue) for issue in issues], "doing": doing}
    return connection.execute(_DUE, values).first() is None


def _defer(
    connection: Connection, issue: int, ranges: Sequence[tuple[int, int]], domain: str = ""
) -> None:
    if ranges:
        deferrer = configure_task(
            name=_TASK,
            job_manager=_JOBS,
            queue=queue_name(issue),
            lock=domain or None,
            connection=_raw(connection),
        )
        rows: list[JSONDict] = [
            {"issue": issue, "first": first, "last": last, "domain": domain}
            for first, last in ranges
        ]
        with _errors("procrastinate_jobs"):
            deferrer.batch_defer(*rows)


@contextmanager
def _errors(shown: str) -> Iterator[None]:
    """Report errors of the driver and of the engine as DatabaseError."""
    try:
        yield
    except (psycopg.Error, exceptions.ConnectorException) as error:
        why = str(error.__cause__ or error).partition("\n")[0]
        what = f"the queue of batches cannot be used: {why}"
        raise DatabaseError(Problem(what, "see its log, and run again", shown)) from error


def queue_name(issue: int) -> str:
    """The name of the queue with the batches of an issue."""
    return f"issue-{issue}"


def _raw(connection: Connection) -> Any:
    """The driver's own connection, in the same transaction."""
    return connection.connection.driver_connection


def _ranges(issue: int, now: datetime) -> sql.Select[Any]:
    """Return the query for the first and the last id of each batch."""
    place = sql.func.row_number().over(order_by=deliveries.c.id) - 1
    part = sql.cast(sql.func.floor(place / BATCH_ROWS), sql.BigInteger).label("part")
    waits = deliveries.c.state.in_(("retry", "in_doubt"))
    due = sql.or_(
        deliveries.c.state == "pending",
        waits & (deliveries.c.next_at.is_(None) | (deliveries.c.next_at <= stamp(now))),
        (deliveries.c.state == "claimed") & (deliveries.c.lease < stamp(now - LEASE_MARGIN)),
    )
    numbered = sql.select(deliveries.c.id, part).where(deliveries.c.issue == issue, due).subquery()
    first, last = sql.func.min(numbered.c.id), sql.func.max(numbered.c.id)
    return (
        sql.select(first.label("first"), last.label("last"))
        .group_by(numbered.c.part)
        .order_by(first)
    )


_JOBS: Final = manager.JobManager(procrastinate.SyncPsycopgConnector())
"""Enqueues in the transaction of a connection that it is given."""

_REPLACED: Final = sql.text(
    "SELECT procrastinate_cancel_job_v1(id, false, true) FROM procrastinate_jobs "
    "WHERE queue_name = :queue AND status = 'todo' "
    "AND (scheduled_at IS NULL OR scheduled_at <= now())"
)
_ENQUEUED: Final = sql.text(
    "SELECT 1 FROM procrastinate_jobs WHERE queue_name = :queue AND lock = :domain "
    "AND status IN ('todo', 'doing') AND args->>'first' = :first"
)
_DUE: Final = sql.text(
    "SELECT 1 FROM procrastinate_jobs WHERE queue_name = ANY(:queues) "
    "AND (:doing AND status = 'doing' OR status = 'todo' "
    "AND (scheduled_at IS NULL OR scheduled_at <= now() + interval '2 s')) LIMIT 1"
)
