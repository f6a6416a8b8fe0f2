"""A newsroom with an issue, subscribers and a mail server, to deliver from and to kill."""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import mail_server
from broadsheet.cli import main
from broadsheet.delivery import database, subscribers
from newsroom import MOMENT, NOW, Newsroom
from processes import ended_within, exit_code, fork, kill, send, until

SECRET = "a secret that nobody guesses"
STOP = 2.4  # seconds; with timeout = 1 the server has two for its last reply


@dataclass
class MailServer:
    """The mail server of mail_server.py, in a process of its own, so that it can be killed."""

    folder: Path
    port: int = 0
    process: int = 0

    def start(self) -> None:
        """Start the server, on its former port if it had one."""
        reading, writing = os.pipe()
        self.process = os.fork()
        if self.process:
            os.close(writing)
            with os.fdopen(reading) as told:
                self.port = int(told.readline())
            return
        try:
            os.close(reading)
            os.dup2(os.open(os.devnull, os.O_RDWR), 2)
            asyncio.run(mail_server.serve(self.journal, self.orders, self.port, writing))
        finally:
            os._exit(1)

    def stop(self) -> None:
        """Kill the server if it is still running."""
        if self.process:
            with suppress(ProcessLookupError):
                os.kill(self.process, signal.SIGKILL)
            os.waitpid(self.process, 0)
            self.process = 0

    @property
    def journal(self) -> Path:
        return self.folder / "journal"

    @property
    def orders(self) -> Path:
        return self.folder / "orders.json"

    def order(self, **orders: Any) -> None:
        """Set what it does from now on."""
        new = self.orders.with_suffix(".new")
        new.write_text(json.dumps(orders))
        new.replace(self.orders)

    def taken(self) -> list[dict[str, Any]]:
        """Return its journal: each mail as it was accepted."""
        if not self.journal.exists():
            return []
        lines = self.journal.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]  # the last may be half

    def asked_for(self) -> list[str]:
        """Return the recipients that it was asked for, in order."""
        journal = self.journal.with_name("recipients")
        return journal.read_text().splitlines() if journal.exists() else []

    def wait_for(self, mails: int, seconds: float = 20.0) -> None:
        """Wait until it has accepted so many mails."""
        journal = self.journal
        until(lambda: journal.exists() and journal.read_bytes().count(b"\n") >= mails, seconds)


@dataclass
class Post:
    """A newsroom that delivers. deliver: in this process; begin: in another process."""

    newsroom: Newsroom
    server: MailServer
    children: list[int] = field(default_factory=list)

    def configure(self, more: str = "", **delivery: Any) -> None:
        """Write the config; `delivery` goes into its table."""
        keys: dict[str, Any] = {
            "smtp": f"smtp://127.0.0.1:{self.server.port}",
            "starttls": "never",
            "service_url": "https://news.example.org/",
            "rate": 0,
            "retry_wait": 600,
            **delivery,
        }
        lines = (f"{key} = {json.dumps(value)}" for key, value in keys.items() if value is not None)
        table = "\n".join(lines)
        self.newsroom.configure(
            f'\n[digests.weekly]\ntitle = "周报"\n\n[delivery]\n{table}\n{more}'
        )

    def subscribe(self, number: int, **wants: Any) -> list[str]:
        """Add so many subscribers, and return their addresses."""
        addresses = [f"reader{i:06}@example.org" for i in range(number)]
        self.add(dict.fromkeys(addresses, wants))
        return addresses

    def add(self, readers: Mapping[str, dict[str, Any]]) -> None:
        """Add subscribers: address -> settings of each."""
        db = self.open()
        with db.writing() as connection:
            for address, wants in readers.items():
                subscribers.add(connection, address, cause="test", now=MOMENT, **wants)
        db.close()

    def open(self) -> database.Database:
        """Open the delivery database."""
        return open_sqlite("broadsheet.db", self.newsroom.folder)

    def deliver(self, *args: str, now: str = NOW) -> Any:
        """Run `deliver` in this process."""
        return self.newsroom.run("deliver", *args, now=now)

    def begin(self, *args: str, now: str = NOW, command: str = "deliver") -> int:
        """Start `deliver` in a fork of this process, and return its id."""
        child = os.fork()
        if child:
            self.children.append(child)
            return child
        out = os.open(self.newsroom.folder / "out", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        sys.stdout = sys.stderr = os.fdopen(out, "w")
        random.seed()
        sys.argv = ["broadsheet", "-C", str(self.newsroom.folder), "--now", now, command, *args]
        try:
            main()
        except SystemExit as end:
            sys.stdout.flush()
            os._exit(int(end.code or 0))
        finally:
            os._exit(99)

    def end(self, child: int, seconds: float = 30.0) -> int:
        """Wait for a run to end, and return its exit code; negative: the signal."""
        self.children.remove(child)
        return exit_code(child, seconds)

    def end_sending(self, child: int) -> int:
        """Wait for a run to end for as long as it sends, and return its exit code."""
        sent = -1
        while not ended_within(child, 20) and len(self.server.taken()) > sent:
            sent = len(self.server.taken())
        return self.end(child)

    def kill(self, child: int, by: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a run, which may have ended."""
        send(child, by)

    def pause(self, child: int) -> None:
        """Stop a run (SIGSTOP) outside of a transaction: within one it would block all others for
        as long as it is stopped, as any program does that has the database locked."""

        def stopped_outside() -> bool:
            os.kill(child, signal.SIGSTOP)
            if self.is_locked():
                os.kill(child, signal.SIGCONT)
                return False
            return True

        until(stopped_outside)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold a transaction that writes open, in another process."""
        reading, writing = os.pipe()

        def hold() -> None:
            other = sqlite3.connect(self.newsroom.folder / "broadsheet.db", isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            os.write(writing, b"locked")
            signal.pause()

        holder = fork(hold)
        try:
            os.read(reading, 6)
            yield
        finally:
            kill(holder)
            os.close(reading)
            os.close(writing)

    def is_locked(self) -> bool:
        """Whether a run is in the middle of a transaction that writes."""
        file = self.newsroom.folder / "broadsheet.db"
        connection = sqlite3.connect(file, timeout=0.1, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        finally:
            connection.close()
        return False

    def rows(self) -> list[dict[str, Any]]:
        """Return the ledger, as any program reads it."""
        with sqlite3.connect(self.newsroom.folder / "broadsheet.db") as connection:
            connection.row_factory = sqlite3.Row
            query = (
                "SELECT d.*, s.address FROM deliveries d "
                "JOIN subscribers s ON s.id = d.subscriber ORDER BY d.id"
            )
            found = [dict(row) for row in connection.execute(query)]
        connection.close()
        return found

    def states(self) -> Counter[str]:
        """Return the number of rows in each state."""
        return Counter(row["state"] for row in self.rows())

    def received(self) -> Counter[str]:
        """Return how often each address got the issue."""
        return Counter(mail["to"] for mail in self.server.taken())

    def ids(self) -> dict[str, set[str]]:
        """Return the Message-IDs that each address got."""
        found: dict[str, set[str]] = {}
        for mail in self.server.taken():
            found.setdefault(mail["to"], set()).add(mail["id"])
        return found


@contextmanager
def post(folder: Path) -> Iterator[Post]:
    """A newsroom with one issue of three articles, and a server that accepts all mail."""
    shutil.copytree(_newsroom(), folder, dirs_exist_ok=True)
    (folder / "server").mkdir()
    made = Post(Newsroom(folder), MailServer(folder / "server"))
    made.server.order()
    made.server.start()
    try:
        made.configure()
        yield made
    finally:
        for child in made.children:
            kill(child)
        made.server.stop()


@cache
def _newsroom() -> Path:
    """Return a folder with three articles and their issue; made once."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    Post(Newsroom.open(folder), MailServer(folder, port=25)).configure()
    newsroom = Newsroom(folder)
    for number, topic in enumerate(("开源", "芯片", "开源"), 1):
        newsroom.article(
            f"a{number}.md",
            f"正文 {number}。\n",
            title=f"第 {number} 篇",
            date=f"2025-06-2{number + 3}T08:00:00+08:00",
            main_topics=[topic],
            summary=f"摘要 {number}。",
        )
    ran = newsroom.run("digest")
    assert ran.code == 0, ran.err
    return folder


def open_sqlite(name: str, folder: Path, timeout_s: float = 30.0) -> database.Database:
    """Open a delivery database; a new one is a copy of one without readers, which is quicker."""
    if not (file := folder / name).exists():
        file.touch(0o600)
        file.write_bytes(_empty_database())
    return database.open_database(f"sqlite:///{name}", folder, timeout_s)


@cache
def _empty_database() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        database.open_database("sqlite:///empty.db", Path(folder)).close()
        return (Path(folder) / "empty.db").read_bytes()


def stop_repeatedly(
    office: Post, connections: int, stops: int, *, others: bool, days: int = 1, **config: Any
) -> None:
    """Stop a run at random instants past its timeouts, and check that each mail arrives once.

    others: a second run starts meanwhile, for which it is some days later. config: more keys of
    [delivery].
    """
    office.configure(connections=connections, timeout=1, **config)
    addresses = office.subscribe(connections * stops * 6 + 20)  # it sends two to four in a round
    office.server.order(delay=0.1)
    dice = random.Random(connections + stops)
    first = office.begin()
    office.server.wait_for(1)
    for _ in range(stops):
        ended_within(first, dice.random() * 0.2)
        office.kill(first, signal.SIGSTOP)
        since = time.monotonic()
        # It takes what the first has not claimed, or waits for the database.
        second = office.begin("--limit", "5", now=at(days=days)) if others else 0
        assert not ended_within(first, max(0.0, STOP - (time.monotonic() - since)))
        office.kill(first, signal.SIGCONT)
        if second:
            assert office.end(second, 60) == 0
    office.server.order()
    assert office.end_sending(first) == 0
    assert office.received() == dict.fromkeys(addresses, 1)
    assert set(office.states()) == {"sent"}


def at(days: float = 0, minutes: float = 0) -> str:
    """Return a time after NOW, for --now."""
    moment = datetime.fromtimestamp(MOMENT.timestamp() + days * 86400 + minutes * 60, UTC)
    return moment.isoformat()
