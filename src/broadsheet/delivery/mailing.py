"""The mail of an issue whose delivery has begun: what each subscriber's copy says."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from broadsheet.delivery.freezing import Begun
from broadsheet.delivery.personal import Reader, Template, reader_key
from broadsheet.delivery.stamps import Stamps
from broadsheet.delivery.states import Claim
from broadsheet.delivery.tokens import unsubscribe_mail, unsubscribe_url
from broadsheet.delivery.variants import ISSUED, Variant, Variants
from broadsheet.settings import Settings

_MOST_KEPT: Final = 64  # templates, of some hundred kilobytes each


class Mailing:
    """The mail of one issue."""

    def __init__(
        self, begun: Begun, settings: Settings, templates: Mapping[str, str], stamps: Stamps
    ) -> None:
        """templates: the user's own, name -> text."""
        self.begun = begun
        self._stamps = stamps
        self._variants = Variants(begun.mail, begun.letters, settings, begun.digest, templates)
        service = settings.delivery.service_url
        self._service = service if service and stamps.tokens else None
        self._laid_out: OrderedDict[Variant, Template] = OrderedDict()

    def unwanted(self, topics: tuple[str, ...], language: str) -> bool:
        """Whether the issue has nothing for one who wants these topics."""
        return self._variant(topics, language) is None

    def mail(self, claim: Claim) -> bytes:
        """The whole message for the subscriber of `claim`. Raises TemplateError."""
        variant = self._variant(claim.topics, claim.language) or ISSUED
        return self.copy(claim.address, claim.name, claim.subscriber, variant)

    def copy(
        self, address: str, name: str, subscriber: int | None, variant: Variant = ISSUED
    ) -> bytes:
        """The message for a subscriber, by id, or for none: then with the links that all share."""
        template = self._template(variant)
        page = mail = ""
        if self._stamps.tokens and subscriber is not None:
            mark = self._stamps.tokens.unsubscribe(subscriber, self.begun.digest)
            page = unsubscribe_url(self._service, mark) if self._service else ""
            mail = unsubscribe_mail(self._stamps.envelope, mark)
        key = reader_key(template.message_id, subscriber or 0)
        return template.fill(Reader(address, name, key, page, mail))

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
        mail = self._variants.message(variant)
        template = Template(mail, self.begun.begun, page, self._stamps.signer)
        self._laid_out[variant] = template
        while len(self._laid_out) > _MOST_KEPT:
            self._laid_out.popitem(last=False)
        return template
