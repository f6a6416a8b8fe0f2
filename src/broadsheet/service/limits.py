"""Rate limits: token buckets in memory, a limited number of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from threading import Lock
from time import monotonic
from typing import Final

from broadsheet.delivery.addresses import address_key

_MOST_KEYS: Final = 20_000
_HOUR_S: Final = 3_600.0
_RESERVED: Final = 1 / 3  # of a shared quota, for networks that used none of it for an hour
_UNKNOWN: Final = ip_address("::")

Network = IPv4Network | IPv6Network


class Allowance:
    """A token bucket for each key: `times` at once, refilled in `seconds`.

    If there are more than `most` keys, the least recently used one is forgotten.
    """

    def __init__(
        self,
        times: int,
        seconds: float,
        clock: Callable[[], float] = monotonic,
        most: int = _MOST_KEYS,
    ) -> None:
        self._times, self._rate = float(times), times / seconds
        self._clock, self._most = clock, most
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def take(self, key: str, *, reserved: float = 0.0) -> bool:
        """Take one from the bucket of `key`, and return whether it had one.

        reserved: the share of the bucket that must be left.
        """
        with self._lock:
            now = self._clock()
            left, then = self._left.pop(key, (self._times, now))
            left = min(self._times, left + (now - then) * self._rate)
            allowed = left >= 1 + reserved * self._times
            self._left[key] = (left - 1 if allowed else left, now)
            while len(self._left) > self._most:
                self._left.popitem(last=False)
            return allowed

    def __len__(self) -> int:
        return len(self._left)


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The limits of the service.

    There is none for the links in our mail: they cannot be guessed, and one machine of a mail
    provider sends the one-click requests of thousands of readers.
    """

    forms: Allowance = field(default_factory=lambda: Allowance(60, _HOUR_S))
    """Subscription forms of one client, valid or not; more are not read."""
    client: Allowance = field(default_factory=lambda: Allowance(10, _HOUR_S))
    """Confirmation mails that one client can cause."""
    around: Allowance = field(default_factory=lambda: Allowance(30, _HOUR_S))
    """The same for the network around it: a /24 (IPv4) or /48 (IPv6)."""
    first: Allowance = field(default_factory=lambda: Allowance(1, _HOUR_S))
    """The one of such a network that can use the reserved quota."""
    mailbox: Allowance = field(default_factory=lambda: Allowance(3, 24 * _HOUR_S))
    """Confirmation mails to one mailbox."""
    domain: Allowance = field(default_factory=lambda: Allowance(150, _HOUR_S))
    """Confirmation mails to one mail domain."""
    everyone: Allowance = field(default_factory=lambda: Allowance(300, _HOUR_S))
    """All confirmation mails."""
    guessing: Allowance = field(default_factory=lambda: Allowance(30, _HOUR_S / 6))
    """Invalid links, and webhook requests with an invalid signature, of one client."""

    def confirmation(self, host: str, address: str) -> bool:
        """Whether the client at `host` may cause a confirmation mail to `address`.

        A third of the shared quotas is reserved for networks that caused no mail for an hour, so a
        few busy networks cannot use everything up.
        """
        client, around = map(str, networks(host))
        if not (self.client.take(client) and self.around.take(around)):
            return False
        reserved = 0.0 if self.first.take(around) else _RESERVED
        domain = mailbox(address).rpartition("@")[2]
        return self.domain.take(domain, reserved=reserved) and self.everyone.take(
            "", reserved=reserved
        )


def mailbox(address: str) -> str:
    """Return the mailbox of `address` as a key of a limit, without the parts that services ignore.

    So ann+1@ and ann+2@ are the same mailbox.
    """
    local, _, domain = address_key(address).rpartition("@")
    name = local.partition("+")[0] or local
    if domain in {"gmail.com", "googlemail.com"}:
        name = name.replace(".", "")
    return f"{name}@{domain}"


def networks(host: str) -> tuple[Network, Network]:
    """Return the client at `host`, and the network around it, whose addresses it may control.

    IPv4: /32 and /24. IPv6: /64, which a household has, and /48, which anyone can get. All hosts
    that are not IP addresses count as one client.
    """
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        address = _UNKNOWN
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    own, around = (32, 24) if address.version == 4 else (64, 48)
    return ip_network((address, own), strict=False), ip_network((address, around), strict=False)
