"""A real browser for tests: headless Chromium, controlled over a pipe (Chrome DevTools Protocol).

The pipe needs no socket, so it works where tests may open none, and nothing needs installing but
the browser. Pages are loaded from files; the network is switched off in them.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
MISSING = "" if PROGRAM else "no Chromium on this machine (Debian: apt-get install chromium)"
"""Why there is no browser; "" where there is one: `skipif(bool(browser.MISSING), ...)`."""


class Browser:
    """A running browser.

    keeps_tab: show every page in the same tab, which takes a third of the time. A page that may
    open windows or load other pages needs a tab of its own.
    """

    def __init__(self, commands: int, answers: int, *, keeps_tab: bool) -> None:
        self._commands = commands
        self._answers = answers
        self._keeps_tab = keeps_tab
        self._tab: tuple[str, str] | None = None  # ids of its target and of our session with it
        self._received = b""
        self._number = 0

    def screenshot(
        self, page: Path, width: int, *, dark: bool = False, images: bool = True
    ) -> bytes:
        """Return a PNG of the whole of `page` in a window `width` pixels wide."""
        with self._open(page, width, dark=dark, images=images) as session:
            height = self._evaluate(session, "document.documentElement.scrollHeight")
            self._resize(session, width, height)
            made = self._ask("Page.captureScreenshot", {"format": "png"}, session)
        return base64.b64decode(made["data"])

    def evaluate(self, page: Path, script: str, width: int = 600, *, dark: bool = False) -> Any:
        """Return the value of the JavaScript expression `script` in `page`, awaiting a promise."""
        with self._open(page, width, dark=dark) as session:
            return self._evaluate(session, script)

    def allow_clipboard(self) -> None:
        """Let pages copy, as a browser does after a real click."""
        self._ask("Browser.grantPermissions", {"permissions": ["clipboardReadWrite"]})

    @contextmanager
    def _open(self, page: Path, width: int, *, dark: bool, images: bool = True) -> Iterator[str]:
        target, name = self._tab = self._tab or self._new_tab()
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        blocked = ["http://*", "https://*", *([] if images else ["*.png", "*.jpg", "*.svg"])]
        self._resize(name, width, 800)
        self._ask("Emulation.setEmulatedMedia", {"features": [scheme]}, name)
        self._ask("Network.setBlockedURLs", {"urls": blocked}, name)
        self._ask("Page.navigate", {"url": page.resolve().as_uri()}, name)
        self._wait("Page.loadEventFired")
        try:
            yield name
        finally:
            if not self._keeps_tab:
                self._ask("Target.closeTarget", {"targetId": target})
                self._tab = None

    def _new_tab(self) -> tuple[str, str]:
        target = self._ask("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self._ask("Target.attachToTarget", {"targetId": target, "flatten": True})
        name = session["sessionId"]
        self._ask("Network.enable", {}, name)
        self._ask("Network.setCacheDisabled", {"cacheDisabled": True}, name)
        self._ask("Page.enable", {}, name)
        return target, name

    def _resize(self, session: str, width: int, height: int) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._ask("Emulation.setDeviceMetricsOverride", size, session)

    def _evaluate(self, session: str, script: str) -> Any:
        asked = {"expression": script, "returnByValue": True, "awaitPromise": True}
        answer = self._ask("Runtime.evaluate", asked, session)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def _ask(
        self, method: str, parameters: dict[str, Any] | None = None, session: str | None = None
    ) -> Any:
        self._number += 1
        command = {"id": self._number, "method": method, "params": parameters or {}}
        if session:
            command["sessionId"] = session
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def _wait(self, event: str) -> None:
        while self._next().get("method") != event:
            pass

    def _next(self) -> Any:
        while b"\0" not in self._received:
            more = os.read(self._answers, 1 << 20)
            if not more:
                raise RuntimeError("the browser has gone")
            self._received += more
        one, _, self._received = self._received.partition(b"\0")
        return json.loads(one)


@contextmanager
def browser(*, keeps_tab: bool = True) -> Iterator[Browser]:
    """Run a browser with a profile of its own."""
    to_browser, commands = os.pipe()
    answers, from_browser = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        # Move them out of the way first: one of the two might itself be descriptor 3 or 4.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (to_browser, from_browser)]
        program = os.posix_spawn(PROGRAM, _call(profile), os.environ, file_actions=_files(*ends))
        for end in (to_browser, from_browser, *ends):
            os.close(end)
        try:
            yield Browser(commands, answers, keeps_tab=keeps_tab)
        finally:
            os.close(commands)
            os.close(answers)
            os.kill(program, signal.SIGTERM)
            os.waitpid(program, 0)


def _files(read: int, write: int) -> list[tuple[Any, ...]]:
    """Set up the browser's descriptors: it reads commands from 3, and answers on 4."""
    return [
        *((os.POSIX_SPAWN_OPEN, each, os.devnull, os.O_RDWR, 0) for each in (0, 1, 2)),
        (os.POSIX_SPAWN_DUP2, read, 3),
        (os.POSIX_SPAWN_DUP2, write, 4),
        (os.POSIX_SPAWN_CLOSE, read),
        (os.POSIX_SPAWN_CLOSE, write),
    ]


def _call(profile: str) -> list[str]:
    return [
        PROGRAM,
        "--headless=new",
        "--remote-debugging-pipe",
        f"--user-data-dir={profile}",
        "--no-sandbox",  # needed for root in a container
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--allow-file-access-from-files",
        "--no-first-run",
        "about:blank",
    ]
