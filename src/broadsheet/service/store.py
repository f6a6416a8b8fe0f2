"""What the service does with subscribers: find them by their tokens, and record what they want.

Each method is one transaction, and doing it twice changes nothing. Nothing here depends on HTTP.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

import sqlalchemy as sql
from sqlalchemy import Connection

from broadsheet.bounces.report import Report
from broadsheet.delivery import subscribers
from broadsheet.delivery.database import Database, changes, stamp
from broadsheet.delivery.database import subscribers as table
from broadsheet.delivery.metrics import Metric, ledger_counts
from broadsheet.delivery.retention import forget_deliveries
from broadsheet.delivery.returned_mail import BouncePolicy, BounceResult, ReturnedMailProcessor
from broadsheet.delivery.subscribers import Preferences, Subscriber
from broadsheet.delivery.tokens import ConfirmToken, LinkToken, Tokens
from broadsheet.errors import DatabaseError, Problem

CONFIRM_WITHIN: Final = timedelta(days=3)
"""How long the link that confirms a subscription works."""

_ON_THE_WEB: Final = "by the subscriber, on the web"
_UNCONFIRMED: Final = "asked for on the web, not confirmed yet"


@dataclass(slots=True)
class LiveDatabase:
    """A database that stays open for months.

    Meanwhile an SQLite file may be moved away, or restored from a backup. Writing to the old file
    would lose unsubscribes, and connecting to a missing one would create an empty one.
    """

    database: Database
    _seen: tuple[int, int] | None = None
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __post_init__(self) -> None:
        with suppress(DatabaseError):  # the first transaction raises it
            self._check()

    def reading(self) -> AbstractContextManager[Connection]:
        """Like Database.reading. Raises DatabaseError."""
        self._check()
        return self.database.reading()

    def writing(self) -> AbstractContextManager[Connection]:
        """Like Database.writing. Raises DatabaseError."""
        self._check()
        return self.database.writing()

    def check_writable(self, connection: Connection) -> None:
        """Raise DatabaseError if nothing could be written; write nothing."""
        file = self.database.file
        if file is None:
            read_only = connection.execute(sql.text("SHOW transaction_read_only")).scalar() == "on"
        else:
            # SQLite creates two more files beside it.
            read_only = not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK))
        if read_only:
            raise DatabaseError(
                Problem("it is read-only", "let this user write to it", self.database.shown)
            )

    def _check(self) -> None:
        """Open the file again if it was replaced. Raises DatabaseError if it is missing."""
        file = self.database.file
        if file is None:
            return
        try:
            found = file.stat()
        except OSError as error:
            what = f"it cannot be reached: {error.strerror}"
            todo = "put it back; no restart is needed"
            raise DatabaseError(Problem(what, todo, self.database.shown)) from error
        now = (found.st_dev, found.st_ino)
        with self._lock:
            if self._seen not in {None, now}:
                self.database.close()
            self._seen = now


@dataclass(frozen=True, slots=True)
class Visitor:
    """A subscriber who follows a link. digest: the one that the link is for; "" for all."""

    subscriber: Subscriber
    digest: str = ""


@dataclass(frozen=True, slots=True)
class SubscriberStore:
    """The service's part of the delivery database.

    digests: the names of all digests. renamed: former name of a digest -> its current name.
    """

    database: LiveDatabase
    tokens: Tokens = field(repr=False)
    digests: tuple[str, ...]
    clock: Callable[[], datetime] = field(repr=False)
    renamed: Mapping[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Raise DatabaseError if the database cannot be read or written.

        It writes nothing, so another program that is writing causes no error.
        """
        with self.database.reading() as connection:
            connection.execute(sql.select(table.c.id).limit(1))
            self.database.check_writable(connection)

    def counts(self) -> list[Metric]:
        """Return the metrics of the database. Raises DatabaseError."""
        with self.database.reading() as connection:
            return ledger_counts(connection, self.clock())

    def link_token(self, text: str) -> LinkToken | None:
        """Return the content of the token `text`; None if it is invalid."""
        found = self.tokens.read_unsubscribe(text)
        return found and found.renamed(self.renamed)

    def visitor(self, token: LinkToken) -> Visitor | None:
        """Return the owner of `token`; None if the publisher has removed that subscriber."""
        with self.database.reading() as connection:
            return self._visitor(connection, token)

    def leave(self, token: LinkToken, cause: str, *, everything: bool = False) -> Visitor | None:
        """Unsubscribe from the digest of `token`, or from all; return the visitor afterwards."""
        now = self.clock()
        with self.database.writing() as connection:
            digest = "" if everything else token.digest
            who = token.subscriber
            subscribers.leave(connection, who, digest, self.digests, cause=cause, now=now)
            return self._visitor(connection, token)

    def others(self, visitor: Visitor) -> tuple[str, ...]:
        """Return the digests that remain after leaving the link's; () if that unsubscribes them."""
        return subscribers.other_digests(visitor.subscriber, visitor.digest, self.digests)

    def prefer(self, token: LinkToken, preferences: Preferences) -> Visitor | None:
        """Record the preferences of an active subscriber."""
        with self.database.writing() as connection:
            found = subscribers.get_for_update(connection, token.subscriber)
            if found is not None and not found.gone:
                self._change(connection, found, preferences, _ON_THE_WEB)
            return self._visitor(connection, token)

    def ask(self, address: str, preferences: Preferences) -> Subscriber | None:
        """Return the subscriber at `address`, added as pending if new; None if it was erased.

        The preferences of active subscribers stay: anyone may fill in a form. Raises AddressError.
        """
        try:
            return self._ask(address, preferences)
        except subscribers.ErasedError:
            return None
        except (DatabaseError, ValueError):
            # On a server, two may ask for one address at once; the second finds it on a new try.
            return self._ask(address, preferences)

    def _ask(self, address: str, preferences: Preferences) -> Subscriber:
        with self.database.writing() as connection:
            found = subscribers.find(connection, address)
            if found is None:
                return subscribers.add(
                    connection,
                    address,
                    cause=_UNCONFIRMED,
                    now=self.clock(),
                    status="pending",
                    **preferences,
                )
            if found.status in {"pending", "unsubscribed"}:
                self._change(connection, found, preferences, _UNCONFIRMED)
            return found

    def apply_reports(self, shown: str, reports: Sequence[Report]) -> list[BounceResult]:
        """Change the subscribers that signed `reports` are about. shown: who sent them."""
        done = ReturnedMailProcessor(
            self.database, self.tokens, BouncePolicy(), self.digests, self.renamed, self.clock()
        )
        return done.process_reports(shown, reports)

    def knows(self, address: str) -> bool:
        """Whether `address` is on the list, whatever its status."""
        with self.database.reading() as connection:
            return subscribers.find(connection, address) is not None

    def invited(self, text: str) -> Subscriber | None:
        """Return the subscriber of the confirmation token `text`; None if it is invalid."""
        if (token := self._confirm_token(text)) is None:  # it does not reach the database
            return None
        with self.database.reading() as connection:
            found = subscribers.get(connection, token.subscriber)
            return None if _left_since(found, token.made) else found

    def confirm(self, text: str) -> tuple[Subscriber, bool] | None:
        """Make the subscriber of the confirmation token `text` active, and say whether it was not.

        None if the token is invalid.
        """
        if (token := self._confirm_token(text)) is None:
            return None
        with self.database.writing() as connection:
            found = subscribers.get_for_update(connection, token.subscriber)
            if found is None or _left_since(found, token.made):
                return None
            cause, now = "confirmed by mail", self.clock()
            is_new = subscribers.set_status(connection, found, "active", cause=cause, now=now)
            who = subscribers.get(connection, found.id)
            return (who, is_new) if who else None

    def forget_deliveries(self, days: int) -> int:
        """Delete old rows of the ledger; return their number."""
        return forget_deliveries(self.database, days, self.clock())

    def forget(self) -> int:
        """Delete subscribers who did not confirm in time; return their number."""
        with self.database.writing() as connection:
            before = stamp(self.clock() - CONFIRM_WITHIN)
            old = (table.c.status == "pending") & (table.c.since < before)
            # Locked: on a server, someone may confirm at this moment.
            found = connection.execute(sql.select(table.c.id).where(old).with_for_update())
            gone = found.scalars().all()
            for id_ in gone:
                connection.execute(sql.delete(changes).where(changes.c.subscriber == id_))
                connection.execute(sql.delete(table).where(table.c.id == id_))
            return len(gone)

    def _visitor(self, connection: Connection, token: LinkToken) -> Visitor | None:
        found = subscribers.get(connection, token.subscriber)
        return None if found is None else Visitor(found, token.digest)

    def _confirm_token(self, text: str) -> ConfirmToken | None:
        token = self.tokens.read_confirm(text)
        return token if token and self.clock() - token.made <= CONFIRM_WITHIN else None

    def _change(
        self, connection: Connection, subscriber: Subscriber, preferences: Preferences, cause: str
    ) -> None:
        subscribers.change(connection, subscriber, cause=cause, now=self.clock(), **preferences)


def _left_since(found: Subscriber | None, made: datetime) -> bool:
    """Whether someone left after a link was `made`; that takes precedence over the link."""
    return found is not None and found.gone and made < found.since
