"""Sending what the ledger holds: a few connections, one mail in flight on each.

A connection asks the desk for a row, sends its mail, and comes back with the outcome. The desk is
the only one that speaks to the ledger, for all connections that wait at once in one transaction.
"""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from broadsheet.delivery.ledger import Claim, Ledger, Outcome, State, Turn
from broadsheet.delivery.mailing import Mailing
from broadsheet.delivery.pacing import Brake
from broadsheet.delivery.smtp import Server, Session, UnavailableError, Verdict
from broadsheet.errors import BroadsheetError, DatabaseError

_ROUNDS: Final = 6  # pauses with no mail taken, after which a run ends
_PATIENCE: Final = 60.0  # seconds in which the database has to answer
_LOOK_AGAIN: Final = 5.0  # seconds between two looks for runs that were killed
_SENDER_REFUSALS: Final = 3  # one after another, after which it is not about a reader
_NO_SUCH_ADDRESS: Final = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"})


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


@dataclass(frozen=True, slots=True)
class Limits:
    """connections: at once. messages: over one connection, and of the whole run; 0: no limit."""

    connections: int
    messages_per_connection: int = 0
    messages: int = 0


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
                )
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

    async def _patiently(self, work: Callable[[], Turn]) -> Turn:
        """What `work` returns; while the database is locked or full, it is tried again."""
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                # Not in a thread: there is nothing else to do, and two threads in each other's
                # way take twice as long. What the connections hear in the meantime waits for us.
                return work()
            except DatabaseError:
                if time.monotonic() > until:
                    raise
            await asyncio.sleep(0.5)

    def _unwanted(self, issue: int, topics: tuple[str, ...], language: str) -> bool:
        return self._mailings[issue].unwanted(topics, language)


class _Office:
    """The connections of a run, and what they have in common."""

    def __init__(
        self,
        server: Server,
        desk: Desk,
        mailings: Mapping[int, Mailing],
        limits: Limits,
        clock: Callable[[], datetime],
    ) -> None:
        self._server = server
        self._desk = desk
        self._mailings = mailings
        self._limits = limits
        self._clock = clock
        self._brake = Brake(random.random)
        self._sender_refusals = 0

    async def work(self) -> None:
        """One connection, from its first row to its last."""
        session: Session | None = None
        outcome: Outcome | None = None
        try:
            while True:
                if session is None or not self._ready(session):
                    # What is known is put down before anything that takes time.
                    await self._desk.turn(outcome, wants=False)
                    outcome = None
                    session = await self._renewed(session)
                    if session is None:
                        return
                claim = await self._desk.turn(outcome, wants=True)
                outcome = None
                if claim is None:
                    return
                outcome = await self._send(session, claim)
        finally:
            if session is not None:
                await session.leave()

    def _ready(self, session: Session) -> bool:
        most = self._limits.messages_per_connection
        used_up = most and session.sent >= most
        return session.usable and not used_up and time.monotonic() >= self._brake.free_at

    async def _renewed(self, session: Session | None) -> Session | None:
        """A connection that can be used, when the brake allows; None when the run has to end."""
        if session is not None and not (session.usable and self._keeps(session)):
            await session.leave()
            session = None
        while not self._desk.stopping:
            wait = self._brake.free_at - time.monotonic()
            if wait > 0:
                await asyncio.sleep(min(wait, 0.2))
                continue
            if session is not None:
                return session
            try:
                return await Session.open(self._server)
            except UnavailableError as error:
                self._unavailable(error)
        if session is not None:
            await session.leave()
        return None

    def _keeps(self, session: Session) -> bool:
        most = self._limits.messages_per_connection
        return not most or session.sent < most

    def _unavailable(self, error: UnavailableError) -> None:
        self._brake.slow(time.monotonic())
        if error.for_good or self._brake.rounds >= _ROUNDS:
            self._desk.stop(
                f"the mail server {self._server.host} cannot be used: {error}", bad=True
            )

    async def _send(self, session: Session, claim: Claim) -> Outcome:
        mailing = self._mailings[claim.issue]
        try:
            mail = mailing.mail(claim)
        except BroadsheetError as error:
            self._desk.stop(str(error), bad=True)
            return Outcome(claim, "pending", reply="its mail could not be made")
        wait = claim.send_at - time.time()
        if 0 < wait < 1:
            await asyncio.sleep(wait)
        if self._clock() >= claim.lease:  # this run was stopped for a while
            return Outcome(claim, "pending")
        envelope = mailing.envelope(claim.subscriber)
        return self._outcome(claim, await session.send(envelope, claim.address, mail))

    def _outcome(self, claim: Claim, verdict: Verdict) -> Outcome:
        code, words = verdict.code, verdict.words
        self._sender_refusals += verdict.kind == "sender_refused"
        match verdict.kind:
            case "accepted" | "refused":
                self._brake.release()
                self._sender_refusals = 0
                if verdict.kind == "accepted":
                    return Outcome(claim, "sent", code, words)
                return Outcome(claim, "failed", code, words, gone=_no_such_address(words))
            case "lost" if verdict.stale:
                return Outcome(claim, "pending", code, words)
            case "in_doubt":
                self._slow(verdict)
                return Outcome(claim, "in_doubt", code, f"after the whole mail: {words}")
            case _:
                self._slow(verdict)
                return Outcome(claim, "retry", code, words)

    def _slow(self, verdict: Verdict) -> None:
        self._brake.slow(time.monotonic())
        said = f"{verdict.code or ''} {verdict.words}".strip()
        if self._sender_refusals >= _SENDER_REFUSALS:
            self._desk.stop(f"the mail server takes nothing from this sender: {said}", bad=True)
        elif self._brake.rounds >= _ROUNDS:
            self._desk.stop(f"the mail server puts everything off: {said}")


async def send_all(
    ledger: Ledger,
    mailings: Mapping[int, Mailing],
    server: Server,
    limits: Limits,
    clock: Callable[[], datetime],
    step: Callable[[], object] = lambda: None,
) -> Tally:
    """Sends what can be sent now of the issues of `mailings`, by id, and returns when that is done.

    clock: the time that the ledger goes by. step: called for each row that is settled. SIGTERM and
    SIGINT let the mails in flight come to their end.
    """
    tally = Tally()
    desk = Desk(ledger, mailings, tally, limits.messages, step)
    tally.taken_over = ledger.take_over(tuple(mailings))
    waiting = ledger.waiting(tuple(mailings))
    if waiting == 0:
        return tally
    office = _Office(server, desk, mailings, limits, clock)
    serving = asyncio.create_task(desk.serve())
    at_once = min(limits.connections, waiting, limits.messages or waiting)
    with _signals(desk):
        working = [asyncio.create_task(office.work()) for _ in range(at_once)]
        try:
            # A desk that fails would leave all waiting for ever.
            done: asyncio.Future[Any] = asyncio.gather(*working, return_exceptions=True)
            either: set[asyncio.Future[Any]] = {serving, done}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (serving, *working):
                task.cancel()
            ended = await asyncio.gather(serving, *working, return_exceptions=True)
    for error in ended:
        if isinstance(error, Exception) and not isinstance(error, DatabaseError):
            raise error
    return tally


@contextmanager
def _signals(desk: Desk) -> Iterator[None]:
    """While this lasts, SIGTERM and SIGINT end the run gently; a second one ends it at once."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def asked(name: str) -> None:
        if desk.stopping and task is not None:
            task.cancel()
        desk.stop(f"stopped by {name}")

    names = ("SIGTERM", "SIGINT")
    with suppress(NotImplementedError, ValueError, RuntimeError):  # not on Windows, or in a thread
        for name in names:
            loop.add_signal_handler(getattr(signal, name), asked, name)
    try:
        yield
    finally:
        with suppress(NotImplementedError, ValueError, RuntimeError):
            for name in names:
                loop.remove_signal_handler(getattr(signal, name))


def _no_such_address(words: str) -> bool:
    return words.partition(" ")[0] in _NO_SUCH_ADDRESS
