"""Limits on connections: how many, how long, and how much is parsed at once.

uvicorn limits the number of requests in total but not of each client, and waits forever for the
rest of a request. `HttpConnection` is uvicorn's HTTP protocol with limits: on the time for the head
of a request and for its response, the bytes that are parsed at once, and the number of connections,
for each client network and in total. Bodies are limited in `forms`.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from broadsheet.service.limits import Network, networks

LARGEST_HEAD: Final = 16_384
"""The most bytes of a request line and its headers, which may hold cookies of the whole domain."""
_PIECE: Final = 4_096  # bytes that are parsed before the limits are checked again
_CHUNKED: Final = 4_000  # bytes as sent; browsers do not chunk forms, and a chunk may have 6 bytes
_LINE_END_COST: Final = 3  # bytes that a line end counts as


@dataclass(frozen=True, slots=True)
class RequestTimeouts:
    """Seconds that a client has to send the head of a request, and then to send the body and
    receive the response (answer)."""

    head: float = 15.0
    answer: float = 60.0


@dataclass(slots=True)
class ConnectionPool:
    """The open connections. each: the limit for a client; its network has four times as many.
    total: the limit for all.

    Above a limit, the connection that has waited longest for its client is closed, so idle
    connections exclude no one, not even others at the same address. Requests that are being
    answered are kept, and a client may have five times as many of these. Connections from the
    `proxies` count only towards the total.
    """

    proxies: tuple[Network, ...] = ()
    each: int = 20
    total: int = 400
    _inside: dict[str, dict[HttpConnection, None]] = field(
        default_factory=lambda: defaultdict(dict), init=False
    )

    def enter(self, connection: HttpConnection) -> bool:
        """Add `connection` if there is room, and return whether there is."""
        scopes = self._scopes(connection)
        for name, most, _ in scopes:
            members = self._inside.get(name, {})
            waiting = next((each for each in members if not each.answering), None)
            if len(members) >= most and waiting is not None:
                self.leave(waiting)
                waiting.transport.abort()
        if any(len(self._inside.get(name, ())) >= most for name, _, most in scopes):
            return False
        for name, _, _ in scopes:
            self._inside[name][connection] = None
        return True

    def leave(self, connection: HttpConnection) -> None:
        """Remove `connection` if it was added."""
        for name, _, _ in self._scopes(connection):
            self._inside[name].pop(connection, None)
            if not self._inside[name]:
                del self._inside[name]

    def _scopes(self, connection: HttpConnection) -> tuple[tuple[str, int, int], ...]:
        """Return the limits for `connection`: key, most connections, most being answered."""
        client, around = networks(connection.client[0] if connection.client else "")
        everyone = ("", self.total, self.total)
        if any(_within(client, proxy) for proxy in self.proxies):
            return (everyone,)
        return (
            (f"client {client}", self.each, 5 * self.each),
            (f"around {around}", 4 * self.each, 10 * self.each),
            everyone,
        )


def _within(one: Network, other: Network) -> bool:
    if isinstance(one, IPv4Network):
        return isinstance(other, IPv4Network) and one.subnet_of(other)
    return isinstance(other, IPv6Network) and one.overlaps(other)


class HttpConnection(H11Protocol):
    """A connection. It is closed when its time is over or a limit is exceeded."""

    def __init__(
        self,
        *args: Any,
        pool: ConnectionPool,
        timeouts: RequestTimeouts = RequestTimeouts(),
        **kwargs: Any,
    ) -> None:
        """args, kwargs: as uvicorn passes them."""
        super().__init__(*args, **kwargs)
        self._pool, self._timeouts = pool, timeouts
        self._timer: asyncio.TimerHandle | None = None
        self._chunked = 0

    @property
    def answering(self) -> bool:
        """Whether the client is waiting for the service: a whole request has arrived, its response
        is not finished, and the client has received all that was sent."""
        begun = self.cycle is not None and not self.cycle.response_complete
        return begun and self.conn.their_state is not h11.SEND_BODY and not self.flow.write_paused

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Like uvicorn, if there is room."""
        super().connection_made(transport)
        if self._pool.enter(self):
            self._set_timer(self._timeouts.head)
        else:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Like uvicorn; make room for another."""
        self._pool.leave(self)
        self._cancel_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Like uvicorn, piece by piece, so that nothing large is parsed before it is refused."""
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            if self.transport.is_closing():
                return
            if self._exceeds(piece):
                self.transport.abort()
                return
            super().data_received(piece)

    def handle_events(self) -> None:
        """Like uvicorn; start the time for the response after the head of a request."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before and not self.cycle.response_complete:
            self._chunked = 0
            self._set_timer(self._timeouts.answer)
            if {b"transfer-encoding", b"content-length"} <= {name for name, _ in self.headers}:
                self.cycle.keep_alive = False  # RFC 9112, section 6.3: may be request smuggling

    def send_400_response(self, msg: str) -> None:
        """Like uvicorn for a bad head; also for a bad body, which the app must not answer."""
        if self.cycle is not None and not self.cycle.response_complete:
            if self.cycle.response_started:
                self.transport.abort()
                return
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        super().send_400_response(msg)

    def on_response_complete(self) -> None:
        """Like uvicorn; start the time for the next request."""
        self._set_timer(self._timeouts.head)
        super().on_response_complete()

    def _exceeds(self, piece: bytes) -> bool:
        """Whether the next bytes are more than a well-behaved client sends."""
        if self.conn.their_state is h11.DONE:  # pipelined; they wait for the response
            return len(self.conn.trailing_data[0]) + len(piece) > LARGEST_HEAD
        chunked = any(name == b"transfer-encoding" for name, _ in self.headers or ())
        if chunked and self.conn.their_state is h11.SEND_BODY:
            # Mail providers may send large bodies in chunks; each chunk has two line ends.
            is_hook = "/hooks/" in self.scope["path"]
            self._chunked += piece.count(b"\n") * _LINE_END_COST if is_hook else len(piece)
        return self._chunked > _CHUNKED

    def _set_timer(self, seconds: float) -> None:
        self._cancel_timer()
        self._timer = self.loop.call_later(seconds, self.transport.abort)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
