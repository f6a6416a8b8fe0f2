"""Who a digest comes from, and how its readers leave (RFC 5322, RFC 2369)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parseaddr
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

    address: ASCII, its domain in IDNA form. answers: whether someone reads what is sent there.
    """

    name: str
    address: str
    answers: bool

    @property
    def domain(self) -> str:
        """What stands after the at sign."""
        return self.address.rpartition("@")[2]


def sender(publication: Publication, delivery: DeliverySettings) -> Sender:
    """The sender of every mail: `delivery.sender`, else the publication and its author's address.

    Raises ConfigError when `delivery.sender` holds no mail address.
    """
    if delivery.sender:
        name, address = parseaddr(delivery.sender)
        if not delivery.sender.isprintable() or not (ascii_ := _ascii(address)):
            raise ConfigError(
                Problem(
                    f"{delivery.sender!r} is not a valid email address",
                    'write one like "News <news@example.org>"',
                    key="delivery.sender",
                )
            )
        return Sender(name or publication.title, ascii_, answers=True)
    author = publication.author
    if author and (ascii_ := _ascii(author.email)):
        return Sender(publication.title, ascii_, answers=True)
    host = _ascii(f"noreply@{urlsplit(publication.url).hostname}")
    return Sender(publication.title, host or "noreply@localhost", answers=False)


class Leaving(Struct, frozen=True):
    """How a reader leaves, from any copy of an issue.

    These addresses hold for everyone, so that the files of an issue can be read and passed on by
    anyone; `for_reader` puts a reader's own in their place. page: the service's, mail: a `mailto:`
    address; preferences: where to choose instead of leaving. Each is "" where there is none.
    """

    page: str
    mail: str
    preferences: str = ""

    @property
    def unsubscribe(self) -> str:
        """Where the link in the mail leads; "" where there is no way, and then there is no link."""
        return self.page or self.mail


def leaving(who: Sender, delivery: DeliverySettings) -> Leaving:
    """The ways out of a digest that comes from `who`."""
    mail = f"mailto:{quote(who.address, safe='@.+-_')}?subject=unsubscribe" if who.answers else ""
    page = encode(f"{delivery.service_url}unsubscribe") if delivery.service_url else ""
    return Leaving(page, mail, beside(page))


def beside(unsubscribe: str) -> str:
    """The address of the settings beside an address to `unsubscribe`, shared or a reader's own."""
    service, found, mark = unsubscribe.rpartition("/unsubscribe")
    return f"{service}/preferences{mark}" if found else ""


def whole_address(address: str) -> str:
    """A pattern for `address` in a text that does not match the start of a longer address.

    A full stop after it ends the sentence, not the address.
    """
    return re.escape(address) + r"(?![\w/?#&=%-]|\.\w)"


def for_reader(text: str, shared: str, own: str) -> str:
    """`text`, HTML or plain text of a mail, with a reader's `own` address for the `shared` one.

    Neither needs escaping in HTML. Only whole addresses are replaced.
    """
    return with_links(text, {shared: own})


def with_links(text: str, links: Mapping[str, str]) -> str:
    """`text`, HTML or plain text of a mail, with some addresses replaced: old -> new.

    None needs escaping in HTML. Only whole addresses are replaced, all at once.
    """
    for new in links.values():
        if set(new) & set("\"&'<> "):
            raise ValueError(f"{new!r} needs escaping")
    if not links:
        return text
    longest_first = sorted(links, key=len, reverse=True)
    pattern = "|".join(f"(?:{whole_address(old)})" for old in longest_first)
    return re.sub(pattern, lambda found: links[found[0]], text)


def ascii_domain(domain: str) -> str:
    """`domain` in IDNA form; unchanged if it has none."""
    try:
        return domain.strip().encode("idna").decode("ascii")
    except UnicodeError:
        return domain.strip()


def _ascii(address: str) -> str:
    """`address` with its domain in IDNA form; "" if a mail server would not accept it."""
    local, _, domain = address.strip().rpartition("@")
    made = f"{local}@{ascii_domain(domain)}"
    return made if _ADDRESS.fullmatch(made) else ""
