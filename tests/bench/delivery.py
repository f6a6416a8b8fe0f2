"""How fast `deliver` is, beside postfix's own load generator, in the same run and against the same
sink; and how much memory it takes, with few subscribers and with many.

    python tests/bench/delivery.py [--messages 20000] [--few 2000] [--connections 4] [--rounds 3]

It needs smtp-sink and smtp-source (Debian: postfix); without them it says so and ends well, so that
`make bench` goes on. The ledger is on, on this disk; every mail is a personal one. Prints the table
of docs/performance.md: medians of the rounds. The ratio is the rate of `deliver` divided by that of
`smtp-source` in the same round.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from broadsheet.delivery import database
from broadsheet.delivery.database import stamp
from broadsheet.text.counting import count

NOW = "2025-06-30T09:00:00+08:00"
CONFIG = """
[publication]
title = "AI 前沿"
url = "https://example.org/"
language = "zh-CN"
timezone = "Asia/Shanghai"
author = {{ name = "编辑部", email = "editors@example.org" }}

[digests.weekly]
title = "AI 前沿周报"

[delivery]
smtp = "smtp://127.0.0.1:{port}"
starttls = "never"
service_url = "https://news.example.org/"
connections = {connections}
rate = 0
database = "{url}"
{dkim}
"""
SIZE = 40_000
DATABASE = "sqlite:///broadsheet.db"


@dataclass(frozen=True, slots=True)
class Case:
    """A case to measure. dkim: the kind of key, "" for none. persistent: whether smtp-source sends
    several messages over a connection (-d), as `deliver` does."""

    name: str
    messages: int
    connections: int
    dkim: str = ""
    persistent: bool = False


@dataclass(frozen=True, slots=True)
class Measured:
    """theirs, ours: messages a second. processor: ms of processor time for one of ours. size: bytes
    of a mail. memory: MB at peak."""

    theirs: float
    ours: float
    processor: float
    size: int
    memory: float


def main() -> None:
    """Measure every case, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--few", type=int, default=2_000)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cases", type=int, default=None, help="only the first so many")
    asked = parser.parse_args()
    programs = [_program(name) for name in ("smtp-sink", "smtp-source")]
    if not all(programs):
        print(
            "delivery was not measured: smtp-sink and smtp-source are not here; they come with "
            "postfix (apt-get install postfix)"
        )
        return
    messages, few = asked.messages, asked.connections
    cases = (
        Case("a ledger", messages, few),
        Case("a ledger, few subscribers", asked.few, few),
        Case("a ledger, 16 connections, beside `smtp-source -d`", messages, 16, persistent=True),
        Case("a ledger and DKIM, RSA 2048", messages, few, "rsa"),
        Case("a ledger and DKIM, Ed25519", messages, few, "ed25519"),
    )[: asked.cases]
    found: dict[Case, list[Measured]] = {case: [] for case in cases}
    for number in range(asked.rounds):
        for case in cases:
            print(f"round {number + 1}: {case.name}", file=sys.stderr)
            found[case].append(_measure(case, *programs))
    print("\n".join(_table(found)))


def _measure(case: Case, sink: str, source: str) -> Measured:
    with tempfile.TemporaryDirectory() as name, _sink(sink) as port:
        folder = Path(name)
        size = write_project(folder, port, case.connections, case.dkim)
        subscribe(folder, case.messages)
        theirs = _source(source, port, size, case)
        ours, processor, memory = _deliver(folder)
    number = case.messages
    return Measured(number / theirs, number / ours, 1000 * processor / number, size, memory)


def _table(found: Mapping[Case, Sequence[Measured]]) -> Iterator[str]:
    """Return a Markdown table: one row per case, medians over its rounds."""
    rounds = len(next(iter(found.values())))
    size = median(each.size for measured in found.values() for each in measured)
    yield (f"{size / 1000:.0f} kB a mail, {count(rounds, 'round')}, {datetime.now(UTC):%Y-%m-%d}.")
    yield ""
    yield (
        "| with | subscribers | smtp-source, a second | `deliver`, a second | ratio "
        "| processor, a mail | memory |"
    )
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for case, measured in found.items():
        theirs, ours = (median(getattr(m, of) for m in measured) for of in ("theirs", "ours"))
        ratio = median(each.ours / each.theirs for each in measured)
        memory = median(each.memory for each in measured)
        processor = median(each.processor for each in measured)
        yield (
            f"| {case.name} | {case.messages:,} | {theirs:,.0f} | {ours:,.0f} | {ratio:.2f} "
            f"| {processor:.2f} ms | {memory:.0f} MB |"
        )


def _program(name: str) -> str:
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
    return shutil.which(name, path=path) or ""


@contextmanager
def _sink(program: str) -> Iterator[int]:
    """Run smtp-sink on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen([program, *user, f"127.0.0.1:{port}", "1000"])
    try:
        _wait(port)
        yield port
    finally:
        process.kill()
        process.wait()


def _wait(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return


def write_project(folder: Path, port: int, connections: int, dkim: str, url: str = DATABASE) -> int:
    """Write a project with an issue whose mail has about SIZE bytes; return its size."""
    signs = ""
    if dkim:
        kind = {"rsa": ["genrsa", "2048"], "ed25519": ["genpkey", "-algorithm", "ed25519"]}[dkim]
        key = subprocess.run(["openssl", *kind], check=True, capture_output=True).stdout
        (folder / "dkim.pem").write_bytes(key)
        signs = 'dkim_key = "dkim.pem"'
    config = CONFIG.format(port=port, connections=connections, dkim=signs, url=url)
    (folder / "broadsheet.toml").write_text(config)
    size = articles = 0
    while size < SIZE:
        articles += 1
        path = folder / "content" / f"a{articles}.md"
        path.parent.mkdir(exist_ok=True)
        head = (
            f"---\ntitle: 第 {articles} 篇：芯片在等什么\ndate: 2025-06-25T{articles % 24:02}:00:00"
            f"+08:00\nmain_topics: [主题{articles % 3}]\nsummary: {'摘要说得清楚。' * 12}\n---\n\n"
        )
        path.write_text(head + "正文。\n")
        if articles < 12:
            continue
        shutil.rmtree(folder / "feeds", ignore_errors=True)
        run(folder, "digest", "--quiet")
        size = (folder / "feeds/digests/weekly/2025-06-30/message.eml").stat().st_size
    return size


def subscribe(folder: Path, number: int, url: str = DATABASE) -> None:
    """Add so many subscribers."""
    made = database.open_database(url, folder)
    now = stamp(datetime.now(UTC))
    rows = [
        {
            "address": f"reader{i}@example.org", "address_key": f"reader{i}@example.org",
            "name": "", "language": "", "topics": "[]", "digests": "[]", "status": "active",
            "since": now, "cause": "bench", "bounces": 0,
        }
        for i in range(number)
    ]  # fmt: skip
    with made.writing() as connection:
        connection.execute(database.subscribers.insert(), rows)
    made.close()


def _source(program: str, port: int, size: int, case: Case) -> float:
    """Return the seconds that smtp-source takes."""
    way = ["-d"] if case.persistent else []
    load = ["-s", str(case.connections), "-l", str(size), "-m", str(case.messages)]
    envelope = ["-f", "news@example.org", "-t", "reader@example.org", f"127.0.0.1:{port}"]
    return _timed([program, *way, *load, *envelope])


def _deliver(folder: Path) -> tuple[float, float, float]:
    """Return the seconds that the whole command takes, by the clock and of processor time, and its
    peak memory in MB."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command(folder, "deliver", "--quiet"), env=environment(), stdout=subprocess.DEVNULL
    )
    # Of this process only: the sum over all earlier ones would hide a small one.
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    took = time.perf_counter() - started
    if process.returncode:
        sys.exit(f"deliver ended with {process.returncode}")
    return took, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def environment() -> dict[str, str]:
    """The environment of the commands. Their modules are compiled once, as pip does it."""
    kept = {name: each for name, each in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "BROADSHEET_SECRET": "a secret for the bench only"}


def _timed(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def command(folder: Path, *args: str) -> list[str]:
    """Return a command line of Broadsheet."""
    return [sys.executable, "-m", "broadsheet", "-C", str(folder), "--now", NOW, *args]


def run(folder: Path, *args: str) -> None:
    """Run a command of Broadsheet."""
    subprocess.run(command(folder, *args), check=True, env=environment())


if __name__ == "__main__":
    main()
