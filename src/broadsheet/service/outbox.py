"""Confirmation and welcome mails: written and sent after the response.

The time that a response takes must not show whether an address is on the list. So the page is the
same, and as fast, for everyone; what differs happens here, afterwards. For the same reason, both
mails look alike from outside.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from starlette.concurrency import run_in_threadpool

from broadsheet.delivery.mail.dkim import Signer
from broadsheet.delivery.mail.plain import plain_mail, signed
from broadsheet.delivery.transports import Transport, UnavailableError
from broadsheet.digests.sender import Sender
from broadsheet.errors import BroadsheetError, DatabaseError, DeliveryError, Problem
from broadsheet.i18n import Words
from broadsheet.model.publication import Publication
from broadsheet.service.middleware import describe, log

RETRY_AFTER_S: Final = (5.0, 30.0, 120.0, 600.0, 1800.0)
"""Waits before each further attempt, while the mail server defers a mail."""

_MOST_WAITING: Final = 1_000
_AT_ONCE: Final = 4
_LOOK_EVERY_S: Final = 0.02
_FINISH_WITHIN_S: Final = 10.0  # when the service ends
_ANSWER_WITHIN_S: Final = 30.0  # of the mail server


@dataclass(frozen=True, slots=True)
class ConfirmationMail:
    """A mail to one address. message: RFC 5322, ASCII, CRLF."""

    recipient: str
    message: bytes


@dataclass(frozen=True, slots=True)
class MailWriter:
    """Writes the mails of `publication`, which come from `sender`.

    welcomes: whether those who confirm get a welcome mail.
    """

    publication: Publication
    sender: Sender
    welcomes: bool = True

    def confirm(
        self, recipient: str, link: str, days: int, language: str, now: datetime
    ) -> ConfirmationMail:
        """Return a mail that asks the reader to follow `link`, which works for `days`."""
        words, title = self._words(language), self._title
        subject = words("Confirm your subscription to {publication}", publication=title)
        lead = words(
            "Someone, probably you, asked for {publication} to be sent to this address.\n\nTo "
            "confirm, open this page and press the button:",
            publication=title,
        )
        end = words(
            "The link works for {days}. If this wasn't you, ignore this email: you will not hear "
            "from us again.",
            days=words.plural("{count} day", "{count} days", days),
        )
        return self._mail(recipient, words, subject, (lead, link, end), now)

    def known(self, recipient: str, link: str, language: str, now: datetime) -> ConfirmationMail:
        """Return a mail that says that the reader is subscribed, with a `link` to preferences."""
        words, title = self._words(language), self._title
        subject = words("You are subscribed to {publication}", publication=title)
        lead = words(
            "Someone, probably you, asked for {publication} to be sent to this address. You are "
            "already subscribed.\n\nTo choose newsletters and topics, or to unsubscribe, open this "
            "page:",
            publication=title,
        )
        end = words("If this wasn't you, ignore this email: nothing changes.")
        return self._mail(recipient, words, subject, (lead, link, end), now)

    def welcome(self, recipient: str, link: str, language: str, now: datetime) -> ConfirmationMail:
        """Return a mail that welcomes a new subscriber, with a `link` to preferences."""
        words, title = self._words(language), self._title
        subject = words("Welcome to {publication}", publication=title)
        lead = words(
            "Thank you for subscribing to {publication}. The next issue will come to this "
            "address.\n\nTo choose newsletters and topics, or to unsubscribe, open this page at "
            "any time:",
            publication=title,
        )
        end = words("Past issues are here:\n\n{url}", url=self.publication.feeds_url)
        return self._mail(recipient, words, subject, (lead, link, end), now)

    def _words(self, language: str) -> Words:
        return Words(language or self.publication.language, self.publication.texts)

    @property
    def _title(self) -> str:
        return " ".join(self.publication.title.split())

    def _mail(
        self,
        recipient: str,
        words: Words,
        subject: str,
        paragraphs: tuple[str, ...],
        now: datetime,
    ) -> ConfirmationMail:
        parts = (self.publication, self.sender, recipient, words, subject, paragraphs, now)
        return ConfirmationMail(recipient, plain_mail(*parts))


class LaterError(Exception):
    """The mail was not accepted now, and may be later. Its text has no address."""


SendOne = Callable[[ConfirmationMail], Awaitable[None]]
"""Sends one mail. Raises LaterError if it may succeed later, BroadsheetError if not."""


@dataclass(frozen=True, slots=True)
class MailSender:
    """Sends each mail over its own connection.

    sender: the envelope address. signer: signs the mails, unless None.
    """

    transport: Transport
    sender: str
    signer: Signer | None = None

    async def __call__(self, mail: ConfirmationMail) -> None:
        """Send `mail`. Raises LaterError if it may succeed later, DeliveryError if not.

        Only the code of a refusal is reported: the server's words may repeat the address.
        """
        message = signed(mail.message, self.signer)
        try:
            session = await self.transport.connect(_ANSWER_WITHIN_S)
        except UnavailableError as error:
            if error.for_good:
                raise DeliveryError(Problem(str(error), key="delivery.smtp")) from None
            raise LaterError(f"the mail server cannot be used: {error}") from None
        verdict = await session.send(self.sender, mail.recipient, message)
        await session.leave()
        if verdict.kind == "accepted":
            return
        said = f"the mail server says {verdict.code}" if verdict.code else "the connection was lost"
        if verdict.kind in {"refused", "sender_refused"}:
            raise DeliveryError(Problem(said))
        raise LaterError(said)


class Outbox:
    """Writes and sends mails, a few at a time, and tries again those that the server defers."""

    def __init__(
        self,
        send: SendOne,
        waits: Sequence[float] = RETRY_AFTER_S,
        knows: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """knows: whether an address is still on the list, when a mail is tried again."""
        self._send, self._waits, self._knows = send, waits, knows
        self._few = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy = 0  # tasks that do not wait for another try

    def add(self, write: Callable[[], ConfirmationMail | None]) -> bool:
        """Have a mail written and sent; return False if too many are waiting.

        write: makes it, or returns None if none is needed. The caller must run in the event loop.
        """
        if len(self._tasks) >= _MOST_WAITING:
            return False
        task = asyncio.create_task(self._deliver(write))
        self._busy += 1
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def idle(self) -> None:
        """Wait until everything that can be done now is done."""
        while self._busy:
            await asyncio.sleep(_LOOK_EVERY_S)

    async def stop(self) -> None:
        """Send what can be sent at once, and report the rest."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_FINISH_WITHIN_S):
                await self.idle()
        if left := [*self._tasks]:
            what = "confirmation mails not sent before the end: %d; readers can ask again"
            log.warning(what, len(left))
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _deliver(self, write: Callable[[], ConfirmationMail | None]) -> None:
        try:
            async with self._few:
                mail = await run_in_threadpool(write)
            if mail:
                await self._try(mail)
        except BroadsheetError as error:
            log.error("a confirmation mail was not sent: %s", error)
        except Exception as error:
            log.error("a confirmation mail was not sent: %s", describe(error))
        finally:
            self._busy -= 1

    async def _try(self, mail: ConfirmationMail) -> None:
        """Send `mail`; wait between tries outside the few, so that others are not delayed."""
        for tries, wait in enumerate((*self._waits, None)):
            try:
                async with self._few:
                    # Erased in the meantime?
                    if not tries or await run_in_threadpool(self._knows, mail.recipient):
                        await self._send(mail)
                    return
            except (LaterError, DatabaseError) as error:
                if wait is None:
                    log.error(
                        "a confirmation mail was not sent after %d tries: %s", tries + 1, error
                    )
                    return
                log.warning("a confirmation mail will be tried again in %.0f s: %s", wait, error)
            self._busy -= 1
            try:
                await asyncio.sleep(wait)
            finally:
                self._busy += 1
