"""One issue to a million subscribers: `deliver` and `worker` on one PostgreSQL, to its end.

    python tests/bench/million.py [--subscribers 1000000] [--workers 2] [--connections 8]

Fails if a reader got no mail, or two, or if a process took more than 120 MB. Prints the table of
docs/sending-to-a-million.md. Takes a quarter of an hour on two cores that have nothing else to do.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tests/support"), str(ROOT / "tests/bench")]

import delivery  # noqa: E402 - beside this file

from postgresql import PostgreSQL, programs, running_server  # noqa: E402

MOST_MB: Final = 120
_RECIPIENT: Final = re.compile(rb"RCPT TO:<reader(\d+)@example\.org>")
_SUBSCRIBERS: Final = """
INSERT INTO subscribers (address, address_key, status, since, cause)
SELECT 'reader' || n || '@example.org', 'reader' || n || '@example.org', 'active', '{now}', 'bench'
FROM generate_series(1, {number}) AS n
"""
_SIZE: Final = """
SELECT pg_total_relation_size('deliveries') / 1000000,
       pg_total_relation_size('subscribers') / 1000000
"""


@dataclass(frozen=True, slots=True)
class Process:
    """What a process used: seconds by the clock, seconds of processor time, and MB at peak."""

    name: str
    took: float
    processor: float
    memory: float


class CountingSink(asyncio.Protocol):
    """A mail server that accepts everything, and counts the mails of each reader."""

    def __init__(self, got: bytearray) -> None:
        self._got = got
        self._reader = -1  # of the mail whose body is being read
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        if self._reader < 0:
            self._command(data)
            return
        self._tail = (self._tail + data)[-5:]
        if self._tail == b"\r\n.\r\n":
            self._got[self._reader] += 1
            self._reader, self._tail = -1, b""
            self._transport.write(b"250 ok\r\n")

    def _command(self, data: bytes) -> None:
        if data.startswith(b"EHLO"):
            self._transport.write(b"250-sink\r\n250 PIPELINING\r\n")
        elif found := _RECIPIENT.search(data):  # MAIL, RCPT and DATA come together
            self._reader = int(found[1])
            self._transport.write(b"250 ok\r\n250 ok\r\n354 go on\r\n")
        else:
            self._transport.write(b"221 bye\r\n")


def main() -> None:
    """Send, check and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--subscribers", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--connections", type=int, default=8)
    asked = parser.parse_args()
    found = programs()
    if found is None:
        sys.exit("PostgreSQL is not installed")
    with running_server(found) as server:
        _measure(server, asked)


def _measure(server: PostgreSQL, asked: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as name, _sink(asked.subscribers) as (port, counts):
        folder = Path(name)
        size = delivery.write_project(folder, port, asked.connections, "", server.url)
        now = datetime.now(UTC).isoformat(timespec="microseconds")[:26] + "Z"
        server.run(_SUBSCRIBERS.format(number=asked.subscribers, now=now))
        processes = _deliver(folder, asked.workers)
        ((ledger, people),) = server.run(_SIZE)
        counts.send("how many?")
        lost, twice = counts.recv()
    took = processes[0].took
    print(
        f"{asked.subscribers:,} mails of {size / 1000:.0f} kB in {took / 60:.1f} minutes, "
        f"{asked.subscribers / took:,.0f} a second; {lost} lost, {twice} twice; "
        f"{people} MB of subscribers, {ledger} MB of ledger; {datetime.now(UTC):%Y-%m-%d}.\n"
    )
    print("\n".join(_table(processes, asked.subscribers)))
    if lost or twice:
        sys.exit("readers got no mail, or two")
    if max(each.memory for each in processes) > MOST_MB:
        sys.exit(f"a process took more than {MOST_MB} MB")


def _deliver(folder: Path, workers: int) -> list[Process]:
    """Run `deliver` to its end, beside further workers that are stopped then."""
    started = time.perf_counter()
    deliver = _started(folder, "deliver", "--quiet")
    others = [_started(folder, "worker", "--quiet") for _ in range(workers - 1)]
    found = [_ended(deliver, "deliver", started)]
    for child in others:
        child.send_signal(signal.SIGTERM)
    return found + [_ended(child, "worker", started) for child in others]


def _started(folder: Path, *args: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(delivery.command(folder, *args), env=delivery.environment())


def _ended(child: subprocess.Popen[bytes], name: str, started: float) -> Process:
    _, status, used = os.wait4(child.pid, 0)
    took = time.perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{name} ended with {child.returncode}")
    return Process(name, took, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


@contextmanager
def _sink(readers: int) -> Iterator[tuple[int, Connection]]:
    """Run the mail server; yield its port, and where it says how many mails were lost and sent
    twice."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=(readers, theirs), daemon=True)
    process.start()
    try:
        yield ours.recv(), ours
    finally:
        process.kill()
        process.join()


def _serve(readers: int, pipe: Connection) -> None:
    got = bytearray(readers + 1)

    def answer() -> None:
        pipe.recv()
        mails = got[1:]
        pipe.send((mails.count(0), len(mails) - mails.count(0) - mails.count(1)))

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: CountingSink(got), "127.0.0.1", 0)
        loop.add_reader(pipe.fileno(), answer)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


def _table(processes: list[Process], mails: int) -> Iterator[str]:
    yield "| process | processor time | memory |"
    yield "| --- | ---: | ---: |"
    for each in processes:
        yield f"| `{each.name}` | {each.processor:,.0f} s | {each.memory:.0f} MB |"
    total = sum(each.processor for each in processes)
    yield f"| a mail | {1000 * total / mails:.2f} ms | |"


if __name__ == "__main__":
    main()
