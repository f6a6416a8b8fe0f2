"""What all the pages of the service need, and the answers that any of them may give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from itsdangerous import BadData, TimestampSigner
from starlette.requests import Request
from starlette.responses import Response

from broadsheet.delivery.tokens import Mark
from broadsheet.service import forms
from broadsheet.service.desk import Desk, Reader, Wishes
from broadsheet.service.letters import Letters
from broadsheet.service.limits import Limits, client
from broadsheet.service.paper import Link, Offer, Paper, masked
from broadsheet.service.post import Post

_FORM_WITHIN: Final = int(timedelta(hours=12).total_seconds())
_LONGEST_MARK: Final = 1_000


@dataclass(frozen=True, slots=True)
class Counter:
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

    # What a request says

    def text(self, request: Request, form: forms.Form | None = None) -> str:
        """The token of a request: in its path, in its query, or in the form of our own pages."""
        given = request.path_params.get("mark") or request.query_params.get("t")
        text = str(given or (form.one("t") if form else ""))
        # Mail programs take the full stop after a link for a part of it.
        return text.strip().rstrip(".,;:!?)>]}'\"")[:_LONGEST_MARK]

    def mark(self, request: Request, form: forms.Form | None = None) -> Mark | None:
        """What the token of a request says; None when we did not make it."""
        return self.desk.mark(self.text(request, form))

    def client(self, request: Request) -> str:
        """Who asks, for the limits."""
        return client(request.client.host if request.client else "")

    def wishes(self, form: forms.Form, offer: Offer) -> Wishes | None:
        """What a form asks for.

        None when none of the newsletters or topics that it names is on offer: none at all is as
        good as all of them, and whoever ticked some did not mean that.
        """
        digests, topics = form.all("digest"), form.all("topic")
        if len(offer.digests) < 2:
            digests = [each.name for each in offer.digests]
        elif not {each.name for each in offer.digests} & set(digests):
            return None
        if topics and not set(offer.topics) & set(topics):
            return None
        return offer.wishes(form.one("name"), form.one("language"), digests, topics)

    def shown(self, form: forms.Form, offer: Offer) -> Wishes:
        """What a form asks for, to be shown once more; what is not on offer is not shown."""
        digests = form.all("digest")
        return offer.wishes(form.one("name"), form.one("language"), digests, form.all("topic"))

    # The seal of our own form

    def seal(self) -> str:
        """What our own form holds, and no other page's."""
        return self._signer().sign(b"form").decode("ascii")

    def sealed(self, request: Request, form: forms.Form) -> bool:
        """Whether `form` was sent from our own page, shown not long ago.

        Anyone may fetch a seal; a browser says where a form was sent from (Fetch Metadata, or
        Origin in older ones, which is `null` for a page without a referrer, as ours are).
        """
        if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return False
        if request.headers.get("origin", "null") not in {"null", self._origin}:
            return False
        try:
            self._signer().unsign(form.one("t"), max_age=_FORM_WITHIN)
        except BadData:
            return False
        return True

    @property
    def _origin(self) -> str:
        """The origin of the service (RFC 6454)."""
        url = urlsplit(self.url)
        return f"{url.scheme}://{url.netloc}"

    def _signer(self) -> TimestampSigner:
        return TimestampSigner(self.desk.tokens.keys, salt="broadsheet form")

    # What is said

    def title(self, reader: Reader | None) -> str:
        """The title of the digest that the link was made for; "" where there is none (now)."""
        name = reader.digest if reader else ""
        return next((each.title for each in self.offer().digests if each.name == name), "")

    def say(self, name: str, reader: Reader) -> str:
        """A sentence about the reader's address."""
        return self.paper.words(reader.subscriber)(
            f"service.{name}",
            publication=self.paper.publication.title,
            address=masked(reader.subscriber.address),
        )

    def bad_link(self, request: Request) -> Response:
        """What to do with a link that does not work. Why it does not, nobody needs to know."""
        if not self.limits.guessing.take(self.client(request)):
            return self.busy()
        words, sender = self.paper.words(), self.letters.sender
        lines = [words("service.token_lead")]
        if sender.answers:
            lines.append(words("service.token_mail", address=sender.address))
        back = Link(words("service.token_subscribe"), self.paper.at("subscribe"))
        return self.paper.page(words, words("service.token"), *lines, status=400, links=[back])

    def busy(self) -> Response:
        """Asks to wait."""
        return self.told("busy", 429, {"Retry-After": "600"})

    def told(self, name: str, status: int, headers: dict[str, str] | None = None) -> Response:
        """A page of a heading and a sentence."""
        words = self.paper.words()
        heading, lead = words(f"service.{name}"), words(f"service.{name}_lead")
        return self.paper.page(words, heading, lead, status=status, headers=headers)
