"""Send through a mail server: the part of SMTP (RFC 5321) that a delivery needs.

Our own code, for two things that libraries do not do: commands are pipelined (RFC 2920), and the
caller learns whether a connection was lost before the end of the mail, so that it was not accepted,
or after it, so that this is in doubt.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Final, Literal

from msgspec import Struct

from broadsheet.bounces.stages import Stage
from broadsheet.bounces.verdict import is_for_us, is_gone
from broadsheet.delivery.transports import MayEnd, UnavailableError, Verdict, always
from broadsheet.delivery.transports._credentials import Traces, as_bytes, traces
from broadsheet.delivery.transports._oauth import TokenSource
from broadsheet.delivery.transports._wire import LostError, Patience, Wire
from broadsheet.errors import ConfigError, Problem
from broadsheet.model.settings import DeliverySettings

USER: Final = "BROADSHEET_SMTP_USER"
PASSWORD: Final = "BROADSHEET_SMTP_PASSWORD"  # noqa: S105 - the name of the variable
TOKEN: Final = "BROADSHEET_SMTP_TOKEN"  # noqa: S105 - the name of the variable

_LONGEST_REPLY: Final = 100  # lines
_LONGEST_WORDS: Final = 500  # characters of a reply that are kept
_REPLY_LINE: Final = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?$", re.DOTALL)
_ENHANCED: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?=\s|$)")
_STAGES: Final[tuple[Stage, ...]] = ("session", "recipient", "data")  # of MAIL, RCPT, DATA
_QUIT_TIMEOUT_S: Final = 5.0
_WITHHELD: Final = "(withheld: the server repeats the credentials)"
_AUTH_CODES: Final = {
    "4.7.0": "temporary authentication failure",
    "4.7.12": "a password transition is needed",
    "5.5.6": "the credentials are too long",
    "5.7.0": "authentication required",
    "5.7.3": "authentication unsuccessful",
    "5.7.8": "the credentials are invalid",
    "5.7.9": "the authentication mechanism is too weak, or an app password is needed",
    "5.7.11": "encryption required",
    "5.7.13": "the account is disabled",
    "5.7.14": "trust relationship required",
    "5.7.139": "password authentication is disabled",
}
"""Our texts for the codes of a reply to AUTH (RFC 4954, section 6; RFC 5248; Microsoft): the
server's own may repeat the credentials."""


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where and how to connect. timeout: seconds for each answer. user, password: "" for none.

    token: of OAuth, instead of the password.
    """

    host: str
    port: int
    tls: bool
    starttls: Literal["required", "if offered", "never"]
    timeout: float
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    token: TokenSource | None = field(default=None, repr=False)
    context: ssl.SSLContext | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The host."""
        return self.host

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine, so that no one can listen in."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"

    async def connect(self, timeout_s: float | None = None) -> SmtpSession:
        """Connect, encrypt and log in. Raises UnavailableError."""
        timeout = self.timeout if timeout_s is None else min(self.timeout, timeout_s)
        server = replace(self, timeout=timeout)
        context = (server.context or ssl.create_default_context()) if server.tls else None
        try:
            wire = await Wire.connect(server.host, server.port, context, server.timeout)
        except ssl.SSLError as error:
            raise UnavailableError(_tls_words(error), for_good=True) from None
        except (OSError, TimeoutError) as error:
            raise UnavailableError(_os_words(error)) from None
        session = SmtpSession(server, wire)
        try:
            await session.greet()
        except LostError as error:
            raise UnavailableError(str(error)) from None
        except BaseException:
            wire.cut()
            raise
        return session


def transport(settings: DeliverySettings, environment: Mapping[str, str]) -> SmtpServer:
    """Return the mail server of the settings. Raises ConfigError if it would not be encrypted."""
    made = SmtpServer(
        host=settings.smtp.host,
        port=settings.smtp.port,
        tls=settings.smtp.tls,
        starttls=settings.starttls,
        timeout=settings.timeout,
        user=environment.get(USER, ""),
        password=environment.get(PASSWORD, ""),
        token=TokenSource.read(environment, TOKEN),
    )
    if made.token and not made.user:
        raise ConfigError(Problem(f"{TOKEN} needs a user", f"set {USER} to the mail address"))
    if settings.starttls == "never" and not (made.tls or made.is_local):
        what = f'"never" is only for a server on this machine, and {made.host} is not'
        todo = 'write "required"'
        raise ConfigError(Problem(what, todo, key="delivery.starttls"))
    return made


class Reply(Struct, frozen=True):
    """A reply of the server. words: its lines, joined with line ends."""

    code: int
    words: str

    def __str__(self) -> str:
        return f"{self.code} {_one_line(self)}".strip()


class SmtpSession:
    """An open connection, ready for mail. sent: the number of mails accepted over it."""

    def __init__(self, server: SmtpServer, wire: Wire) -> None:
        self._server = server
        self._wire = wire
        self._extensions: dict[str, str] = {}
        self._said: tuple[str, ...] = ()
        self._traces: Traces | None = (
            traces(server.user, server.password) if server.user or server.password else None
        )
        self.sent = 0

    @property
    def usable(self) -> bool:
        """Whether another mail can be sent over it."""
        return not self._wire.lost

    async def send(self, sender: str, to: str, mail: bytes, may_end: MayEnd = always) -> Verdict:
        """Send `mail`, ASCII with CRLF, from the envelope address `sender` to `to`.

        may_end: asked just before the dot that completes the mail.
        """
        complete = False
        replies: list[Reply] = []
        self._said = (sender, to)
        try:
            if not self._wire.quiet:  # it closed the idle connection
                raise LostError("the server sent an unexpected reply")
            await self._introduce(sender, to, replies)
            if refusal := _refusal(replies):
                await self._forget(replies)
                return refusal
            await self._body(mail)
            if not await may_end():
                raise LostError("the claim on this mail has ended")
            complete = True
            self._wire.write(b".\r\n")
            reply = await self._reply(2.0)  # RFC 5321, section 4.5.3.2.6: twice the time
            if 300 <= reply.code < 400:
                raise LostError(f"the server sent an unexpected reply: {reply}")
        except LostError as error:
            self._wire.cut()
            if not complete and (refusal := _refusal(replies)):
                return refusal  # it was sent before the connection was lost
            kind: Literal["in_doubt", "lost"] = "in_doubt" if complete else "lost"
            return Verdict(kind, None, str(error), stale=not replies and self.sent > 0)
        except BaseException:  # cancelled: the connection can no longer be used
            self._wire.cut()
            raise
        if reply.code == 421:
            self._wire.cut()
        if 200 <= reply.code < 300:
            self.sent += 1
            return Verdict("accepted", reply.code, _one_line(reply))
        return _verdict(reply, "data")

    async def introduce(self, sender: str) -> Verdict | None:
        """Send MAIL FROM, then RSET; return the verdict if the server refuses for good."""
        try:
            reply = await self._ask(f"MAIL FROM:<{sender}>")
            await self._ask("RSET")
        except LostError:
            self._wire.cut()
            return None
        refusal = _refusal([reply])
        return refusal if refusal and refusal.kind == "sender_refused" else None

    async def leave(self) -> None:
        """Send QUIT, and close the connection after the reply or some seconds."""
        if self.usable:
            with suppress(LostError, TimeoutError):
                async with asyncio.timeout(_QUIT_TIMEOUT_S):
                    await self._ask("QUIT")
        self._wire.cut()

    async def _introduce(self, sender: str, to: str, replies: list[Reply]) -> None:
        """Send MAIL, RCPT and DATA, and add each reply to `replies`."""
        commands = (f"MAIL FROM:<{sender}>", f"RCPT TO:<{to}>", "DATA")
        pipelined = "PIPELINING" in self._extensions
        if pipelined:
            self._write("\r\n".join(commands))
        for command in commands:
            replies.append(await (self._reply() if pipelined else self._ask(command)))
            if replies[-1].code >= 400 and not pipelined:
                return
        if replies[-1].code != 354 and not _refusal(replies):
            raise LostError(f"the server sent an unexpected reply: {replies[-1]}")

    async def greet(self) -> None:
        """Read the greeting, encrypt and log in. Raises LostError and UnavailableError."""
        self._expect(await self._reply(), "greets with")
        await self._hello()
        if not self._server.tls and self._server.starttls != "never":
            await self._secure()
        if self._server.user:
            await self._log_in()

    async def _hello(self) -> None:
        # An address literal (RFC 5321, section 4.1.3), since our host name may not be in the DNS.
        address = self._wire.address
        literal = f"[IPv6:{address}]" if ":" in address else f"[{address}]"
        self._write(f"EHLO {literal}")
        code, lines = await self._lines()
        if code >= 500:
            self._write(f"HELO {literal}")
            code, lines = await self._lines()
        self._expect(self._safe(code, lines), "answers EHLO with")
        words = (line.upper().partition(" ") for line in lines[1:])
        self._extensions = {name: rest for name, _, rest in words}

    async def _secure(self) -> None:
        if "STARTTLS" not in self._extensions:
            if self._server.starttls == "if offered":
                return
            raise UnavailableError(
                'it offers no encryption (STARTTLS); set delivery.starttls = "never" if it is on '
                "this machine, or delivery.smtp to an smtps:// address",
                for_good=True,
            )
        reply = await self._ask("STARTTLS")
        if reply.code != 220:
            raise UnavailableError(f"it refuses to encrypt: {reply}")
        # RFC 3207, section 4.2: what came before the handshake may be from anyone.
        if not self._wire.quiet:
            raise UnavailableError(
                "it sent data before the connection was encrypted", for_good=True
            )
        server = self._server
        context = server.context or ssl.create_default_context()
        try:
            await self._wire.encrypt(context, server.host, server.timeout)
        except ssl.SSLError as error:
            raise UnavailableError(_tls_words(error), for_good=True) from None
        except (OSError, TimeoutError) as error:
            raise UnavailableError(_os_words(error)) from None
        await self._hello()

    async def _log_in(self) -> None:
        server = self._server
        if not self._wire.encrypted and not server.is_local:
            raise UnavailableError("the password would be sent unencrypted", for_good=True)
        mechanisms = self._extensions.get("AUTH", "").split()
        if server.token is not None:
            await self._log_in_by_token(server.token, mechanisms)
            return
        user, password = as_bytes(server.user), as_bytes(server.password)
        if "PLAIN" in mechanisms:
            steps = [b"AUTH PLAIN " + base64.b64encode(b"\0%b\0%b" % (user, password))]
        elif "LOGIN" in mechanisms:
            steps = [b"AUTH LOGIN", base64.b64encode(user), base64.b64encode(password)]
        else:
            raise UnavailableError("it supports neither AUTH PLAIN nor AUTH LOGIN", for_good=True)
        reply = await self._authenticate(steps)
        if reply.code != 235:
            raise UnavailableError(
                f"it refuses the login: {reply}; check {USER} and {PASSWORD}",
                for_good=reply.code >= 500,
            )

    async def _log_in_by_token(self, source: TokenSource, mechanisms: Sequence[str]) -> None:
        """https://developers.google.com/gmail/imap/xoauth2-protocol"""
        if "XOAUTH2" not in mechanisms:
            raise UnavailableError("it does not support AUTH XOAUTH2", for_good=True)
        token = await asyncio.to_thread(source.get)
        self._traces = traces(self._server.user, token)
        said = f"user={self._server.user}\x01auth=Bearer {token}\x01\x01".encode()
        # The server describes an error in a challenge, which has to be answered.
        reply = await self._authenticate([b"AUTH XOAUTH2 " + base64.b64encode(said), b""])
        if reply.code != 235:
            better = source.refuse()
            raise UnavailableError(
                f"it refuses the login: {reply}; check {USER} and {TOKEN}",
                for_good=reply.code >= 500 and not better,
            )

    async def _authenticate(self, steps: Sequence[bytes]) -> Reply:
        """Send `steps` one by one; return the last reply with our own text."""
        code, lines = 334, [""]
        for step in steps:
            if code == 334:
                self._wire.write(step + b"\r\n")
                code, lines = await self._lines()
        enhanced = _enhanced(lines[0])
        words = _AUTH_CODES.get(enhanced, "")
        return Reply(code, f"{enhanced} {words}" if words else "")

    async def _body(self, mail: bytes) -> None:
        """Send everything but the dot that completes the mail."""
        # From behind: in Base64, there are no dots.
        if mail.startswith(b".") or mail.find(b"\r\n.", 0, mail.rfind(b".") + 1) >= 0:
            mail = mail.replace(b"\r\n.", b"\r\n..")
            mail = b"." + mail if mail.startswith(b".") else mail
        self._wire.write(mail if mail.endswith(b"\r\n") else mail + b"\r\n")
        await self._wire.written(self._server.timeout)

    async def _forget(self, replies: list[Reply]) -> None:
        """Make the connection ready for the next mail after a refusal. Raises LostError."""
        if any(reply.code == 421 for reply in replies):
            self._wire.cut()
            return
        if len(replies) == 3 and replies[2].code == 354:
            # It accepts DATA without a recipient (RFC 2920, section 3.1).
            await self._ask(".")
        await self._ask("RSET")

    async def _ask(self, command: str) -> Reply:
        self._write(command)
        return await self._reply()

    def _write(self, command: str) -> None:
        self._wire.write(command.encode("ascii", "replace") + b"\r\n")

    async def _reply(self, times: float = 1.0) -> Reply:
        """Return the next reply, without credentials. times: the multiple of the timeout."""
        return self._safe(*await self._lines(times))

    async def _lines(self, times: float = 1.0) -> tuple[int, list[str]]:
        """Return the code and the lines of the next reply as sent; they must not be shown."""
        lines: list[str] = []
        wait = Patience(self._server.timeout * times)
        for _ in range(_LONGEST_REPLY):
            line = _REPLY_LINE.match(await self._wire.line(wait))
            if not line:
                raise LostError("the server does not speak SMTP")
            lines.append(_clean(line[3] or b""))
            if line[2] != b"-":
                return int(line[1]), lines
        raise LostError("the server's reply is too long")

    def _safe(self, code: int, lines: Sequence[str]) -> Reply:
        """Return the reply as it may be shown and stored."""
        if self._traces is None or not self._traces.found(lines, self._said):
            return Reply(code, "\n".join(lines))
        enhanced = _enhanced(lines[0])
        return Reply(code, f"{enhanced} {_WITHHELD}".strip())

    def _expect(self, reply: Reply, what: str) -> None:
        if reply.code >= 300:
            raise UnavailableError(f"it {what}: {reply}")


def _refusal(replies: list[Reply]) -> Verdict | None:
    """Return the refusal in the replies to MAIL, RCPT and DATA; None if there is none."""
    if replies and replies[0].code >= 500:
        return Verdict("sender_refused", replies[0].code, _one_line(replies[0]))
    answered = zip(replies, _STAGES, strict=False)
    return next((_verdict(reply, stage) for reply, stage in answered if reply.code >= 400), None)


def _verdict(reply: Reply, stage: Stage) -> Verdict:
    words = _one_line(reply)
    if reply.code < 500:
        return Verdict("deferred", reply.code, words)
    if stage == "recipient" and is_for_us(reply.code, words):
        return Verdict("sender_refused", reply.code, words)
    return Verdict("refused", reply.code, words, gone=is_gone(reply.code, words, stage))


def _one_line(reply: Reply) -> str:
    return reply.words.replace("\n", " ")[:_LONGEST_WORDS]


def _enhanced(line: str) -> str:
    """Return the enhanced status code at the start of a line (RFC 2034); "" without one."""
    found = _ENHANCED.match(line)
    return found[0] if found else ""


def _clean(words: bytes) -> str:
    text = words.decode("utf-8", "replace")
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def _tls_words(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {error.verify_message}"
    return f"the connection cannot be encrypted: {error.reason or error}"


def _os_words(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "the server does not answer"
    # asyncio replaces the text of a refused connection; resolver errors have negative numbers.
    if error.errno and error.errno > 0:
        return os.strerror(error.errno)
    return str(error.strerror or error)
