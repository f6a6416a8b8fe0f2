"""Metrics for Prometheus, and probes, of a process that keeps running.

They are served on a port of their own, which is not that of the web service: they are for the
machines that watch it, and say how many subscribers there are. Text format 0.0.4:
https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import socket
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from time import monotonic
from typing import Final, Literal

from sqlalchemy import Connection

from broadsheet import __version__
from broadsheet.delivery import subscribers
from broadsheet.delivery.issues import progress
from broadsheet.errors import DatabaseError, Problem, UsageError

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_FRESH_S: Final = 10.0  # how long counts of the ledger are reused
_RECENT: Final = timedelta(days=7)  # issues that are done are shown for so long
_REQUEST_TIMEOUT_S: Final = 10


@dataclass(slots=True)
class Metric:
    """A metric. labels: their names. Each combination of their values has its own number."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    kind: Literal["counter", "gauge"] = "counter"
    _values: defaultdict[tuple[str, ...], float] = field(default_factory=lambda: defaultdict(float))
    _lock: Lock = field(default_factory=Lock, repr=False)

    def add(self, number: float, *labels: str) -> None:
        """Add `number` to the value for these values of the labels."""
        with self._lock:
            self._values[labels] += number

    def set(self, number: float, *labels: str) -> None:
        """Set the value for these values of the labels."""
        with self._lock:
            self._values[labels] = number

    def lines(self) -> Iterator[str]:
        """Return the metric in text format."""
        yield f"# HELP {self.name} {self.help}"
        yield f"# TYPE {self.name} {self.kind}"
        with self._lock:
            values = sorted(self._values.items())
        for labels, number in values or ([] if self.labels else [((), 0.0)]):
            pairs = zip(self.labels, labels, strict=True)
            shown = ",".join(f'{name}="{_escaped(value)}"' for name, value in pairs)
            yield f"{self.name}{{{shown}}} {number:.15g}" if shown else f"{self.name} {number:.15g}"


@dataclass(slots=True)
class Metrics:
    """The metrics of a process. collectors: functions that return more, when they are read."""

    metrics: list[Metric] = field(default_factory=list)
    collectors: list[Callable[[], Iterable[Metric]]] = field(default_factory=list)

    def counter(self, name: str, help_: str, *labels: str) -> Metric:
        """Return a new counter."""
        self.metrics.append(Metric(name, help_, labels))
        return self.metrics[-1]

    def text(self) -> str:
        """Return everything in text format. Raises DatabaseError."""
        build = Metric("broadsheet_build_info", "The version.", ("version",), "gauge")
        build.set(1, __version__)
        found = [build, *self.metrics]
        for collect in self.collectors:
            found += collect()
        return "".join(f"{line}\n" for metric in found for line in metric.lines())


def ledger_metrics(
    reading: Callable[[], Iterable[Metric]],
) -> Callable[[], Iterable[Metric]]:
    """Return `reading` with its result kept for some seconds: it counts rows."""
    lock, kept, at = Lock(), list[Metric](), -_FRESH_S

    def collect() -> Iterable[Metric]:
        nonlocal kept, at
        with lock:
            if monotonic() - at >= _FRESH_S:
                kept, at = list(reading()), monotonic()
            return kept

    return collect


def ledger_counts(connection: Connection, now: datetime) -> list[Metric]:
    """Return the counts of subscribers, and of deliveries of issues that are recent or not done."""
    people = Metric("broadsheet_subscribers", "Subscribers by status.", ("status",), "gauge")
    rows = Metric(
        "broadsheet_deliveries",
        "Rows of the ledger by state, of issues that are not done or were in the last week.",
        ("digest", "issue", "state"),
        "gauge",
    )
    left = Metric("broadsheet_issues_unfinished", "Issues whose delivery is not done.", (), "gauge")
    for status, number in subscribers.counts(connection).items():
        people.set(number, status)
    found = progress(connection)
    left.set(sum(each.done is None for each in found))
    for each in found:
        if each.done is None or each.done > now - _RECENT:
            for state, number in each.counts.items():
                rows.set(number, each.digest, each.key, state)
    return [people, rows, left]


def listening_address(text: str) -> tuple[str, int]:
    """Return host and port of `PORT` or `HOST:PORT`; this machine only, unless a host is given.

    Raises UsageError.
    """
    host, _, port = text.rpartition(":")
    if not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise UsageError(Problem(f"--metrics: invalid address {text!r}", "write PORT or HOST:PORT"))
    return host.strip("[]") or "127.0.0.1", int(port)


@contextmanager
def serving_metrics(
    address: tuple[str, int], metrics: Metrics, check: Callable[[], object]
) -> Iterator[int]:
    """Serve /metrics, /livez and /readyz in a thread during the block; give the port.

    check: raises DatabaseError if the process is not ready. Raises UsageError if the address cannot
    be used.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = _REQUEST_TIMEOUT_S

        def do_GET(self) -> None:
            answers = {"/metrics": metrics.text, "/livez": lambda: "ok\n", "/readyz": ready}
            answer = answers.get(self.path.partition("?")[0])
            try:
                status, text = (200, answer()) if answer else (404, "there is no such page\n")
            except DatabaseError:
                status, text = 503, "the database cannot be used\n"
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    def ready() -> str:
        check()
        return "ok\n"

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        daemon_threads = True

    try:
        server = Server(address, Handler)
    except OSError as error:
        what = f"cannot listen on {address[0]}, port {address[1]}: {error.strerror or error}"
        raise UsageError(Problem(what, "choose another address")) from error
    Thread(target=server.serve_forever, args=(0.1,), name="metrics", daemon=True).start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
