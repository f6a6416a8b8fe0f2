"""What only the environment knows: secrets. They are in no message, no repr and no file of ours."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from broadsheet.delivery.dkim import Signer
from broadsheet.delivery.smtp import Server
from broadsheet.delivery.stamps import Stamps
from broadsheet.delivery.tokens import OLD_SECRETS, SECRET, Tokens
from broadsheet.digests.sender import ascii_domain, mail_sender
from broadsheet.errors import ConfigError, Problem
from broadsheet.model.settings import DeliverySettings, Settings

USER = "BROADSHEET_SMTP_USER"
PASSWORD = "BROADSHEET_SMTP_PASSWORD"  # noqa: S105 - the name of the variable, not what is in it


@dataclass(frozen=True, slots=True)
class Secrets:
    """user, password: of the mail server; secret: what links are signed with. "" for none.

    old: secrets of earlier; the links that they signed still work.
    """

    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    old: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Secrets:
        """The secrets of this process."""
        user, password, secret = (environment.get(name, "") for name in (USER, PASSWORD, SECRET))
        return cls(user, password, secret, _listed(environment.get(OLD_SECRETS, "")))

    def tokens(self) -> Tokens:
        """Makes and reads the marks in links. Raises UsageError for a secret that cannot be."""
        return Tokens(self.secret, self.old)


def server(settings: DeliverySettings, secrets: Secrets) -> Server:
    """The mail server. Raises ConfigError where mail would cross the network in the clear."""
    made = Server(
        host=settings.smtp.host,
        port=settings.smtp.port,
        tls=settings.smtp.tls,
        starttls=settings.starttls,
        timeout=settings.timeout,
        user=secrets.user,
        password=secrets.password,
    )
    if settings.starttls == "never" and not (made.tls or made.here):
        raise ConfigError(
            Problem(
                f'"never" is only for a server on this machine, and {made.host} is none',
                'write "required"',
                key="delivery.starttls",
            )
        )
    return made


def stamps(settings: Settings, secrets: Secrets, root: Path) -> Stamps:
    """What makes a mail a reader's own. root: where a relative path of a key file starts.

    Raises ConfigError for a key that cannot be used, UsageError for a secret that is missing.
    """
    delivery = settings.delivery
    who = mail_sender(settings.publication, delivery)
    wanted = delivery.service_url is not None or delivery.verp
    return Stamps(
        envelope=_bounce_address(delivery) or who.address,
        verp=delivery.verp,
        tokens=secrets.tokens() if wanted else None,
        signer=_signer(delivery, who.domain, root) if delivery.dkim_key else None,
    )


def _listed(text: str) -> tuple[str, ...]:
    """The secrets in a list: separated by commas, or one on each line where one has a comma."""
    parts = text.splitlines() if "\n" in text.strip() else text.split(",")
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _bounce_address(delivery: DeliverySettings) -> str:
    from broadsheet.delivery.addresses import AddressError, checked_address

    if not delivery.bounce_address:
        return ""
    try:
        return checked_address(delivery.bounce_address)
    except AddressError as error:
        what = error.problems[0].what
        raise ConfigError(
            Problem(what, "write one like bounces@example.org", key="delivery.bounce_address")
        ) from None


def _signer(delivery: DeliverySettings, domain: str, root: Path) -> Signer:
    path = root / delivery.dkim_key
    try:
        pem = path.read_bytes()
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
    return Signer.of(pem, signs, delivery.dkim_selector, delivery.dkim_key)
