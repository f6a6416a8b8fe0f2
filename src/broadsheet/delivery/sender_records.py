"""What the DNS says about a sender: SPF, DKIM and DMARC (RFC 7208, RFC 6376, RFC 7489).

Receivers such as Gmail and Yahoo reject bulk mail from a domain without these records.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import dns.exception
import dns.resolver
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from broadsheet.delivery.mail.dkim import Signer
from broadsheet.digests.sender import organisational_domain
from broadsheet.pipeline.diagnosis import Diagnosis

_MOST_LOOKUPS: Final = 10  # of an SPF record (RFC 7208, section 4.6.4)
_LOOKING_UP: Final = ("include:", "redirect=", "exists:", "a", "mx", "ptr")
_AREA: Final = "DNS"


class UnansweredError(Exception):
    """The name servers do not answer."""


@dataclass(frozen=True, slots=True)
class NameServer:
    """Answers questions. resolver: of dnspython."""

    resolver: dns.resolver.Resolver = field(default_factory=dns.resolver.Resolver)

    @classmethod
    def at(cls, address: str, port: int = 53) -> NameServer:
        """Return the name server at an IP address."""
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port, resolver.lifetime = [address], port, 3.0
        return cls(resolver)

    def records(self, name: str, kind: str) -> list[str]:
        """Return the texts of the records of a name; [] if it has none. Raises UnansweredError."""
        try:
            answer = self.resolver.resolve(name, kind)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.DNSException as error:
            raise UnansweredError(name) from error
        if kind == "TXT":
            return [b"".join(each.strings).decode("utf-8", "replace") for each in answer]
        return [each.to_text() for each in answer]


@dataclass(frozen=True, slots=True)
class MailDomains:
    """The domains of a sender: of the From, of the envelope, and the signer, None without a key."""

    sender: str
    envelope: str
    signer: Signer | None


def diagnose_sender(domains: MailDomains, server: NameServer) -> Iterator[Diagnosis]:
    """Yield what the records of the domains say."""
    try:
        for look in (_spf, _dkim, _dmarc, _mail_exchanger):
            yield from look(domains, server)
    except UnansweredError as error:
        what = f"{error} could not be looked up: the name servers do not answer"
        yield Diagnosis(_AREA, "warning", what, "check the connection, or try --name-server")


def _spf(domains: MailDomains, server: NameServer) -> Iterator[Diagnosis]:
    domain = domains.envelope
    found = _spf_records(domain, server)
    if not found:
        todo = f'publish a TXT record at {domain}, such as "v=spf1 include:YOUR-PROVIDER -all"'
        yield Diagnosis(_AREA, "error", f"SPF: {domain} has no record", todo)
        return
    if len(found) > 1:
        what = f"SPF: {domain} has {len(found)} records, so receivers ignore all of them"
        yield Diagnosis(_AREA, "error", what, "merge them into one")
        return
    terms = found[0].lower().split()[1:]
    lookups = _spf_lookups(domain, server, [])
    if lookups > _MOST_LOOKUPS:
        what = f"SPF: {domain} needs {lookups} lookups, and receivers stop at {_MOST_LOOKUPS}"
        yield Diagnosis(_AREA, "error", what, "remove what you do not send through")
    elif {"all", "+all", "?all"} & set(terms):
        what = f"SPF: {domain} allows every server in the world: {found[0]}"
        yield Diagnosis(_AREA, "warning", what, "end it with -all or ~all")
    else:
        yield Diagnosis(_AREA, "ok", f"SPF: {domain}: {found[0]}")


def _spf_records(domain: str, server: NameServer) -> list[str]:
    texts = server.records(domain, "TXT")
    return [text for text in texts if text.lower().split(" ")[0] == "v=spf1"]


def _spf_lookups(domain: str, server: NameServer, seen: list[str]) -> int:
    """Return how many lookups an SPF record costs a receiver. seen: domains already counted."""
    if domain in seen or len(seen) > _MOST_LOOKUPS:
        return 0
    seen.append(domain)
    number = 0
    for record in _spf_records(domain, server)[:1]:
        for term in record.lower().split()[1:]:
            name = term.lstrip("+-?~")
            if name.startswith(_LOOKING_UP[:3]) or name.split(":")[0].split("/")[0] in _LOOKING_UP:
                number += 1
            if name.startswith(("include:", "redirect=")) and "%" not in name:
                number += _spf_lookups(name.replace("=", ":").partition(":")[2], server, seen)
    return number


def _dkim(domains: MailDomains, server: NameServer) -> Iterator[Diagnosis]:
    signer = domains.signer
    if signer is None:
        what = "DKIM: Broadsheet does not sign; not looked up"
        todo = "set delivery.dkim_key, unless your mail server signs"
        yield Diagnosis(_AREA, "off", what, todo)
        return
    name = f"{signer.selector}._domainkey.{signer.domain}"
    found = server.records(name, "TXT")
    if not found:
        todo = f'publish the TXT record "{dkim_record(signer)}" at {name}'
        yield Diagnosis(_AREA, "error", f"DKIM: {name} has no record", todo)
    elif len(found) > 1:
        yield Diagnosis(_AREA, "error", f"DKIM: {name} has {len(found)} records", "keep one")
    elif not _is_key_of(_tags(found[0]).get("p", ""), signer):
        what = f"DKIM: the key at {name} does not belong to delivery.dkim_key"
        yield Diagnosis(_AREA, "error", what, f'replace it by "{dkim_record(signer)}"')
    else:
        yield Diagnosis(_AREA, "ok", f"DKIM: {name} has the key that signs")


def dkim_record(signer: Signer) -> str:
    """Return the TXT record with the public key (RFC 6376, section 3.6.1; RFC 8463)."""
    key = signer.key.public_key()
    if isinstance(key, Ed25519PublicKey):
        kind, data = "ed25519", key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    else:
        kind, data = "rsa", key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k={kind}; p={base64.b64encode(data).decode()}"


def _is_key_of(text: str, signer: Signer) -> bool:
    expected = signer.key.public_key()
    try:
        data = base64.b64decode(text, validate=False)
        if isinstance(expected, Ed25519PublicKey):
            return data == expected.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return load_der_public_key(data) == expected
    except (ValueError, binascii.Error):
        return False


def _dmarc(domains: MailDomains, server: NameServer) -> Iterator[Diagnosis]:
    places = dict.fromkeys((domains.sender, organisational_domain(domains.sender)))
    for domain in places:
        name = f"_dmarc.{domain}"
        texts = server.records(name, "TXT")
        found = [each for each in texts if each.replace(" ", "").startswith("v=DMARC1")]
        if not found:
            continue
        policy = _tags(found[0]).get("p", "")
        if len(found) > 1:
            what = f"DMARC: {name} has {len(found)} records, so receivers ignore all of them"
            yield Diagnosis(_AREA, "error", what, "keep one")
        elif policy not in {"none", "quarantine", "reject"}:
            what = f"DMARC: {name} has no valid policy: {found[0]}"
            yield Diagnosis(_AREA, "error", what, 'add "p=none", later "p=quarantine"')
        else:
            yield Diagnosis(_AREA, "ok", f"DMARC: {name}: {found[0]}")
        return
    todo = f'publish the TXT record "v=DMARC1; p=none; rua=mailto:you@{domains.sender}" there'
    yield Diagnosis(_AREA, "error", f"DMARC: _dmarc.{domains.sender} has no record", todo)


def _mail_exchanger(domains: MailDomains, server: NameServer) -> Iterator[Diagnosis]:
    domain = domains.envelope
    exchangers = [each for each in server.records(domain, "MX") if not each.endswith(" .")]
    if exchangers or server.records(domain, "A") or server.records(domain, "AAAA"):
        yield Diagnosis(_AREA, "ok", f"MX: {domain} receives mail, so bounces arrive")
    else:
        todo = "add an MX record, or set delivery.bounce_address to a mailbox that exists"
        yield Diagnosis(_AREA, "warning", f"MX: {domain} receives no mail", todo)


def _tags(record: str) -> dict[str, str]:
    """Return the tags of a record: `v=DKIM1; p=...` (RFC 6376, section 3.2)."""
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): "".join(value.split()) for name, _, value in pairs}
