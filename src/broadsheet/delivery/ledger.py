"""The ledger as one run of `deliver` works on it: one row for each issue and subscriber.

A row is claimed before its mail goes out and settled right after the server's reply, each in a
transaction that is committed before anything else is done. One transaction does both, the last
mail's reply and the next claim, for as many connections as wait for it. So whenever a run is
killed, a connection has at most one row of which it is not known whether its mail was sent: a
claimed one. (A power cut may also take the last second's commits: docs/decisions/0011.)
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sql
from sqlalchemy import bindparam
from sqlalchemy.exc import SQLAlchemyError

from broadsheet.delivery import subscribers as people
from broadsheet.delivery.accounts import counted
from broadsheet.delivery.claiming import Queue
from broadsheet.delivery.database import (
    Database,
    database_error,
    deliveries,
    hurry,
    issues,
    make_safe,
    moment,
    pace,
    relax,
    serialise,
    stamp,
)
from broadsheet.delivery.pacing import Dice, after, next_doubt, next_try, slots
from broadsheet.delivery.senders import Senders
from broadsheet.delivery.states import FINAL, KILLED, Claim, Outcome, Policy, State, Turn, Unwanted
from broadsheet.errors import DeliveryError, Problem

_SAFE_AFTER: Final = 1.0  # seconds
_PATIENCE: Final = 2.0  # seconds for one try at a database that others may have locked
_TRIES: Final = 3  # at least, before a mail that is put off has failed: a clock may jump


class Ledger:
    """The ledger in the hands of a run. It holds a connection while it is open."""

    def __init__(
        self,
        database: Database,
        policy: Policy,
        clock: Callable[[], datetime],
        dice: Dice = random.random,
    ) -> None:
        """clock: the aware time that the ledger goes by. Raises DatabaseError."""
        self._database = database
        self._policy = policy
        self._clock = clock
        self._dice = dice
        self._safe_at = time.monotonic()
        try:
            self._connection = database.engine.connect()
            self._connection.detach()  # nobody else gets it when it is closed
            relax(self._connection)
            self._senders = Senders(database, self._connection, clock())
            self._queue = Queue(self._connection, policy, self._senders.id)
        except SQLAlchemyError as error:
            raise database_error(error, database.shown) from error

    def close(self) -> None:
        """Ends the run: what is still claimed is in doubt for whoever comes next."""
        try:
            self._senders.leave(self._clock())
        except SQLAlchemyError:
            self._senders.let_go()
        finally:
            self._connection.close()

    def turn(
        self,
        outcomes: Sequence[Outcome],
        wanted: int,
        of: Sequence[int],
        unwanted: Unwanted,
        now_real: float,
    ) -> Turn:
        """One transaction: settles `outcomes`, then claims up to `wanted` rows of the issues `of`.

        now_real: seconds from 1970, whatever time the ledger goes by. Raises DatabaseError, and
        then nothing was settled or claimed.
        """
        self._check_connection()
        try:
            with self._connection.begin():
                next_at = serialise(self._connection)
                now = self._clock()
                settled = self._settle(outcomes, now)
                booked = slots(next_at, now_real, self._policy.rate, wanted)
                made = self._queue.claim(booked.moments, of, unwanted, now)
                if made.claims and self._policy.rate:
                    taken = booked.moments[: len(made.claims)]
                    free = after(taken, next_at, self._policy.rate)
                    self._connection.execute(sql.update(pace).values(next_at=free))
        except SQLAlchemyError as error:
            raise database_error(error, self._database.shown) from error
        self._make_safe()
        exhausted = len(made.claims) < len(booked.moments) and not made.more
        wait = None if exhausted else booked.wait
        return Turn(tuple(made.claims), settled, made.skipped, wait)

    def renew(self, claim: Claim) -> Claim | None:
        """Return `claim` with a new lease; None if another run has taken the row over.

        Raises DatabaseError.
        """
        self._check_connection()
        try:
            with self._connection.begin():
                serialise(self._connection)
                until = self._clock() + timedelta(seconds=self._policy.lease)
                values = {"row": claim.id, "me": self._senders.id, "until": stamp(until)}
                ours = self._connection.execute(_RENEW, values).rowcount == 1
        except SQLAlchemyError as error:
            raise database_error(error, self._database.shown) from error
        return replace(claim, lease=until) if ours else None

    def _check_connection(self) -> None:
        """Without its connection this run has lost its lock, and others take it for dead."""
        if self._connection.invalidated:
            raise DeliveryError(
                Problem(
                    "the connection was lost",
                    "run again: what was in hand is in doubt, all else goes on",
                    self._database.shown,
                )
            )

    def _make_safe(self) -> None:
        """Once in a second, all that was committed so far is safe from a power cut too."""
        now = time.monotonic()
        if now - self._safe_at >= _SAFE_AFTER:
            self._safe_at = now
            with suppress(SQLAlchemyError):  # the next one does it
                make_safe(self._connection)

    def hurry(self) -> None:
        """From here on a database that is locked is told soon: all connections wait meanwhile."""
        hurry(self._connection, _PATIENCE)

    def waiting(self, of: Sequence[int]) -> int:
        """How many rows of the issues `of` could be claimed now."""
        with self._database.reading() as connection:
            return self._queue.waiting(connection, of, self._clock())

    def take_over(self, of: Sequence[int]) -> int:
        """Finds what runs that were killed had in hand: whether it was sent is in doubt."""
        self._check_connection()
        try:
            with self._connection.begin():
                serialise(self._connection)
                now = self._clock()
                held = sql.select(deliveries.c.sender, sql.func.max(deliveries.c.lease)).where(
                    deliveries.c.issue.in_(of),
                    deliveries.c.state == "claimed",
                    deliveries.c.sender != self._senders.id,
                )
                found = self._connection.execute(held.group_by(deliveries.c.sender)).all()
                return sum(
                    self._doubt(sender, now)
                    for sender, lease in found
                    if self._is_dead(sender, lease, now)
                )
        except SQLAlchemyError as error:
            raise database_error(error, self._database.shown) from error

    def finish(self, of: Sequence[int]) -> None:
        """Notes which of the issues `of` are done: every row is final."""
        with self._database.writing() as connection:
            serialise(connection)
            for issue in of:
                counts = counted(connection, issue)
                left = any(number for state, number in counts.items() if state not in FINAL)
                done = sql.func.coalesce(issues.c.done, stamp(self._clock()))
                values = (
                    {"done": None, "counts": None}
                    if left
                    else {"done": done, "counts": json.dumps(counts)}
                )
                connection.execute(sql.update(issues).where(issues.c.id == issue).values(values))

    def _is_dead(self, sender: int, lease: str, now: datetime) -> bool:
        lives = self._senders.lives(sender)
        return lease < stamp(now) if lives is None else not lives

    def _doubt(self, sender: int, now: datetime) -> int:
        query = (
            sql.update(deliveries)
            .where(deliveries.c.sender == sender, deliveries.c.state == "claimed")
            .values(
                state="in_doubt",
                next_at=None,  # at once, whatever the clock does
                changed=stamp(now),
                lease=None,
                reply=KILLED,
            )
        )
        self._queue.look_again()
        return int(self._connection.execute(query).rowcount)

    def _settle(self, outcomes: Sequence[Outcome], now: datetime) -> tuple[State, ...]:
        if not outcomes:
            return ()
        ended = [self._next(outcome, now) for outcome in outcomes]
        values = [
            {
                "row": outcome.claim.id,
                "me": self._senders.id,
                "state_": state,
                "next_": stamp(next_at) if next_at else None,
                "now": stamp(now),
                "code_": outcome.code,
                "reply_": outcome.reply,
            }
            for outcome, (state, next_at) in zip(outcomes, ended, strict=True)
        ]
        self._connection.execute(_SETTLE, values)
        for outcome in outcomes:
            if outcome.kind == "pending":
                self._queue.look_again()
            if outcome.gone:
                self._note_gone(outcome, now)
        return tuple(state for state, _ in ended)

    def _note_gone(self, outcome: Outcome, now: datetime) -> None:
        """The server says that there is no such address: the subscriber gets no further mail."""
        person = people.get(self._connection, outcome.claim.subscriber)
        if person is not None and person.status == "active":
            cause = f"{outcome.code} {outcome.reply}"
            people.set_status(self._connection, person, "bounced", cause=cause, now=now)

    def _next(self, outcome: Outcome, now: datetime) -> tuple[State, datetime | None]:
        """The state after `outcome`, and when the row is due again."""
        claim = outcome.claim
        if outcome.kind == "pending":
            return (claim.was if claim.was in {"retry", "in_doubt"} else "pending"), None
        if outcome.kind not in {"retry", "in_doubt"}:
            return outcome.kind, None
        wait = next_try if outcome.kind == "retry" else next_doubt
        next_at = wait(now, claim.attempts, self._policy.retry_wait, self._dice)
        days = self._policy.retry_days
        late = next_at > moment(claim.first_at) + timedelta(days=days)
        given_up = late and claim.attempts >= min(_TRIES, days + 1)
        return ("failed", None) if given_up else (outcome.kind, next_at)


# Only our own rows, even if another run has taken this one for dead.
_OURS: Final = sql.update(deliveries).where(
    deliveries.c.id == bindparam("row"),
    deliveries.c.sender == bindparam("me"),
    deliveries.c.state == "claimed",
)
_RENEW: Final = _OURS.values(lease=bindparam("until"))
_SETTLE: Final = _OURS.values(
    state=bindparam("state_"),
    changed=bindparam("now"),
    next_at=bindparam("next_"),
    lease=None,
    code=bindparam("code_"),
    reply=bindparam("reply_"),
)
