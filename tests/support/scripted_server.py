"""A mail server that follows a script exactly."""

from __future__ import annotations

import asyncio
from contextlib import suppress

MAIL = b"Subject: x\r\n\r\n.dot\r\n..\r\nend\r\n"


class Script:
    """A server that follows a script: command -> reply; after the dot: `END`. None: it closes; a
    reply that ends with `!`: it closes after it; "": it hangs."""

    def __init__(self, **replies: str | None) -> None:
        self.replies: dict[str, str | None] = {
            "greeting": "220 hello", "EHLO": "250-me\r\n250 PIPELINING", "MAIL": "250 ok",
            "RCPT": "250 ok", "DATA": "354 go", "END": "250 2.0.0 queued as 1", "RSET": "250 ok",
            "QUIT": "221 bye", "HELO": "250 me", **replies,
        }  # fmt: skip
        self.closed = asyncio.Event()
        self.heard: list[str] = []
        self.mails: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if not self._say(writer, "greeting"):
                return
            while read := await reader.readline():
                line = read.decode().rstrip("\r\n")
                self.heard.append(line)
                verb = line.split()[0].upper() if line.split() else ""
                if not self._say(writer, verb if verb in self.replies else "other"):
                    return
                reply = self.replies.get(verb) or ""
                if verb == "DATA" and reply.startswith("354"):
                    self.mails.append(await self._mail(reader))
                    if not self._say(writer, "END"):
                        return
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            self.closed.set()

    async def _mail(self, reader: asyncio.StreamReader) -> bytes:
        lines = []
        while not lines or lines[-1] not in {b".\r\n", b""}:
            lines.append(await reader.readline())
        return b"".join(lines)

    def _say(self, writer: asyncio.StreamWriter, name: str) -> bool:
        reply = self.replies.get(name, "500 what")
        if reply is None:
            writer.transport.abort()
            return False
        if reply:  # else it hangs
            writer.write(reply.removesuffix("!").encode() + b"\r\n")
        return not reply.endswith("!")
