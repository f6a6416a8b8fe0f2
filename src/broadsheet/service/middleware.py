"""The headers of every response, and the log.

No cookies, no script, no caching, no referrer: the URL of a page contains a token, which must not
be passed on by a Referer, nor be in the log.
"""

from __future__ import annotations

import logging
import os
import re
from time import perf_counter
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from broadsheet.delivery.metrics import Metrics
from broadsheet.pages.policy import of_script

log = logging.getLogger("broadsheet.service")
requests = logging.getLogger("broadsheet.requests")

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "X-Robots-Tag": "noindex, nofollow",
}
_PAGES: Final = frozenset(
    ["unsubscribe", "preferences", "subscribe", "confirm", "hooks", "health", "livez", "readyz"]
)
_SHORTEST_TOKEN: Final = 24  # characters; the names of our pages are shorter
_LONGEST_TARGET: Final = 8_192  # characters of path and query; a token has about a hundred
_MOST_HEADERS: Final = 200
_POLICY: Final = (
    "default-src 'none'; {styles}base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


class ResponsePolicy:
    """ASGI middleware: adds headers to each response, counts it, and adds a line to the log."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._count = metrics.counter(
            "broadsheet_requests_total", "Requests, by page and status.", "page", "status"
        )
        self._seconds = metrics.counter(
            "broadsheet_request_seconds_total", "Seconds that requests took, by page.", "page"
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = perf_counter(), 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("Content-Security-Policy", _POLICY.format(styles=""))
            await send(message)

        try:
            app = _refusal(scope) or self._app
            await app(scope, receive, send_with_headers)
        finally:
            took = perf_counter() - start
            page = _page(scope["path"])
            self._count.add(1, page, str(status))
            self._seconds.add(took, page)
            path, ms = _path(scope), round(took * 1000)
            fields = {"method": scope["method"], "path": path, "status": status, "ms": ms}
            line = "%(method)s %(path)s %(status)d %(ms)d ms"
            requests.info(line, fields, extra={"fields": fields})


def _refusal(scope: Scope) -> ASGIApp | None:
    """Return the response to a request that is too large, or None."""
    if len(scope["path"]) + len(scope["query_string"]) > _LONGEST_TARGET:
        return PlainTextResponse("the URL is too long\n", 414)
    if len(scope["headers"]) > _MOST_HEADERS:
        return PlainTextResponse("too many header fields\n", 431)
    return None


def policy(page: bytes) -> str:
    """Return the Content-Security-Policy that allows the style of `page`, and nothing else."""
    style = re.search(rb"<style>(.*?)</style>", page, re.DOTALL)
    return _POLICY.format(styles=f"style-src {of_script(style[1].decode())}; " if style else "")


def describe(error: BaseException) -> str:
    """Return the type of `error` and where it was raised; its text may contain a token."""
    if os.environ.get("BROADSHEET_DEBUG"):
        log.error("the following may contain addresses", exc_info=error)
    trace, place = error.__traceback__, ""
    while trace:
        place = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__} at {place}"


def _page(path: str) -> str:
    """Return the name of a page of ours, or "other": anyone can ask for any path."""
    return next((part for part in path.split("/") if part in _PAGES), "other")


def _path(scope: Scope) -> str:
    """Return the path on one line, without possible tokens."""
    parts = (part if len(part) < _SHORTEST_TOKEN else "…" for part in scope["path"].split("/"))
    path = "/".join(parts)[:100]
    return "".join(char if char.isprintable() else "?" for char in path)
