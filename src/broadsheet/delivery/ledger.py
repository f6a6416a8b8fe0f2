"""The ledger: one row for each issue and subscriber, and how a row goes from state to state.

    pending -> claimed -> sent | failed | retry | in_doubt | pending
    pending, retry, in_doubt -> skipped      left in the meantime, or nothing for them

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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import sqlalchemy as sql
from sqlalchemy import Connection, bindparam
from sqlalchemy.exc import SQLAlchemyError

from broadsheet.delivery import subscribers as people
from broadsheet.delivery.database import (
    Database,
    database_error,
    deliveries,
    issues,
    make_safe,
    moment,
    pace,
    relax,
    stamp,
    subscribers,
)
from broadsheet.delivery.pacing import Dice, after, next_try, slots
from broadsheet.delivery.senders import Senders
from broadsheet.errors import DeliveryError, Problem

State = Literal["pending", "claimed", "retry", "in_doubt", "sent", "failed", "skipped"]

STATES: Final[tuple[State, ...]] = (
    "pending",
    "claimed",
    "retry",
    "in_doubt",
    "sent",
    "failed",
    "skipped",
)
FINAL: Final[frozenset[State]] = frozenset({"sent", "failed", "skipped"})
"""A row in one of these is done with."""

LEFT: Final = "no longer subscribed"
UNWANTED: Final = "does not want this digest any more"
NOTHING: Final = "nothing for them: none of the topics wanted is in it"
KILLED: Final = "the run that was sending it was killed"

_ORDER: Final[tuple[State, ...]] = ("in_doubt", "retry", "pending")
_SAFE_AFTER: Final = 1.0  # seconds
_SOON: Final = timedelta(seconds=1)  # between two looks at what has become due
_STRAY: Final = timedelta(days=1)  # nothing is put off for longer: the clock was set back since
_MOST_SKIPPED: Final = 500  # rows in one transaction, so that none takes long
_READ_AHEAD: Final = 50  # rows read at once where many are skipped
_EVERY: Final = 2**31


@dataclass(frozen=True, slots=True)
class Begun:
    """An issue whose delivery has begun. tick, begun, done: aware; done: None until it is.

    mail: message.eml as issued. letters: what variants are laid out from, JSON.
    """

    id: int
    digest: str
    key: str
    tick: datetime
    begun: datetime
    total: int
    done: datetime | None
    mail: bytes
    letters: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A row in hand. send_at: not before, in seconds from 1970. lease: until when, aware.

    first_at: the first attempt, as the ledger holds it. was: the state it was taken from.
    """

    id: int
    issue: int
    subscriber: int
    address: str
    name: str
    language: str
    topics: tuple[str, ...]
    attempts: int
    first_at: str
    was: State
    send_at: float
    lease: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a claim. code: the server's reply, None where there was none; reply: in words.

    kind: `pending` gives the row back as it was; `retry` and `in_doubt` wait, or fail in the end.
    gone: the server says that there is no such address.
    """

    claim: Claim
    kind: Literal["sent", "failed", "retry", "in_doubt", "pending", "skipped"]
    code: int | None = None
    reply: str = ""
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """What the config says. lease, retry_wait: seconds.

    only: a state of which each row is tried once, due or not; None: what is due.
    """

    rate: float
    lease: float
    retry_wait: float
    retry_days: int
    in_doubt: Literal["resend", "hold"]
    only: State | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What a transaction came to. settled: the state each outcome ended in.

    wait: seconds until more can be claimed; None: there is no more.
    """

    claims: tuple[Claim, ...]
    settled: tuple[State, ...]
    skipped: int
    wait: float | None


Unwanted = Callable[[int, tuple[str, ...], str], bool]
"""Whether the issue (by id) has nothing for one who wants these topics, in this language."""


def freeze(
    connection: Connection,
    digest: str,
    key: str,
    tick: datetime,
    mail: bytes,
    letters: str,
    now: datetime,
) -> Begun:
    """Begins the delivery of an issue: a row for everyone who is to get it, in one transaction.

    An issue that was begun before stays as it is.
    """
    _serialise(connection)
    if (before := find_issue(connection, digest, key)) is not None:
        return before
    values = {
        "digest": digest,
        "key": key,
        "tick": stamp(tick),
        "begun": stamp(now),
        "total": 0,
        "mail": mail,
        "letters": letters,
    }
    made = connection.execute(sql.insert(issues).values(values).returning(issues.c.id))
    id_ = int(made.scalar_one())
    rows = sql.select(
        sql.literal(id_), subscribers.c.id, sql.literal("pending"), sql.literal(stamp(now))
    ).where(people.wanting(digest))
    connection.execute(
        sql.insert(deliveries).from_select(["issue", "subscriber", "state", "changed"], rows)
    )
    count = sql.select(sql.func.count()).where(deliveries.c.issue == id_)
    total = int(connection.execute(count).scalar_one())
    connection.execute(sql.update(issues).where(issues.c.id == id_).values(total=total))
    return Begun(id_, digest, key, tick, now, total, None, mail, letters)


def find_issue(connection: Connection, digest: str, key: str) -> Begun | None:
    """The issue, if its delivery has begun."""
    query = sql.select(issues).where(issues.c.digest == digest, issues.c.key == key)
    row = connection.execute(query).one_or_none()
    return None if row is None else _begun(row)


def begun(connection: Connection, digest: str) -> list[tuple[str, datetime, bool]]:
    """Key and tick of each issue of `digest` whose delivery has begun, oldest first, and whether it
    is done."""
    query = sql.select(issues.c.key, issues.c.tick, issues.c.done).where(issues.c.digest == digest)
    found = connection.execute(query.order_by(issues.c.tick))
    return [(key, moment(tick), done is not None) for key, tick, done in found]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the delivery of an issue is. counts: rows in each state. next_at: aware; when the
    first row that waits is due."""

    digest: str
    key: str
    begun: datetime
    done: datetime | None
    total: int
    counts: Mapping[State, int]
    next_at: datetime | None

    @property
    def left(self) -> int:
        """How many rows are not final."""
        return sum(number for state, number in self.counts.items() if state not in FINAL)


def progress(connection: Connection) -> tuple[Progress, ...]:
    """Every issue whose delivery has begun, newest first."""
    columns = [
        issues.c.id, issues.c.digest, issues.c.key, issues.c.begun, issues.c.done, issues.c.total
    ]  # fmt: skip
    found = connection.execute(sql.select(*columns).order_by(issues.c.tick.desc(), issues.c.id))
    return tuple(_progress(connection, row) for row in found.all())


def _progress(connection: Connection, row: sql.Row[Any]) -> Progress:
    query = (
        sql.select(deliveries.c.state, sql.func.count(), sql.func.min(deliveries.c.next_at))
        .where(deliveries.c.issue == row.id)
        .group_by(deliveries.c.state)
    )
    states = {state: (int(number), due) for state, number, due in connection.execute(query)}
    waits = [due for state, (_, due) in states.items() if state in {"retry", "in_doubt"} and due]
    return Progress(
        digest=row.digest,
        key=row.key,
        begun=moment(row.begun),
        done=moment(row.done) if row.done else None,
        total=row.total,
        counts={state: states.get(state, (0, None))[0] for state in STATES},
        next_at=moment(min(waits)) if waits else None,
    )


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the ledger, for people. changed, next_at: aware."""

    digest: str
    key: str
    address: str
    state: State
    attempts: int
    changed: datetime
    next_at: datetime | None
    code: int | None
    reply: str


def rows(connection: Connection, digest: str = "", key: str = "") -> Iterator[Row]:
    """Every row, or those of one digest or issue, in the order they were frozen; bit by bit."""
    columns = [
        issues.c.digest, issues.c.key, subscribers.c.address, deliveries.c.state,
        deliveries.c.attempts, deliveries.c.changed, deliveries.c.next_at, deliveries.c.code,
        deliveries.c.reply,
    ]  # fmt: skip
    query = sql.select(*columns).order_by(deliveries.c.id)
    query = query.where(deliveries.c.issue == issues.c.id)
    query = query.where(deliveries.c.subscriber == subscribers.c.id)
    if digest:
        query = query.where(issues.c.digest == digest)
    if key:
        query = query.where(issues.c.key == key)
    for found in connection.execution_options(yield_per=1000).execute(query):
        digest_, key_, address, state, attempts, changed, due, code, reply = found
        next_at = moment(due) if due else None
        yield Row(digest_, key_, address, state, attempts, moment(changed), next_at, code, reply)


class Ledger:
    """The ledger as one run of `deliver` works on it. It holds a connection while it is open."""

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
        self._look_at: dict[tuple[int, State], datetime] = {}
        try:
            self._connection = database.engine.connect()
            self._connection.detach()  # nobody else gets it when it is closed
            relax(self._connection)
            self._senders = Senders(database, self._connection, clock())
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
                next_at = _serialise(self._connection)
                now = self._clock()
                settled = self._settle(outcomes, now)
                booked = slots(next_at, now_real, self._policy.rate, wanted)
                made = self._claim(booked.moments, of, unwanted, now)
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

    def waiting(self, of: Sequence[int]) -> int:
        """How many rows of the issues `of` could be claimed now."""
        with self._database.reading() as connection:
            now = self._clock()
            found = 0
            for issue in of:
                for state, find in self._queries.items():
                    query = sql.select(sql.func.count()).select_from(find.subquery())
                    values = self._values(issue, state, now, _EVERY)
                    found += int(connection.execute(query, values).scalar_one())
            return found

    def take_over(self, of: Sequence[int]) -> int:
        """Finds what runs that were killed had in hand: whether it was sent is in doubt."""
        self._check_connection()
        try:
            with self._connection.begin():
                _serialise(self._connection)
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
            for issue in of:
                open_ = sql.select(deliveries.c.id).where(
                    deliveries.c.issue == issue, deliveries.c.state.not_in(FINAL)
                )
                left = connection.execute(open_.limit(1)).first() is not None
                done = sql.case(
                    (issues.c.done.is_(None), stamp(self._clock())), else_=issues.c.done
                )
                query = sql.update(issues).where(issues.c.id == issue)
                connection.execute(query.values(done=None if left else done))

    def _is_dead(self, sender: int, lease: str, now: datetime) -> bool:
        lives = self._senders.lives(sender)
        return lease < stamp(now) if lives is None else not lives

    def _doubt(self, sender: int, now: datetime) -> int:
        query = (
            sql.update(deliveries)
            .where(deliveries.c.sender == sender, deliveries.c.state == "claimed")
            .values(
                state="in_doubt",
                next_at=stamp(now),
                changed=stamp(now),
                lease=None,
                reply=KILLED,
            )
        )
        self._look_at.clear()
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
            return (claim.was, now) if claim.was in {"retry", "in_doubt"} else ("pending", None)
        if outcome.kind not in {"retry", "in_doubt"}:
            return outcome.kind, None
        next_at = next_try(now, claim.attempts, self._policy.retry_wait, self._dice)
        first = moment(claim.first_at)
        given_up = next_at > first + timedelta(days=self._policy.retry_days)
        return ("failed", None) if given_up else (outcome.kind, next_at)

    def _claim(
        self, moments: Sequence[float], of: Sequence[int], unwanted: Unwanted, now: datetime
    ) -> _Claimed:
        """Claims a row for each of `moments`: the oldest issue's first, what was tried before what
        was not."""
        made = _Claimed()
        for issue in of if moments else ():
            for state in self._queries:
                if not self._looked(issue, state, now):
                    self._claim_some(made, moments, issue, state, unwanted, now)
        return made

    def _claim_some(
        self,
        made: _Claimed,
        moments: Sequence[float],
        issue: int,
        state: State,
        unwanted: Unwanted,
        now: datetime,
    ) -> None:
        lease = now + timedelta(seconds=self._policy.lease)
        most = len(moments)
        while (missing := len(moments) - len(made.claims)) and made.skipped < _MOST_SKIPPED:
            values = self._values(issue, state, now, most)
            rows = self._connection.execute(self._queries[state], values).all()
            if not rows:
                self._look_at[issue, state] = now + _SOON
                return
            claims: list[Claim] = []
            for row in rows:
                if len(claims) == missing:
                    break
                claim = _claimed(row, moments[len(made.claims) + len(claims)], lease, now)
                if why := _skip(row, claim, unwanted):
                    self._skip(claim, why, now)
                    made.skipped += 1
                else:
                    claims.append(claim)
            self._take(claims, now)
            made.claims.extend(claims)
            most = _READ_AHEAD
        made.more = True

    def _take(self, claims: Sequence[Claim], now: datetime) -> None:
        if not claims:
            return
        mine = {"me": self._senders.id, "until": stamp(claims[0].lease), "now": stamp(now)}
        values = [
            {**mine, "row": each.id, "tries": each.attempts, "first": each.first_at}
            for each in claims
        ]
        self._connection.execute(_CLAIM, values)

    def _looked(self, issue: int, state: State, now: datetime) -> bool:
        """Whether there was nothing in this state a moment ago."""
        look_at = self._look_at.get((issue, state))
        return look_at is not None and now < look_at <= now + _SOON

    def _values(self, issue: int, state: State, now: datetime, most: int) -> dict[str, object]:
        return {
            "issue_": issue,
            "state_": state,
            "now": stamp(now),
            "stray": stamp(now + _STRAY),
            "me": self._senders.id,
            "most": most,
        }

    @property
    def _queries(self) -> Mapping[State, sql.Select[Any]]:
        """What finds the rows that this run takes, in the order in which it does."""
        if self._policy.only:
            return {self._policy.only: _FIND_ANYHOW}
        held = {"in_doubt"} if self._policy.in_doubt == "hold" else set()
        return {state: _FIND[state] for state in _ORDER if state not in held}

    def _skip(self, claim: Claim, why: str, now: datetime) -> None:
        query = sql.update(deliveries).where(deliveries.c.id == claim.id)
        self._connection.execute(
            query.values(state="skipped", changed=stamp(now), next_at=None, reply=why)
        )


@dataclass(slots=True)
class _Claimed:
    """What a transaction has claimed so far. more: there may be more to claim."""

    claims: list[Claim] = field(default_factory=list)
    skipped: int = 0
    more: bool = False


def _find(*conditions: sql.ColumnElement[bool]) -> sql.Select[Any]:
    columns = [
        deliveries.c.id, deliveries.c.issue, deliveries.c.subscriber, deliveries.c.state,
        deliveries.c.attempts, deliveries.c.first_at, subscribers.c.address, subscribers.c.name,
        subscribers.c.language, subscribers.c.topics, subscribers.c.digests,
        subscribers.c.status, issues.c.digest,
    ]  # fmt: skip
    return (
        sql.select(*columns)
        .join(subscribers, subscribers.c.id == deliveries.c.subscriber)
        .join(issues, issues.c.id == deliveries.c.issue)
        .where(
            deliveries.c.issue == bindparam("issue_"),
            deliveries.c.state == bindparam("state_"),
            *conditions,
        )
        .order_by(deliveries.c.next_at, deliveries.c.id)
        .limit(bindparam("most"))
    )


_due = sql.or_(
    deliveries.c.next_at.is_(None),
    deliveries.c.next_at <= bindparam("now"),
    deliveries.c.next_at > bindparam("stray"),
)
_FIND: Final[Mapping[State, sql.Select[Any]]] = {
    "pending": _find(),
    "retry": _find(_due),
    "in_doubt": _find(_due),
}
# Once in a run and at once: what was asked for by name, and waits again after that.
_FIND_ANYHOW: Final = _find(
    deliveries.c.sender.is_distinct_from(bindparam("me")), subscribers.c.status == "active"
)
_PACE: Final = sql.select(pace.c.next_at).where(pace.c.name == "all").with_for_update()
_CLAIM: Final = (
    sql.update(deliveries)
    .where(deliveries.c.id == bindparam("row"))
    .values(
        state="claimed",
        attempts=bindparam("tries"),
        first_at=bindparam("first"),
        changed=bindparam("now"),
        next_at=None,
        sender=bindparam("me"),
        lease=bindparam("until"),
    )
)
_SETTLE: Final = (
    sql.update(deliveries)
    # Nobody else's row, even if this run was taken for dead.
    .where(
        deliveries.c.id == bindparam("row"),
        deliveries.c.sender == bindparam("me"),
        deliveries.c.state == "claimed",
    )
    .values(
        state=bindparam("state_"),
        changed=bindparam("now"),
        next_at=bindparam("next_"),
        lease=None,
        code=bindparam("code_"),
        reply=bindparam("reply_"),
    )
)


def _serialise(connection: Connection) -> float:
    """Lets no other run into a transaction like this one; the first free moment of the pace.

    In SQLite the transaction itself does that; elsewhere the lock on this row.
    """
    return float(connection.execute(_PACE).scalar_one())


def _claimed(row: sql.Row[Any], send_at: float, lease: datetime, now: datetime) -> Claim:
    anew = row.state == "failed" or row.first_at is None
    return Claim(
        id=row.id,
        issue=row.issue,
        subscriber=row.subscriber,
        address=row.address,
        name=row.name,
        language=row.language,
        topics=tuple(json.loads(row.topics)),
        attempts=1 if anew else row.attempts + 1,
        first_at=stamp(now) if anew else row.first_at,
        was=row.state,
        send_at=send_at,
        lease=lease,
    )


def _skip(row: sql.Row[Any], claim: Claim, unwanted: Unwanted) -> str:
    """Why a row is to be skipped; "" for one that is to be sent."""
    if row.status != "active":
        return LEFT
    digests = json.loads(row.digests)
    if digests and row.digest not in digests:
        return UNWANTED
    return NOTHING if unwanted(claim.issue, claim.topics, claim.language) else ""


def _begun(row: sql.Row[Any]) -> Begun:
    return Begun(
        id=row.id,
        digest=row.digest,
        key=row.key,
        tick=moment(row.tick),
        begun=moment(row.begun),
        total=row.total,
        done=moment(row.done) if row.done else None,
        mail=row.mail,
        letters=row.letters,
    )
