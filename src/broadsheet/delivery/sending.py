"""Send what is in the ledger over a few connections, with one mail in flight on each."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, Final

from broadsheet.delivery.batcher import Batcher, Tally
from broadsheet.delivery.claims import Claim, Outcome, reply_time
from broadsheet.delivery.ledger import Ledger
from broadsheet.delivery.mail.mailing import Mailing
from broadsheet.delivery.pacing import Backoff, Clock
from broadsheet.delivery.transports import Session, Transport, UnavailableError, Verdict
from broadsheet.errors import BroadsheetError, DatabaseError
from broadsheet.model.settings import DeliverySettings

MOST_ROUNDS: Final = 6
"""Consecutive pauses without an accepted mail, after which a run ends."""

_RECONNECT_AFTER_S: Final = 30.0  # while other connections work
_MOST_SENDER_REFUSALS: Final = 3  # consecutive; then the reason is not the recipient
_POLL_S: Final = 0.2  # during a pause, to notice that the run ends


class _Lease:
    """A claim while its mail is being sent. ours: False once another run has taken it over."""

    def __init__(self, claim: Claim, batcher: Batcher, clock: Clock, reply_time: timedelta) -> None:
        self._claim = claim
        self._batcher = batcher
        self._clock = clock
        self._reply_time = reply_time
        self.ours = True

    async def is_ours(self) -> bool:
        """Whether the mail may be sent: if the lease may end before the reply, only if it can be
        renewed.

        The clock is the wall clock, which runs while this process is stopped or the machine
        asleep. Raises DatabaseError.
        """
        if self._clock() + self._reply_time >= self._claim.lease:
            renewed = await self._batcher.renew(self._claim)
            self.ours = renewed is not None
            self._claim = renewed or self._claim
        return self.ours


class Pool:
    """The connections of a run and their common state."""

    def __init__(
        self,
        transport: Transport,
        batcher: Batcher,
        mailings: Mapping[int, Mailing],
        delivery: DeliverySettings,
        clock: Clock,
    ) -> None:
        self._transport = transport
        self._batcher = batcher
        self._mailings = mailings
        self._most = delivery.messages_per_connection
        self._reply_time = reply_time(delivery)
        self._clock = clock
        self._backoff = Backoff(random.random)
        self._sender_refusals = 0
        self._sessions: dict[int, Session] = {}  # by id(): a session need not be hashable
        self._over = False
        self._connecting = asyncio.Lock()  # one at a time: a failure applies to the next one too

    async def run(self, connections: int) -> None:
        """Serve so many connections until all have ended."""
        serving = asyncio.create_task(self._batcher.serve())
        working = [asyncio.create_task(self._work()) for _ in range(connections)]
        try:
            # If the batcher fails, the connections would wait forever.
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

    async def _work(self) -> None:
        """Serve one connection from its first row to its last."""
        session: Session | None = None
        outcome: Outcome | None = None
        try:
            while True:
                if session is None or not self._is_ready(session):
                    # Record the outcome before anything that takes time.
                    await self._batcher.turn(outcome, wants=False)
                    outcome = None
                    await self._batcher.ready()
                    session = await self._renewed(session)
                    if session is None:
                        return
                claim = await self._batcher.turn(outcome, wants=True)
                outcome = None
                if claim is None:
                    self._over = True
                    return
                outcome = await self._send(session, claim)
                self._over &= outcome.kind != "pending"
        finally:
            if session is not None:
                await self._leave(session)

    def _is_ready(self, session: Session) -> bool:
        paused = self._clock.steady() < self._backoff.free_at
        return session.usable and not self._is_used_up(session) and not paused

    def _is_used_up(self, session: Session) -> bool:
        return bool(self._most) and session.sent >= self._most

    async def _renewed(self, session: Session | None) -> Session | None:
        """Return a usable connection once the backoff allows; None when the run ends."""
        if session is not None and (not session.usable or self._is_used_up(session)):
            await self._leave(session)
            session = None
        reconnect_at = 0.0
        while not self._batcher.stopping and not (self._over and session is None):
            until = max(self._backoff.free_at, reconnect_at if self._others_work() else 0)
            wait = until - self._clock.steady()
            if wait > 0:
                await asyncio.sleep(min(wait, _POLL_S))
            elif session is not None:
                return session
            else:
                session = await self._opened()
                reconnect_at = 0.0 if session else self._clock.steady() + _RECONNECT_AFTER_S
        if session is not None:
            await self._leave(session)
        return None

    async def _opened(self) -> Session | None:
        """Return a new connection; None if the server accepts none now."""
        async with self._connecting:
            if self._clock.steady() < self._backoff.free_at:
                return None
            try:
                session = await self._transport.connect()
            except UnavailableError as error:
                # The server may refuse further connections while it serves the others.
                if error.for_good or not self._others_work():
                    self._unavailable(error)
                return None
            self._sessions[id(session)] = session
            return session

    async def _leave(self, session: Session) -> None:
        self._sessions.pop(id(session), None)
        await session.leave()

    def _others_work(self) -> bool:
        """Whether another connection can be used."""
        return any(session.usable for session in self._sessions.values())

    def _unavailable(self, error: UnavailableError) -> None:
        self._backoff.slow(self._clock.steady())
        if error.for_good or self._backoff.rounds >= MOST_ROUNDS:
            self._batcher.stop(unusable(self._transport, error), bad=True)

    async def _send(self, session: Session, claim: Claim) -> Outcome:
        mailing = self._mailings[claim.issue]
        try:
            mail = mailing.mail(claim)
        except BroadsheetError as error:
            self._batcher.stop(str(error), bad=True)
            return Outcome(claim, "pending", reply="its mail could not be made")
        wait = claim.send_at - self._clock.wall()
        if 0 < wait < 1:
            await asyncio.sleep(wait)
        lease = _Lease(claim, self._batcher, self._clock, self._reply_time)
        if not await lease.is_ours():
            return Outcome(claim, "pending")
        sender = mailing.envelope_sender(claim.subscriber)
        verdict = await session.send(sender, claim.address, mail, lease.is_ours)
        return self._outcome(claim, verdict) if lease.ours else Outcome(claim, "pending")

    def _outcome(self, claim: Claim, verdict: Verdict) -> Outcome:
        code, words = verdict.code, verdict.words
        self._sender_refusals += verdict.kind == "sender_refused"
        match verdict.kind:
            case "accepted" | "refused":
                self._backoff.release()
                self._sender_refusals = 0
                if verdict.kind == "accepted":
                    return Outcome(claim, "sent", code, words)
                return Outcome(claim, "failed", code, words, gone=verdict.gone)
            case "lost" if verdict.stale:
                return Outcome(claim, "pending", code, words)
            case "in_doubt":
                self._slow(verdict)
                return Outcome(claim, "in_doubt", code, f"after the whole mail: {words}")
            case _:
                self._slow(verdict)
                return Outcome(claim, "retry", code, words)

    def _slow(self, verdict: Verdict) -> None:
        self._backoff.slow(self._clock.steady())
        if self._sender_refusals >= _MOST_SENDER_REFUSALS:
            self._batcher.stop(unwelcome(verdict), bad=True)
        elif self._backoff.rounds >= MOST_ROUNDS:
            self._batcher.stop(f"the mail server defers everything: {verdict.text}")


async def send_all(
    ledger: Ledger,
    mailings: Mapping[int, Mailing],
    transport: Transport,
    delivery: DeliverySettings,
    most: int = 0,
    step: Callable[[int], object] = lambda _: None,
) -> Tally:
    """Send what can be sent now of the issues of `mailings`, by id.

    most: mails to send; 0 for no limit. step: called with how many rows were settled. On SIGTERM
    and SIGINT, the mails in flight are finished.
    """
    tally = Tally()
    batcher = Batcher(ledger, tally, most, step)
    tally.taken_over = ledger.take_over()
    waiting = ledger.waiting()
    if waiting == 0:
        return tally
    ledger.wait_briefly()
    for batch in ledger.whole_issues():
        batcher.open(batch)
    pool = Pool(transport, batcher, mailings, delivery, ledger.clock)
    with signals(batcher):
        await pool.run(min(delivery.connections, waiting, most or waiting))
    return tally


async def rehearse(transport: Transport, sender: str, clock: Clock) -> Tally:
    """Connect, log in and send the envelope `sender` as `send_all` would, but send no mail.

    The tally has what would stop the run, in the same words.
    """
    tally = Tally()
    backoff = Backoff(random.random)
    while True:
        try:
            session = await transport.connect()
            break
        except UnavailableError as error:
            backoff.slow(clock.steady())
            if error.for_good or backoff.rounds >= MOST_ROUNDS:
                tally.stopped, tally.bad = unusable(transport, error), True
                return tally
        await asyncio.sleep(max(0.0, backoff.free_at - clock.steady()))
    refusal = await session.introduce(sender)
    await session.leave()
    if refusal is not None:
        tally.stopped, tally.bad = unwelcome(refusal), True
    return tally


def unusable(transport: Transport, error: UnavailableError) -> str:
    """Return what to report if no connection can be opened."""
    return f"the mail server {transport.name} cannot be used: {error}"


def unwelcome(verdict: Verdict) -> str:
    """Return what to report if the sender is refused."""
    return f"the mail server accepts no mail from this sender: {verdict.text}"


@contextmanager
def signals(batcher: Batcher) -> Iterator[None]:
    """Let the first SIGTERM or SIGINT end the run gracefully, and a second one at once."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def asked(name: str) -> None:
        if batcher.stopping and task is not None:
            task.cancel()
        batcher.stop(f"stopped by {name}")

    names = ("SIGTERM", "SIGINT")
    with suppress(NotImplementedError, ValueError, RuntimeError):  # on Windows, or in a thread
        for name in names:
            loop.add_signal_handler(getattr(signal, name), asked, name)
    try:
        yield
    finally:
        with suppress(NotImplementedError, ValueError, RuntimeError):
            for name in names:
                loop.remove_signal_handler(getattr(signal, name))
