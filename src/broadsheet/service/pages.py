"""The pages of the service, in the style of the page of feeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

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
        template: str = "service_page.html.j2",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        action: str = "",
        **values: object,
    ) -> Response:
        """Return a page with text, and with a form if `values` has `buttons` and a `token`.

        action: the page that the form is sent to. values: others of the template, such as `links`.
        """
        body = pages.render_page(
            template,
            publication=self.publication,
            words=words,
            heading=heading,
            paragraphs=paragraphs,
            action=self.at(action),
            **{"notes": (), "links": (), "buttons": (), "token": "", **values},
        )
        own = {"Content-Security-Policy": policy(body), **(headers or {})}
        return Response(body, status, own, "text/html; charset=utf-8")

    def form(
        self,
        words: Words,
        offer: Offer,
        given: Preferences,
        heading: str,
        *paragraphs: str,
        address: str | None = None,
        **values: Any,
    ) -> Response:
        """Return a page with choices, and with a field for the `address` unless that is None.

        values: as `page` takes them, and the text of the `button`.
        """
        wanted = given.get("topics", ())
        return self.page(
            words,
            heading,
            *paragraphs,
            template="service_form.html.j2",
            address=address,
            name=given.get("name", ""),
            digests=offer.digests,
            ticked=given.get("digests") or [each.name for each in offer.digests],
            topics=dict.fromkeys((*offer.topics, *wanted)),
            wanted=wanted,
            languages={"": words("The language of each newsletter"), **language_names()},
            language=i18n.catalogue(given.get("language", "")),
            **values,
        )


@cache
def language_names() -> dict[str, str]:
    """Return the languages of our texts: tag -> its name in that language."""
    return {tag: i18n.language_name(tag) for tag in i18n.languages()}


def masked(address: str) -> str:
    """Return `address` as only its owner recognises it: mail may be forwarded, with its links."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain}"
