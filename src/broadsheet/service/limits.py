"""How often something may be done: token buckets in memory, with a bound on how many there are."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from threading import Lock
from time import monotonic
from typing import Final

from broadsheet.delivery.addresses import address_key

_MOST: Final = 20_000  # keys that are remembered; whoever has more addresses is no longer one


class Allowance:
    """Each key may do something `times` at once, and as often again in each `seconds`.

    When there are too many keys, the one that was seen least recently is forgotten.
    """

    def __init__(
        self, times: int, seconds: float, clock: Callable[[], float] = monotonic, most: int = _MOST
    ) -> None:
        self._times, self._rate = float(times), times / seconds
        self._clock, self._most = clock, most
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def take(self, key: str) -> bool:
        """Whether `key` may; if so, it has one less."""
        with self._lock:
            now = self._clock()
            left, then = self._left.pop(key, (self._times, now))
            left = min(self._times, left + (now - then) * self._rate)
            allowed = left >= 1
            self._left[key] = (left - 1 if allowed else left, now)
            while len(self._left) > self._most:
                self._left.popitem(last=False)
            return allowed

    def __len__(self) -> int:
        return len(self._left)


def mailbox(address: str) -> str:
    """Whose mailbox `address` leads to, for a limit: what many services ignore is left out.

    So ann+1@ and ann+2@ are no two people to annoy. It is no test of who someone is.
    """
    local, _, domain = address_key(address).rpartition("@")
    name = local.partition("+")[0] or local
    if domain in {"gmail.com", "googlemail.com"}:
        name = name.replace(".", "")
    return f"{name}@{domain}"


def client(host: str) -> str:
    """Who asks: an IPv4 address, or the /64 of an IPv6 address, which one household has."""
    try:
        address = ip_address(host)
    except ValueError:
        return host[:64]
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(IPv6Address(int(address) >> 64 << 64)) + "/64"
    return str(address)
