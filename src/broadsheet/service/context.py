"""What all handlers need, and the responses that any of them can give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from itsdangerous import BadData, TimestampSigner
from starlette.requests import Request
from starlette.responses import Response

from broadsheet.bounces.webhooks import Webhook
from broadsheet.delivery.metrics import Metrics
from broadsheet.delivery.subscribers import Preferences
from broadsheet.delivery.tokens import LinkToken
from broadsheet.i18n import gettext_noop
from broadsheet.service import forms
from broadsheet.service.fetching import fetched
from broadsheet.service.limits import RateLimits, networks
from broadsheet.service.outbox import MailWriter, Outbox
from broadsheet.service.pages import Offer, PageLink, PageRenderer, masked
from broadsheet.service.store import SubscriberStore, Visitor

_MESSAGES: Final[Mapping[int, tuple[str, str]]] = {
    404: (gettext_noop("Page not found"), gettext_noop("The address may be mistyped.")),
    405: (
        gettext_noop("This request is not supported"),
        gettext_noop("Go back and try again from the page itself."),
    ),
    413: (
        gettext_noop("The form is too large"),
        gettext_noop("The form has more data than this page accepts. Go back and send less."),
    ),
    400: (
        gettext_noop("This form could not be read"),
        gettext_noop("Go back, reload the page, and try again."),
    ),
    408: (
        gettext_noop("It took too long"),
        gettext_noop("The form did not arrive in time. Go back and try again."),
    ),
    429: (
        gettext_noop("Please wait a little"),
        gettext_noop("Too many requests came from your network. Try again in a few minutes."),
    ),
    500: (
        gettext_noop("This is not possible right now"),
        gettext_noop(
            "Nothing was lost and nothing was changed. Please try again in a few minutes."
        ),
    ),
}
"""The heading and the sentence of the page for a status of HTTP."""
_FORM_WITHIN: Final = timedelta(hours=12)
_LONGEST_TOKEN: Final = 1_000  # characters


@dataclass(frozen=True, slots=True)
class AppContext:
    """What the handlers need.

    offer: returns what there is to choose from, for each page. refresh: updates it, which may take
    seconds. url: of the service, with a slash at its end. webhooks: of mail providers, by name.
    fetch: returns what an https URL serves, for webhooks; raises OSError.
    """

    store: SubscriberStore
    pages: PageRenderer
    writer: MailWriter
    outbox: Outbox
    offer: Callable[[], Offer]
    url: str
    refresh: Callable[[], None] = lambda: None
    limits: RateLimits = field(default_factory=RateLimits)
    webhooks: Mapping[str, Webhook] = field(default_factory=dict, repr=False)
    fetch: Callable[[str], bytes] = fetched
    metrics: Metrics = field(default_factory=Metrics)
    retention_days: int = 0

    def token_text(self, request: Request, form: forms.Form | None = None) -> str:
        """Return the token in the path or the query of a request, or in one of our forms."""
        given = request.path_params.get("token") or request.query_params.get("t")
        text = str(given or (form.one("t") if form else ""))
        # Some mail programs include the full stop after a link.
        return text.strip().rstrip(".,;:!?)>]}'\"")[:_LONGEST_TOKEN]

    def link_token(self, request: Request, form: forms.Form | None = None) -> LinkToken | None:
        """Return the content of the token of a request; None if it is invalid."""
        return self.store.link_token(self.token_text(request, form))

    def client(self, request: Request) -> str:
        """Return the client, as a key of the limits."""
        return str(networks(request.client.host if request.client else "")[0])

    def chosen(self, form: forms.Form, offer: Offer) -> Preferences | None:
        """Return the preferences in a form.

        None if the form names digests or topics, but none that is on offer: that would subscribe
        the reader to all of them.
        """
        digests, topics = form.all("digest"), form.all("topic")
        if len(offer.digests) < 2:
            digests = [each.name for each in offer.digests]
        elif not {each.name for each in offer.digests} & set(digests):
            return None
        if topics and not set(offer.topics) & set(topics):
            return None
        return offer.preferences(form.one("name"), form.one("language"), digests, topics)

    def shown(self, form: forms.Form, offer: Offer) -> Preferences:
        """Return the preferences in a form, to show it again, without what is not on offer."""
        digests = form.all("digest")
        return offer.preferences(form.one("name"), form.one("language"), digests, form.all("topic"))

    def form_token(self) -> str:
        """Return a token for our own subscription form."""
        return self._signer().sign(b"form").decode("ascii")

    def is_our_form(self, request: Request, form: forms.Form) -> bool:
        """Whether `form` was sent from our own page, shown within the last hours.

        Anyone can fetch a form token, but browsers send where a form was sent from (Fetch Metadata;
        Origin in older ones, which is `null` for a page without a referrer, like ours).
        """
        if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return False
        url = urlsplit(self.url)
        own = f"{url.scheme}://{url.netloc}"  # RFC 6454
        if request.headers.get("origin", "null") not in {"null", own}:
            return False
        try:
            self._signer().unsign(form.one("t"), max_age=int(_FORM_WITHIN.total_seconds()))
        except BadData:
            return False
        return True

    def _signer(self) -> TimestampSigner:
        return TimestampSigner(self.store.tokens.keys, salt="broadsheet form")

    def title(self, visitor: Visitor | None) -> str:
        """Return the title of the digest that the link is for; "" if it is not in the config."""
        name = visitor.digest if visitor else ""
        return next((each.title for each in self.offer().digests if each.name == name), "")

    def about(self, text: str, visitor: Visitor) -> str:
        """Return the translation of `text`, which is about the visitor's address."""
        return self.pages.words(visitor.subscriber)(
            text,
            publication=self.pages.publication.title,
            address=masked(visitor.subscriber.address),
        )

    def bad_link(self, request: Request) -> Response:
        """Return the page for an invalid link, without the reason."""
        if not self.limits.guessing.take(self.client(request)):
            return self.busy()
        words, sender = self.pages.words(), self.writer.sender
        lines = [
            words(
                "It is incomplete or too old. Open our latest email and follow the link in it. If "
                "your mail program breaks the link into two lines, copy all of it."
            )
        ]
        if sender.answers:
            lines.append(
                words(
                    "Do you want no more email? Write to {address} and we will unsubscribe you.",
                    address=sender.address,
                )
            )
        back = PageLink(words("Did you want to subscribe? Start again"), self.pages.at("subscribe"))
        return self.pages.page(
            words, words("This link does not work"), *lines, status=400, links=[back]
        )

    def busy(self) -> Response:
        """Return the page that asks to wait."""
        return self.message(429, {"Retry-After": "600"})

    def message(self, status: int, headers: Mapping[str, str] | None = None) -> Response:
        """Return the page for a `status` of HTTP that is an error."""
        words = self.pages.words()
        text = _MESSAGES.get(status) or _MESSAGES[500 if status > 500 else 404]
        return self.pages.page(words, *map(words, text), status=status, headers=headers)
