"""The ledger for a run of `deliver`: one row for each issue and subscriber.

A row is claimed before its mail is sent and settled right after the server's reply, each in a
transaction that is committed before anything else happens. One transaction settles the last mails
and claims the next ones for all connections that wait. So if a run is killed, it is unknown for at
most one row per connection whether its mail was sent: the claimed one. (A power cut can also undo
the commits of the last second: docs/decisions/0011.)
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sql
from sqlalchemy import bindparam
from sqlalchemy.exc import SQLAlchemyError

from broadsheet.delivery import subscribers as people
from broadsheet.delivery.claims import (
    FINAL,
    KILLED,
    Claim,
    Outcome,
    Queue,
    State,
    lease_time,
)
from broadsheet.delivery.database import (
    Database,
    database_error,
    deliveries,
    issues,
    lock_ledger,
    moment,
    pace,
    run_on_sqlite,
    set_lock_timeout,
    stamp,
)
from broadsheet.delivery.issues import counted
from broadsheet.delivery.locks import RunLock
from broadsheet.delivery.mail.mailing import Mailing
from broadsheet.delivery.pacing import Clock, after, next_doubt, next_try, slots
from broadsheet.errors import DeliveryError, Problem
from broadsheet.model.settings import Settings

_SYNC_EVERY_S: Final = 1.0
_LOCK_TIMEOUT_S: Final = 2.0  # for one attempt, once mail is being sent
_LEAST_TRIES: Final = 3  # before a deferred mail fails: the clock may jump


@dataclass(frozen=True, slots=True)
class Turn:
    """The result of a transaction. settled: the state that each outcome ended in.

    wait: seconds until more can be claimed; None if there is no more.
    """

    claims: tuple[Claim, ...]
    settled: tuple[State, ...]
    skipped: int
    wait: float | None


class Ledger:
    """The ledger for one run. It holds a connection while it is open."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        clock: Clock,
        mailings: Mapping[int, Mailing],
        only: State | None = None,
    ) -> None:
        """Register the run. mailings: of the issues to send, by id. only: see `Queue`.

        Raises DatabaseError.
        """
        self._mailings = mailings
        self._database = database
        self._delivery = settings.delivery
        self.clock = clock
        self._synced_at = clock.steady()
        try:
            self._connection = database.engine.connect()
            self._connection.detach()  # never returned to the pool
            # A commit survives a killed process at once, and a power cut after `_sync`.
            run_on_sqlite(self._connection, "PRAGMA synchronous = NORMAL")
            self._run = RunLock(database, self._connection, clock())
            self._queue = Queue(self._connection, settings, tuple(mailings), self._run.id, only)
        except SQLAlchemyError as error:
            raise database_error(error, database.shown) from error

    def close(self) -> None:
        """End the run: what is still claimed is in doubt for the next one."""
        try:
            self._run.end(self.clock())
        except SQLAlchemyError:
            self._run.release()
        finally:
            self._connection.close()

    def turn(self, outcomes: Sequence[Outcome], wanted: int) -> Turn:
        """Settle `outcomes`, then claim up to `wanted` rows, in one transaction.

        Raises DatabaseError or DeliveryError, and then nothing was settled or claimed.
        """
        rate = self._delivery.rate
        with self._transaction() as next_at:
            now = self.clock()
            settled = self._settle(outcomes, now)
            booked = slots(next_at, self.clock.wall(), rate, wanted)
            made = self._queue.claim(booked.moments, self._unwanted, now)
            if made.claims and rate:
                free = after(booked.moments[: len(made.claims)], next_at, rate)
                self._connection.execute(sql.update(pace).values(next_at=free))
        self._sync()
        exhausted = len(made.claims) < len(booked.moments) and not made.more
        wait = None if exhausted else booked.wait
        return Turn(tuple(made.claims), settled, made.skipped, wait)

    def renew(self, claim: Claim) -> Claim | None:
        """Return `claim` with a new lease; None if another run has taken it over.

        Raises DatabaseError or DeliveryError.
        """
        with self._transaction():
            until = self.clock() + lease_time(self._delivery)
            values = {"row": claim.id, "me": self._run.id, "until": stamp(until)}
            ours = self._connection.execute(_RENEW, values).rowcount == 1
        return replace(claim, lease=until) if ours else None

    def take_over(self) -> int:
        """Put in doubt what killed runs had claimed of these issues; return the number of rows.

        Raises DatabaseError or DeliveryError.
        """
        with self._transaction():
            now = self.clock()
            held = sql.select(deliveries.c.sender, sql.func.max(deliveries.c.lease)).where(
                deliveries.c.issue.in_(tuple(self._mailings)),
                deliveries.c.state == "claimed",
                deliveries.c.sender != self._run.id,
            )
            found = self._connection.execute(held.group_by(deliveries.c.sender)).all()
            return sum(
                self._doubt(sender, now)
                for sender, lease in found
                if self._is_dead(sender, lease, now)
            )

    def wait_briefly(self) -> None:
        """Report a locked database soon from now on, because all connections wait for it."""
        set_lock_timeout(self._connection, _LOCK_TIMEOUT_S)

    def waiting(self) -> int:
        """Return how many rows could be claimed now."""
        with self._database.reading() as connection:
            return self._queue.waiting(connection, self.clock())

    def finish(self) -> None:
        """Record which of the issues are done: all their rows are final."""
        with self._database.writing() as connection:
            lock_ledger(connection)
            for issue in self._mailings:
                counts = counted(connection, issue)
                values: dict[str, Any] = {"done": None, "counts": None}
                if not any(number for state, number in counts.items() if state not in FINAL):
                    done = sql.func.coalesce(issues.c.done, stamp(self.clock()))
                    values = {"done": done, "counts": json.dumps(counts)}
                connection.execute(sql.update(issues).where(issues.c.id == issue).values(values))

    @contextmanager
    def _transaction(self) -> Iterator[float]:
        """Open a transaction on the run's own connection; yield the first free moment to send."""
        if self._connection.invalidated:  # and with it the lock: others consider this run dead
            todo = "run again: what was being sent is in doubt, everything else continues"
            raise DeliveryError(Problem("the connection was lost", todo, self._database.shown))
        try:
            with self._connection.begin():
                yield lock_ledger(self._connection)
        except SQLAlchemyError as error:
            raise database_error(error, self._database.shown) from error

    def _unwanted(self, issue: int, topics: tuple[str, ...], language: str) -> bool:
        return self._mailings[issue].unwanted(topics, language)

    def _sync(self) -> None:
        """Write all commits to the disk once a second, so that they survive a power cut."""
        now = self.clock.steady()
        if now - self._synced_at >= _SYNC_EVERY_S:
            self._synced_at = now
            with suppress(SQLAlchemyError, sqlite3.Error):  # tried again next time
                run_on_sqlite(self._connection, "PRAGMA wal_checkpoint(PASSIVE)")

    def _is_dead(self, sender: int, lease: str, now: datetime) -> bool:
        lives = self._run.lives(sender)
        return lease < stamp(now) if lives is None else not lives

    def _doubt(self, sender: int, now: datetime) -> int:
        query = (
            sql.update(deliveries)
            .where(deliveries.c.sender == sender, deliveries.c.state == "claimed")
            .values(
                state="in_doubt",
                next_at=None,  # due at once, whatever the clock does
                changed=stamp(now),
                lease=None,
                reply=KILLED,
            )
        )
        return int(self._connection.execute(query).rowcount)

    def _settle(self, outcomes: Sequence[Outcome], now: datetime) -> tuple[State, ...]:
        if not outcomes:
            return ()
        ended = [self._next(outcome, now) for outcome in outcomes]
        values = [
            {
                "row": outcome.claim.id,
                "me": self._run.id,
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
            if outcome.gone:
                self._record_bounce(outcome, now)
        return tuple(state for state, _ in ended)

    def _record_bounce(self, outcome: Outcome, now: datetime) -> None:
        """End an address that does not exist, as the server says."""
        person = people.get(self._connection, outcome.claim.subscriber)
        if person is not None and person.status == "active":
            cause = f"{outcome.code} {outcome.reply}"
            people.set_status(self._connection, person, "bounced", cause=cause, now=now)

    def _next(self, outcome: Outcome, now: datetime) -> tuple[State, datetime | None]:
        """Return the state after `outcome`, and when the row is due again."""
        claim = outcome.claim
        if outcome.kind == "pending":
            return (claim.was if claim.was in {"retry", "in_doubt"} else "pending"), None
        if outcome.kind not in {"retry", "in_doubt"}:
            return outcome.kind, None
        wait = next_try if outcome.kind == "retry" else next_doubt
        next_at = wait(now, claim.attempts, self._delivery.retry_wait, random.random)
        days = self._delivery.retry_days
        late = next_at > moment(claim.first_at) + timedelta(days=days)
        given_up = late and claim.attempts >= min(_LEAST_TRIES, days + 1)
        return ("failed", None) if given_up else (outcome.kind, next_at)


# Only the rows of this run, even if another has taken one over.
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
