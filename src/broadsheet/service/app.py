"""The ASGI application: its routes, its periodic tasks, and its error pages.

GET and HEAD only show; POST acts. Only a token from our mail allows acting for its subscriber.
Neither cookies nor client addresses give any rights, so another site cannot make a browser act
(CSRF).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, get_args

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, Router

from broadsheet.delivery.returned_mail import BounceOutcome
from broadsheet.errors import BroadsheetError, DatabaseError
from broadsheet.service.context import AppContext
from broadsheet.service.handlers import (
    ConfirmHandler,
    PreferencesHandler,
    SubscribeHandler,
    UnsubscribeHandler,
)
from broadsheet.service.hooks import HookHandler
from broadsheet.service.middleware import ResponsePolicy, describe, log

_FORGET_EVERY_S: Final = 86_400.0
_REFRESH_EVERY_S: Final = 600.0
_FINISH_WITHIN_S: Final = 5.0  # for periodic tasks, when the service ends

Handler = Callable[[Request], Awaitable[Response]]


def application(context: AppContext) -> Starlette:
    """Return the ASGI application.

    It answers below the path of its URL, and at the root, since some proxies strip that path.
    """
    return _Application(context).starlette()


@dataclass(frozen=True, slots=True)
class _Application:
    context: AppContext
    # Health checks get few threads, so that others stay free to unsubscribe readers.
    _few: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(2), init=False)

    def starlette(self) -> Starlette:
        subscribe = SubscribeHandler(self.context)
        routes = [
            self._route("/", {"GET": subscribe.get}),
            self._route("/subscribe", {"GET": subscribe.get, "POST": subscribe.post}),
            self._route("/livez", {"GET": self._live}),
            *(self._route(path, {"GET": self._ready}) for path in ("/readyz", "/health")),
        ]
        for name, handler in (
            ("unsubscribe", UnsubscribeHandler(self.context)),
            ("preferences", PreferencesHandler(self.context)),
            ("confirm", ConfirmHandler(self.context)),
        ):
            # Some programs add a slash to every link.
            paths = (f"/{name}", f"/{name}/", f"/{name}/{{token}}", f"/{name}/{{token}}/")
            methods = {"GET": handler.get, "POST": handler.post}
            routes += [self._route(path, methods) for path in paths]
        results = self.context.metrics.counter(
            "broadsheet_webhook_reports_total", "Reports of providers.", "provider", "outcome"
        )
        for name, webhook in self.context.webhooks.items():
            for outcome in get_args(BounceOutcome):
                results.add(0, name, outcome)  # so that the first report is an increase
            hook = HookHandler(self.context, name, webhook, results)
            routes.append(self._route(f"/hooks/{name}", {"POST": hook.post}))
        here = Router(routes, redirect_slashes=False)
        prefix = self.context.pages.prefix.rstrip("/")
        app = Starlette(
            routes=[*([Mount(prefix, here)] if prefix else []), Mount("/", here)],
            middleware=[Middleware(ResponsePolicy, metrics=self.context.metrics)],
            exception_handlers={HTTPException: self._refused},
            lifespan=self._lifespan,
        )
        app.router.redirect_slashes = False
        return app

    def _route(self, path: str, handlers: Mapping[str, Handler]) -> Route:
        message = self.context.message

        async def answered(request: Request) -> Response:
            try:
                return await handlers[request.method.replace("HEAD", "GET")](request)
            except DatabaseError as error:
                log.error("%s", error)
                return message(503, {"Retry-After": "120"})
            except HTTPException:
                raise
            except Exception as error:
                log.error("a request failed: %s", describe(error))
                return message(500)

        return Route(path, answered, methods=list(handlers))

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        end = asyncio.Event()
        tasks = [
            asyncio.create_task(_every(_FORGET_EVERY_S, self._forget, end)),
            asyncio.create_task(_every(_REFRESH_EVERY_S, self.context.refresh, end)),
        ]
        try:
            yield
        finally:
            end.set()
            # Not cancelled at once: one may be in a transaction.
            late = (await asyncio.wait(tasks, timeout=_FINISH_WITHIN_S))[1]
            for task in late:
                task.cancel()
            await self.context.outbox.stop()

    def _forget(self) -> None:
        if gone := self.context.store.forget():
            log.info("deleted subscribers who did not confirm in time: %d", gone)
        if rows := self.context.store.forget_deliveries(self.context.retention_days):
            log.info("deleted old rows of the ledger: %d", rows)

    async def _live(self, request: Request) -> Response:  # noqa: ARG002 - a handler
        """Say that the process answers; a restart would not help if the database is missing."""
        return PlainTextResponse("ok\n")

    async def _ready(self, request: Request) -> Response:  # noqa: ARG002 - a handler
        """Say whether the database can be used."""
        try:
            await to_thread.run_sync(self.context.store.check, limiter=self._few)
        except DatabaseError as error:
            log.error("%s", error)
            return PlainTextResponse("the database cannot be used\n", 503)
        return PlainTextResponse("ok\n")

    async def _refused(self, request: Request, error: Exception) -> Response:  # noqa: ARG002
        """Return the page for an error of Starlette, or for a body that `forms` refuses."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        return self.context.message(status, getattr(error, "headers", None))


async def _every(seconds: float, task: Callable[[], None], end: asyncio.Event) -> None:
    """Run `task` periodically until `end` is set, and log its errors."""
    while not end.is_set():
        try:
            await run_in_threadpool(task)
        except Exception as error:
            log.error("%s", error if isinstance(error, BroadsheetError) else describe(error))
        with suppress(TimeoutError):
            await asyncio.wait_for(end.wait(), seconds)
