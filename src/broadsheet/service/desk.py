"""What the service does with subscribers: finds them by their marks, and writes down their wishes.

Each method is one transaction. Nothing here knows of HTTP; what is asked twice is done once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sql
from sqlalchemy import Connection

from broadsheet.delivery import subscribers
from broadsheet.delivery.database import changes, stamp
from broadsheet.delivery.database import subscribers as table
from broadsheet.delivery.subscribers import Subscriber
from broadsheet.delivery.tokens import Mark, Tokens
from broadsheet.errors import DatabaseError
from broadsheet.service.records import Records

CONFIRM_WITHIN: Final = timedelta(days=3)
"""How long the link that confirms a subscription works."""

_ON_THE_WEB: Final = "by the subscriber, on the web"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What someone wants. topics, digests: empty means all. language: "" is the digest's own."""

    name: str = ""
    language: str = ""
    topics: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reader:
    """Who follows a link, and for which digest it was made; "" where it is for all."""

    subscriber: Subscriber
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Desk:
    """The service's part of the delivery database.

    digests: the names of all digests. renamed: former name of a digest -> its present name.
    """

    records: Records
    tokens: Tokens = field(repr=False)
    digests: tuple[str, ...]
    clock: Callable[[], datetime] = field(repr=False)
    renamed: Mapping[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Raises DatabaseError when the database cannot be used, to read or to write.

        Writes nothing: another program may be writing, and that is no mistake.
        """
        with self.records.reading() as connection:
            connection.execute(sql.select(table.c.id).limit(1))
            self.records.check_writable(connection)

    def mark(self, text: str) -> Mark | None:
        """What the link with `text` says; None when we did not make it."""
        found = self.tokens.read_unsubscribe(text)
        return found and found.renamed(self.renamed)

    def reader(self, mark: Mark) -> Reader | None:
        """Who is meant; None when the publisher has removed that subscriber."""
        with self.records.reading() as connection:
            return self._reader(connection, mark)

    def leave(self, mark: Mark, cause: str, *, everything: bool = False) -> Reader | None:
        """Takes the reader off the digest of `mark`, or off all; the reader as it is then.

        Who wants no other digest has left altogether.
        """
        with self.records.writing() as connection:
            digest = "" if everything else mark.digest
            now = self.clock()
            subscribers.leave(
                connection, mark.subscriber, digest, self.digests, cause=cause, now=now
            )
            return self._reader(connection, mark)

    def others(self, reader: Reader) -> tuple[str, ...]:
        """The digests that `reader` still wants without the one of the link; none: leaves all."""
        return subscribers.other_digests(reader.subscriber, reader.digest, self.digests)

    def prefer(self, mark: Mark, wishes: Wishes) -> Reader | None:
        """Writes down what an active subscriber wants from now on."""
        with self.records.writing() as connection:
            found = subscribers.get_for_update(connection, mark.subscriber)
            if found is not None and not found.gone:
                self._wish(connection, found, wishes)
            return self._reader(connection, mark)

    def ask(self, address: str, wishes: Wishes) -> Subscriber | None:
        """Someone wants mail at `address`: who that is now, pending where new; None where the
        address was erased, and then nothing is kept.

        The wishes of those who get mail already are left alone: anyone may fill in a form.
        Raises AddressError.
        """
        try:
            return self._ask(address, wishes)
        except subscribers.ErasedError:
            return None
        except (DatabaseError, ValueError):
            # On a server two may ask for one address at once; the second finds it there then.
            return self._ask(address, wishes)

    def _ask(self, address: str, wishes: Wishes) -> Subscriber:
        with self.records.writing() as connection:
            found = subscribers.find(connection, address)
            if found is None:
                return subscribers.add(
                    connection,
                    address,
                    cause="asked for on the web, not confirmed yet",
                    now=self.clock(),
                    name=wishes.name,
                    language=wishes.language,
                    topics=wishes.topics,
                    digests=wishes.digests,
                    status="pending",
                )
            if found.status in {"pending", "unsubscribed"}:
                self._wish(connection, found, wishes, "asked for on the web, not confirmed yet")
            return found

    def knows(self, address: str) -> bool:
        """Whether `address` is on the list, whatever its status."""
        with self.records.reading() as connection:
            return subscribers.find(connection, address) is not None

    def invited(self, text: str) -> Subscriber | None:
        """Whom the confirmation link with `text` was sent to; None when it no longer holds."""
        if self._named(text) is None:  # made-up links do not reach the database
            return None
        with self.records.reading() as connection:
            return self._invited(connection, text, subscribers.get)

    def confirm(self, text: str) -> Subscriber | None:
        """Makes the one who got the link with `text` active; None when it no longer holds."""
        if self._named(text) is None:
            return None
        with self.records.writing() as connection:
            found = self._invited(connection, text, subscribers.get_for_update)
            if found is None:
                return None
            cause, now = "confirmed by mail", self.clock()
            subscribers.set_status(connection, found, "active", cause=cause, now=now)
            return subscribers.get(connection, found.id)

    def forget(self) -> int:
        """Removes those who never confirmed, once their link no longer works; how many."""
        with self.records.writing() as connection:
            old = (table.c.status == "pending") & (
                table.c.since < stamp(self.clock() - CONFIRM_WITHIN)
            )
            # Held: on a server someone may confirm at this very moment.
            found = connection.execute(sql.select(table.c.id).where(old).with_for_update())
            gone = [row.id for row in found]
            for id_ in gone:
                connection.execute(sql.delete(changes).where(changes.c.subscriber == id_))
                connection.execute(sql.delete(table).where(table.c.id == id_))
            return len(gone)

    def _reader(self, connection: Connection, mark: Mark) -> Reader | None:
        found = subscribers.get(connection, mark.subscriber)
        return None if found is None else Reader(found, mark.digest)

    def _invited(
        self, connection: Connection, text: str, get: Callable[[Connection, int], Subscriber | None]
    ) -> Subscriber | None:
        now, life = self.clock(), CONFIRM_WITHIN.total_seconds()
        id_ = self._named(text)
        found = None if id_ is None else get(connection, id_)
        if found is None or not found.gone:
            return found
        # Who left after the link was made has the last word.
        since = int((now - found.since).total_seconds())
        fresh = self.tokens.read_confirm(text, min(since, int(life)), now)
        return None if fresh is None else found

    def _named(self, text: str) -> int | None:
        life = int(CONFIRM_WITHIN.total_seconds())
        return self.tokens.read_confirm(text, life, self.clock())

    def _wish(
        self,
        connection: Connection,
        subscriber: Subscriber,
        wishes: Wishes,
        cause: str = _ON_THE_WEB,
    ) -> None:
        subscribers.change(
            connection,
            subscriber,
            cause=cause,
            now=self.clock(),
            name=wishes.name,
            language=wishes.language,
            topics=wishes.topics,
            digests=wishes.digests,
        )
