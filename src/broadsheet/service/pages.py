"""The pages of the service, in the style of the page of feeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from starlette.responses import Response

from broadsheet import i18n, pages
from broadsheet.delivery.subscribers import Preferences, Subscriber
from broadsheet.i18n import Words
from broadsheet.model.publication import Publication
from broadsheet.service.middleware import policy

_LONGEST_NAME = 100  # characters


@dataclass(frozen=True, slots=True)
class Button:
    """A button of a form. name, value: what it sends; "" for nothing."""

    text: str
    name: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """A checkbox, or an option of a list."""

    value: str
    text: str
    chosen: bool
    hint: str = ""


@dataclass(frozen=True, slots=True)
class PageLink:
    """A link to another page."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class OfferedDigest:
    """A digest that can be subscribed to. name: in the config."""

    name: str
    title: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """The digests and topics to choose from."""

    digests: tuple[OfferedDigest, ...]
    topics: tuple[str, ...]

    def preferences(
        self, name: str, language: str, digests: Iterable[str], topics: Iterable[str]
    ) -> Preferences:
        """Return what was chosen, if it is on offer. All digests means any, also future ones."""
        ticked = set(digests)
        known = [each.name for each in self.digests if each.name in ticked]
        wanted = set(topics)
        return Preferences(
            name=" ".join(name.split())[:_LONGEST_NAME],
            language=language if language in language_names() else "",
            topics=tuple(topic for topic in self.topics if topic in wanted),
            digests=() if len(known) == len(self.digests) else tuple(known),
        )


@dataclass(frozen=True, slots=True)
class PageRenderer:
    """Renders pages. prefix: the path of the service, with a slash at both ends."""

    publication: Publication
    prefix: str

    def words(self, reader: Subscriber | None = None) -> Words:
        """Return the texts in the reader's language, or in the publication's."""
        own = reader.language if reader else ""
        return Words(own or self.publication.language, self.publication.texts)

    def at(self, path: str) -> str:
        """Return the URL path of a page of the service."""
        return self.prefix + path

    def page(
        self,
        words: Words,
        heading: str,
        *paragraphs: str,
        status: int = 200,
        links: Sequence[PageLink] = (),
        action: str = "",
        token: str = "",
        buttons: Sequence[Button] = (),
        headers: dict[str, str] | None = None,
    ) -> Response:
        """Return a page with text and, if there are `buttons`, a form with the `token`."""
        return self._response(
            "service_page.html.j2",
            words,
            status,
            headers or {},
            heading=heading,
            paragraphs=paragraphs,
            notes=(),
            links=links,
            action=self.at(action),
            token=token,
            buttons=buttons,
        )

    def form(
        self,
        words: Words,
        offer: Offer,
        given: Preferences,
        heading: str,
        *paragraphs: str,
        button: str,
        action: str,
        token: str,
        address: str | None = None,
        notes: Sequence[str] = (),
        links: Sequence[PageLink] = (),
        status: int = 200,
    ) -> Response:
        """Return a page with choices, and with a field for the `address` unless that is None."""
        wanted, chosen = given.get("topics", ()), given.get("digests", ())
        language = i18n.catalogue(given.get("language", ""))
        topics = tuple(dict.fromkeys((*offer.topics, *wanted)))
        return self._response(
            "service_form.html.j2",
            words,
            status,
            {},
            heading=heading,
            paragraphs=paragraphs,
            notes=notes,
            links=links,
            action=self.at(action),
            token=token,
            address=address,
            name=given.get("name", ""),
            digests=[
                Choice(d.name, d.title, not chosen or d.name in chosen, d.description)
                for d in offer.digests
            ],
            topics=[Choice(topic, topic, topic in wanted) for topic in topics],
            languages=[
                Choice("", words("The language of each newsletter"), not language),
                *(Choice(tag, n, tag == language) for tag, n in language_names().items()),
            ],
            button=button,
        )

    def _response(
        self, template: str, words: Words, status: int, headers: dict[str, str], **values: object
    ) -> Response:
        body = pages.render_page(
            template,
            publication=self.publication,
            words=words,
            **values,
        )
        own = {"Content-Security-Policy": policy(body), **headers}
        return Response(body, status, own, "text/html; charset=utf-8")


@cache
def language_names() -> dict[str, str]:
    """Return the languages of our texts: tag -> its name in that language."""
    return {tag: i18n.language_name(tag) for tag in i18n.languages()}


def masked(address: str) -> str:
    """Return `address` as only its owner recognises it: mail may be forwarded, with its links."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain}"
