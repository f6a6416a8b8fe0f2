"""Letters on their way: written and sent after the page has been answered.

Whether an address is on the list must not show in how long an answer takes. So the page is the
same, and as quick, for everyone; what differs happens here, afterwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from starlette.concurrency import run_in_threadpool

from broadsheet.errors import BroadsheetError, DatabaseError
from broadsheet.service.guard import log, mishap
from broadsheet.service.letters import Letter

_MOST: Final = 1_000  # errands that wait; more are refused
_WORKERS: Final = 4
_FINISH: Final = 10.0  # seconds for what waits when the service ends
WAITS: Final = (5.0, 30.0, 120.0, 600.0, 1800.0)
"""Seconds before each further try, when the mail server says "later"."""


class LaterError(Exception):
    """The letter was not taken now, and may be taken later. Its words hold no address."""


class SendOne(Protocol):
    """Gives one letter to the mail server."""

    async def __call__(self, letter: Letter) -> None:
        """Raises LaterError for what may pass, BroadsheetError for what will not."""


@dataclass(frozen=True, slots=True)
class _Errand:
    """write: makes the letter, or finds that there is none to send. letter: once it is made."""

    write: Callable[[], Letter | None]
    letter: Letter | None = None
    tries: int = 0


class Post:
    """Errands in a queue, done by a few workers."""

    def __init__(
        self,
        send: SendOne,
        waits: Sequence[float] = WAITS,
        knows: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """knows: whether an address is still on the list, when a letter is tried again."""
        self._send, self._waits, self._knows = send, waits, knows
        self._queue: asyncio.Queue[_Errand] = asyncio.Queue(_MOST)
        self._workers: list[asyncio.Task[None]] = []
        self._later: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begins to work; inside the event loop."""
        self._workers = [asyncio.create_task(self._work()) for _ in range(_WORKERS)]

    async def stop(self) -> None:
        """Finishes what can be done at once; says what is left then."""
        try:
            async with asyncio.timeout(_FINISH):
                await self.idle()
        except TimeoutError:
            pass
        if left := self._queue.qsize() + len(self._later):
            log.warning("letters not sent before the end: %d; those readers may ask again", left)
        for task in (*self._workers, *self._later):
            task.cancel()
        await asyncio.gather(*self._workers, *self._later, return_exceptions=True)

    async def idle(self) -> None:
        """Waits until everything is done that can be done at once."""
        await self._queue.join()

    def take(self, write: Callable[[], Letter | None]) -> bool:
        """Takes an errand; False when too many wait."""
        return self._put(_Errand(write))

    def _put(self, errand: _Errand) -> bool:
        try:
            self._queue.put_nowait(errand)
        except asyncio.QueueFull:
            return False
        return True

    async def _work(self) -> None:
        while True:
            errand = await self._queue.get()
            try:
                await self._run(errand)
            except BroadsheetError as error:
                log.error("a letter was not sent: %s", error)
            except Exception as error:
                log.error("a letter was not sent: %s", mishap(error))
            finally:
                self._queue.task_done()

    async def _run(self, errand: _Errand) -> None:
        letter = errand.letter or await run_in_threadpool(errand.write)
        if letter is None:
            return
        try:
            if errand.tries and not await run_in_threadpool(self._knows, letter.recipient):
                return  # erased in the meantime
            await self._send(letter)
        except (LaterError, DatabaseError) as error:
            if errand.tries == len(self._waits):
                log.error("a letter was not sent after %d tries: %s", errand.tries + 1, error)
                return
            wait = self._waits[errand.tries]
            log.warning("a letter is tried again in %.0f s: %s", wait, error)
            # Not here: a server that is slow to take one letter must not hold up the others.
            task = asyncio.create_task(self._again(replace(errand, letter=letter), wait))
            self._later.add(task)
            task.add_done_callback(self._later.discard)

    async def _again(self, errand: _Errand, wait: float) -> None:
        await asyncio.sleep(wait)
        if not self._put(replace(errand, tries=errand.tries + 1)):
            log.error("a letter was not sent: too many wait")
