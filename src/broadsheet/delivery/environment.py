"""How to send, from the settings and the environment. Secrets come from the environment only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from broadsheet.delivery.addresses import AddressError, checked_address
from broadsheet.delivery.mail.template import Envelope
from broadsheet.delivery.tokens import OLD_SECRETS, SECRET, Tokens
from broadsheet.delivery.transports import Transport, transport
from broadsheet.digests.sender import ascii_domain, mail_sender
from broadsheet.errors import ConfigError, Problem
from broadsheet.model.settings import DeliverySettings, Settings

if TYPE_CHECKING:
    from broadsheet.delivery.mail.dkim import Signer


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of a process. secret: signs links; "" for none. old: earlier ones.

    environment: has the secrets of the transport.
    """

    secret: str = field(default="", repr=False)
    old: tuple[str, ...] = field(default=(), repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Secrets:
        """Return the secrets in `environment`."""
        old = _listed(environment.get(OLD_SECRETS, ""))
        return cls(environment.get(SECRET, ""), old, environment)

    def tokens(self) -> Tokens:
        """Return the tokens of these secrets. Raises UsageError if one is missing or too short."""
        return Tokens(self.secret, self.old)

    def transport(self, settings: DeliverySettings) -> Transport:
        """Return how to send mail. Raises ConfigError for invalid settings."""
        return transport(settings, self.environment)

    def envelope(self, settings: Settings, root: Path) -> Envelope:
        """Return what makes mails personal. root: the folder that the path of a key starts from.

        Raises ConfigError for invalid settings, UsageError for a missing secret.
        """
        delivery = settings.delivery
        who = mail_sender(settings.publication, delivery)
        needs_tokens = delivery.service_url is not None or delivery.verp
        return Envelope(
            sender=_bounce_address(delivery) or who.address,
            verp=delivery.verp,
            tokens=self.tokens() if needs_tokens else None,
            signer=_signer(delivery, who.domain, root) if delivery.dkim_key else None,
        )


def _listed(text: str) -> tuple[str, ...]:
    """Return the secrets in a list: separated by line ends if there are any, else by commas."""
    parts = text.splitlines() if "\n" in text.strip() else text.split(",")
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _bounce_address(delivery: DeliverySettings) -> str:
    if not delivery.bounce_address:
        return ""
    try:
        return checked_address(delivery.bounce_address)
    except AddressError as error:
        what, todo = error.problems[0].what, "write one like bounces@example.org"
        raise ConfigError(Problem(what, todo, key="delivery.bounce_address")) from None


def _signer(delivery: DeliverySettings, domain: str, root: Path) -> Signer:
    from broadsheet.delivery.mail import dkim  # brings cryptography

    try:
        pem = (root / delivery.dkim_key).read_bytes()
    except OSError as error:
        raise ConfigError(
            Problem(
                f"it cannot be read: {error.strerror}",
                "name the file of the private key, and let this user read it",
                delivery.dkim_key,
                key="delivery.dkim_key",
            )
        ) from error
    signs = ascii_domain(delivery.dkim_domain) or domain
    return dkim.Signer.of(pem, signs, delivery.dkim_selector, delivery.dkim_key)
