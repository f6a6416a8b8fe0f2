"""Whether the domains in a mail belong together: From, envelope sender and DKIM signature.

DMARC (RFC 7489, section 3.1) passes where From has the same organisation's domain as the envelope
sender, if SPF passes, or as the `d=` of a DKIM signature. The public suffix list is not used: the
few suffixes of two labels that senders have are recognised by their form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal

from broadsheet.digests.sender import Sender, ascii_domain, sender
from broadsheet.errors import Problem
from broadsheet.model.publication import Publication
from broadsheet.model.settings import DeliverySettings

Severity = Literal["error", "warning"]

_SECOND_LEVEL: Final = re.compile(
    r"(?:ac|co|com|edu|gen|gob|gouv|gov|ind|ltd|me|mil|ne|net|nhs|nom|or|org|plc|sch)\.[a-z]{2}"
)
_SHARED: Final = frozenset(
    (
        "github.io", "gitlab.io", "codeberg.page", "pages.dev", "workers.dev", "netlify.app",
        "vercel.app", "web.app", "firebaseapp.com", "herokuapp.com", "fly.dev", "onrender.com",
        "surge.sh", "neocities.org", "blogspot.com", "wordpress.com", "readthedocs.io",
    )
)  # fmt: skip
"""Suffixes below which each name is someone else's."""


def organisation(domain: str) -> str:
    """The organisational domain of `domain` (RFC 7489, section 3.2), as far as its form shows."""
    labels = domain.lower().rstrip(".").split(".")
    suffix = ".".join(labels[-2:])
    shared = suffix in _SHARED or _SECOND_LEVEL.fullmatch(suffix)
    return ".".join(labels[-3:] if shared else labels[-2:])


def sender_problems(
    publication: Publication, delivery: DeliverySettings
) -> Iterator[tuple[Severity, Problem]]:
    """Why receivers may reject the sender; each has a key of [delivery].

    Raises ConfigError for an invalid sender.
    """
    who = sender(publication, delivery)
    if not who.answers and delivery.service_url is not None:
        what = f"is not set: mail comes from {who.address}, which may not exist"
        todo = 'set it, for example to "News <news@example.org>"'
        yield "warning", Problem(what, todo, key="delivery.sender")
    yield from _misaligned(who, delivery)


def _misaligned(who: Sender, delivery: DeliverySettings) -> Iterator[tuple[Severity, Problem]]:
    own = organisation(who.domain)
    envelope = ascii_domain(delivery.bounce_address.rpartition("@")[2]) or who.domain
    signed = ascii_domain(delivery.dkim_domain) or who.domain
    by_dkim = bool(delivery.dkim_key) and organisation(signed) == own
    by_spf = organisation(envelope) == own
    if delivery.dkim_key and not by_dkim:
        what = f"{signed} is not the domain of the sender, {who.domain}"
        todo = "leave it out, so that the sender's domain signs; else DMARC ignores the signature"
        yield ("warning" if by_spf else "error"), Problem(what, todo, key="delivery.dkim_domain")
    if not by_spf:
        what = f"{envelope} is not in the sender's domain, {who.domain}"
        rest = (
            "DMARC depends on the DKIM signature alone"
            if by_dkim
            else "DMARC fails unless your mail server signs for the sender's domain"
        )
        worse = bool(delivery.dkim_key) and not by_dkim
        todo = f"use an address at {who.domain} or below it; else {rest}"
        yield ("error" if worse else "warning"), Problem(what, todo, key="delivery.bounce_address")
