"""The only user of the ledger in a run, on behalf of all connections.

A connection asks for a row, sends its mail, and returns with the outcome. One transaction serves
all connections that are waiting. The rows are those of the batches that are open: all of them from
the start for `deliver`; for a worker, one after another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeVar

from broadsheet.delivery.claims import Batch, Claim, Outcome, State
from broadsheet.delivery.ledger import Ledger, Turn
from broadsheet.errors import DatabaseError, DatabaseLockedError

DATABASE_TIMEOUT_S: Final = 60.0
"""How long the database may be locked, full or out of reach before the run ends."""

_GATHER_S: Final = 0.001
_PAUSE_S: Final = 0.5  # between attempts
_LONGEST_TRY_S: Final = 3.0  # of one attempt at a locked database, with its pause
_TAKE_OVER_EVERY_S: Final = 5.0
_MOST_REPLIES: Final = 100  # different ones that are counted

_Result = TypeVar("_Result")


@dataclass(slots=True)
class Tally:
    """The result of a run. counts: rows by the state in which they were settled.

    stopped: why it ended early, or "". bad: whether someone has to act. replies: the server's
    words for what failed or was deferred, and how often. taken_over: rows of killed runs.
    """

    counts: dict[State, int] = field(default_factory=dict)
    stopped: str = ""
    bad: bool = False
    replies: dict[str, int] = field(default_factory=dict)
    taken_over: int = 0

    def add(self, state: State, number: int = 1) -> None:
        """Count rows that ended in `state`."""
        self.counts[state] = self.counts.get(state, 0) + number

    def add_reply(self, outcome: Outcome) -> None:
        """Count the server's words."""
        words = f"{outcome.code or ''} {outcome.reply}".strip()
        if words in self.replies or len(self.replies) < _MOST_REPLIES:
            self.replies[words] = self.replies.get(words, 0) + 1


@dataclass(slots=True)
class _Turn:
    """A waiting connection: the outcome of its last row, and whether it wants another."""

    outcome: Outcome | None
    wants: bool
    answer: asyncio.Future[Claim | None]


class Batcher:
    """Gives rows to connections, and settles them, in batches."""

    def __init__(
        self,
        ledger: Ledger,
        tally: Tally,
        most: int = 0,
        step: Callable[[int], object] = lambda _: None,
        *,
        waits: bool = False,
    ) -> None:
        """most: rows to claim; 0 for no limit. step: called with how many rows were settled. waits:
        for the next batch, when those that are open have no more rows."""
        self._ledger = ledger
        self._clock = ledger.clock
        self._tally = tally
        self._most = most
        self._claimed = 0
        self._step = step
        self._waits = waits
        self._waiting: list[_Turn] = []
        self._called = asyncio.Event()  # a connection is waiting, or there is a batch
        self._in_use = asyncio.Lock()  # the ledger
        self._batches: dict[Batch, asyncio.Event] = {}
        self._opened = asyncio.Event()
        self.stopped = asyncio.Event()
        self._took_over_at = self._clock.steady()

    @property
    def stopping(self) -> bool:
        """Whether no more rows are claimed."""
        return self.stopped.is_set()

    def open(self, batch: Batch) -> asyncio.Event:
        """Send the rows of `batch` from now on; return the event of its end."""
        self._batches[batch] = asyncio.Event()
        self._opened.set()
        self._called.set()
        self._end_batches()
        return self._batches.get(batch, self.stopped)

    async def ready(self) -> None:
        """Wait until there is a batch, or no more rows are claimed."""
        await self._opened.wait()

    async def turn(self, outcome: Outcome | None, *, wants: bool) -> Claim | None:
        """Settle `outcome`, then claim a row and return it; None if none is wanted or left.

        Both are committed when this returns. Raises DatabaseError.
        """
        answer = asyncio.get_running_loop().create_future()
        self._waiting.append(_Turn(outcome, wants, answer))
        self._called.set()
        found: Claim | None = await answer
        return found

    async def renew(self, claim: Claim) -> Claim | None:
        """Return `claim` with a new lease; None if another run has taken it over.

        Raises DatabaseError, and then the run ends.
        """
        try:
            return await self.retried(lambda: self._ledger.renew(claim))
        except DatabaseError as error:
            self.stop(str(error), bad=True)
            raise

    def stop(self, why: str, *, bad: bool = False) -> None:
        """Claim no more rows, but let mails being sent finish. bad: someone has to act."""
        if not self.stopping:
            self._tally.stopped, self._tally.bad = why, bad
        self.stopped.set()
        self._opened.set()
        self._called.set()
        self._end_batches()

    async def serve(self) -> None:
        """Serve connections until cancelled."""
        while True:
            await self._called.wait()
            await self._gather()
            self._called.clear()
            while self._waiting:
                turns, self._waiting = self._waiting, []
                wait = await self._serve_once(turns)
                if left := [turn for turn in turns if not turn.answer.done()]:
                    # They wait for their moment or for a batch; serve those that come meanwhile.
                    with suppress(TimeoutError):
                        async with asyncio.timeout(wait):
                            await self._called.wait()
                    self._called.clear()
                    self._waiting = [*left, *self._waiting]

    async def _gather(self) -> None:
        """Wait a moment for the other connections, so that one commit serves more of them.

        A transaction on a server takes long enough for that.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(_GATHER_S if self._ledger.is_local else 0):
                while len(self._waiting) < sum(len(each.in_flight) for each in self._batches):
                    self._called.clear()
                    await self._called.wait()

    async def _serve_once(self, turns: Sequence[_Turn]) -> float | None:
        """Serve `turns` in one transaction; return the seconds until the next, if some are left;
        None: until there is a batch."""
        settling = [turn.outcome for turn in turns if turn.outcome]
        asking = [turn for turn in turns if turn.wants]
        wanted = 0 if self.stopping else len(asking)
        if self._most:
            wanted = min(wanted, self._most - self._claimed)
        batches = list(self._batches)
        for outcome in settling:
            outcome.claim.batch.in_flight.discard(outcome.claim.id)
        try:
            made = await self._turned(settling, wanted, batches)
        except DatabaseError as error:
            self.stop(str(error), bad=True)
            for turn in turns:
                turn.answer.set_exception(error)
            return 0.0
        self._count(settling, made.settled, made.skipped)
        self._claimed += len(made.claims)
        for turn, claim in zip(asking, made.claims, strict=False):
            turn.answer.set_result(claim)
        if wanted and self._ledger.closed_until:
            self._close(self._ledger.closed_until)
        over = not wanted or (made.wait is None and not self._waits) or self.stopping
        for turn in turns:
            if (over or not turn.wants) and not turn.answer.done():
                turn.answer.set_result(None)
            turn.outcome = None
        await self._take_over()
        self._end_batches()
        return made.wait

    async def _turned(
        self, outcomes: Sequence[Outcome], wanted: int, batches: Sequence[Batch]
    ) -> Turn:
        if not outcomes and not (wanted and batches):
            return Turn((), (), 0, None)
        return await self.retried(
            lambda: self._ledger.turn(outcomes, wanted, batches), forever=bool(outcomes)
        )

    def abandon(self) -> None:
        """Report the end of all batches: no connection serves them any more."""
        for batch in list(self._batches):
            self._batches.pop(batch).set()

    def end_day(self, until: datetime) -> None:
        """Stop: the warm-up allows no more today."""
        self.stop(f"the warm-up allows no more mail before {until:%Y-%m-%d %H:%M}")

    def _close(self, until: datetime) -> None:
        if not self._waits:
            self.end_day(until)
        for batch in self._batches:
            batch.not_before = until

    def _end_batches(self) -> None:
        """Report the end of each batch without a row to claim or to settle."""
        for batch in list(self._batches):
            over = self.stopping or batch.not_before or self._ledger.is_exhausted(batch)
            if self._waits and over and not batch.in_flight:
                self._batches.pop(batch).set()

    def _count(self, outcomes: Sequence[Outcome], settled: Sequence[State], skipped: int) -> None:
        for outcome, state in zip(outcomes, settled, strict=True):
            self._tally.add(state)
            if state in {"failed", "retry", "in_doubt"}:
                self._tally.add_reply(outcome)
        self._tally.add("skipped", skipped)
        self._step(len(settled) + skipped)

    async def _take_over(self) -> None:
        now = self._clock.steady()
        if now - self._took_over_at >= _TAKE_OVER_EVERY_S:
            self._took_over_at = now
            with suppress(DatabaseError):  # tried again next time
                self._tally.taken_over += await self.retried(self._ledger.take_over)

    async def retried(self, work: Callable[[], _Result], *, forever: bool = False) -> _Result:
        """Return the result of `work`; try again while the database is locked or full.

        forever: for as long as another program holds the lock, which may be stopped in the middle
        of a transaction. What was sent must be recorded, or the next run sends it again.
        """
        left = DATABASE_TIMEOUT_S
        while True:
            since = self._clock.steady()
            try:
                return await self._done(work)
            except DatabaseError as error:
                if left <= 0 and not (forever and isinstance(error, DatabaseLockedError)):
                    raise
            await asyncio.sleep(_PAUSE_S)
            # Time for which this process was stopped (SIGSTOP) does not count.
            left -= min(self._clock.steady() - since, _LONGEST_TRY_S)

    async def _done(self, work: Callable[[], _Result]) -> _Result:
        """Return the result of `work`."""
        if self._ledger.is_local:
            # Not in a thread: there is nothing else to do meanwhile, and two competing threads
            # take twice as long. Replies of the server wait in their sockets.
            return work()
        async with self._in_use:
            doing = asyncio.ensure_future(asyncio.to_thread(work))
            try:
                return await asyncio.shield(doing)
            finally:  # cancelled: the connection is in use until then
                await asyncio.wait([doing])
