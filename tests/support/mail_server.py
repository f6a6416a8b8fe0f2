"""A real mail server on loopback for the tests, in a process of its own.

It writes down each mail at the end of its data, before it answers, as a server does that keeps its
word. What it says, and when it goes wrong, is in a file of orders that may change while it runs.

Orders (JSON): `rcpt`, `data`, `mail`: address -> reply
("*" for all); `times`: how often a reply is given before the mail is taken; `close_after_data`,
`hang`, `die_after`: how many mails it takes before it closes, hangs or dies without an answer;
`delay`: seconds before it answers a mail, `delay_rcpt`: a recipient;
`most`: connections at once, others get a 421; `tls`, `smtps`: certificate and key files.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import time
from collections import Counter
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP


class Orders:
    """The current content of the file of orders."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._given: Counter[tuple[str, str]] = Counter()

    def read(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        return found

    def reply(self, stage: str, address: str) -> str | None:
        """Return the reply for `address` at `stage`; None: accept it."""
        orders = self.read()
        words: str | None = orders.get(stage, {}).get(address) or orders.get(stage, {}).get("*")
        times = orders.get("times")
        self._given[stage, address] += 1
        if words is None or (times is not None and self._given[stage, address] > times):
            return None
        return words


class BusyServer(SMTP):
    """An SMTP server with a limit on its connections."""

    orders: Orders
    connections = 0

    def connection_made(self, transport: Any) -> None:
        BusyServer.connections += 1
        if BusyServer.connections > self.orders.read().get("most", 1000):
            transport.write(b"421 4.7.0 too many connections\r\n")
            transport.close()
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        BusyServer.connections -= 1
        super().connection_lost(error)


class RecordingHandler:
    """Accept mail and record it."""

    def __init__(self, journal: Path, orders: Orders) -> None:
        self._journal, self._recipients = (
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            for path in (journal, journal.with_name("recipients"))
        )
        self._orders = orders
        self._taken = 0
        self._connections = 0

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if words := self._orders.reply("mail", address):
            return words
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        if words := self._orders.reply("rcpt", address):
            if words.startswith("421"):
                asyncio.get_running_loop().call_later(0.01, server.transport.close)
            return words
        os.write(self._recipients, f"{address}\n".encode())
        await asyncio.sleep(self._orders.read().get("delay_rcpt", 0))  # a slow server
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str | None:  # noqa: N802
        orders = self._orders.read()
        address = envelope.rcpt_tos[0]
        if words := self._orders.reply("data", address):
            return words
        self._taken += 1
        if self._taken == orders.get("lose_before"):
            server.transport.abort()
            return None
        self._write_down(session, envelope)
        if self._taken == orders.get("die_after"):
            os.kill(os.getpid(), 9)
        if self._taken == orders.get("close_after_data"):
            server.transport.abort()
        if self._taken == orders.get("hang"):
            await asyncio.Event().wait()
        await asyncio.sleep(orders.get("delay", 0))  # a slow server
        return f"250 OK {self._taken} taken"

    def _write_down(self, session: Any, envelope: Any) -> None:
        head = envelope.original_content.partition(b"\r\n\r\n")[0].decode()
        lines = [line.partition(": ") for line in head.split("\r\n")]
        ids = [value for name, _, value in lines if name == "Message-ID"]
        entry = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos[0],
            "id": ids[0],
            "peer": session.peer[1],
            "at": time.time(),
        }
        if self._orders.read().get("keep"):
            entry["mail"] = envelope.original_content.decode("ascii")
        os.write(self._journal, json.dumps(entry).encode() + b"\n")


async def serve(journal: Path, orders_path: Path, port: int, tell: int) -> None:
    """Serve until killed; write the port to the file descriptor `tell`."""
    orders = Orders(orders_path)
    handler = RecordingHandler(journal, orders)
    BusyServer.orders = orders
    options: dict[str, Any] = {"enable_SMTPUTF8": False, "hostname": "localhost"}
    context = None
    if files := orders.read().get("tls") or orders.read().get("smtps"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
    if context and "tls" in orders.read():
        options |= {"tls_context": context, "require_starttls": True}
        context = None
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: BusyServer(handler, loop=loop, **options), "127.0.0.1", port, ssl=context
    )
    os.write(tell, b"%d\n" % server.sockets[0].getsockname()[1])
    await server.serve_forever()
