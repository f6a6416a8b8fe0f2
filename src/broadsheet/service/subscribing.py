"""The form to subscribe, the letter that asks to confirm, and confirming (double opt-in)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from broadsheet.delivery.addresses import AddressError, checked_address
from broadsheet.delivery.subscribers import Subscriber
from broadsheet.service import forms
from broadsheet.service.counter import Counter
from broadsheet.service.desk import CONFIRM_WITHIN, Wishes
from broadsheet.service.guard import log
from broadsheet.service.letters import Letter
from broadsheet.service.limits import mailbox
from broadsheet.service.paper import Button, Link
from broadsheet.service.preferring import missing

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Subscribing:
    """/subscribe"""

    counter: Counter
    _threads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(8), init=False)

    async def show(self, request: Request) -> Response:  # noqa: ARG002 - a handler
        """The form."""
        return self._asking(Wishes(), "")

    async def act(self, request: Request) -> Response:
        """Has a letter sent, unless the form must be shown once more."""
        counter = self.counter
        if not counter.limits.forms.take(counter.client(request)):
            return counter.busy()
        form = await forms.received(request)
        words, offer = counter.paper.words(), counter.offer()
        shown, given = counter.shown(form, offer), form.one("address")[:254]
        if not counter.sealed(request, form):
            # A form on another page, maybe the publisher's own: the reader has a look first.
            return self._asking(shown, given, again=True)
        if not given:
            return self._asking(shown, "", words("service.address_none"), status=400)
        try:
            address = await self._aside(partial(checked_address, given))
        except AddressError:
            note = words("service.address_wrong", address=given)
            return self._asking(shown, given, note, status=400)
        wishes = counter.wishes(form, offer)
        if wishes is None:
            note = words(f"service.{missing(form, offer)}")
            return self._asking(shown, given, note, status=400)
        return await self._invite(request, address, wishes)

    async def _aside(self, work: Callable[[], _T]) -> _T:
        """Do `work` in one of a few threads, so that the others stay free for unsubscribes."""
        return await to_thread.run_sync(work, limiter=self._threads)

    def _asking(
        self, wishes: Wishes, address: str, *notes: str, again: bool = False, status: int = 200
    ) -> Response:
        paper = self.counter.paper
        words = paper.words()
        name = "again" if again else "subscribe"
        title = paper.publication.title
        return paper.form(
            words,
            self.counter.offer(),
            wishes,
            words(f"service.{name}", publication=title),
            words(f"service.{name}_lead", publication=title),
            button=words("service.subscribe_button"),
            action="subscribe",
            token=self.counter.seal(),
            address=address,
            notes=notes,
            status=status,
        )

    async def _invite(self, request: Request, address: str, wishes: Wishes) -> Response:
        """The answer that everyone gets, whoever is on the list; a letter says the rest."""
        counter, limits = self.counter, self.counter.limits
        host = request.client.host if request.client else ""
        # If it cannot be written down, say so now.
        await self._aside(counter.desk.check)
        if not limits.confirmation(host, address):
            return counter.busy()
        taken = not limits.mailbox.take(mailbox(address)) or counter.post.take(
            lambda: self._letter(address, wishes)
        )
        if not taken:
            log.warning("too many confirmation mails at once; a subscription was put off")
            return counter.busy()
        words = counter.paper.words()
        return counter.paper.page(
            words,
            words("service.asked"),
            words("service.asked_lead", address=address),
            words("service.asked_hint"),
        )

    def _letter(self, address: str, wishes: Wishes) -> Letter | None:
        """What is sent to someone who asks; nothing to one who complained or was erased: anyone
        may fill in the form in their name, so they have to write to the publisher."""
        desk, letters, url = self.counter.desk, self.counter.letters, self.counter.url
        who, now = desk.ask(address, wishes), desk.clock()
        if who is None or who.status == "complained":
            return None
        if who.status == "active":
            link = f"{url}preferences/{desk.tokens.unsubscribe(who.id, '')}"
            return letters.known(who.address, link, who.language, now)
        link = f"{url}confirm/{desk.tokens.confirm(who.id)}"
        return letters.confirm(
            who.address, link, CONFIRM_WITHIN.days, wishes.language or who.language, now
        )


@dataclass(frozen=True, slots=True)
class Confirming:
    """/confirm"""

    counter: Counter

    async def show(self, request: Request) -> Response:
        """Asks; programs that look into mail follow every link."""
        counter, paper = self.counter, self.counter.paper
        text = counter.text(request)
        who = await run_in_threadpool(counter.desk.invited, text)
        if who is None:
            return counter.bad_link(request)
        words = paper.words(who)
        if who.status == "active":
            return self._welcome(who)
        return paper.page(
            words,
            words("service.confirm"),
            words("service.confirm_lead", publication=paper.publication.title, address=who.address),
            action="confirm",
            token=text,
            buttons=[Button(words("service.confirm_button"))],
        )

    async def act(self, request: Request) -> Response:
        """Makes the subscription active; twice is once."""
        form = await forms.received(request)
        text = self.counter.text(request, form)
        who = await run_in_threadpool(self.counter.desk.confirm, text)
        if who is None:
            return self.counter.bad_link(request)
        log.info("subscriber %d confirmed", who.id)
        return self._welcome(who)

    def _welcome(self, who: Subscriber) -> Response:
        paper = self.counter.paper
        words = paper.words(who)
        settings = paper.at(f"preferences/{self.counter.desk.tokens.unsubscribe(who.id, '')}")
        return paper.page(
            words,
            words("service.confirmed"),
            words(
                "service.confirmed_lead", publication=paper.publication.title, address=who.address
            ),
            links=[Link(words("service.preferences"), settings)],
        )
