"""A connection that nobody holds open for nothing: HTTP for `broadsheet serve`, over uvicorn's.

uvicorn waits for the rest of a request for as long as bytes come, or none do. There is room for so
many connections only, so whoever sends their requests letter by letter could keep out all others.
What a form takes is bounded in `forms`; here it is what comes before, and between requests.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol


class Door(H11Protocol):
    """Closes a connection on which no whole head of a request arrives in time."""

    patience: ClassVar[float] = 15.0
    """Seconds for the head of a request."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As uvicorn; the time begins."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """As uvicorn; nothing is waited for any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """As uvicorn; a request whose head is there has all the time that its answer takes."""
        super().handle_events()
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()

    def on_response_complete(self) -> None:
        """As uvicorn; the time for the next request begins."""
        self._wait()
        super().on_response_complete()

    def _wait(self) -> None:
        self._stop_waiting()
        self._waiting = self.loop.call_later(self.patience, self._close)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _close(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()
