"""A worker: sends the batches that the queue hands out, over connections that outlive them.

Any number of workers share the batches of a server's database (decision 0027). `deliver` is one
too, for the issues that it begins or continues. It ends when each of their rows is final, waits for
a later time, or is held for the publisher. The ledger decides that: the queue may lose a batch. If
it ends before, it says why.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg
import psycopg_pool
from procrastinate import exceptions
from procrastinate.app import WorkerOptions

from broadsheet.delivery import jobs
from broadsheet.delivery.batcher import DATABASE_TIMEOUT_S, Batcher, Tally
from broadsheet.delivery.claims import Batch
from broadsheet.delivery.database import Database
from broadsheet.delivery.ledger import Ledger, Unsettled
from broadsheet.delivery.mail.mailing import Mailing
from broadsheet.delivery.pacing import Clock
from broadsheet.delivery.sending import Pool, signals
from broadsheet.delivery.transports import Transport
from broadsheet.errors import BroadsheetError, DatabaseError, Problem
from broadsheet.model.settings import Settings
from broadsheet.text.counting import count

HEARTBEAT_S = 10.0
STALLED_S = 30.0
"""How long after its last heartbeat the jobs of a worker are handed out to others."""

POLL_S = 2.0
"""How often to look for jobs whose time has come (new ones are announced), and to reconnect."""

_SOONEST_S: Final = 1.0  # until a batch is handed out again
_ENQUEUE_AFTER_S: Final = 30.0  # without progress, whoever has the batch
_UNUSABLE_WAIT_S: Final = 600  # until a batch is tried again whose mail cannot be made
_MOST_MAILINGS: Final = 8  # in memory, beside those being sent
log = logging.getLogger("broadsheet.worker")

_LOST: Final = (
    exceptions.ConnectorException,
    psycopg.Error,
    psycopg_pool.PoolTimeout,
    psycopg_pool.PoolClosed,
    OSError,
)


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """What a worker sends with. mailing: returns the mail of an issue (id), None if it is gone.

    Raises the BroadsheetError of an issue that cannot be sent.
    """

    settings: Settings
    transport: Transport
    clock: Clock
    mailing: Callable[[int], Mailing | None]


class Worker:
    """One process that sends batches."""

    def __init__(
        self,
        database: Database,
        sender: WorkerContext,
        mailings: dict[int, Mailing] | None = None,
        step: Callable[[int], object] = lambda _: None,
    ) -> None:
        """mailings: of the only issues to send, by id; None for all. step: called with how many
        rows were settled. Raises DatabaseError."""
        jobs.prepare_queue(database)
        self._database = database
        self._sender = sender
        self._only = tuple(mailings or ())
        self._mailings = {} if mailings is None else mailings
        self._open: list[Batch] = []
        self._clock = sender.clock
        self._ledger = Ledger(database, sender.settings, sender.clock, self._mailings)
        self._ledger.wait_briefly()
        self.tally = Tally()
        self._batcher = Batcher(self._ledger, self.tally, step=step, waits=True)
        self._engine = jobs.engine(database, self._send)
        self._settled = False
        self._left: Unsettled | None = None
        self._same_since = 0.0
        self._waits = False  # for another run, which has been said
        self._blocked = False  # a batch ended with rows that may be sent, and were not claimed
        self._concurrency = 2 + len(sender.settings.delivery.limited_domains)

    def close(self) -> None:
        """End the run."""
        self._ledger.close()

    async def run(self) -> Tally:
        """Send until a signal or an error; with `mailings`, until their issues are settled."""
        delivery = self._sender.settings.delivery
        pool = Pool(self._sender.transport, self._batcher, self._mailings, delivery, self._clock)
        with signals(self._batcher):
            sending = asyncio.create_task(pool.run(delivery.connections))
            working = asyncio.create_task(self._work())
            stopped = asyncio.create_task(self._batcher.stopped.wait())
            try:
                await asyncio.wait({sending, working, stopped}, return_when="FIRST_COMPLETED")
                ended = "" if self._settled else "the run ended before everything was sent"
                self._batcher.stop(ended, bad=not self._settled)
                await sending
            finally:
                self._batcher.abandon()
                for task in (sending, working, stopped):
                    task.cancel()
                results = await asyncio.gather(sending, working, stopped, return_exceptions=True)
        for error in results:
            if isinstance(error, Exception) and not isinstance(error, (DatabaseError, *_LOST)):
                raise error
        return self.tally

    async def _work(self) -> None:
        """Take jobs; connect again when the database was away, for as long as the batcher does."""
        loop = asyncio.get_running_loop()
        lost_at = None
        while not self._batcher.stopping:
            try:
                async with self._engine.open_async():
                    if lost_at is not None:
                        log.info("the database can be reached again")
                    lost_at = None
                    await self._take_jobs()
                if self._only and await self._is_settled():
                    self._settled = True
                    return
            except (*_LOST, DatabaseError) as error:
                if lost_at is None:
                    lost_at = loop.time()
                    log.warning("the database cannot be reached; trying again")
                if loop.time() - lost_at > DATABASE_TIMEOUT_S:
                    what = f"the queue cannot be reached: {error.__cause__ or error}"
                    self._batcher.stop(str(Problem(what, path=self._database.shown)), bad=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._batcher.stopped.wait()

    async def _is_settled(self) -> bool:
        """Whether no row of the issues may be sent now, or is being sent by anyone.

        Enqueues what may be sent if the queue has lost it. Ends the run if that does not help.
        """
        if self._ledger.closed_until:
            self._batcher.end_day(self._ledger.closed_until)
            return True
        left = await self._batcher.retried(self._ledger.unsettled)
        now = self._clock.steady()
        if left != self._left:
            self._left, self._same_since, self._blocked = left, now, False
        same_s = now - self._same_since
        if left.due and self._blocked and same_s > DATABASE_TIMEOUT_S:
            mails = count(left.due, "mail")
            self._batcher.stop(f"{mails} cannot be sent: locked by another program", bad=True)
        elif left.due:
            await self._batcher.retried(lambda: self._enqueue(doing=same_s < _ENQUEUE_AFTER_S))
        elif left.claimed:
            self._report_wait(left.claimed, same_s)
        else:
            for issue in self._only:
                await self._finish(issue)
        return not (left.due or left.claimed)

    def _report_wait(self, claimed: int, same_s: float) -> None:
        """Say once that another run, which may be gone, has the last mails."""
        if same_s > _ENQUEUE_AFTER_S and not self._waits:
            self._waits = True
            mails = count(claimed, "mail")
            log.warning("waiting until another run has sent %s, or its lease ends", mails)

    def _enqueue(self, *, doing: bool) -> None:
        """Enqueue what may be sent now unless it is in the queue. doing: or is being sent."""
        with self._database.writing() as connection:
            if jobs.is_idle(connection, self._only, doing=doing):
                for issue in self._only:
                    jobs.enqueue(connection, issue, self._clock())

    async def _finish(self, issue: int) -> None:
        if await self._batcher.retried(lambda: self._ledger.finish(issue)):
            made = self._mailings.get(issue)
            log.info("delivered %s", f"{made.begun.digest}/{made.begun.key}" if made else issue)

    async def _take_jobs(self) -> None:
        """Send what is handed out: of some issues until none is due, or of all, for ever."""
        options: WorkerOptions = {
            "wait": not self._only,
            "concurrency": self._concurrency,
            "fetch_job_polling_interval": POLL_S,
            "delete_jobs": "always",
            "install_signal_handlers": False,
            "update_heartbeat_interval": HEARTBEAT_S,
            "stalled_worker_timeout": STALLED_S,
        }
        if self._only:
            options["queues"] = [jobs.queue_name(issue) for issue in self._only]
        reviving = asyncio.create_task(self._revive_jobs())
        try:
            await self._engine.run_worker_async(**options)
        finally:
            reviving.cancel()

    async def _revive_jobs(self) -> None:
        """Hand out the jobs of workers that are gone."""
        manager = self._engine.job_manager
        while True:
            with suppress(*_LOST):
                for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_S):
                    await manager.retry_job(job)
            await asyncio.sleep(STALLED_S / 3)

    async def _send(self, issue: int, first: int, last: int, domain: str) -> None:
        """Send what is due of a batch. Raises BatchWaitsError if some of its rows wait."""
        batch = Batch(issue, first, last, domain)
        try:
            if not await self._load(issue):
                return
            self._open.append(batch)
            try:
                # First: what it frees may be in this batch.
                taken_over = await self._batcher.retried(self._ledger.take_over)
                if taken_over:
                    mails = count(taken_over, "mail")
                    log.info("took over %s of a run that is gone", mails)
                self.tally.taken_over += taken_over
                if not domain:
                    await self._batcher.retried(lambda: self._split(batch))
                await self._batcher.open(batch).wait()
            finally:
                self._open.remove(batch)
            self._come_back(
                batch, await self._batcher.retried(lambda: self._ledger.next_due(batch))
            )
            await self._finish(issue)
        except (jobs.BatchWaitsError, *_LOST):
            raise
        except Exception as error:  # the engine would hide it, whatever it is
            # The ledger has the rows; someone may have to act before they can be sent.
            if self._only:
                self._batcher.stop(_told(error), bad=True)
            else:
                log.error("%s; tried again in %d minutes", _told(error), _UNUSABLE_WAIT_S // 60)
            raise jobs.BatchWaitsError(_in(_UNUSABLE_WAIT_S)) from error

    async def _load(self, issue: int) -> bool:
        """Make the mail of `issue` ready; return False if it is not in the ledger."""
        if issue not in self._mailings:
            made = await self._batcher.retried(lambda: self._sender.mailing(issue))
            if made is None:
                return False
            self._mailings[issue] = made
        used = {batch.issue for batch in self._open}
        unused = [each for each in self._mailings if each not in {*used, *self._only, issue}]
        for old in unused[:-_MOST_MAILINGS]:
            del self._mailings[old]
        return True

    def _split(self, batch: Batch) -> None:
        """Enqueue the rows of `batch` for domains with limits as batches of their own."""
        for domain in self._sender.settings.delivery.limited_domains:
            own = Batch(batch.issue, batch.first, batch.last, domain)
            if self._ledger.next_due(own) is not None:
                with self._database.writing() as connection:
                    jobs.enqueue_domain(connection, own)

    def _come_back(self, batch: Batch, due: datetime | None) -> None:
        """Raise BatchWaitsError if a row of `batch` waits. due: of the first, in ledger time."""
        if due is not None:
            if batch.not_before:
                due = max(due, batch.not_before)
            wait = (due - self._clock()).total_seconds()
            self._blocked |= wait <= 0
            raise jobs.BatchWaitsError(_in(0 if self._batcher.stopping else max(wait, _SOONEST_S)))


def _told(error: Exception) -> str:
    if isinstance(error, BroadsheetError):
        return str(error)
    return f"an unexpected error ({type(error).__name__}: {error}); please report it"


def _in(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)
