"""Who a digest comes from, how readers unsubscribe (RFC 5322, RFC 2369), and whether DMARC passes.

DMARC (RFC 7489, section 3.1) passes if From has the same organisational domain as the envelope
sender, if SPF passes, or as the `d=` of a DKIM signature. The public suffix list is not used: the
few suffixes of two labels that senders have are recognised by their form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from email.utils import parseaddr
from typing import Final, Literal
from urllib.parse import quote, urlsplit

from msgspec import Struct

from broadsheet.errors import ConfigError, Problem
from broadsheet.model.publication import Publication
from broadsheet.model.settings import DeliverySettings
from broadsheet.text.urls import encode

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
"""RFC 5322, section 3.4.1, without quoted local parts and domain literals."""


class Sender(Struct, frozen=True):
    """The From of a mail.

    address: ASCII, its domain in IDNA form. answers: whether someone reads the replies.
    """

    name: str
    address: str
    answers: bool

    @property
    def domain(self) -> str:
        """The part after the at sign."""
        return self.address.rpartition("@")[2]


def mail_sender(publication: Publication, delivery: DeliverySettings) -> Sender:
    """Return the sender of every mail: `delivery.sender`, else the publication, author's address.

    Raises ConfigError if `delivery.sender` has no valid mail address.
    """
    if delivery.sender:
        name, address = parseaddr(delivery.sender)
        if not delivery.sender.isprintable() or not (ascii_ := mail_address(address)):
            raise ConfigError(
                Problem(
                    f"{delivery.sender!r} is not a valid email address",
                    'write one like "News <news@example.org>"',
                    key="delivery.sender",
                )
            )
        return Sender(name or publication.title, ascii_, answers=True)
    author = publication.author
    if author and (ascii_ := mail_address(author.email)):
        return Sender(publication.title, ascii_, answers=True)
    host = mail_address(f"noreply@{urlsplit(publication.url).hostname}")
    return Sender(publication.title, host or "noreply@localhost", answers=False)


class OptOut(Struct, frozen=True):
    """How readers unsubscribe, from any copy of an issue.

    All readers share these URLs, so that anyone can read and forward the files of an issue;
    `replace_urls` replaces them by a reader's own. page: of the service. mail: a `mailto:` URL.
    preferences: where readers choose topics instead. Each is "" if there is none.
    """

    page: str
    mail: str
    preferences: str = ""

    @property
    def unsubscribe(self) -> str:
        """The URL of the link in the mail; "" if there is none, and then the mail has no link."""
        return self.page or self.mail


def opt_out(who: Sender, delivery: DeliverySettings) -> OptOut:
    """Return how readers unsubscribe from a digest that comes from `who`."""
    mail = f"mailto:{quote(who.address, safe='@.+-_')}?subject=unsubscribe" if who.answers else ""
    page = encode(f"{delivery.service_url}unsubscribe") if delivery.service_url else ""
    return OptOut(page, mail, preferences_url(page))


def preferences_url(unsubscribe: str) -> str:
    """Return the preferences URL that belongs to an unsubscribe URL, shared or a reader's own."""
    service, found, mark = unsubscribe.rpartition("/unsubscribe")
    return f"{service}/preferences{mark}" if found else ""


def form_url(unsubscribe: str) -> str:
    """Return the URL of the form for new subscribers that belongs to an unsubscribe URL."""
    service, found, _ = unsubscribe.rpartition("/unsubscribe")
    return f"{service}/subscribe" if found else ""


def url_pattern(address: str) -> str:
    """Return a pattern for a URL in a text that does not match the start of a longer one.

    A full stop after it ends the sentence, not the URL.
    """
    return re.escape(address) + r"(?![\w/?#&=%-]|\.\w)"


def replace_urls(text: str, links: Mapping[str, str]) -> str:
    """Return a mail's HTML or plain text with some URLs replaced. links: old -> new.

    None needs escaping in HTML. Only whole URLs are replaced, all at once. Raises ValueError for
    a new URL that needs escaping.
    """
    for new in links.values():
        if set(new) & set("\"&'<> "):
            raise ValueError(f"{new!r} needs escaping")
    if not links:
        return text
    longest_first = sorted(links, key=len, reverse=True)
    pattern = "|".join(f"(?:{url_pattern(old)})" for old in longest_first)
    return re.sub(pattern, lambda found: links[found[0]], text)


def ascii_domain(domain: str) -> str:
    """Return `domain` in IDNA form; unchanged if it has none."""
    try:
        return domain.strip().encode("idna").decode("ascii")
    except UnicodeError:
        return domain.strip()


def mail_address(address: str) -> str:
    """Return `address` with its domain in IDNA form; "" if a mail server would not accept it."""
    local, _, domain = address.strip().rpartition("@")
    made = f"{local}@{ascii_domain(domain)}"
    return made if _ADDRESS.fullmatch(made) else ""


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


def organisational_domain(domain: str) -> str:
    """Return the organisational domain (RFC 7489, section 3.2), as far as its form shows."""
    labels = domain.lower().rstrip(".").split(".")
    suffix = ".".join(labels[-2:])
    shared = suffix in _SHARED or _SECOND_LEVEL.fullmatch(suffix)
    return ".".join(labels[-3:] if shared else labels[-2:])


def sender_problems(
    publication: Publication, delivery: DeliverySettings
) -> Iterator[tuple[Severity, Problem]]:
    """Yield why receivers may reject the sender; each problem has a key of [delivery].

    Raises ConfigError for an invalid sender.
    """
    who = mail_sender(publication, delivery)
    if not who.answers and delivery.service_url is not None:
        what = f"is not set: mail comes from {who.address}, which may not exist"
        todo = 'set it, for example to "News <news@example.org>"'
        yield "warning", Problem(what, todo, key="delivery.sender")
    yield from _misaligned(who, delivery)


def _misaligned(who: Sender, delivery: DeliverySettings) -> Iterator[tuple[Severity, Problem]]:
    own = organisational_domain(who.domain)
    envelope = ascii_domain(delivery.bounce_address.rpartition("@")[2]) or who.domain
    signed = ascii_domain(delivery.dkim_domain) or who.domain
    by_dkim = bool(delivery.dkim_key) and organisational_domain(signed) == own
    by_spf = organisational_domain(envelope) == own
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
