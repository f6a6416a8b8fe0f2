"""Sending what the ledger holds: a few connections, one mail in flight on each.

Each takes a row from the desk (desk.py), sends its mail, and comes back with what became of it.
"""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from broadsheet.delivery.desk import Desk, Tally
from broadsheet.delivery.ledger import Ledger
from broadsheet.delivery.mailing import Mailing
from broadsheet.delivery.pacing import Brake
from broadsheet.delivery.smtp import Server, Session, UnavailableError, Verdict
from broadsheet.delivery.states import Claim, Outcome
from broadsheet.errors import BroadsheetError, DatabaseError

_ROUNDS: Final = 6  # pauses with no mail taken, after which a run ends
_ASIDE: Final = 30.0  # seconds until a connection that the server refused is tried again
_SENDER_REFUSALS: Final = 3  # one after another, after which it is not about a reader


@dataclass(frozen=True, slots=True)
class Limits:
    """connections: at once. messages: over one connection, and of the whole run; 0: no limit."""

    connections: int
    messages_per_connection: int = 0
    messages: int = 0


class _Held:
    """A claim while its mail is being sent. ours: whether no other run has taken it over."""

    def __init__(self, claim: Claim, desk: Desk, clock: Callable[[], datetime]) -> None:
        self._claim = claim
        self._desk = desk
        self._clock = clock
        self.ours = True

    async def is_ours(self) -> bool:
        """Whether the mail may be sent: past its lease, only once the claim has been renewed.

        The clock is the wall clock, which goes on while this process is stopped or the machine
        asleep. Raises DatabaseError.
        """
        if self._clock() >= self._claim.lease:
            renewed = await self._desk.renew(self._claim)
            self.ours = renewed is not None
            self._claim = renewed or self._claim
        return self.ours


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
        self._sessions: set[Session] = set()
        self._over = False
        self._door = asyncio.Lock()  # one after the other: what came of one tells about the next

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
                    self._over = True
                    return
                outcome = await self._send(session, claim)
                self._over &= outcome.kind != "pending"
        finally:
            if session is not None:
                await self._leave(session)

    def _ready(self, session: Session) -> bool:
        most = self._limits.messages_per_connection
        used_up = most and session.sent >= most
        return session.usable and not used_up and time.monotonic() >= self._brake.free_at

    async def _renewed(self, session: Session | None) -> Session | None:
        """A connection that can be used, when the brake allows; None when the run ends."""
        if session is not None and not (session.usable and self._keeps(session)):
            await self._leave(session)
            session = None
        aside = 0.0
        while not self._desk.stopping and not (self._over and session is None):
            wait = max(self._brake.free_at, aside if self._others_work() else 0) - time.monotonic()
            if wait > 0:
                await asyncio.sleep(min(wait, 0.2))
            elif session is not None:
                return session
            else:
                session = await self._opened()
                aside = 0.0 if session else time.monotonic() + _ASIDE
        if session is not None:
            await self._leave(session)
        return None

    async def _opened(self) -> Session | None:
        """A new connection; None when the server has none for us now."""
        async with self._door:
            if time.monotonic() < self._brake.free_at:
                return None
            try:
                session = await Session.open(self._server)
            except UnavailableError as error:
                # It may take no more connections, while those that it has serve on.
                if error.for_good or not self._others_work():
                    self._unavailable(error)
                return None
            self._sessions.add(session)
            return session

    async def _leave(self, session: Session) -> None:
        self._sessions.discard(session)
        await session.leave()

    def _others_work(self) -> bool:
        """Whether the server can be used, over other connections than one that has none."""
        return any(session.usable for session in self._sessions)

    def _keeps(self, session: Session) -> bool:
        most = self._limits.messages_per_connection
        return not most or session.sent < most

    def _unavailable(self, error: UnavailableError) -> None:
        self._brake.slow(time.monotonic())
        if error.for_good or self._brake.rounds >= _ROUNDS:
            self._desk.stop(_unusable(self._server, error), bad=True)

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
        held = _Held(claim, self._desk, self._clock)
        if not await held.is_ours():
            return Outcome(claim, "pending")
        envelope = mailing.envelope(claim.subscriber)
        verdict = await session.send(envelope, claim.address, mail, held.is_ours)
        return self._outcome(claim, verdict) if held.ours else Outcome(claim, "pending")

    def _outcome(self, claim: Claim, verdict: Verdict) -> Outcome:
        code, words = verdict.code, verdict.words
        self._sender_refusals += verdict.kind == "sender_refused"
        match verdict.kind:
            case "accepted" | "refused":
                self._brake.release()
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
        self._brake.slow(time.monotonic())
        said = f"{verdict.code or ''} {verdict.words}".strip()
        if self._sender_refusals >= _SENDER_REFUSALS:
            self._desk.stop(_unwelcome(said), bad=True)
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
    ledger.hurry()
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


async def rehearse(server: Server, sender: str) -> Tally:
    """Connect, log in and give the sender as `send_all` would, but send no mail.

    sender: an envelope address. The tally has what would stop the run, with the same message.
    """
    tally = Tally()
    brake = Brake(random.random)
    while True:
        try:
            session = await Session.open(server)
            break
        except UnavailableError as error:
            brake.slow(time.monotonic())
            if error.for_good or brake.rounds >= _ROUNDS:
                tally.stopped, tally.bad = _unusable(server, error), True
                return tally
        await asyncio.sleep(max(0.0, brake.free_at - time.monotonic()))
    refusal = await session.introduce(sender)
    await session.leave()
    if refusal is not None:
        said = f"{refusal.code or ''} {refusal.words}".strip()
        tally.stopped, tally.bad = _unwelcome(said), True
    return tally


def _unusable(server: Server, error: UnavailableError) -> str:
    return f"the mail server {server.host} cannot be used: {error}"


def _unwelcome(said: str) -> str:
    return f"the mail server accepts no mail from this sender: {said}"


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
