"""The mail of an issue whose delivery has begun: what each subscriber's copy says."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from broadsheet.delivery.freezing import Begun
from broadsheet.delivery.personal import Reader, Template, reader_key
from broadsheet.delivery.stamps import Stamps
from broadsheet.delivery.states import Claim
from broadsheet.delivery.tokens import unsubscribe_mail, unsubscribe_url
from broadsheet.delivery.variants import ISSUED, Variant, Variants
from broadsheet.digests.message import letterhead, message_bodies, readdressed
from broadsheet.digests.unsubscribe_link import unsubscribe_problems
from broadsheet.errors import DeliveryError
from broadsheet.model.settings import Settings

_MOST_KEPT: Final = 64  # templates, of some hundred kilobytes each
_REMAKE: Final = "then remove the folder of this issue and run `broadsheet digest` to make it again"


class Mailing:
    """The mail of one issue."""

    def __init__(
        self, begun: Begun, settings: Settings, templates: Mapping[str, str], stamps: Stamps
    ) -> None:
        """templates: the user's own, name -> text. Raises ConfigError for a bad sender."""
        self.begun = begun
        self._head = letterhead(begun.digest, begun.key, settings)
        self._checked: set[Variant] = set()
        self._stamps = stamps
        self._variants = Variants(begun.mail, begun.letters, settings, begun.digest, templates)
        service = settings.delivery.service_url
        self._service = service if service and stamps.tokens else None
        self._laid_out: OrderedDict[Variant, Template] = OrderedDict()

    def unwanted(self, topics: tuple[str, ...], language: str) -> bool:
        """Whether the issue has nothing for one who wants these topics."""
        return self._variant(topics, language) is None

    def mail(self, claim: Claim) -> bytes:
        """The whole message for the subscriber of `claim`.

        Raises TemplateError, and DeliveryError for one that shows no way to unsubscribe.
        """
        variant = self._variant(claim.topics, claim.language) or ISSUED
        return self.copy(claim.address, claim.name, claim.subscriber, variant)

    def copy(
        self, address: str, name: str, subscriber: int | None, variant: Variant = ISSUED
    ) -> bytes:
        """The message for a subscriber, by id; None gives the one with the links that all share.

        Raises TemplateError, and DeliveryError for one that shows no way to unsubscribe.
        """
        template = self._template(variant)
        page = mail = ""
        if self._stamps.tokens and subscriber is not None:
            mark = self._stamps.tokens.unsubscribe(subscriber, self.begun.digest)
            page = unsubscribe_url(self._service, mark) if self._service else ""
            mail = unsubscribe_mail(self._stamps.envelope, mark)
        key = reader_key(template.message_id, subscriber or 0)
        made = template.fill(Reader(address, name, key, page, mail))
        if variant not in self._checked:
            self._check(made, variant, page)
            self._checked.add(variant)
        return made

    def check(self, preferences: Iterable[tuple[tuple[str, ...], str]]) -> None:
        """Make a copy for each of these `preferences`: topics and language.

        Raises TemplateError, and DeliveryError for a mail that shows no way to unsubscribe.
        """
        wanted = {self._variant(topics, language) for topics, language in preferences}
        for variant in sorted(filter(None, wanted), key=lambda each: (each.language, each.places)):
            self.copy("reader@example.org", "", 0, variant)

    def _check(self, mail: bytes, variant: Variant, page: str) -> None:
        ways = (page or self._head.opt_out.page, self._head.opt_out.mail)
        if problems := unsubscribe_problems(*message_bodies(mail), ways):
            name = f"{self.begun.digest}/{self.begun.key}"
            more = f"; {_REMAKE}" if variant == ISSUED and any(ways) else ""
            raise DeliveryError(
                *(replace(each, path=name, todo=each.todo + more) for each in problems)
            )

    def envelope(self, subscriber: int) -> str:
        """The envelope sender of a subscriber's copy: with VERP, one that names both."""
        address, tokens = self._stamps.envelope, self._stamps.tokens
        if not self._stamps.verp or tokens is None:
            return address
        name, _, domain = address.rpartition("@")
        return f"{name}+{tokens.bounce(subscriber, self.begun.id)}@{domain}"

    def _variant(self, topics: tuple[str, ...], language: str) -> Variant | None:
        return self._variants.variant(topics, language)

    def _template(self, variant: Variant) -> Template:
        if variant in self._laid_out:
            self._laid_out.move_to_end(variant)
            return self._laid_out[variant]
        page = unsubscribe_url(self._service, "") if self._service else ""
        mail = readdressed(self._variants.message(variant), self._head)
        template = Template(mail, self.begun.begun, page, self._stamps.signer)
        self._laid_out[variant] = template
        while len(self._laid_out) > _MOST_KEPT:
            self._laid_out.popitem(last=False)
        return template
