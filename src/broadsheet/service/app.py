"""The web service itself (ASGI): unsubscribe (RFC 8058), preferences, subscribe, health.

GET and HEAD only show: programs that look into mail follow every link. POST does. Whoever holds a
mark from one of our mails may act for its subscriber, and nobody else; as no cookie and no address
is ever taken for that, there is nothing that another site could ride on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from urllib.parse import quote

from itsdangerous import BadData, TimestampSigner
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, Router

from broadsheet.delivery.addresses import AddressError, address_key, checked_address
from broadsheet.delivery.subscribers import Subscriber
from broadsheet.delivery.tokens import Mark
from broadsheet.errors import BroadsheetError, DatabaseError
from broadsheet.service import forms
from broadsheet.service.desk import CONFIRM_WITHIN, Desk, Reader, Wishes
from broadsheet.service.guard import Guard, log, mishap
from broadsheet.service.letters import Letter, Letters
from broadsheet.service.limits import Allowance, client
from broadsheet.service.paper import Button, Link, Offer, Paper, masked
from broadsheet.service.post import Post

_HOUR: Final = 3_600.0
_FORM_WITHIN: Final = int(timedelta(hours=12).total_seconds())
_DAY: Final = 24 * _HOUR
_TEN_MINUTES: Final = _HOUR / 6
_LONGEST_MARK: Final = 1_000
_ONE_CLICK: Final = ("List-Unsubscribe", "One-Click")

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one may do before waiting. Links from our mails have no limit: they are unguessable,
    and one machine of a mail provider sends the one-click requests of thousands."""

    asking: Allowance = field(default_factory=lambda: Allowance(10, _HOUR))
    """Subscribe forms of one client."""
    address: Allowance = field(default_factory=lambda: Allowance(3, _DAY))
    """Letters to one address."""
    letters: Allowance = field(default_factory=lambda: Allowance(300, _HOUR))
    """Letters to all addresses."""
    guessing: Allowance = field(default_factory=lambda: Allowance(30, _TEN_MINUTES))
    """Links of one client that we did not make."""


@dataclass(frozen=True, slots=True)
class Service:
    """All that the pages need.

    offer: what there is to choose; asked for each page, so it must be at hand. refresh: brings it
    up to date; it may take its time. url: where the service is reached, with a slash at its end.
    """

    desk: Desk
    paper: Paper
    letters: Letters
    post: Post
    offer: Callable[[], Offer]
    url: str
    refresh: Callable[[], None] = lambda: None
    limits: Limits = field(default_factory=Limits)

    def application(self) -> Starlette:
        """The ASGI application; it answers below the path of its URL, and at the root too,
        since some proxies cut that path off."""
        routes = [
            self._route("/", self._subscribe_form, "GET"),
            self._route("/subscribe", self._subscribe_form, "GET"),
            self._route("/subscribe", self._subscribe, "POST"),
            self._route("/health", self._health, "GET"),
        ]
        for name, show, act in (
            ("unsubscribe", self._unsubscribe_page, self._unsubscribe),
            ("preferences", self._preferences_page, self._preferences),
            ("confirm", self._confirm_page, self._confirm),
        ):
            for path in (f"/{name}", f"/{name}/{{mark}}"):
                routes += [self._route(path, show, "GET"), self._route(path, act, "POST")]
        here = Router(routes, redirect_slashes=False)
        prefix = self.paper.prefix.rstrip("/")
        app = Starlette(
            routes=[*([Mount(prefix, here)] if prefix else []), Mount("/", here)],
            middleware=[Middleware(Guard)],
            exception_handlers={HTTPException: self._no_such},
            lifespan=self._open,
        )
        app.router.redirect_slashes = False
        return app

    @asynccontextmanager
    async def _open(self, _: Starlette) -> AsyncIterator[None]:
        self.post.start()
        chores = [
            asyncio.create_task(_every(_DAY, self._forget)),
            asyncio.create_task(_every(_TEN_MINUTES, self.refresh)),
        ]
        try:
            yield
        finally:
            for chore in chores:
                chore.cancel()
            await self.post.stop()

    def _forget(self) -> None:
        if gone := self.desk.forget():
            log.info("forgot %d who did not confirm in time", gone)

    def _route(self, path: str, handler: Handler, method: str) -> Route:
        async def answered(request: Request) -> Response:
            try:
                return await handler(request)
            except forms.TooMuch:
                return self._told("too_big", 413)
            except forms.TooSlow:
                return self._told("slow", 408, {"Connection": "close"})
            except DatabaseError as error:
                log.error("%s", error)
                return self._told("down", 503, {"Retry-After": "120"})
            except HTTPException:
                raise
            except Exception as error:
                log.error("a request failed: %s", mishap(error))
                return self._told("down", 500)

        return Route(path, answered, methods=[method])

    # Unsubscribe

    async def _unsubscribe_page(self, request: Request) -> Response:
        mark = self._mark(request)
        if mark is None:
            return self._bad_link(request)
        reader = await run_in_threadpool(self.desk.reader, mark)
        if reader is None or reader.subscriber.gone:
            return self._unsubscribed(reader, "")
        words = self.paper.words(reader.subscriber)
        token = self._text(request)
        title = self._title(reader)
        if title and self.desk.others(reader):
            lead = words("service.unsubscribe_which", address=masked(reader.subscriber.address))
            buttons = [
                Button(words("service.unsubscribe_one", digest=title)),
                Button(words("service.unsubscribe_all"), "all", "yes"),
            ]
        else:
            lead = self._say("unsubscribe_lead", reader)
            buttons = [Button(words("service.unsubscribe_button"))]
        return self.paper.page(
            words,
            words("service.unsubscribe"),
            lead,
            links=[Link(words("service.less"), self.paper.at(f"preferences/{quote(token)}"))],
            action="unsubscribe",
            token=token,
            buttons=buttons,
        )

    async def _unsubscribe(self, request: Request) -> Response:
        form = await forms.received(request)
        mark = self._mark(request, form)
        name, value = _ONE_CLICK
        one_click = form.one(name) == value
        if mark is None:
            return self._bad_link(request)
        everything = bool(form.one("all"))
        cause = "one-click in the mail program" if one_click else "by the subscriber, on the web"
        reader = await run_in_threadpool(self.desk.leave, mark, cause, everything=everything)
        log.info("subscriber %d left, %s", mark.subscriber, cause)
        if one_click:  # RFC 8058, section 3.1: a program reads this; no redirect, no page
            return PlainTextResponse("unsubscribed\n")
        left = reader is None or reader.subscriber.gone
        return self._unsubscribed(reader, "" if left else self._title(reader))

    def _unsubscribed(self, reader: Reader | None, title: str) -> Response:
        words = self.paper.words(reader.subscriber if reader else None)
        lead = (
            words("service.unsubscribed_one", digest=title)
            if title
            else words("service.unsubscribed_lead", publication=self.paper.publication.title)
        )
        back = Link(words("service.unsubscribed_back"), self.paper.at("subscribe"))
        return self.paper.page(words, words("service.unsubscribed"), lead, links=[back])

    # Preferences

    async def _preferences_page(self, request: Request) -> Response:
        mark = self._mark(request)
        if mark is None:
            return self._bad_link(request)
        reader = await run_in_threadpool(self.desk.reader, mark)
        return self._settings(reader, self._text(request))

    async def _preferences(self, request: Request) -> Response:
        form = await forms.received(request)
        mark = self._mark(request, form)
        if mark is None:
            return self._bad_link(request)
        token = self._text(request, form)
        reader = await run_in_threadpool(self.desk.reader, mark)
        if reader is None or reader.subscriber.gone:
            return self._settings(reader, token)
        offer = self._offered(reader)
        wishes = _wishes(form, offer)
        if len(offer.digests) > 1 and not form.all("digest"):
            words = self.paper.words(reader.subscriber)
            return self._settings(reader, token, words("service.digests_none"), wishes)
        reader = await run_in_threadpool(self.desk.prefer, mark, wishes)
        words = self.paper.words(reader.subscriber if reader else None)
        return self._settings(reader, token, words("service.saved"))

    def _settings(
        self, reader: Reader | None, token: str, note: str = "", wishes: Wishes | None = None
    ) -> Response:
        words = self.paper.words(reader.subscriber if reader else None)
        heading = words("service.preferences")
        if reader is None or reader.subscriber.gone:
            back = Link(words("service.unsubscribed_back"), self.paper.at("subscribe"))
            lead = self._say("left", reader) if reader else ""
            return self.paper.page(words, heading, *filter(None, [lead]), links=[back])
        who = reader.subscriber
        return self.paper.form(
            words,
            self._offered(reader),
            wishes or Wishes(who.name, who.language, who.topics, who.digests),
            heading,
            self._say("preferences_lead", reader),
            button=words("service.preferences_button"),
            action="preferences",
            token=token,
            notes=[note] if note else [],
            links=[
                Link(words("service.unsubscribe"), self.paper.at(f"unsubscribe/{quote(token)}"))
            ],
            status=400 if wishes else 200,
        )

    def _offered(self, reader: Reader) -> Offer:
        """What there is to choose; what the reader has chosen stays, though it be no more."""
        offer = self.offer()
        topics = dict.fromkeys((*offer.topics, *reader.subscriber.topics))
        return Offer(offer.digests, tuple(topics))

    # Subscribe

    async def _subscribe_form(self, request: Request) -> Response:  # noqa: ARG002 - a handler
        return self._asking(Wishes(), "")

    def _asking(
        self, wishes: Wishes, address: str, *notes: str, again: bool = False, status: int = 200
    ) -> Response:
        words = self.paper.words()
        name = "again" if again else "subscribe"
        title = self.paper.publication.title
        return self.paper.form(
            words,
            self.offer(),
            wishes,
            words(f"service.{name}", publication=title),
            words(f"service.{name}_lead", publication=title),
            button=words("service.subscribe_button"),
            action="subscribe",
            token=self._seal().sign(b"form").decode("ascii"),
            address=address,
            notes=notes,
            status=status,
        )

    async def _subscribe(self, request: Request) -> Response:
        form = await forms.received(request)
        words = self.paper.words()
        offer = self.offer()
        wishes, given = _wishes(form, offer), form.one("address")[:254]
        if not self._sealed(form.one("t")):
            # A form on another page, maybe the publisher's own: the reader has a look first.
            return self._asking(wishes, given, again=True)
        if not given:
            return self._asking(wishes, "", words("service.address_none"), status=400)
        try:
            address = await run_in_threadpool(checked_address, given)
        except AddressError:
            note = words("service.address_wrong", address=given)
            return self._asking(wishes, given, note, status=400)
        if len(offer.digests) > 1 and not form.all("digest"):
            return self._asking(wishes, given, words("service.digests_none"), status=400)
        return await self._invite(request, address, wishes)

    async def _invite(self, request: Request, address: str, wishes: Wishes) -> Response:
        """The answer that everyone gets, whoever is on the list; a letter says the rest."""
        await run_in_threadpool(self.desk.check)  # if it cannot be written down, say so now
        if not self.limits.asking.take(self._client(request)):
            return self._told("busy", 429, {"Retry-After": "600"})
        if self.limits.address.take(address_key(address)):
            taken = self.limits.letters.take("all") and self.post.take(
                lambda: self._letter(address, wishes)
            )
            if not taken:
                log.warning("too many letters at once; a subscription was put off")
                return self._told("busy", 429, {"Retry-After": "600"})
        words = self.paper.words()
        return self.paper.page(
            words,
            words("service.asked"),
            words("service.asked_lead", address=address),
            words("service.asked_hint"),
        )

    def _letter(self, address: str, wishes: Wishes) -> Letter | None:
        """What is sent to someone who asks; nothing to one who called our mail a nuisance."""
        who, now = self.desk.ask(address, wishes), self.desk.clock()
        if who.status == "complained":
            return None
        if who.status == "active":
            link = f"{self.url}preferences/{self.desk.tokens.unsubscribe(who.id, '')}"
            return self.letters.known(who.address, link, who.language, now)
        link = f"{self.url}confirm/{self.desk.tokens.confirm(who.id)}"
        return self.letters.confirm(
            who.address, link, CONFIRM_WITHIN.days, wishes.language or who.language, now
        )

    async def _confirm_page(self, request: Request) -> Response:
        text = self._text(request)
        who = await run_in_threadpool(self.desk.invited, text)
        if who is None:
            return self._bad_link(request)
        words = self.paper.words(who)
        if who.status == "active":
            return self._welcome(who)
        title = self.paper.publication.title
        return self.paper.page(
            words,
            words("service.confirm"),
            words("service.confirm_lead", publication=title, address=who.address),
            action="confirm",
            token=text,
            buttons=[Button(words("service.confirm_button"))],
        )

    async def _confirm(self, request: Request) -> Response:
        form = await forms.received(request)
        who = await run_in_threadpool(self.desk.confirm, self._text(request, form))
        if who is None:
            return self._bad_link(request)
        log.info("subscriber %d confirmed", who.id)
        return self._welcome(who)

    def _welcome(self, who: Subscriber) -> Response:
        words = self.paper.words(who)
        title = self.paper.publication.title
        settings = self.paper.at(f"preferences/{self.desk.tokens.unsubscribe(who.id, '')}")
        return self.paper.page(
            words,
            words("service.confirmed"),
            words("service.confirmed_lead", publication=title, address=who.address),
            links=[Link(words("service.preferences"), settings)],
        )

    # What all have in common

    async def _health(self, request: Request) -> Response:  # noqa: ARG002 - a handler
        try:
            await run_in_threadpool(self.desk.check)
        except DatabaseError as error:
            log.error("%s", error)
            return PlainTextResponse("the database cannot be read\n", 503)
        return PlainTextResponse("ok\n")

    def _text(self, request: Request, form: forms.Form | None = None) -> str:
        """The token of a request: in its path, in its query, or in the form of our own pages."""
        given = request.path_params.get("mark") or request.query_params.get("t")
        text = str(given or (form.one("t") if form else ""))
        # Mail programs take the full stop after a link for a part of it.
        return text.strip().rstrip(".,;:!?)>]}'\"")[:_LONGEST_MARK]

    def _mark(self, request: Request, form: forms.Form | None = None) -> Mark | None:
        return self.desk.mark(self._text(request, form))

    def _client(self, request: Request) -> str:
        return client(request.client.host if request.client else "")

    def _title(self, reader: Reader | None) -> str:
        """The title of the digest that the link was made for; "" where there is none (now)."""
        name = reader.digest if reader else ""
        return next((each.title for each in self.offer().digests if each.name == name), "")

    def _say(self, name: str, reader: Reader) -> str:
        """A sentence about the reader's address."""
        return self.paper.words(reader.subscriber)(
            f"service.{name}",
            publication=self.paper.publication.title,
            address=masked(reader.subscriber.address),
        )

    def _bad_link(self, request: Request) -> Response:
        """What to do with a link that does not work. Why it does not, nobody needs to know."""
        if not self.limits.guessing.take(self._client(request)):
            return self._told("busy", 429, {"Retry-After": "600"})
        words, sender = self.paper.words(), self.letters.sender
        lines = [words("service.token_lead")]
        if sender.answers:
            lines.append(words("service.token_mail", address=sender.address))
        back = Link(words("service.token_subscribe"), self.paper.at("subscribe"))
        return self.paper.page(words, words("service.token"), *lines, status=400, links=[back])

    def _told(self, name: str, status: int, headers: dict[str, str] | None = None) -> Response:
        words = self.paper.words()
        heading, lead = words(f"service.{name}"), words(f"service.{name}_lead")
        return self.paper.page(words, heading, lead, status=status, headers=headers)

    async def _no_such(self, request: Request, error: Exception) -> Response:  # noqa: ARG002
        """Starlette's own refusals: no such page, or not with this method."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers = dict(getattr(error, "headers", None) or {})
        return self._told("method" if status == 405 else "missing", status, headers)

    def _seal(self) -> TimestampSigner:
        return TimestampSigner(self.desk.tokens.secret, salt="broadsheet form")

    def _sealed(self, text: str) -> bool:
        try:
            self._seal().unsign(text, max_age=_FORM_WITHIN)
        except BadData:
            return False
        return True


async def _every(seconds: float, chore: Callable[[], None]) -> None:
    """Does `chore` now and then; what goes wrong with it is said, and it is tried again."""
    while True:
        try:
            await run_in_threadpool(chore)
        except Exception as error:
            log.error("%s", error if isinstance(error, BroadsheetError) else mishap(error))
        await asyncio.sleep(seconds)


def _wishes(form: forms.Form, offer: Offer) -> Wishes:
    digests = form.all("digest") if len(offer.digests) > 1 else [d.name for d in offer.digests]
    return offer.wishes(form.one("name"), form.one("language"), digests, form.all("topic"))
