"""The live preview: a small server on this machine that follows what the editor saves.

Starlette and uvicorn serve, watchfiles watches. Nothing is written; the pages are made anew in
memory whenever an article, an image, a template or the config changes.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from watchfiles import awatch

from broadsheet import pages
from broadsheet.pages.policy import of_script
from broadsheet.pipeline.location import Location
from broadsheet.pipeline.preview import Gallery, live_gallery
from broadsheet.pipeline.project import open_project
from broadsheet.pipeline.snapshot import STATE

_HOSTS = ["127.0.0.1", "localhost"]
_HTML = "text/html"
_TYPES = {".html": _HTML, ".txt": "text/plain", ".eml": "text/plain"}
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' https: http: data:; "
    "frame-src 'self'; script-src {script}; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    # For everything but pages: an SVG of the articles, opened by itself, runs nothing.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
}
_QUIET_SECONDS = 20.0


class _Server(uvicorn.Server):
    """A server that ends the streams of events when it ends, so that Ctrl-C works at once."""

    def __init__(self, settings: uvicorn.Config, live: LivePreview) -> None:
        super().__init__(settings)
        self._live = live

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._live.end()
        await super().shutdown(sockets)


class LivePreview:
    """The previews as they are now, and the browsers that wait for the next.

    place: of the project. report: is given each message. Raises the errors of `live_gallery`; later
    ones become a page.
    """

    def __init__(self, place: Location, report: Callable[[str], object]) -> None:
        self._place, self._report = place, report
        self._project = open_project(place)
        self._gallery = self._made()
        self._pages = self._gallery.files
        self._changed = asyncio.Condition()
        self._ended = False

    def serve(self, listener: socket.socket) -> None:
        """Serve on `listener` until interrupted."""
        settings = uvicorn.Config(self.application(), log_level="warning")
        _Server(settings, self).run(sockets=[listener])

    def application(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/", lambda _: RedirectResponse("/index.html")),
                Route("/events", self._events),
                Route("/{digest}/files/{path:path}", self._file),
                Route("/files/{path:path}", self._file),
                Route("/{path:path}", self._page),
            ],
            # A page of another site may not read the previews through a name of its own for us.
            middleware=[
                Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
            ],
            lifespan=self._watching,
        )

    async def end(self) -> None:
        """Ends the streams of events."""
        self._ended = True
        async with self._changed:
            self._changed.notify_all()

    async def _page(self, request: Request) -> Response:
        path = request.path_params["path"]
        if path not in self._pages:
            return Response("There is no such page.", 404, _HEADERS, "text/plain")
        kind = _TYPES.get(Path(path).suffix, "application/octet-stream")
        headers = _page_headers() if kind == _HTML else _HEADERS
        return Response(self._pages[path], 200, headers, kind)

    async def _file(self, request: Request) -> Response:
        """An image of the project: only what the articles can link to."""
        path = request.path_params["path"]
        index = self._gallery.link_index
        known = {asset.path for asset in (*index.beside.values(), *index.rooted.values())}
        if path not in known:
            return Response("There is no such file.", 404, _HEADERS, "text/plain")
        return FileResponse(self._project.root / path, headers=_HEADERS)

    async def _events(self, _: Request) -> Response:
        return StreamingResponse(self._changes(), 200, _HEADERS, "text/event-stream")

    async def _changes(self) -> AsyncIterator[str]:
        """A message for each change (HTML, 9.2 server-sent events), and now and then a comment."""
        while not self._ended:
            try:
                async with self._changed:
                    await asyncio.wait_for(self._changed.wait(), _QUIET_SECONDS)
                yield ": the end\n\n" if self._ended else "data: changed\n\n"
            except TimeoutError:
                yield ": still here\n\n"

    @asynccontextmanager
    async def _watching(self, _: Starlette) -> AsyncIterator[None]:
        watcher = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watcher.cancel()

    async def _watch(self) -> None:
        async for changes in awatch(self._project.root, step=200):
            ours = (self._project.root / STATE, self._project.feeds_folder)
            written = [folder.resolve() for folder in ours]
            if not all(any(map(Path(path).is_relative_to, written)) for _, path in changes):
                # Here, in the main thread, since nowhere else is there a limit to the time that
                # an article may take (`pipeline.rendering`). Browsers wait for that long.
                self._make()
                async with self._changed:
                    self._changed.notify_all()

    def _make(self) -> None:
        """Make the pages again; an error replaces them until it is corrected."""
        try:
            self._project = open_project(self._place)
            self._gallery = self._made()
            self._pages = self._gallery.files
        except Exception as error:  # whatever it is, the page must follow what is saved next
            self._report(str(error))
            script = pages.script("live")
            page = pages.render_page("trouble.html.j2", text=str(error), script=script)
            self._pages = dict.fromkeys(self._pages, page)

    def _made(self) -> Gallery:
        made = live_gallery(self._project)
        for problem in made.problems:
            self._report(f"{problem} (left out)")
        return made


def _page_headers() -> dict[str, str]:
    """Return the headers of a page, with the parts of a policy that only a header can set."""
    script = of_script(pages.script("live"))
    return {**_HEADERS, "Content-Security-Policy": _POLICY.format(script=script)}
