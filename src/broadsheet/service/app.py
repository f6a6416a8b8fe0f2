"""The web service itself (ASGI): its addresses, what it does by itself, and what goes wrong.

GET and HEAD only show: programs that look into mail follow every link. POST does. Whoever holds a
mark from one of our mails may act for its subscriber, and nobody else; as no cookie and no address
is ever taken for that, there is nothing that another site could ride on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, Router

from broadsheet.errors import BroadsheetError, DatabaseError
from broadsheet.service import forms
from broadsheet.service.counter import Counter
from broadsheet.service.guard import Guard, log, mishap
from broadsheet.service.preferring import Preferring
from broadsheet.service.subscribing import Confirming, Subscribing
from broadsheet.service.unsubscribing import Unsubscribing

_DAY: Final = 86_400.0
_TEN_MINUTES: Final = 600.0
_FINISH: Final = 5.0  # seconds for what the service does by itself, when it ends

Handler = Callable[[Request], Awaitable[Response]]


def application(counter: Counter) -> Starlette:
    """The ASGI application; it answers below the path of its URL, and at the root too,
    since some proxies cut that path off."""
    return _Application(counter).made()


@dataclass(frozen=True, slots=True)
class _Application:
    counter: Counter
    # Health checks get few threads, so that the others stay free for those who unsubscribe.
    _few: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(2), init=False)

    def made(self) -> Starlette:
        subscribing = Subscribing(self.counter)
        routes = [
            self._route("/", {"GET": subscribing.show}),
            self._route("/subscribe", {"GET": subscribing.show, "POST": subscribing.act}),
            self._route("/health", {"GET": self._health}),
        ]
        for name, pages in (
            ("unsubscribe", Unsubscribing(self.counter)),
            ("preferences", Preferring(self.counter)),
            ("confirm", Confirming(self.counter)),
        ):
            # Some programs add a slash to every link.
            paths = (f"/{name}", f"/{name}/", f"/{name}/{{mark}}", f"/{name}/{{mark}}/")
            handlers = {"GET": pages.show, "POST": pages.act}
            routes += [self._route(path, handlers) for path in paths]
        here = Router(routes, redirect_slashes=False)
        prefix = self.counter.paper.prefix.rstrip("/")
        app = Starlette(
            routes=[*([Mount(prefix, here)] if prefix else []), Mount("/", here)],
            middleware=[Middleware(Guard)],
            exception_handlers={HTTPException: self._no_such},
            lifespan=self._open,
        )
        app.router.redirect_slashes = False
        return app

    def _route(self, path: str, handlers: Mapping[str, Handler]) -> Route:
        told = self.counter.told

        async def answered(request: Request) -> Response:
            try:
                return await handlers[request.method.replace("HEAD", "GET")](request)
            except forms.TooMuch:
                # What was not read is not waited for.
                return told("too_big", 413, {"Connection": "close"})
            except forms.Unreadable:
                return told("unreadable", 400)
            except forms.TooSlow:
                return told("slow", 408, {"Connection": "close"})
            except DatabaseError as error:
                log.error("%s", error)
                return told("down", 503, {"Retry-After": "120"})
            except HTTPException:
                raise
            except Exception as error:
                log.error("a request failed: %s", mishap(error))
                return told("down", 500)

        return Route(path, answered, methods=list(handlers))

    @asynccontextmanager
    async def _open(self, _: Starlette) -> AsyncIterator[None]:
        self.counter.post.start()
        end = asyncio.Event()
        chores = [
            asyncio.create_task(_every(_DAY, self._forget, end)),
            asyncio.create_task(_every(_TEN_MINUTES, self.counter.refresh, end)),
        ]
        try:
            yield
        finally:
            end.set()
            # Not cancelled at once: one may be at the database.
            late = (await asyncio.wait(chores, timeout=_FINISH))[1]
            for chore in late:
                chore.cancel()
            await self.counter.post.stop()

    def _forget(self) -> None:
        if gone := self.counter.desk.forget():
            log.info("forgot %d who did not confirm in time", gone)

    async def _health(self, request: Request) -> Response:  # noqa: ARG002 - a handler
        try:
            await to_thread.run_sync(self.counter.desk.check, limiter=self._few)
        except DatabaseError as error:
            log.error("%s", error)
            return PlainTextResponse("the database cannot be used\n", 503)
        return PlainTextResponse("ok\n")

    async def _no_such(self, request: Request, error: Exception) -> Response:  # noqa: ARG002
        """Starlette's own refusals: no such page, or not with this method."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers = dict(getattr(error, "headers", None) or {})
        return self.counter.told("method" if status == 405 else "missing", status, headers)


async def _every(seconds: float, chore: Callable[[], None], end: asyncio.Event) -> None:
    """Does `chore` now and then, until the `end`; what goes wrong with it is said."""
    while not end.is_set():
        try:
            await run_in_threadpool(chore)
        except Exception as error:
            log.error("%s", error if isinstance(error, BroadsheetError) else mishap(error))
        with suppress(TimeoutError):
            await asyncio.wait_for(end.wait(), seconds)
