"""The handlers of /unsubscribe, /preferences, /subscribe and /confirm.

`get` only shows: programs that scan mail follow every link. `post` acts; repeating it changes
nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar
from urllib.parse import quote

from anyio import CapacityLimiter, to_thread
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from broadsheet.delivery.addresses import AddressError, checked_address
from broadsheet.delivery.subscribers import Preferences, Subscriber
from broadsheet.i18n import gettext_noop
from broadsheet.service import forms
from broadsheet.service.context import AppContext
from broadsheet.service.limits import mailbox
from broadsheet.service.middleware import log
from broadsheet.service.outbox import ConfirmationMail
from broadsheet.service.pages import Button, Offer, PageLink, masked
from broadsheet.service.store import CONFIRM_WITHIN, Visitor

_LONGEST_ADDRESS: Final = 254  # characters; RFC 5321, section 4.5.3.1.3

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class UnsubscribeHandler:
    """/unsubscribe: a button, or one click in a mail program (RFC 8058)."""

    app: AppContext

    async def get(self, request: Request) -> Response:
        """Ask whether to unsubscribe, and from which digests."""
        app = self.app
        token = app.link_token(request)
        if token is None:
            return app.bad_link(request)
        visitor = await run_in_threadpool(app.store.visitor, token)
        if visitor is None or visitor.subscriber.gone:
            return self._done(visitor, "")
        words = app.pages.words(visitor.subscriber)
        text = app.token_text(request)
        title = app.title(visitor)
        if title and app.store.others(visitor):
            lead = words(
                "Stop sending email to {address}?", address=masked(visitor.subscriber.address)
            )
            buttons = [
                Button(words("Only from {digest}", digest=title)),
                Button(words("From everything"), "all", "yes"),
            ]
        else:
            lead = app.about(
                gettext_noop("Stop sending email from {publication} to {address}?"), visitor
            )
            buttons = [Button(words("Unsubscribe me"))]
        return app.pages.page(
            words,
            words("Unsubscribe"),
            lead,
            links=[
                PageLink(
                    words("Or receive less: choose newsletters and topics"),
                    app.pages.at(f"preferences/{quote(text)}"),
                )
            ],
            action="unsubscribe",
            token=text,
            buttons=buttons,
        )

    async def post(self, request: Request) -> Response:
        """Unsubscribe."""
        app = self.app
        try:
            form = await forms.received(request)
        except forms.Unreadable:  # the link identifies the reader; a bad body must not stop them
            form = forms.Form()
        token = app.link_token(request, form)
        if token is None:
            return app.bad_link(request)
        one_click = form.one("List-Unsubscribe") == "One-Click"  # RFC 8058, section 3.1
        everything = bool(form.one("all"))
        cause = "one-click in the mail program" if one_click else "by the subscriber, on the web"
        visitor = await run_in_threadpool(app.store.leave, token, cause, everything=everything)
        log.info("subscriber %d left, %s", token.subscriber, cause)
        if one_click:  # a program, not a person: no redirect, no page
            return PlainTextResponse("unsubscribed\n")
        left = visitor is None or visitor.subscriber.gone
        return self._done(visitor, "" if left else app.title(visitor))

    def _done(self, visitor: Visitor | None, title: str) -> Response:
        pages = self.app.pages
        words = pages.words(visitor.subscriber if visitor else None)
        lead = (
            words(
                "You will get no more email from {digest}. A message that is already on its way "
                "may still arrive.",
                digest=title,
            )
            if title
            else words(
                "You will get no more email from {publication}. A message that is already on its "
                "way may still arrive.",
                publication=pages.publication.title,
            )
        )
        back = PageLink(words("Was this a mistake? Subscribe again"), pages.at("subscribe"))
        return pages.page(words, words("You are unsubscribed"), lead, links=[back])


@dataclass(frozen=True, slots=True)
class PreferencesHandler:
    """/preferences"""

    app: AppContext

    async def get(self, request: Request) -> Response:
        """Show what the reader gets now."""
        token = self.app.link_token(request)
        if token is None:
            return self.app.bad_link(request)
        visitor = await run_in_threadpool(self.app.store.visitor, token)
        return self._page(visitor, self.app.token_text(request))

    async def post(self, request: Request) -> Response:
        """Save the preferences of an active subscriber."""
        app = self.app
        form = await forms.received(request)
        token = app.link_token(request, form)
        if token is None:
            return app.bad_link(request)
        text = app.token_text(request, form)
        visitor = await run_in_threadpool(app.store.visitor, token)
        if visitor is None or visitor.subscriber.gone:
            return self._page(visitor, text)
        offer = self._offer(visitor)
        chosen = app.chosen(form, offer)
        if chosen is None:
            note = app.pages.words(visitor.subscriber)(_missing(form, offer))
            return self._page(visitor, text, note, app.shown(form, offer))
        visitor = await run_in_threadpool(app.store.prefer, token, chosen)
        words = app.pages.words(visitor.subscriber if visitor else None)
        return self._page(visitor, text, words("Saved. This applies from the next issue on."))

    def _page(
        self,
        visitor: Visitor | None,
        token: str,
        note: str = "",
        unsaved: Preferences | None = None,
    ) -> Response:
        """Return the form. unsaved: preferences that could not be saved."""
        pages = self.app.pages
        words = pages.words(visitor.subscriber if visitor else None)
        heading = words("Your preferences")
        if visitor is None or visitor.subscriber.gone:
            back = PageLink(words("Was this a mistake? Subscribe again"), pages.at("subscribe"))
            lead = (
                self.app.about(
                    gettext_noop(
                        "{address} gets no email from {publication}. To receive it again, "
                        "subscribe again."
                    ),
                    visitor,
                )
                if visitor
                else ""
            )
            return pages.page(words, heading, *filter(None, [lead]), links=[back])
        who = visitor.subscriber
        unsubscribe = pages.at(f"unsubscribe/{quote(token)}")
        return pages.form(
            words,
            self._offer(visitor),
            unsaved
            or Preferences(
                name=who.name, language=who.language, topics=who.topics, digests=who.digests
            ),
            heading,
            self.app.about(gettext_noop("What {publication} sends to {address}."), visitor),
            button=words("Save"),
            action="preferences",
            token=token,
            notes=[note] if note else [],
            links=[PageLink(words("Unsubscribe"), unsubscribe)],
            status=400 if unsaved else 200,
        )

    def _offer(self, visitor: Visitor) -> Offer:
        """Return the offer, with topics that the reader has chosen even if they no longer exist."""
        offer = self.app.offer()
        topics = dict.fromkeys((*offer.topics, *visitor.subscriber.topics))
        return Offer(offer.digests, tuple(topics))


@dataclass(frozen=True, slots=True)
class SubscribeHandler:
    """/subscribe: a form, and a mail that asks to confirm (double opt-in)."""

    app: AppContext
    _threads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(8), init=False)

    async def get(self, request: Request) -> Response:  # noqa: ARG002 - a handler
        """Show the form."""
        return self._form(Preferences(), "")

    async def post(self, request: Request) -> Response:
        """Send a confirmation mail, or show the form again."""
        app = self.app
        if not app.limits.forms.take(app.client(request)):
            return app.busy()
        form = await forms.received(request)
        words, offer = app.pages.words(), app.offer()
        shown, given = app.shown(form, offer), form.one("address")[:_LONGEST_ADDRESS]
        if not app.is_our_form(request, form):
            # From another site, perhaps the publisher's: the reader sees our form first.
            return self._form(shown, given, again=True)
        if not given:
            return self._form(shown, "", words("Please enter your email address."), status=400)
        try:
            address = await self._in_thread(partial(checked_address, given))
        except AddressError:
            note = words(
                "This is not a valid email address: {address}. Please check it.", address=given
            )
            return self._form(shown, given, note, status=400)
        chosen = app.chosen(form, offer)
        if chosen is None:
            note = words(_missing(form, offer))
            return self._form(shown, given, note, status=400)
        return await self._invite(request, address, chosen)

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        """Do `work` in one of a few threads, so that others stay free to unsubscribe readers."""
        return await to_thread.run_sync(work, limiter=self._threads)

    def _form(
        self, given: Preferences, address: str, *notes: str, again: bool = False, status: int = 200
    ) -> Response:
        pages = self.app.pages
        words = pages.words()
        heading = words("Subscribe to {publication}", publication=pages.publication.title)
        lead = words("New articles by email. Unsubscribe at any time with one click.")
        if again:
            heading = words("Is this right?")
            lead = words(
                "You came here from another page. Check what will be sent, then press the button."
            )
        return pages.form(
            words,
            self.app.offer(),
            given,
            heading,
            lead,
            button=words("Subscribe"),
            action="subscribe",
            token=self.app.form_token(),
            address=address,
            notes=notes,
            status=status,
        )

    async def _invite(self, request: Request, address: str, chosen: Preferences) -> Response:
        """Return the same page for everyone, on the list or not; the mail says the rest."""
        app, limits = self.app, self.app.limits
        host = request.client.host if request.client else ""
        # If the subscription cannot be recorded, say so now.
        await self._in_thread(app.store.check)
        if not limits.confirmation(host, address):
            return app.busy()
        taken = not limits.mailbox.take(mailbox(address)) or app.outbox.add(
            lambda: self._mail(address, chosen)
        )
        if not taken:
            log.warning("too many confirmation mails are waiting; a subscription was refused")
            return app.busy()
        words = app.pages.words()
        return app.pages.page(
            words,
            words("Check your inbox"),
            words(
                "We sent an email to {address}. Follow the link in it to confirm your "
                "subscription.",
                address=address,
            ),
            words(
                "No email after ten minutes? Look in your spam folder, check the address, and try "
                "again."
            ),
        )

    def _mail(self, address: str, chosen: Preferences) -> ConfirmationMail | None:
        """Return the mail for someone who subscribes; None if they complained or were erased.

        Anyone can fill in the form in their name, so they have to write to the publisher.
        """
        store, writer, url = self.app.store, self.app.writer, self.app.url
        who, now = store.ask(address, chosen), store.clock()
        if who is None or who.status == "complained":
            return None
        if who.status == "active":
            link = f"{url}preferences/{store.tokens.unsubscribe(who.id, '')}"
            return writer.known(who.address, link, who.language, now)
        link = f"{url}confirm/{store.tokens.confirm(who.id)}"
        language = chosen.get("language") or who.language
        return writer.confirm(who.address, link, CONFIRM_WITHIN.days, language, now)


@dataclass(frozen=True, slots=True)
class ConfirmHandler:
    """/confirm: the link in the mail that asks to confirm."""

    app: AppContext

    async def get(self, request: Request) -> Response:
        """Ask whether to subscribe."""
        app, pages = self.app, self.app.pages
        text = app.token_text(request)
        who = await run_in_threadpool(app.store.invited, text)
        if who is None:
            return app.bad_link(request)
        words = pages.words(who)
        if who.status == "active":
            return self._welcome(who)
        return pages.page(
            words,
            words("Confirm your subscription"),
            words(
                "One more click to receive {publication} at {address}.",
                publication=pages.publication.title,
                address=who.address,
            ),
            action="confirm",
            token=text,
            buttons=[Button(words("Yes, subscribe me"))],
        )

    async def post(self, request: Request) -> Response:
        """Make the subscription active."""
        form = await forms.received(request)
        text = self.app.token_text(request, form)
        found = await run_in_threadpool(self.app.store.confirm, text)
        if found is None:
            return self.app.bad_link(request)
        who, is_new = found
        if is_new and self.app.writer.welcomes:
            self.app.outbox.add(lambda: self._mail(who))
        log.info("subscriber %d confirmed", who.id)
        return self._welcome(who)

    def _mail(self, who: Subscriber) -> ConfirmationMail:
        store = self.app.store
        link = f"{self.app.url}preferences/{store.tokens.unsubscribe(who.id, '')}"
        return self.app.writer.welcome(who.address, link, who.language, store.clock())

    def _welcome(self, who: Subscriber) -> Response:
        pages = self.app.pages
        words, title = pages.words(who), pages.publication.title
        link = pages.at(f"preferences/{self.app.store.tokens.unsubscribe(who.id, '')}")
        return pages.page(
            words,
            words("Welcome"),
            words(
                "You will receive {publication} at {address} from the next issue on.",
                publication=title,
                address=who.address,
            ),
            links=[PageLink(words("Your preferences"), link)],
        )


def _missing(form: forms.Form, offer: Offer) -> str:
    """Return the text that says what is missing in a form."""
    known = {each.name for each in offer.digests} & set(form.all("digest"))
    if len(offer.digests) > 1 and not known:
        return gettext_noop("Choose at least one newsletter.")
    return gettext_noop("None of the topics you chose is available any more. Please choose again.")
