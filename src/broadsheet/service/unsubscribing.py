"""The page to leave, and leaving by it: a button, or one click in a mail program (RFC 8058)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from broadsheet.service import forms
from broadsheet.service.counter import Counter
from broadsheet.service.desk import Reader
from broadsheet.service.guard import log
from broadsheet.service.paper import Button, Link, masked

_ONE_CLICK: Final = ("List-Unsubscribe", "One-Click")


@dataclass(frozen=True, slots=True)
class Unsubscribing:
    """/unsubscribe"""

    counter: Counter

    async def show(self, request: Request) -> Response:
        """Asks; programs that look into mail follow every link."""
        counter = self.counter
        mark = counter.mark(request)
        if mark is None:
            return counter.bad_link(request)
        reader = await run_in_threadpool(counter.desk.reader, mark)
        if reader is None or reader.subscriber.gone:
            return self._done(reader, "")
        words = counter.paper.words(reader.subscriber)
        token = counter.text(request)
        title = counter.title(reader)
        if title and counter.desk.others(reader):
            lead = words("service.unsubscribe_which", address=masked(reader.subscriber.address))
            buttons = [
                Button(words("service.unsubscribe_one", digest=title)),
                Button(words("service.unsubscribe_all"), "all", "yes"),
            ]
        else:
            lead = counter.say("unsubscribe_lead", reader)
            buttons = [Button(words("service.unsubscribe_button"))]
        return counter.paper.page(
            words,
            words("service.unsubscribe"),
            lead,
            links=[Link(words("service.less"), counter.paper.at(f"preferences/{quote(token)}"))],
            action="unsubscribe",
            token=token,
            buttons=buttons,
        )

    async def act(self, request: Request) -> Response:
        """Does it; twice is once."""
        counter = self.counter
        try:
            form = await forms.received(request)
        except forms.Unreadable:  # the link says who unsubscribes; a bad body must not prevent it
            form = forms.Form()
        mark = counter.mark(request, form)
        name, value = _ONE_CLICK
        one_click = form.one(name) == value
        if mark is None:
            return counter.bad_link(request)
        everything = bool(form.one("all"))
        cause = "one-click in the mail program" if one_click else "by the subscriber, on the web"
        reader = await run_in_threadpool(counter.desk.leave, mark, cause, everything=everything)
        log.info("subscriber %d left, %s", mark.subscriber, cause)
        if one_click:  # RFC 8058, section 3.1: a program reads this; no redirect, no page
            return PlainTextResponse("unsubscribed\n")
        left = reader is None or reader.subscriber.gone
        return self._done(reader, "" if left else counter.title(reader))

    def _done(self, reader: Reader | None, title: str) -> Response:
        paper = self.counter.paper
        words = paper.words(reader.subscriber if reader else None)
        lead = (
            words("service.unsubscribed_one", digest=title)
            if title
            else words("service.unsubscribed_lead", publication=paper.publication.title)
        )
        back = Link(words("service.unsubscribed_back"), paper.at("subscribe"))
        return paper.page(words, words("service.unsubscribed"), lead, links=[back])
