"""The desk: the only one in a run that speaks to the ledger, for all its connections.

A connection asks for a row, sends its mail, and comes back with the outcome. One transaction serves
all that wait at that moment.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, TypeVar

from broadsheet.delivery.ledger import Ledger
from broadsheet.delivery.mailing import Mailing
from broadsheet.delivery.states import Claim, Outcome, State
from broadsheet.errors import DatabaseError, DatabaseLockedError

_PATIENCE: Final = 60.0  # seconds in which the database has to answer
_PAUSE: Final = 0.5  # seconds between attempts
_LONGEST_TRY: Final = 3.0  # seconds of an attempt at a locked database, with its pause
_LOOK_AGAIN: Final = 5.0  # seconds between two looks for runs that were killed

_Result = TypeVar("_Result")


@dataclass(slots=True)
class Tally:
    """What a run came to. counts: rows by the state that they were settled in.

    stopped: why it ended before its time; "" when it did not. bad: someone has to do something
    about that. replies: the server's words for what failed or was put off, and how often.
    """

    counts: dict[State, int] = field(default_factory=dict)
    stopped: str = ""
    bad: bool = False
    replies: dict[str, int] = field(default_factory=dict)
    taken_over: int = 0

    def add(self, state: State, number: int = 1) -> None:
        """Counts rows that ended in `state`."""
        self.counts[state] = self.counts.get(state, 0) + number

    @property
    def sent(self) -> int:
        """How many mails the server took."""
        return self.counts.get("sent", 0)


@dataclass(slots=True)
class _Request:
    """A connection at the desk: with the outcome of its last row, and whether it wants another."""

    outcome: Outcome | None
    wants: bool
    answer: asyncio.Future[Claim | None]


class Desk:
    """Where connections get their rows. One transaction serves all that wait."""

    def __init__(
        self,
        ledger: Ledger,
        mailings: Mapping[int, Mailing],
        tally: Tally,
        most: int,
        step: Callable[[], object],
    ) -> None:
        """most: rows that are claimed; 0: no limit. step: called for each that is settled."""
        self._ledger = ledger
        self._mailings = mailings
        self._tally = tally
        self._most = most
        self._claimed = 0
        self._step = step
        self._waiting: list[_Request] = []
        self._called = asyncio.Event()
        self.stopping = False
        self._looked = time.monotonic()

    async def turn(self, outcome: Outcome | None, *, wants: bool) -> Claim | None:
        """Settles `outcome`; then the next row, or None where none is wanted or there is none.

        When this returns, both are on the disk. Raises DatabaseError.
        """
        answer = asyncio.get_running_loop().create_future()
        self._waiting.append(_Request(outcome, wants, answer))
        self._called.set()
        found: Claim | None = await answer
        return found

    async def renew(self, claim: Claim) -> Claim | None:
        """Return `claim` with a new lease; None if another run has taken it over.

        Raises DatabaseError, and then the run ends.
        """
        try:
            return await self._patiently(lambda: self._ledger.renew(claim))
        except DatabaseError as error:
            self.stop(str(error), bad=True)
            raise

    def stop(self, why: str, *, bad: bool = False) -> None:
        """No more rows are claimed; those in hand come to their end. bad: someone has to act."""
        if not self.stopping:
            self._tally.stopped, self._tally.bad = why, bad
        self.stopping = True
        self._called.set()

    async def serve(self) -> None:
        """Serves whoever comes, until cancelled."""
        while True:
            await self._called.wait()
            await asyncio.sleep(0)  # whoever else is ready comes along
            self._called.clear()
            if self._waiting:
                await self._serve_all()

    async def _serve_all(self) -> None:
        requests, self._waiting = self._waiting, []
        while requests:
            wait = await self._once(requests)
            requests = [request for request in requests if not request.answer.done()]
            if requests:
                # They wait for their moment; whoever comes in the meantime is served too.
                with_more = asyncio.create_task(self._called.wait())
                await asyncio.wait({with_more}, timeout=wait)
                with_more.cancel()
                self._called.clear()
                requests += self._waiting
                self._waiting = []

    async def _once(self, requests: Sequence[_Request]) -> float:
        """One transaction for `requests`; seconds until the next, where some are left."""
        settling = [request for request in requests if request.outcome]
        asking = [request for request in requests if request.wants]
        wanted = 0 if self.stopping else len(asking)
        if self._most:
            wanted = min(wanted, self._most - self._claimed)
        try:
            turn = await self._patiently(
                lambda: self._ledger.turn(
                    [request.outcome for request in settling if request.outcome],
                    wanted,
                    tuple(self._mailings),
                    self._unwanted,
                    time.time(),
                ),
                forever=bool(settling),
            )
        except DatabaseError as error:
            self.stop(str(error), bad=True)
            for request in requests:
                request.answer.set_exception(error)
            return 0.0
        self._count(settling, turn.settled, turn.skipped)
        self._claimed += len(turn.claims)
        for request, claim in zip(asking, turn.claims, strict=False):
            request.answer.set_result(claim)
        for request in requests:
            over = not request.wants or turn.wait is None or not wanted
            if over and not request.answer.done():
                request.answer.set_result(None)
            request.outcome = None
        self._look_for_dead()
        return turn.wait or 0.0

    def _count(self, requests: Sequence[_Request], settled: Sequence[State], skipped: int) -> None:
        for request, state in zip(requests, settled, strict=True):
            self._tally.add(state)
            if request.outcome and state in {"failed", "retry", "in_doubt"}:
                words = f"{request.outcome.code or ''} {request.outcome.reply}".strip()
                if words in self._tally.replies or len(self._tally.replies) < 100:
                    self._tally.replies[words] = self._tally.replies.get(words, 0) + 1
            self._step()
        self._tally.add("skipped", skipped)
        for _ in range(skipped):
            self._step()

    def _look_for_dead(self) -> None:
        now = time.monotonic()
        if now - self._looked >= _LOOK_AGAIN:
            self._looked = now
            with suppress(DatabaseError):  # there will be another look
                self._tally.taken_over += self._ledger.take_over(tuple(self._mailings))

    async def _patiently(self, work: Callable[[], _Result], *, forever: bool = False) -> _Result:
        """Return the result of `work`; try again while the database is locked or full.

        forever: as long as another program holds the lock. What was sent must be recorded, or the
        next run sends it again, and that program may be stopped in the middle of a transaction.
        """
        left = _PATIENCE
        while True:
            since = time.monotonic()
            try:
                # Not in a thread: there is nothing else to do, and two threads in each other's
                # way take twice as long. What the connections hear in the meantime waits for us.
                return work()
            except DatabaseError as error:
                if left <= 0 and not (forever and isinstance(error, DatabaseLockedError)):
                    raise
            await asyncio.sleep(_PAUSE)
            # The time for which this process was stopped (SIGSTOP) does not count.
            left -= min(time.monotonic() - since, _LONGEST_TRY)

    def _unwanted(self, issue: int, topics: tuple[str, ...], language: str) -> bool:
        return self._mailings[issue].unwanted(topics, language)
