"""How delivery grows with workers: several on one PostgreSQL, a millisecond away, and a slow sink.

    python tests/bench/workers.py [--seconds 15] [--workers 1 2 4] [--rounds 3] [--answer 0.02]

The database is reached through a proxy that holds back what passes for half a millisecond in each
direction, and the mail server waits 20 ms before it answers a mail, as one behind a network does.
So a worker waits most of its time, and the processors are not full; on a busy machine, let it wait
longer. Prints the table of docs/performance.md: medians of the rounds; each round runs every number
of workers once.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tests/support"), str(ROOT / "tests/bench")]

import delivery  # noqa: E402 - beside this file

from postgresql import PostgreSQL, programs  # noqa: E402

DELAY_S = 0.0005  # in each direction
MESSAGES = 20_000  # enough batches for all workers


@dataclass(frozen=True, slots=True)
class Measured:
    """rate: mails a second. processor: ms of the workers' processor time for one."""

    rate: float
    processor: float


class _SlowSink(asyncio.Protocol):
    """A mail server that accepts everything, and answers each mail late."""

    taken = 0
    answer_s = 0.02

    def __init__(self) -> None:
        self._data, self._rest = False, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while True:
            end = b"\r\n.\r\n" if self._data else b"\r\n"
            text, found, rest = self._rest.partition(end)
            if not found:
                return
            self._rest = rest
            if self._data:
                self._data = False
                asyncio.get_running_loop().call_later(self.answer_s, self._accept)
            else:
                self._answer(text[:4].upper())

    def _answer(self, verb: bytes) -> None:
        self._data = verb == b"DATA"
        replies = {b"DATA": b"354 go on\r\n", b"EHLO": b"250-sink\r\n250 PIPELINING\r\n"}
        self._transport.write(replies.get(verb, b"250 ok\r\n"))

    def _accept(self) -> None:
        _SlowSink.taken += 1
        if not self._transport.is_closing():
            self._transport.write(b"250 ok\r\n")


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what `reader` gets, each part after the delay."""
    loop = asyncio.get_running_loop()
    while data := await reader.read(1 << 16):
        loop.call_later(DELAY_S, writer.write, data)
    loop.call_later(DELAY_S, writer.close)


@contextmanager
def _network(server: Path) -> Iterator[tuple[int, int]]:
    """Run the mail server and the proxy before the database; yield their ports."""
    ports: list[int] = []
    ready = threading.Event()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner = await asyncio.open_unix_connection(str(server))
        await asyncio.gather(_pass_on(reader, inner[1]), _pass_on(inner[0], writer))

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        sink = await loop.create_server(_SlowSink, "127.0.0.1", 0)
        proxy = await asyncio.start_server(connect, "127.0.0.1", 0)
        ports.extend(each.sockets[0].getsockname()[1] for each in (sink, proxy))
        ready.set()
        await asyncio.Event().wait()

    threading.Thread(target=lambda: asyncio.run(serve()), daemon=True).start()
    ready.wait()
    yield ports[0], ports[1]


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--answer", type=float, default=_SlowSink.answer_s, help="in seconds")
    asked = parser.parse_args()
    _SlowSink.answer_s = asked.answer
    found = programs()
    if found is None:
        print("workers were not measured: PostgreSQL is not installed")
        return
    measured: dict[int, list[Measured]] = {number: [] for number in asked.workers}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o777)
        server = PostgreSQL(Path(name), found)
        server.make()
        server.start()
        connections = asked.connections
        with _network(Path(name) / ".s.PGSQL.5432") as (smtp, proxy):
            for number in asked.workers * asked.rounds:
                print(f"{number} workers", file=sys.stderr)
                measured[number].append(
                    _measure(server, smtp, proxy, number, connections, asked.seconds)
                )
        server.stop()
    print("\n".join(_table(measured, asked.seconds)))


def _measure(
    server: PostgreSQL, smtp: int, proxy: int, workers: int, connections: int, seconds: float
) -> Measured:
    server.empty()
    url = f"postgresql+psycopg://broadsheet@127.0.0.1:{proxy}/postgres"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        delivery.write_project(folder, smtp, connections, "", url)
        delivery.subscribe(folder, MESSAGES, server.url)
        delivery.run(folder, "deliver", "--quiet", "--limit", "1")
        _SlowSink.taken = 0
        children = [
            subprocess.Popen(delivery.command(folder, "worker"), env=delivery.environment())
            for _ in range(workers)
        ]
        while _SlowSink.taken < workers * connections * 5:  # all have started
            time.sleep(0.01)
        taken, started = _SlowSink.taken, time.perf_counter()
        used = sum(_processor_s(child.pid) for child in children)
        time.sleep(seconds)
        sent, took = _SlowSink.taken - taken, time.perf_counter() - started
        used = sum(_processor_s(child.pid) for child in children) - used
        for child in children:
            child.send_signal(signal.SIGTERM)
        assert [child.wait() for child in children] == [0] * workers
    return Measured(sent / took, 1000 * used / sent)


def _processor_s(process: int) -> float:
    """Return the processor time that a process has used, in seconds (proc(5))."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _table(measured: dict[int, list[Measured]], seconds: float) -> Iterator[str]:
    rounds = len(next(iter(measured.values())))
    yield f"{seconds:.0f} s each, {rounds} rounds, {datetime.now(UTC):%Y-%m-%d}."
    yield ""
    yield "| workers | mails a second | to one worker | processor, a mail |"
    yield "| ---: | ---: | ---: | ---: |"
    one = _median(measured[min(measured)])
    for number, runs in measured.items():
        rate = _median(runs)
        processor = median(each.processor for each in runs)
        yield f"| {number} | {rate:,.0f} | {rate / one:.2f} | {processor:.2f} ms |"


def _median(runs: Sequence[Measured]) -> float:
    return median(each.rate for each in runs)


if __name__ == "__main__":
    main()
