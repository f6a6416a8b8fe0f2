"""The ledger for a run: one row for each issue and subscriber.

A row is claimed before its mail is sent and settled right after the server's reply, each in a
transaction that is committed before anything else happens. One transaction settles the last mails
and claims the next ones for all connections that wait. So if a run is killed, it is unknown for at
most one row per connection whether its mail was sent: the claimed one. (A power cut can also undo
the commits of the last second: docs/decisions/0011.)

A run that loses its connection to a server keeps its claims, connects again and continues: it alone
knows which of its mails were sent (docs/decisions/0027).
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final

import sqlalchemy as sql
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, bindparam
from sqlalchemy.exc import SQLAlchemyError

from broadsheet.delivery import subscribers as people
from broadsheet.delivery.claims import (
    FINAL,
    KILLED,
    STATES,
    Batch,
    Claim,
    Claimed,
    Outcome,
    Queue,
    State,
    lease_time,
    whole_issues,
)
from broadsheet.delivery.database import (
    Database,
    RowsUpdate,
    database_error,
    deliveries,
    end_idle_transactions,
    epoch,
    issues,
    lock_ledger,
    moment,
    pace,
    run_on_sqlite,
    set_lock_timeout,
    stamp,
    subscribers,
)
from broadsheet.delivery.issues import counted
from broadsheet.delivery.locks import LEASE_MARGIN, RunLock
from broadsheet.delivery.mail.mailing import Mailing
from broadsheet.delivery.pacing import Clock, Pace, next_doubt, next_try, slots
from broadsheet.model.settings import Settings

_SYNC_EVERY_S: Final = 1.0
_LOCK_TIMEOUT_S: Final = 2.0  # for one attempt, once mail is being sent
_LEAST_TRIES: Final = 3  # before a deferred mail fails: the clock may jump
_BUSY_S: Final = 0.05  # until to look again, while all connections for a domain are in use
_OPEN: Final[tuple[State, ...]] = tuple(state for state in STATES if state not in FINAL)


class Turn(Struct, frozen=True):
    """The result of a transaction. settled: the state that each outcome ended in.

    wait: seconds until more can be claimed; None if there is no more.
    """

    claims: tuple[Claim, ...]
    settled: tuple[State, ...]
    skipped: int
    wait: float | None


@dataclass(frozen=True, slots=True)
class Unsettled:
    """Numbers of rows that are not final. due: may be sent now; claimed: a run is sending them.

    Those that wait for their time, or for the publisher (`delivery.in_doubt`), are neither.
    """

    due: int
    claimed: int


class Ledger:
    """The ledger for one run. It holds a connection while it is open.

    is_local: whether the database is a file on this machine. closed_until: when mail may be sent
    again, if the warm-up allows no more today; else None.
    """

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
        self._limits = settings.delivery.limited_domains
        self._zone = settings.publication.timezone
        self.is_local = database.file is not None
        self.clock = clock
        self.closed_until: datetime | None = None
        self._held: set[int] = set()  # the rows that this run has claimed
        self._batches: Sequence[Batch] = ()
        self._synced_at = clock.steady()
        self._paces = {
            "": Pace(self._delivery.rate, bounded=self._delivery.warm_up.begins is not None),
            **{domain: Pace(limits.rate) for domain, limits in self._limits.items()},
        }
        try:
            self._connection = self._connected()
            self._run = RunLock(database, self._connection, clock())
            self._queue = Queue(settings, self._run.id, only)
            self._add_paces()
        except SQLAlchemyError as error:
            raise database_error(error, database.shown) from error

    def close(self) -> None:
        """End the run: what is still claimed is in doubt for the next one."""
        try:
            self._return_booked()
            self._run.end(self._connection, self.clock())
        except SQLAlchemyError:
            self._run.release()
        finally:
            self._connection.close()

    def whole_issues(self) -> list[Batch]:
        """Return batches of all rows of the issues."""
        return whole_issues(self._mailings, self._delivery)

    def is_exhausted(self, batch: Batch) -> bool:
        """Whether `batch` had no more rows to claim a moment ago."""
        return self._queue.is_exhausted(batch)

    def turn(self, outcomes: Sequence[Outcome], wanted: int, batches: Sequence[Batch]) -> Turn:
        """Settle `outcomes`, then claim up to `wanted` rows of `batches`, in one transaction.

        Raises DatabaseError, and then nothing was settled or claimed, as far as is known.
        """
        self._batches = batches
        moments = self._moments(wanted)
        made = Claimed()
        try:
            with self._transaction() as connection:
                now = self.clock()
                settled = self._settle(connection, outcomes, now)
                for batch in batches:
                    self._claim(connection, made, batch, moments[len(made.claims) :], now)
        except Exception:
            for batch in batches:
                batch.empty.clear()
            raise
        self._paces[""].give_back(moments[len(made.claims) :])
        self._held -= {outcome.claim.id for outcome in outcomes}
        self._held |= {claim.id for claim in made.claims}
        for claim in made.claims:
            claim.batch.in_flight.add(claim.id)
        self._sync()
        wait = self._wait(missing=len(moments) < wanted, skipped=made.skipped > 0)
        return Turn(tuple(made.claims), settled, made.skipped, wait)

    def renew(self, claim: Claim) -> Claim | None:
        """Return `claim` with a new lease; None if another run has taken it over.

        Raises DatabaseError.
        """
        with self._transaction() as connection:
            until = self.clock() + lease_time(self._delivery)
            values = {"row": claim.id, "me": self._run.id, "until": stamp(until)}
            ours = connection.execute(_RENEW, values).rowcount == 1
        return replace(claim, lease=until) if ours else None

    def take_over(self) -> int:
        """Put in doubt what other runs had claimed of these issues and lost; return how many rows.

        Raises DatabaseError.
        """
        with self._transaction() as connection:
            now = self.clock()
            held = sql.select(deliveries.c.sender, deliveries.c.lease).where(
                deliveries.c.issue.in_(tuple(self._mailings)),
                deliveries.c.state == "claimed",
                deliveries.c.sender != self._run.id,
            )
            found = connection.execute(held.distinct()).all()
            lost = [each for each in found if self._run.has_lost(each.sender, each.lease, now)]
            return sum(_doubt(connection, self._mailings, each, now) for each in lost)

    def unsettled(self) -> Unsettled:
        """Return how many rows of the issues may be sent now, and how many are being sent.

        Raises DatabaseError.
        """
        with self._transaction() as connection:
            now = self.clock()
            due = self._queue.waiting(connection, self.whole_issues(), now)
            claimed = sql.select(deliveries.c.lease).where(
                deliveries.c.issue.in_(tuple(self._mailings)), deliveries.c.state == "claimed"
            )
            leases = connection.execute(claimed).scalars().all()
        lost = sum(lease < stamp(now - LEASE_MARGIN) for lease in leases)
        return Unsettled(due + lost, len(leases) - lost)

    def next_due(self, batch: Batch) -> datetime | None:
        """Return when a row of `batch` can be claimed next; None if all its rows are final.

        Raises DatabaseError.
        """
        held = {"in_doubt"} if self._delivery.in_doubt == "hold" else set()
        columns = sql.select(deliveries.c.state, deliveries.c.next_at, deliveries.c.lease)
        query = columns.join(subscribers, subscribers.c.id == deliveries.c.subscriber).where(
            deliveries.c.issue == batch.issue,
            deliveries.c.id.between(batch.first, batch.last),
            deliveries.c.state.in_([state for state in _OPEN if state not in held]),
            *self._queue.to_domain(batch.domain),
        )
        with self._transaction() as connection:
            now, rows = self.clock(), connection.execute(query).all()
        return min((_due_at(row, now) for row in rows), default=None)

    def wait_briefly(self) -> None:
        """Report a locked database soon from now on, because all connections wait for it."""
        set_lock_timeout(self._connection, _LOCK_TIMEOUT_S)

    def waiting(self, most: int = 2**62) -> int:
        """Return how many rows could be claimed now, but count to `most` only."""
        with self._database.reading() as connection:
            batches = self.whole_issues()
            return self._queue.waiting(connection, batches, self.clock(), most)

    def finish(self, issue: int) -> bool:
        """Record that `issue` is done if all its rows are final; return whether it now is, and was
        not before. Raises DatabaseError."""
        left = sql.select(deliveries.c.id).where(
            deliveries.c.issue == issue, deliveries.c.state.in_(_OPEN)
        )
        with self._transaction() as connection:
            if connection.execute(left.limit(1)).first() is not None:
                return False
            query = sql.select(issues.c.done).where(issues.c.id == issue)
            was_done = connection.execute(query).scalar() is not None
            update = sql.update(issues).where(issues.c.id == issue)
            done = sql.func.coalesce(issues.c.done, stamp(self.clock()))
            counts = json.dumps(counted(connection, issue))
            connection.execute(update.values(done=done, counts=counts))
            return not was_done

    def _connected(self) -> Connection:
        connection = self._database.engine.connect()
        connection.detach()  # never returned to the pool
        # A commit survives a killed process at once, and a power cut after `_sync`.
        run_on_sqlite(connection, "PRAGMA synchronous = NORMAL")
        end_idle_transactions(connection)
        return connection

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """Open a transaction on the run's own connection, which is made anew if it was lost."""
        try:
            if self._connection.invalidated or self._connection.closed:
                self._reconnect()
            with self._connection.begin():
                yield self._connection
        except SQLAlchemyError as error:
            raise database_error(error, self._database.shown) from error

    def _reconnect(self) -> None:
        """Connect again. A claim whose commit was not confirmed is released."""
        self._connection.close()
        self._connection = self._connected()
        unknown = sql.update(deliveries).where(
            deliveries.c.sender == self._run.id,
            deliveries.c.state == "claimed",
            deliveries.c.id.not_in(self._held),
        )
        with self._connection.begin():
            self._connection.execute(unknown.values(state="pending", lease=None))

    def _claim(
        self,
        connection: Connection,
        made: Claimed,
        batch: Batch,
        moments: list[float],
        now: datetime,
    ) -> None:
        """Claim rows of `batch` for `moments`, within the limits of its domain."""
        limits = self._limits.get(batch.domain)
        if limits is not None:
            wanted = min(len(moments), self._free(batch.domain))
            own = self._paces[batch.domain].take(wanted, self.clock.wall())
            moments = [max(pair) for pair in zip(moments, own, strict=False)]
        some = self._queue.claim(connection, batch, moments, self._unwanted, now)
        made.claims += some.claims
        made.skipped += some.skipped
        if limits is not None:
            self._paces[batch.domain].give_back(own[len(some.claims) :])

    def _free(self, domain: str) -> int:
        """Return how many more messages may be sent to `domain` at once."""
        most = self._limits[domain].connections
        used = sum(len(each.in_flight) for each in self._batches if each.domain == domain)
        return max(0, most - used) if most else 2**31

    def _wait(self, *, missing: bool, skipped: bool) -> float | None:
        """Return the seconds until more can be claimed; None if there is no more.

        missing: there were fewer moments than were wanted.
        """
        left = {each.domain for each in self._batches if not self._queue.is_exhausted(each)}
        if not left:
            return None
        if missing:
            return self._paces[""].wait(self.clock.wall())
        return 0.0 if skipped else min(self._wait_for(domain) for domain in left)

    def _wait_for(self, domain: str) -> float:
        if domain not in self._limits:
            return 0.0
        return self._paces[domain].wait(self.clock.wall()) if self._free(domain) else _BUSY_S

    def _moments(self, wanted: int) -> list[float]:
        """Return moments for up to `wanted` messages; also book some for domains that need them."""
        whole = self._paces[""]
        taken = whole.take(wanted, self.clock.wall())
        if len(taken) < wanted:
            self._book("")
            taken += whole.take(wanted - len(taken), self.clock.wall())
        for batch in self._batches if taken else ():
            if batch.domain in self._limits and not self._queue.is_exhausted(batch):
                self._book(batch.domain)
        return taken

    def _book(self, domain: str) -> None:
        """Book moments, by the server's clock, unless there are some left."""
        booked = self._paces[domain]
        if not (size := booked.to_book()):
            return
        columns = (pace.c.next_at, pace.c.day, pace.c.booked)
        with self._transaction() as connection:
            query = sql.select(*columns, epoch(connection).label("now"))
            row = connection.execute(query.where(pace.c.domain == domain).with_for_update()).one()
            ahead = self.clock.wall() - row.now
            today = self.clock().astimezone(self._zone).date()
            before = row.booked if row.day == today.isoformat() else 0
            limit = None if domain else self._delivery.warm_up.limit(today)
            size = size if limit is None else min(size, limit - before)
            moments = slots(row.next_at, row.now, booked.rate, max(0, size))
            if moments:
                next_at = moments[-1] + 1 / booked.rate if booked.rate else row.next_at
                values = {"next_at": next_at, "day": today.isoformat(), "booked": before + size}
                query_ = sql.update(pace).where(pace.c.domain == domain)
                connection.execute(query_.values(values))
        booked.add([moment + ahead for moment in moments])
        if not domain:
            tomorrow = datetime.combine(today + timedelta(days=1), time(), self._zone)
            self.closed_until = None if moments else tomorrow

    def _return_booked(self) -> None:
        """Return the messages of today's limit that were booked and not sent."""
        if unused := self._paces[""].unused():
            today = self.clock().astimezone(self._zone).date().isoformat()
            query = sql.update(pace).where(pace.c.domain == "", pace.c.day == today)
            with self._connection.begin():
                self._connection.execute(query.values(booked=pace.c.booked - unused))

    def _add_paces(self) -> None:
        """Add the rows of domains with limits, unless they are there."""
        for domain in self._limits:
            have = sql.select(pace.c.domain).where(pace.c.domain == domain)
            with self._connection.begin():
                lock_ledger(self._connection)
                if self._connection.execute(have).first() is None:
                    self._connection.execute(sql.insert(pace).values(domain=domain))

    def _unwanted(self, issue: int, topics: tuple[str, ...], language: str) -> bool:
        return self._mailings[issue].unwanted(topics, language)

    def _sync(self) -> None:
        """Write all commits to the disk once a second, so that they survive a power cut."""
        now = self.clock.steady()
        if now - self._synced_at >= _SYNC_EVERY_S:
            self._synced_at = now
            with suppress(SQLAlchemyError, sqlite3.Error):  # tried again next time
                run_on_sqlite(self._connection, "PRAGMA wal_checkpoint(PASSIVE)")

    def _settle(
        self, connection: Connection, outcomes: Sequence[Outcome], now: datetime
    ) -> tuple[State, ...]:
        if not outcomes:
            return ()
        ended = [self._next(outcome, now) for outcome in outcomes]
        rows = [
            {
                "row": outcome.claim.id,
                "state_": state,
                "next_": stamp(next_at) if next_at else None,
                "code_": outcome.code,
                "reply_": outcome.reply,
            }
            for outcome, (state, next_at) in zip(outcomes, ended, strict=True)
        ]
        _SETTLE.execute(connection, rows, {"me": self._run.id, "now": stamp(now)})
        for outcome in outcomes:
            if outcome.gone:
                _record_bounce(connection, outcome, now)
            if outcome.kind == "pending":
                outcome.claim.batch.empty.clear()
        return tuple(state for state, _ in ended)

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


def _record_bounce(connection: Connection, outcome: Outcome, now: datetime) -> None:
    """End an address that does not exist, as the server says."""
    person = people.get(connection, outcome.claim.subscriber)
    if person is not None and person.status == "active":
        cause = f"{outcome.code} {outcome.reply}"
        people.set_status(connection, person, "bounced", cause=cause, now=now)


def _doubt(connection: Connection, issue_ids: Iterable[int], claim: Any, now: datetime) -> int:
    """Put in doubt the rows with the sender and the lease of `claim`, which are lost.

    Those that another transaction has locked keep their state, and no one waits for them.
    """
    lost = sql.select(deliveries.c.id).where(
        deliveries.c.issue.in_(tuple(issue_ids)),
        deliveries.c.state == "claimed",
        deliveries.c.sender == claim.sender,
        deliveries.c.lease == claim.lease,
    )
    query = (
        sql.update(deliveries)
        .where(deliveries.c.id.in_(lost.with_for_update(skip_locked=True)))
        .values(
            state="in_doubt",
            next_at=None,  # due at once, whatever the clock does
            changed=stamp(now),
            lease=None,
            reply=KILLED,
        )
    )
    return int(connection.execute(query).rowcount)


def _due_at(row: Any, now: datetime) -> datetime:
    if row.state == "claimed":  # by another run, which may be gone
        return moment(row.lease) + LEASE_MARGIN
    return moment(row.next_at) if row.next_at else now


def _ours(row: sql.ColumnElement[Any]) -> sql.Update:
    """Update the row only if it is this run's, even if another has taken it over."""
    return sql.update(deliveries).where(
        deliveries.c.id == row,
        deliveries.c.sender == bindparam("me"),
        deliveries.c.state == "claimed",
    )


_RENEW: Final = _ours(bindparam("row")).values(lease=bindparam("until"))
_SETTLE: Final = RowsUpdate(
    lambda each: _ours(each["row"]).values(
        state=each["state_"],
        changed=bindparam("now"),
        next_at=each["next_"],
        lease=None,
        code=each["code_"],
        reply=each["reply_"],
    ),
    row=sql.BigInteger(),
    state_=sql.Text(),
    next_=sql.Text(),
    code_=sql.Integer(),
    reply_=sql.Text(),
)
