"""The handler of /hooks/NAME: what mail providers report about bounces and complaints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from broadsheet.bounces.report import Report
from broadsheet.bounces.webhooks import (
    HookRequest,
    MalformedHookError,
    UnsignedHookError,
    Webhook,
)
from broadsheet.delivery.metrics import Metric
from broadsheet.service import forms
from broadsheet.service.context import AppContext
from broadsheet.service.middleware import log

_LARGEST: Final = 1_048_576  # bytes of a body; SendGrid sends up to 768 kB


@dataclass(frozen=True, slots=True)
class HookHandler:
    """/hooks/NAME. results: counts what was reported."""

    app: AppContext
    name: str
    webhook: Webhook
    results: Metric
    # Few threads, so that others stay free to unsubscribe readers.
    _threads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(2), init=False)

    async def post(self, request: Request) -> Response:
        """Process what the provider reports. It repeats a request that fails."""
        body = await forms.received_bytes(request, _LARGEST)
        hook = HookRequest(dict(request.headers), body, self.app.store.clock(), self.app.fetch)
        try:
            await to_thread.run_sync(self._process, hook, limiter=self._threads)
        except UnsignedHookError as error:
            if not self.app.limits.guessing.take(self.app.client(request)):
                return PlainTextResponse("too many unsigned requests\n", 429)
            log.warning("webhook %s: refused: %s", self.name, error)
            return PlainTextResponse("not signed\n", 401)
        except MalformedHookError as error:
            log.warning("webhook %s: it cannot be read: %s", self.name, error)
            return PlainTextResponse("it cannot be read\n", 400)
        except OSError as error:
            log.warning("webhook %s: the signature cannot be checked: %s", self.name, error)
            return PlainTextResponse("the signature cannot be checked\n", 503)
        return PlainTextResponse("ok\n")

    def _process(self, hook: HookRequest) -> None:
        reports: Sequence[Report] = self.webhook(hook)
        for result in self.app.store.apply_reports(f"webhook {self.name}", reports):
            who = result.subscriber
            self.results.add(1, self.name, result.outcome)
            if who is not None and result.outcome in {"ended", "counted"}:
                log.info("webhook %s: subscriber %d: %s", self.name, who.id, result.outcome)
