"""The page of a reader's settings, and saving them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from broadsheet.service import forms
from broadsheet.service.counter import Counter
from broadsheet.service.desk import Reader, Wishes
from broadsheet.service.paper import Link, Offer


@dataclass(frozen=True, slots=True)
class Preferring:
    """/preferences"""

    counter: Counter

    async def show(self, request: Request) -> Response:
        """What the reader gets now."""
        mark = self.counter.mark(request)
        if mark is None:
            return self.counter.bad_link(request)
        reader = await run_in_threadpool(self.counter.desk.reader, mark)
        return self._settings(reader, self.counter.text(request))

    async def act(self, request: Request) -> Response:
        """Saves what is asked for; who left stays gone."""
        counter = self.counter
        form = await forms.received(request)
        mark = counter.mark(request, form)
        if mark is None:
            return counter.bad_link(request)
        token = counter.text(request, form)
        reader = await run_in_threadpool(counter.desk.reader, mark)
        if reader is None or reader.subscriber.gone:
            return self._settings(reader, token)
        offer = self._offered(reader)
        wishes = counter.wishes(form, offer)
        if wishes is None:
            note = counter.paper.words(reader.subscriber)(f"service.{missing(form, offer)}")
            return self._settings(reader, token, note, counter.shown(form, offer))
        reader = await run_in_threadpool(counter.desk.prefer, mark, wishes)
        words = counter.paper.words(reader.subscriber if reader else None)
        return self._settings(reader, token, words("service.saved"))

    def _settings(
        self, reader: Reader | None, token: str, note: str = "", wishes: Wishes | None = None
    ) -> Response:
        """The form. wishes: what was asked for and could not be saved."""
        paper = self.counter.paper
        words = paper.words(reader.subscriber if reader else None)
        heading = words("service.preferences")
        if reader is None or reader.subscriber.gone:
            back = Link(words("service.unsubscribed_back"), paper.at("subscribe"))
            lead = self.counter.say("left", reader) if reader else ""
            return paper.page(words, heading, *filter(None, [lead]), links=[back])
        who = reader.subscriber
        return paper.form(
            words,
            self._offered(reader),
            wishes or Wishes(who.name, who.language, who.topics, who.digests),
            heading,
            self.counter.say("preferences_lead", reader),
            button=words("service.preferences_button"),
            action="preferences",
            token=token,
            notes=[note] if note else [],
            links=[Link(words("service.unsubscribe"), paper.at(f"unsubscribe/{quote(token)}"))],
            status=400 if wishes else 200,
        )

    def _offered(self, reader: Reader) -> Offer:
        """What there is to choose; what the reader has chosen stays, though it be no more."""
        offer = self.counter.offer()
        topics = dict.fromkeys((*offer.topics, *reader.subscriber.topics))
        return Offer(offer.digests, tuple(topics))


def missing(form: forms.Form, offer: Offer) -> str:
    """Which of our sentences says what is wrong with a form that asks for nothing on offer."""
    known = {each.name for each in offer.digests} & set(form.all("digest"))
    return "digests_none" if len(offer.digests) > 1 and not known else "topics_gone"
