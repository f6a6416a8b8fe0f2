"""A connection that reads lines and writes bytes, with a time limit for both.

With asyncio's streams, sending a mail would take half as long again.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Self

_LONGEST_LINE: Final = 8192  # bytes
_MOST_LINES: Final = 1000  # unread ones
_BUFFER_LIMIT: Final = 1  # byte; with 0, asyncio's TLS pauses and resumes for every write
_SLICE_S: Final = 1.0  # between readings of the clocks
_LATE_S: Final = 0.5  # a timer that is later than this means that the process was stopped

Clocks = Callable[[], tuple[float, float]]
"""Return the seconds of the monotonic and of the wall clock."""


class LostError(Exception):
    """The connection was lost, or the server does not answer, or does not speak SMTP."""


class Patience:
    """The time that the server still has for a reply.

    Time in which this process was stopped (SIGSTOP) or the machine asleep does not count: a reply
    may be in the socket or on its way, so the server gets its full time again. While a process is
    stopped, both clocks run; while a machine sleeps, only the wall clock does.
    """

    def __init__(
        self, seconds: float, clocks: Clocks = lambda: (time.monotonic(), time.time())
    ) -> None:
        self._all = self._left = seconds
        self._clocks = clocks
        self._slice = 0.0
        self._since = (0.0, 0.0)

    def begin(self) -> float:
        """Begin a wait, and return how many seconds it may take; 0 for the last one."""
        self._slice = max(0.0, min(self._left, _SLICE_S))
        self._since = self._clocks()
        return self._slice

    def over(self, *, happened: bool) -> bool:
        """End the wait, and return whether to give up. happened: whether it ended early.

        The last wait takes no time: it lets the event loop read what has arrived, since the loop
        may run a timer first.
        """
        (steady, wall), (steady_then, wall_then) = self._clocks(), self._since
        passed = max(steady - steady_then, wall - wall_then)
        if passed > self._slice + _LATE_S:
            self._left = self._all
            return False
        self._left -= max(passed, 0.0)
        return self._slice == 0.0 and not happened


class Wire(asyncio.Protocol):
    """A connection. After the first LostError, every call raises it."""

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque()
        self._rest = b""
        self._lost: LostError | None = None
        self._waiter: asyncio.Future[bool] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._wait_ends = 0.0
        self._full = False
        self._transport: Any = None

    @classmethod
    async def connect(
        cls, host: str, port: int, context: ssl.SSLContext | None, timeout: float
    ) -> Self:
        """Connect; encrypted if there is a context. Raises OSError and TimeoutError."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(timeout):
            _, wire = await loop.create_connection(cls, host, port, ssl=context)
        return wire

    @property
    def address(self) -> str:
        """The IP address of this end."""
        return str(self._transport.get_extra_info("sockname")[0])

    @property
    def encrypted(self) -> bool:
        """Whether the connection is encrypted."""
        return self._transport.get_extra_info("ssl_object") is not None

    @property
    def quiet(self) -> bool:
        """Whether everything from the server was read."""
        return not self._lines and not self._rest

    @property
    def lost(self) -> bool:
        """Whether the connection was lost."""
        return self._lost is not None

    async def encrypt(self, context: ssl.SSLContext, host: str, timeout: float) -> None:
        """Encrypt the connection from here on. Raises OSError and TimeoutError."""
        loop = asyncio.get_running_loop()
        self._transport = await loop.start_tls(
            self._transport,
            self,
            context,
            server_hostname=host,
            ssl_handshake_timeout=timeout,
        )
        self._transport.set_write_buffer_limits(high=_BUFFER_LIMIT)

    def write(self, data: bytes) -> None:
        """Send `data` as soon as possible."""
        self._transport.write(data)

    async def written(self, timeout: float) -> None:
        """Wait until everything written was passed to the system. Raises LostError."""
        patience = Patience(timeout)
        while self._full:
            await self._wait(patience)
        if self._lost:
            raise self._lost

    async def line(self, patience: Patience) -> bytes:
        """Return the next line, without its end. Raises LostError."""
        while not self._lines:
            await self._wait(patience)
        return self._lines.popleft()

    def cut(self) -> None:
        """Close the connection at once."""
        self._lose("the connection was closed")
        self._transport.abort()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.set_write_buffer_limits(high=_BUFFER_LIMIT)

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._lines.extend(line.rstrip(b"\r") for line in lines)
        if len(self._rest) > _LONGEST_LINE or len(self._lines) > _MOST_LINES:
            self._lose("the server sends too much")
            self._transport.abort()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        why = getattr(exc, "strerror", None) or str(exc or "")
        self._lose(why or "the server closed the connection")

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._wake()

    async def _wait(self, patience: Patience) -> None:
        """Wait until something happens or a slice ends. Raises LostError when the time is over."""
        if self._lost:
            raise self._lost
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        self._wait_ends = loop.time() + patience.begin()
        self._set_timer(loop)
        try:
            happened = await self._waiter
        finally:
            self._waiter = None
        if patience.over(happened=happened):
            self._lose("the server does not answer")

    def _set_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let the timer end the wait in time.

        One that is set for an earlier wait is kept, and set again then: nearly all waits end early.
        """
        if self._timer is not None:
            if self._timer.when() <= self._wait_ends:
                return
            self._timer.cancel()
        self._timer = loop.call_at(self._wait_ends, self._timed_out)

    def _timed_out(self) -> None:
        self._timer = None
        if self._waiter is None:
            return
        loop = asyncio.get_running_loop()
        if loop.time() < self._wait_ends:
            self._set_timer(loop)
        else:
            self._wake(False)

    def _lose(self, why: str) -> None:
        if self._lost is None:
            self._lost = LostError(why)
        self._wake()

    def _wake(self, happened: bool = True) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(happened)
