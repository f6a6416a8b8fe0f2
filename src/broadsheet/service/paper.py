"""The pages that the service shows, in the publication's words and the look of its index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from babel import Locale, UnknownLocaleError
from starlette.responses import Response

from broadsheet import pages
from broadsheet.delivery.subscribers import Subscriber
from broadsheet.i18n import Words
from broadsheet.model.publication import Publication
from broadsheet.service.desk import Wishes
from broadsheet.service.guard import policy


@dataclass(frozen=True, slots=True)
class Button:
    """A button of a form. name, value: what it sends; "" for nothing."""

    text: str
    name: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to tick or to pick."""

    value: str
    text: str
    chosen: bool
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A way to another page."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Newsletter:
    """A digest that can be subscribed to. name: in the config."""

    name: str
    title: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """What there is to choose from."""

    digests: tuple[Newsletter, ...]
    topics: tuple[str, ...]

    def wishes(
        self, name: str, language: str, digests: Iterable[str], topics: Iterable[str]
    ) -> Wishes:
        """What was chosen, as far as it is on offer. All of the digests is any, also new ones."""
        ticked = set(digests)
        known = [each.name for each in self.digests if each.name in ticked]
        wanted = set(topics)
        return Wishes(
            " ".join(name.split())[:100],
            language if language in languages() else "",
            tuple(topic for topic in self.topics if topic in wanted),
            () if len(known) == len(self.digests) else tuple(known),
        )


@dataclass(frozen=True, slots=True)
class Paper:
    """Makes pages. prefix: the path of the service, with a slash at both ends."""

    publication: Publication
    prefix: str

    def words(self, reader: Subscriber | None = None) -> Words:
        """The words of a reader's own language, else of the publication's."""
        own = reader.language if reader else ""
        return Words(own or self.publication.language)

    def at(self, path: str) -> str:
        """The address of a page of the service."""
        return self.prefix + path

    def page(
        self,
        words: Words,
        heading: str,
        *paragraphs: str,
        status: int = 200,
        links: Sequence[Link] = (),
        action: str = "",
        token: str = "",
        buttons: Sequence[Button] = (),
        headers: dict[str, str] | None = None,
    ) -> Response:
        """A page with a text and, where there are `buttons`, a form with the `token`."""
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
        wishes: Wishes,
        heading: str,
        *paragraphs: str,
        button: str,
        action: str,
        token: str,
        address: str | None = None,
        notes: Sequence[str] = (),
        links: Sequence[Link] = (),
        status: int = 200,
    ) -> Response:
        """A page to choose on; with a field for the `address`, unless that is None."""
        topics = tuple(dict.fromkeys((*offer.topics, *wishes.topics)))
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
            name=wishes.name,
            digests=[
                Choice(
                    d.name, d.title, not wishes.digests or d.name in wishes.digests, d.description
                )
                for d in offer.digests
            ],
            topics=[Choice(topic, topic, topic in wishes.topics) for topic in topics],
            languages=[
                Choice("", words("service.language_own"), not wishes.language),
                *(Choice(tag, name, tag == wishes.language) for tag, name in languages().items()),
            ],
            button=button,
        )

    def _response(
        self, template: str, words: Words, status: int, headers: dict[str, str], **values: object
    ) -> Response:
        body = pages.render_page(
            template,
            language=self._tag(words),
            publication=self.publication,
            words=words,
            **values,
        )
        own = {"Content-Security-Policy": policy(body), **headers}
        return Response(body, status, own, "text/html; charset=utf-8")

    def _tag(self, words: Words) -> str:
        """The language that a page is in: English, where there are no words in the wanted one."""
        speaks = words.locale.language
        if speaks not in languages():
            return "en"
        own = self.publication.language
        return own if own.partition("-")[0].lower() == speaks else speaks


@cache
def languages() -> dict[str, str]:
    """The languages that the product speaks: tag -> its name in itself."""
    found = {}
    for file in sorted(files("broadsheet.i18n").iterdir(), key=str):
        tag, dot, kind = file.name.partition(".")
        if dot and kind == "toml":
            try:
                found[tag] = Locale.parse(tag).get_display_name(tag) or tag
            except (UnknownLocaleError, ValueError):
                continue
    return found


def masked(address: str) -> str:
    """`address` for a page: mail is passed on, links and all, so it is known only to its owner."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain}"
