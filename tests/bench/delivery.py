"""How fast `deliver` is, beside postfix's own load generator, in the same run and against the same
sink.

    python tests/bench/delivery.py [--messages 20000] [--connections 4] [--dkim rsa|ed25519]

It needs smtp-sink and smtp-source (Debian: postfix). The ledger is on, on this disk; every mail is
a personal one. Prints JSON; `ratio` is the rate of `deliver` divided by that of `smtp-source`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from broadsheet.delivery import database
from broadsheet.delivery.database import stamp

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
{dkim}
"""
SIZE = 40_000


def main() -> None:
    """Measures, and prints what it found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--dkim", choices=["rsa", "ed25519"])
    parser.add_argument("--rounds", type=int, default=1)
    asked = parser.parse_args()
    sink, source = (_program(name) for name in ("smtp-sink", "smtp-source"))
    rounds = []
    for _ in range(asked.rounds):
        with tempfile.TemporaryDirectory() as name, _sink(sink) as port:
            folder = Path(name)
            size = _project(folder, port, asked.connections, asked.dkim)
            _subscribe(folder, asked.messages)
            theirs = _source(source, port, size, asked.messages, asked.connections)
            ours, memory = _deliver(folder)
        rounds.append((theirs, ours, memory))
    theirs = asked.messages / min(each[0] for each in rounds)
    ours = asked.messages / min(each[1] for each in rounds)
    found = {
        "messages": asked.messages,
        "bytes": size,
        "connections": asked.connections,
        "dkim": asked.dkim or "",
        "smtp_source_per_second": round(theirs),
        "deliver_per_second": round(ours),
        "ratio": round(ours / theirs, 2),
        "deliver_megabytes": round(max(each[2] for each in rounds) / 1024),
    }
    print(json.dumps(found, indent=1))


def _program(name: str) -> str:
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
    if found := shutil.which(name, path=path):
        return found
    sys.exit(f"{name} is not here; it comes with postfix (apt-get install postfix)")


@contextmanager
def _sink(program: str) -> Iterator[int]:
    """smtp-sink on a free port."""
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


def _project(folder: Path, port: int, connections: int, dkim: str | None) -> int:
    """A project with an issue whose mail has about SIZE bytes; its size."""
    signs = ""
    if dkim:
        kind = {"rsa": ["genrsa", "2048"], "ed25519": ["genpkey", "-algorithm", "ed25519"]}[dkim]
        key = subprocess.run(["openssl", *kind], check=True, capture_output=True).stdout
        (folder / "dkim.pem").write_bytes(key)
        signs = 'dkim_key = "dkim.pem"'
    config = CONFIG.format(port=port, connections=connections, dkim=signs)
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
        _run(folder, "digest", "--quiet")
        size = (folder / "feeds/digests/weekly/2025-06-30/message.eml").stat().st_size
    return size


def _subscribe(folder: Path, number: int) -> None:
    made = database.open_database("sqlite:///broadsheet.db", folder)
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


def _source(program: str, port: int, size: int, messages: int, connections: int) -> float:
    """Seconds that smtp-source takes, over connections that stay open like ours; the better of
    that and a connection for each message."""
    common = ["-s", str(connections), "-l", str(size), "-m", str(messages)]
    envelope = ["-f", "news@example.org", "-t", "reader@example.org", f"127.0.0.1:{port}"]
    return min(_timed([program, *way, *common, *envelope]) for way in (["-d"], []))


def _deliver(folder: Path) -> tuple[float, int]:
    """Seconds that the whole command takes, and the kilobytes of memory that it held at most."""
    if os.environ.get("KEEP"):
        shutil.copytree(folder, os.environ["KEEP"], dirs_exist_ok=True)
    took = _timed(_command(folder, "deliver", "--quiet"))
    return took, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


def _timed(command: list[str]) -> float:
    environment = {**os.environ, "BROADSHEET_SECRET": "a secret for the bench only"}
    started = time.perf_counter()
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def _command(folder: Path, *args: str) -> list[str]:
    return [sys.executable, "-m", "broadsheet", "-C", str(folder), "--now", NOW, *args]


def _run(folder: Path, *args: str) -> None:
    subprocess.run(_command(folder, *args), check=True)


if __name__ == "__main__":
    main()
